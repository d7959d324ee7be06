"""How likely reported places are still free: properties of the estimate, and where it must say nothing."""

import math
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.course.looks import HOUR
from hub.course.run import Run
from hub.course.still_free import Asked, Model, Showing, fit
from mappings.source_map import Ladder
from mappings.vacancy import State
from tests.hub.course.looked_at import FORM, memoryless, merged

NEVER = 10**18
BY_THE_CLOCK = (12.0, 24.0, 24.0, 36.0, 48.0, 60.0, 100.0)
ASKED = (
    (1, 1, False),
    (1, 2, False),
    (1, 9, False),
    (2, 2, False),
    (2, 5, False),
    (1, 2, True),
    (2, 2, True),
)
"""Places, so many said to be free, and whether as the public hears of it."""
AGES = (0, 3, 6, 12, 24, 36, 48, 72, 100, 160, 400)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def estimates(model: Model, accepting: int, *, source: str = "a", places: int = 1, coarse: bool = False) -> list[float]:
    found = [model.estimate(source, FORM, accepting, hours(age), places=places, coarsened=coarse) for age in AGES]
    assert None not in found
    return [one for one in found if one is not None]


words = st.lists(st.tuples(st.floats(0.01, 200), st.integers(0, 4)), min_size=2, max_size=30)


@settings(max_examples=40)
@given(st.lists(words, min_size=1, max_size=6))
def test_probabilities_lie_between_0_and_1_and_never_rise_with_age(offers: list[list[tuple[float, int]]]) -> None:
    runs: list[Run] = []
    for number, told in enumerate(offers):
        at, said = 0.0, []
        for gap, free in told:
            at += gap
            said.append((at, free))
        runs += merged("a", f"a/{number}", said)
    model = fit(runs, now=NEVER)
    assert model == fit(runs, now=NEVER)
    if ("a", FORM) not in model.curves:
        return
    for places, accepting, coarse in ASKED:
        found = estimates(model, accepting, places=places, coarse=coarse)
        assert found[0] == 1
        assert all(0 <= one <= 1 for one in found)
        assert all(later <= sooner + 1e-12 for sooner, later in pairwise(found))
    for fewer, more in ((1, 2), (2, 3)):
        pairs = zip(estimates(model, fewer), estimates(model, more), strict=True)
        assert all(one <= other + 1e-12 for one, other in pairs)
    pairs = zip(estimates(model, 3, places=2), estimates(model, 3), strict=True)
    assert all(one <= other + 1e-12 for one, other in pairs)


def test_where_places_go_at_a_constant_rate_the_estimate_is_the_truth_and_is_shown() -> None:
    rng = Random(1)
    rates = {"a": 1 / 30, "b": 1 / 300, "c": 1 / 100}
    runs = [
        run
        for source, rate in rates.items()
        for run in memoryless(rng, source, rate, offers=40, words=150, gaps=BY_THE_CLOCK)
    ]
    model = fit(runs, now=NEVER)
    for source, rate in rates.items():
        for age in (6, 12, 24, 48, 72, 96):
            found = model.probability(source, FORM, 1, hours(age))
            assert found == pytest.approx(math.exp(-rate * age), abs=0.05), (source, age)
    for source in rates:
        score = model.scores[source, FORM, 1]
        assert score.verdict is Showing.SHOWN
        assert score.brier < score.baseline


def test_more_history_is_nearer_to_the_truth() -> None:
    def error(words: int) -> float:
        total = 0.0
        for seed in range(6):
            rng = Random(seed)
            runs = [
                *memoryless(rng, "a", 1 / 40, offers=7, words=words, gaps=BY_THE_CLOCK),
                *memoryless(rng, "b", 1 / 400, offers=20, words=200, gaps=BY_THE_CLOCK),
            ]
            model = fit(runs, now=NEVER)
            found = dict(zip(AGES, estimates(model, 1), strict=True))
            total += sum(abs(found[age] - math.exp(-age / 40)) for age in (6, 24, 48, 100))
        return total

    assert error(300) < error(30) < error(3)


@pytest.mark.parametrize("seed", range(6))
def test_where_nothing_can_be_known_nothing_is_shown(seed: int) -> None:
    rng = Random(seed)
    shuffled = [
        run
        for source in "abcde"
        for run in memoryless(rng, source, 0, offers=20, words=80, gaps=(24.0,), shuffled=True)
    ]
    model = fit(shuffled, now=NEVER)
    verdicts = {score.verdict for (_, _, places), score in model.scores.items() if places == 1}
    assert verdicts == {Showing.NO_BETTER}
    assert model.probability("a", FORM, 1, hours(5)) is None


