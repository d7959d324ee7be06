"""From which day on so many places are free together for so long: the free blocks of one offer, day by day.

A stay needs one block that covers it, or several of the same offer that do: who moves from one room to another stays.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

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
        if exact and not there:
            return None
        spans = _spans(rows, start, exact, places)
        return next((first for first, end in spans if end - first >= days - 1), None)

    return of_any


def longest(rows: Sequence[Block], *, start: int, exact: bool, days: int, places: int) -> int:
    """For how many days in a row, `days` at most, so many places are free."""
    spans = _spans(rows, start, exact, places)
    return max((min(end - first + 1, days) for first, end in spans), default=0)


def most(rows: Sequence[Block], *, start: int, exact: bool, days: int, places: int) -> int:
    """How many places, `places` at most, are free together for so long."""
    # Where some are, fewer are, too.
    return bisect_left(
        range(1, places + 1),
        True,
        key=lambda more: first_day(rows, start=start, exact=exact, days=days, places=more) is None,
    )


def _spans(rows: Sequence[Block], start: int, exact: bool, places: int) -> Iterator[tuple[int, int]]:
    """The first and the last day of each span from `start` on (`exact`: only of that) with so many places every day."""
    more: defaultdict[int, int] = defaultdict(int)
    for starts, ends, there in rows:
        if ends >= max(starts, start):
            more[max(starts, start)] += there
            more[ends + 1] -= there
    free, first = 0, None
    for day in sorted(more):
        if exact and first is None and day > start:
            return
        free += more[day]
        if free >= places:
            first = day if first is None else first
        elif first is not None:
            yield first, day - 1
            first = None
