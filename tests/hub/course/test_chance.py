"""Chances: what is rarer by more is less probable, fits find what made the numbers, and many looks need more."""

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.course.chance import Paces, Repeats, discoveries

PACES = st.builds(Paces, st.floats(0.1, 5), st.floats(0.3, 20))


@given(PACES, st.integers(0, 40), st.floats(0.1, 50))
def test_so_many_or_more_is_a_probability_and_falls(paces: Paces, events: int, expected: float) -> None:
    chance = paces.chance_of_so_many(events, expected)
    assert 0 <= chance <= 1
    assert paces.chance_of_so_many(events + 1, expected) <= chance
    assert paces.chance_of_so_many(0, expected) > 0.99


@given(PACES, st.floats(0.1, 100))
def test_none_and_one_or_more_are_all(paces: Paces, expected: float) -> None:
    none = paces.chance_of_none(expected)
    assert math.isclose(none + paces.chance_of_so_many(1, expected), 1, abs_tol=1e-6)
    assert paces.chance_of_none(2 * expected) < none


@given(PACES, st.floats(1, 100), st.integers(1, 50))
def test_who_used_to_move_is_less_likely_to_stand_still(paces: Paces, expected: float, moves: int) -> None:
    known = 10.0
    still = paces.chance_of_none(expected, before=(0, known))
    assert paces.chance_of_none(expected, before=(moves, known)) < still
    assert still > paces.chance_of_none(expected)


@given(st.builds(Repeats, st.floats(0.01, 0.9), st.floats(0.5, 60)), st.integers(1, 60))
def test_more_repeated_changes_are_less_probable(repeats: Repeats, changes: int) -> None:
    chance = repeats.chance_of_all(changes)
    assert 0 < chance <= 1
    assert repeats.chance_of_all(changes + 1) < chance
    # Where every week is like the one before, one more tells less.
    assert repeats.chance_of_all(changes, before=(changes, changes)) > chance


def test_a_fit_finds_what_made_the_numbers() -> None:
    rng = Random(7)
    counted = []
    for _ in range(800):
        expected = rng.uniform(2, 30)
        counted.append((_poisson(rng, rng.gammavariate(4, 1 / 4) * expected), expected))
    found = Paces.of(counted)
    assert found is not None
    assert 0.9 < found.mean < 1.1
    assert 3 < found.shape < 5.5


def test_where_nothing_was_expected_nothing_is_fitted() -> None:
    assert Paces.of([]) is None
    assert Paces.of([(0, 0.0)]) is None
    assert Repeats.of([(0, 0)]) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.001, 0.2))
def test_of_many_looks_fewer_count(chances: list[float], rate: float) -> None:
    least = discoveries(chances, rate)
    assert least <= rate
    # Looks that show nothing never make more of the others.
    assert discoveries([*chances, *([1.0] * 20)], rate) <= least


def test_one_of_a_thousand_is_chance() -> None:
    assert discoveries([0.001], 0.02) == 0.001
    assert discoveries([0.001, *([0.5] * 999)], 0.02) < 0
    assert discoveries([1e-6, *([0.5] * 999)], 0.02) == 1e-6


def _poisson(rng: Random, mean: float) -> int:
    count, left = 0, math.exp(-mean)
    product = rng.random()
    while product > left:
        product *= rng.random()
        count += 1
    return count
