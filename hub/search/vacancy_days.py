"""From which day on so many places are free together for so long: the free blocks of one offer, day by day.

A stay needs one block that covers it, or several of the same offer that do: who moves from one room to another stays.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from hub.search.vacancy_query import VacancyQuery

__all__ = ["Block", "Stay", "first_day", "first_days", "longest", "most"]

Block = tuple[int, int, int]
"""The first and the last day of a free block, days since 1970, and its places."""
_STARTS, _ENDS, _PLACES = 0, 1, 2


class Stay(NamedTuple):
    """What an offer is asked for: so many places, for so many days in a row, from a day on or (not `exact`) later."""

    start: int
    exact: bool
    days: int
    places: int

    @classmethod
    def of(cls, query: VacancyQuery) -> "Stay":
        """That of a query."""
        start = query.today if query.start is None else query.start
        return cls(start, query.start is not None, query.days, query.places)


def first_day(rows: Sequence[Block], stay: Stay) -> int | None:
    """The first day from which so many places are free for so long; else None."""
    return first_days(stay)(rows)


def first_days(stay: Stay) -> Callable[[Sequence[Block]], int | None]:
    """The same as a function of the blocks of an offer, for who asks it of many."""

    start, exact, days, places = stay
    last = start + days - 1

    def of_any(rows: Sequence[Block]) -> int | None:
        # Mostly one block is enough from the first day on, or there is nothing that day.
        there = [row for row in rows if row[_STARTS] <= start <= row[_ENDS]]
        if there and any(row[_ENDS] >= last and row[_PLACES] >= places for row in there):
            return start
        if exact and not there:
            return None
        spans = _spans(rows, stay)
        return next((first for first, end in spans if end - first >= days - 1), None)

    return of_any


def longest(rows: Sequence[Block], stay: Stay) -> int:
    """For how many days in a row, those asked for at most, so many places are free."""
    return max((min(end - first + 1, stay.days) for first, end in _spans(rows, stay)), default=0)


def most(rows: Sequence[Block], stay: Stay) -> int:
    """How many places, those asked for at most, are free together for so long."""
    # Where some are, fewer are, too.
    return bisect_left(
        range(1, stay.places + 1),
        True,
        key=lambda more: first_day(rows, stay._replace(places=more)) is None,
    )


def _spans(rows: Sequence[Block], stay: Stay) -> Iterator[tuple[int, int]]:
    """The first and the last day of each span with so many places every day, from the first day asked for on (`exact`:
    only of the one that begins there), however short.
    """
    start, exact, _, places = stay
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
