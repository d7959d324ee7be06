"""What the runs of an offer come to."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hub.course.offer_course import DAY, offer_course
from hub.course.run import Run
from mappings.vacancy import State

HOUR = DAY // 24
MONDAY = 20_458 * DAY


def daily(numbers: list[int], *, offer: str = "x/1", care_form: str = "dauerpflege", source: str = "x") -> list[Run]:
    """What an export says that comes every day at seven."""
    runs: list[Run] = []
    for day, number in enumerate(numbers):
        at = MONDAY + day * DAY + 7 * HOUR
        if runs and runs[-1].accepting == number:
            last = runs.pop()
            runs.append(run(last.accepting, last.since, at, said=last.said + 1, like=(source, offer, care_form)))
            continue
        if runs:
            last = runs.pop()
            runs.append(replace(last, ended=at))
        runs.append(run(number, at, at, like=(source, offer, care_form)))
    return runs


def run(
    accepting: int | None,
    since: int,
    until: int,
    *,
    ended: int | None = None,
    said: int = 1,
    like: tuple[str, str, str] = ("x", "x/1", "dauerpflege"),
) -> Run:
    source, offer, care_form = like
    return Run(
        source=source,
        offer=offer,
        care_form=care_form,
        state=State.SOME if accepting else State.NONE,
        accepting=accepting,
        since=since,
        until=until,
        ended=ended,
        said=said,
    )


def test_looks_and_moves_are_counted_by_level() -> None:
    made = offer_course(daily([0, 0, 2, 2, 2, 1, 0]))
    assert made.looks == {("none", 2): [2, 1], ("2", 2): [3, 1], ("1", 2): [1, 1]}
    assert (made.ended, made.gone) == (2, 1), "two free places, three days long, then one; one, and none the next day"
    assert made.standing is None
    assert made.lasting == {"2": [1, 2.5], "1": [1, 0.5]}


def test_what_stands_is_what_is_free_now() -> None:
    made = offer_course(daily([0, 3, 3, 3]))
    assert made.standing is not None
    assert (made.standing.accepting, made.standing.said) == (3, 3)
    assert made.standing_look == ("3", 2)


def test_who_sends_changes_alone_does_not_repeat() -> None:
    runs = [run(1, 0, 0, ended=5 * HOUR), run(0, 5 * HOUR, 5 * HOUR, ended=6 * HOUR), run(1, 6 * HOUR, 6 * HOUR)]
    made = offer_course(runs)
    assert not made.repeats
    assert made.gone == 0, "five hours are not at once"
    assert offer_course([run(1, 0, 0, ended=HOUR), run(0, HOUR, HOUR)]).gone == 1


def test_a_week_that_is_copied_is_found_from_its_first_day() -> None:
    week = [0, 1, 1, 3, 2, 0, 0]
    made = offer_course(daily([5, 4, 3, 1, 0, 2, 4, *week * 4]))
    assert made.copied_from is not None
    assert made.copied_until - made.copied_from + 1 == 3 * 7
    assert len(made.copied_changes) == 12
    assert not offer_course(daily([5, 4, 3, 1, 0, 2, 4, *week, 1, 1])).copied_changes


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 40))
def test_what_is_counted_is_never_more_than_what_was_said(numbers: list[int], weeks: int) -> None:
    runs = daily(numbers)
    made = offer_course(runs)
    assert sum(number for number, _ in made.looks.values()) == len(numbers) - 1
    assert sum(moved for _, moved in made.looks.values()) == len(runs) - 1
    assert 0 <= made.gone <= made.ended <= len(runs)
    assert 0 <= made.repeated <= made.changes < len(numbers)
    shift = weeks * 7 * DAY
    later = [
        replace(
            one,
            since=one.since + shift,
            until=one.until + shift,
            ended=None if one.ended is None else one.ended + shift,
        )
        for one in runs
    ]
    moved = offer_course(later)
    assert (moved.looks, moved.lasting, moved.changes) == (made.looks, made.lasting, made.changes)
