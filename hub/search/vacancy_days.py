"""From which day on so many places are free together for so long: the free blocks of one offer, day by day.

A stay needs one block that covers it, or several of the same offer that do: who moves from one room to another stays.
"""

from collections.abc import Sequence
from typing import Any

__all__ = ["first_day", "longest", "most"]

Row = tuple[Any, ...]
_STARTS, _ENDS, _PLACES = 3, 4, 5
"""Where a row has its first and last day, and its places."""


def first_day(rows: Sequence[Row], *, start: int, exact: bool, days: int, places: int) -> int | None:
    """The first day, `start` or (unless `exact`) later, from which `places` are free for so many `days`; else None."""
    if days == places == 1:
        # Each row has a place, so that each decides by itself; and mostly that is all that is asked.
        if exact:
            return start if any(row[_STARTS] <= start <= row[_ENDS] for row in rows) else None
        return min((max(row[_STARTS], start) for row in rows if row[_ENDS] >= start), default=None)
    if len(rows) == 1:
        _, _, _, starts, ends, free, *_ = rows[0]
        first = start if starts < start else starts
        return first if free >= places and first + days - 1 <= ends and (first == start or not exact) else None
    if exact:
        return start if _holds(rows, start, start + days - 1, places) else None
    candidates = sorted({max(row[_STARTS], start) for row in rows if row[_ENDS] >= start})
    return next((day for day in candidates if _holds(rows, day, day + days - 1, places)), None)


def longest(rows: Sequence[Row], *, start: int, exact: bool, days: int, places: int) -> int:
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


def most(rows: Sequence[Row], *, start: int, exact: bool, days: int, places: int) -> int:
    """How many places, `places` at most, are free together for so long."""
    return next(
        (
            fewer
            for fewer in range(places, 0, -1)
            if first_day(rows, start=start, exact=exact, days=days, places=fewer) is not None
        ),
        0,
    )


def _holds(rows: Sequence[Row], first: int, last: int, places: int) -> bool:
    # Places grow fewer only on the day after a block's last.
    turning = {first, *(row[_ENDS] + 1 for row in rows if first <= row[_ENDS] < last)}
    return all(sum(row[_PLACES] for row in rows if row[_STARTS] <= day <= row[_ENDS]) >= places for day in turning)
