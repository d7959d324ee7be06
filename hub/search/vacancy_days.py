"""From which day on so many places are free together for so long: the free blocks of one offer, day by day.

A stay needs one block that covers it, or several of the same offer that do: who moves from one room to another stays.
"""

from collections.abc import Callable, Sequence

__all__ = ["Block", "first_day", "first_days", "longest", "most"]

Block = tuple[int, int, int]
"""The first and the last day of a free block, days since 1970, and its places."""
_STARTS, _ENDS, _PLACES = 0, 1, 2


def first_day(rows: Sequence[Block], *, start: int, exact: bool, days: int, places: int) -> int | None:
    """The first day, `start` or (unless `exact`) later, from which `places` are free for so many `days`; else None."""
    return first_days(start=start, exact=exact, days=days, places=places)(rows)


def first_days(*, start: int, exact: bool, days: int, places: int) -> Callable[[Sequence[Block]], int | None]:
    """The same as a function of the blocks of an offer, for who asks it of many."""

    last = start + days - 1

    def of_any(rows: Sequence[Block]) -> int | None:
        # Mostly one block is enough from the first day on, or there is nothing that day.
        there = [row for row in rows if row[_STARTS] <= start <= row[_ENDS]]
        if there and any(row[_ENDS] >= last and row[_PLACES] >= places for row in there):
            return start
        if exact:
            return start if there and _holds(rows, start, last, places) else None
        candidates = sorted({max(row[_STARTS], start) for row in rows if row[_ENDS] >= start})
        return next((day for day in candidates if _holds(rows, day, day + days - 1, places)), None)

    return of_any


def longest(rows: Sequence[Block], *, start: int, exact: bool, days: int, places: int) -> int:
    """For how many days in a row, `days` at most, so many places are free."""
    candidates = [start] if exact else sorted({max(row[_STARTS], start) for row in rows if row[_ENDS] >= start})
    found = 0
    for first in candidates:
        ends = sorted({row[_ENDS] for row in rows if row[_ENDS] >= first})
        for end in (*ends, first + days - 1):
            span = min(end - first + 1, days)
            if span > found and _holds(rows, first, first + span - 1, places):
                found = span
    return found


def most(rows: Sequence[Block], *, start: int, exact: bool, days: int, places: int) -> int:
    """How many places, `places` at most, are free together for so long."""
    return next(
        (
            fewer
            for fewer in range(places, 0, -1)
            if first_day(rows, start=start, exact=exact, days=days, places=fewer) is not None
        ),
        0,
    )


def _holds(rows: Sequence[Block], first: int, last: int, places: int) -> bool:
    # Places grow fewer only on the day after a block's last.
    turning = {first, *(row[_ENDS] + 1 for row in rows if first <= row[_ENDS] < last)}
    return all(sum(row[_PLACES] for row in rows if row[_STARTS] <= day <= row[_ENDS]) >= places for day in turning)