def test_a_source_that_speaks_upon_changes_is_found_out() -> None:
    rng = Random(3)
    runs: list[Run] = list(memoryless(rng, "clock", 1 / 50, offers=30, words=100, gaps=BY_THE_CLOCK))
    for number in range(20):
        at, said = 0.0, []
        for place in range(60):
            said.append((at, place % 2))
            at += rng.expovariate(1 / 50)
        runs += merged("push", f"push/{number:02}", said)
    scores = fit(runs, now=NEVER).scores
    assert scores["push", FORM, 1].verdict is Showing.ON_CHANGE
    assert scores["clock", FORM, 1].verdict is not Showing.ON_CHANGE


def test_numbers_that_never_move_prove_nothing() -> None:
    runs = [
        run for number in range(20) for run in merged("a", f"a/{number:02}", [(24.0 * day, 2) for day in range(90)])
    ]
    runs += memoryless(Random(1), "b", 1 / 50, offers=20, words=80, gaps=BY_THE_CLOCK)
    model = fit(runs, now=NEVER)
    assert model.scores["a", FORM, 1].verdict is Showing.FEW
    assert model.probability("a", FORM, 2, hours(5)) is None


def test_a_small_source_is_drawn_towards_its_care_form() -> None:
    runs = [
        *memoryless(Random(1), "a", 1 / 20, offers=1, words=3, gaps=(24.0,)),
        *memoryless(Random(2), "b", 1 / 200, offers=40, words=100, gaps=BY_THE_CLOCK),
    ]
    model = fit(runs, now=NEVER)
    assert estimates(model, 1)[4] == pytest.approx(estimates(model, 1, source="b")[4], abs=0.1)
    assert model.scores["a", FORM, 1].verdict is Showing.FEW


def test_what_came_after_now_and_what_counts_no_more_is_not_looked_at() -> None:
    words = [(0.0, 1), (24.0, 1), (48.0, 0), (400.0, 1), (800.0, 0)]
    model = fit(merged("a", "a/1", words), now=NEVER)
    assert (model.scores["a", FORM, 1].looks, model.scores["a", FORM, 1].gone) == (2, 1)
    model = fit(merged("a", "a/1", words), now=30 * HOUR)
    assert model.scores["a", FORM, 1].looks == 1
    short = Ladder(fresh=hours(2), aging=hours(6), stale=hours(12))
    assert fit(merged("a", "a/1", words), now=NEVER, ladder_of=lambda _: short).scores == {}


def test_some_without_a_number_is_one_and_unknown_is_no_look() -> None:
    def run(state: State, accepting: int | None, since: int, ended: int | None) -> Run:
        return Run(
            source="a",
            offer="a/1",
            care_form=FORM,
            state=state,
            accepting=accepting,
            since=since * HOUR,
            until=since * HOUR,
            ended=None if ended is None else ended * HOUR,
            said=1,
        )

    runs = [
        run(State.SOME, None, 0, 24),
        run(State.NONE, 0, 24, 48),
        run(State.SOME, 2, 48, 72),
        run(State.UNKNOWN, None, 72, 96),
        run(State.SOME, 3, 96, 120),
        run(State.ASK, 1, 120, None),
    ]
    scores = fit(runs, now=NEVER).scores
    assert {key[2]: (score.looks, score.gone) for key, score in scores.items()} == {1: (2, 1), 2: (1, 1)}


def test_what_may_be_asked() -> None:
    assert Asked.of(1, None, coarsened=False) is Asked.ONE_OF_1
    assert Asked.of(2, 2, coarsened=True) is Asked.TWO_OF_2_OR_MORE
    assert Asked.of(2, 7, coarsened=False) is Asked.TWO_OF_MORE
    assert [Asked.of(places, 2, coarsened=False) for places in (0, 3)] == [None, None]
    assert Asked.of(1, 0, coarsened=False) is None
    assert Asked.of(2, 1, coarsened=True) is None


def test_a_source_that_enters_on_one_weekday_and_speaks_daily_is_found_out() -> None:
    rng = Random(5)
    runs: list[Run] = list(memoryless(rng, "clock", 1 / 50, offers=30, words=100, gaps=(24.0,)))
    for number in range(20):
        free, said = 1, []
        for day in range(140):
            if day % 7 == 3:
                free = rng.randint(0, 2)
            said.append((24.0 * day, free))
        runs += merged("weekly", f"weekly/{number:02}", said)
    scores = fit(runs, now=NEVER).scores
    assert scores["weekly", FORM, 1].verdict is Showing.WEEKLY
    assert scores["clock", FORM, 1].verdict is not Showing.WEEKLY
