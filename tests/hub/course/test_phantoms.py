"""Phantoms are found where they are injected, and nothing is where they are not."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from hub.course.phantoms import Kind, Phantom, phantoms
from hub.course.run import Run
from hub.demo.courses import Courses, courses
from hub.demo.regimes import REGIMES
from hub.demo.turnover import DAY
from mappings.vacancy import State
from tests.hub.course.test_offer_course import daily

OFFERS, DAYS = 150, 100


@cache
def honest() -> Courses:
    return courses(11, REGIMES["mixed"], offers=OFFERS, days=DAYS)


def found(injected: Sequence[Run] = ()) -> list[Phantom]:
    made = honest()
    return phantoms([*made.runs, *injected], at=made.as_of)


def told(injected: Sequence[Run] = ()) -> list[tuple[Kind, str, str | None]]:
    return [(one.kind, one.source, one.offer) for one in found(injected)]


def moving(seed: int, *, days: int = DAYS) -> list[int]:
    """What an honest home might say."""
    rng, free, said = Random(seed), 1, []
    for _ in range(days):
        free = min(max(0, free + rng.choice((-1, 0, 0, 1))), 3)
        said.append(free)
    return said


def test_where_nothing_is_wrong_nothing_is_found() -> None:
    assert told() == []
    assert told(daily(moving(1), offer="new/1", source="new")) == []


@pytest.mark.parametrize("regime", ["calm", "weekends", "outages", "surge"])
def test_honest_habits_are_no_phantoms(regime: str) -> None:
    made = courses(12, REGIMES[regime], offers=120, days=90)
    assert phantoms(made.runs, at=made.as_of) == []


def test_nothing_is_said_where_nobody_can_be_compared() -> None:
    assert phantoms([], at=0) == []
    assert phantoms(daily([2] * 100), at=honest().as_of) == []


def test_a_number_that_never_moves_is_found() -> None:
    liar = daily([2] * DAYS, offer="liar/1", source="liar")
    (one,) = found(liar)
    assert (one.kind, one.offer, one.figures["places"]) == (Kind.UNMOVED, "liar/1", 2)
    assert one.figures["days"] == DAYS - 1
    assert one.chance < 0.001
    assert one.since == liar[0].since


def test_a_number_that_stopped_moving_is_found_by_its_own_past() -> None:
    numbers = [*moving(3, days=50), *([2] * 50)]
    assert told(daily(numbers, offer="liar/1", source="liar")) == [(Kind.UNMOVED, "liar", "liar/1")]
    assert told(daily([*moving(3, days=92), *([2] * 8)], offer="liar/1", source="liar")) == [], "a week is no time"


def test_full_for_ever_is_no_phantom() -> None:
    assert told(daily([0] * DAYS, offer="full/1", source="full")) == []


def test_what_nobody_says_any_more_misleads_nobody() -> None:
    assert told(daily([2] * (DAYS - 8), offer="liar/1", source="liar")) == []


def test_free_that_never_survives_is_found() -> None:
    numbers = [1 if day % 6 == 3 else 0 for day in range(DAYS)]
    (one,) = found(daily(numbers, offer="fast/1", source="fast"))
    assert (one.kind, one.offer) == (Kind.GONE, "fast/1")
    assert one.figures["gone"] == one.figures["reported"] == 16
    assert one.figures["hours"] == 24
    staying = [1 if day % 16 in range(9) else 0 for day in range(DAYS)]
    assert told(daily(staying, offer="fast/1", source="fast")) == [], "the same number of times, for nine days each"


def test_copied_weeks_are_found() -> None:
    week = [0, 1, 1, 3, 2, 0, 0]
    (one,) = found(daily((week * 15)[:DAYS], offer="copy/1", source="copy"))
    assert (one.kind, one.offer) == (Kind.COPIED_WEEK, "copy/1")
    shuffled = [number for seed in range(15) for number in Random(seed).sample(week, 7)]
    assert told(daily(shuffled[:DAYS], offer="copy/1", source="copy")) == [], "the same numbers, each week in its order"


def test_weeks_of_day_care_are_alike() -> None:
    week = [0, 1, 1, 3, 2, 0, 0]
    assert told(daily((week * 15)[:DAYS], offer="day/1", source="day", care_form="tagespflege")) == []


def test_a_source_that_stands_still_is_found_as_a_whole() -> None:
    def source(stopped: int) -> list[Run]:
        return [
            run
            for number in range(8)
            for run in daily(_held(moving(number), stopped), offer=f"frozen/{number}", source="frozen")
        ]

    (one,) = found(source(40))
    assert (one.kind, one.source, one.offer) == (Kind.COPIED_DAY, "frozen", None)
    assert len(one.offers) == 8
    assert 58 <= (one.figures["days"] or 0) <= 60
    assert told(source(DAYS)) == []


def test_findings_do_not_depend_on_order_or_time() -> None:
    made = courses(4, REGIMES["phantoms"], offers=120, days=90)
    plain = phantoms(made.runs, at=made.as_of)
    assert plain
    shift = 7 * 30 * DAY
    later = [
        replace(
            run,
            since=run.since + shift,
            until=run.until + shift,
            ended=None if run.ended is None else run.ended + shift,
        )
        for run in sorted(made.runs, key=lambda run: (run.offer, -run.since), reverse=True)
    ]
    moved = phantoms(later, at=made.as_of + shift)
    assert [(one.id, round(one.weight, 6)) for one in moved] == [(one.id, round(one.weight, 6)) for one in plain]


def test_of_injected_phantoms_many_are_found_and_hardly_any_accusation_is_false() -> None:
    right = wrong = there = 0
    for seed in range(900, 902):
        made = courses(seed, REGIMES["phantoms"], offers=220, days=120)
        listed = phantoms(made.runs, at=made.as_of)
        bad = {one.offer for one in listed if one.offer is not None} - set(made.phantoms)
        bad |= {one.source for one in listed if one.offer is None} - set(made.phantom_sources)
        wrong += len(bad)
        right += len(listed) - len(bad)
        there += len(made.phantoms)
    assert there > 20
    assert right > 0.25 * there
    assert wrong <= 0.05 * right


def _held(numbers: list[int], stopped: int) -> list[int]:
    return [numbers[min(day, stopped)] for day in range(len(numbers))]


def test_unknown_is_no_number() -> None:
    silent = [
        Run(
            source="s",
            offer="s/1",
            care_form="dauerpflege",
            state=State.UNKNOWN,
            accepting=None,
            since=honest().since,
            until=honest().as_of - DAY,
            ended=None,
            said=DAYS,
        )
    ]
    assert told(silent) == []
