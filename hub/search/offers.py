"""Blocks by the offer that they are of, and from which day on, how long and for how many each offer can take somebody.

What most offers have is one block: those are reckoned together. The others are, day by day, one by one
(`vacancy_days`), where nothing that can be told of all at once decides.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hub.search import vacancy_days
from hub.search.vacancy_days import Block, Stay
from hub.store.block_rows import Rows

__all__ = ["NEVER", "Flags", "Numbers", "Offers"]

Numbers = NDArray[np.int64]
"""One of each offer."""
Flags = NDArray[np.bool_]
"""Whether it is true of each offer."""

NEVER = int(np.iinfo(np.int64).max)
"""The first day of who cannot be taken at all."""


class Offers:
    """The offers of some blocks, in their order; those of one offer stand side by side."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        rid = rows["rid"]
        begins = np.empty(len(rid), np.bool_)
        begins[:1] = True
        np.not_equal(rid[1:], rid[:-1], out=begins[1:])
        self.first = begins.nonzero()[0]
        """Where the blocks of each begin."""
        self.heads = rows if len(self.first) == len(rows) else rows.at(self.first)
        """The first block of each: what is the same in all of them can be read there."""

    def __len__(self) -> int:
        return len(self.first)

    def several(self, which: Flags | None = None) -> Iterator[tuple[int, slice]]:
        """The offers that have several blocks (`which`: of some), by their place among all, and where these are."""
        if len(self.first) == len(self.rows):
            return
        ends = np.append(self.first[1:], len(self.rows))
        has_several = ends - self.first > 1
        places = (has_several if which is None else has_several & which).nonzero()[0]
        yield from zip(places.tolist(), map(slice, self.first[places].tolist(), ends[places].tolist()), strict=True)

    def alike(self, values: Numbers) -> Flags:
        """Whether all blocks of each have the same of some values, one a block."""
        if len(self.first) == len(self.rows):
            return np.ones(len(self), np.bool_)
        found: Flags = np.maximum.reduceat(values, self.first) == np.minimum.reduceat(values, self.first)
        return found

    @cached_property
    def blocks(self) -> Sequence[Block]:
        """First day, last day and places of each block."""
        return list(zip(*(self.rows[name].tolist() for name in ("starts", "ends", "places")), strict=True))

    def take(self, stay: Stay) -> Flags:
        """Whether each can take somebody: as `first_days` says, which also looks for the day."""
        first, left = _of_blocks(self.rows, stay)
        places = self.rows["places"]
        alone = (left >= stay.days) & (places >= stay.places)
        if len(self.first) == len(self.rows):
            return alone
        found: Flags = np.logical_or.reduceat(alone, self.first)
        if stay.days == 1 and stay.places == 1:
            return found
        # All of them together, on the days that all have.
        of_all = np.add.reduceat(places, self.first)
        begin, end = np.maximum.reduceat(first, self.first), np.minimum.reduceat(self.rows["ends"], self.first)
        together = (of_all >= stay.places) & (end - begin >= stay.days - 1)
        found |= together & (begin <= stay.start) if stay.exact else together
        first_day = vacancy_days.first_days(stay)
        for offer, there in self.several(~found & self._may(stay, of_all)):
            found[offer] = first_day(self.blocks[there]) is not None
        return found

    def _may(self, stay: Stay, of_all: Numbers) -> Flags:
        """Whether each may have places on enough days, as far as its first and its last day tell, and how many places
        its blocks have together, `of_all`, or `exact`: on the day that is asked for.
        """
        starts, ends, places = (self.rows[name] for name in ("starts", "ends", "places"))
        last = np.maximum.reduceat(ends, self.first)
        if stay.exact:
            there = np.add.reduceat(np.where((starts <= stay.start) & (ends >= stay.start), places, 0), self.first)
            return (there >= stay.places) & (last - stay.start >= stay.days - 1)
        days = last - np.maximum(np.minimum.reduceat(starts, self.first), stay.start)
        return (of_all >= stay.places) & (days >= stay.days - 1)

    def first_days(self, stay: Stay) -> Numbers:
        """The first day on which each can take somebody, `NEVER` where it cannot."""
        first, left = _of_blocks(self.heads, stay)
        fits = (left >= stay.days) & (self.heads["places"] >= stay.places)
        first_day = vacancy_days.first_days(stay)

        def reckoned(blocks: Sequence[Block]) -> int:
            day = first_day(blocks)
            return NEVER if day is None else day

        return self._with_several(np.where(fits, first, NEVER), reckoned)

    def longest(self, stay: Stay) -> Numbers:
        """For how many days in a row each has so many places free, those that are asked for at most."""
        _, left = _of_blocks(self.heads, stay)
        enough = self.heads["places"] >= stay.places
        found = np.where(enough, np.minimum(np.maximum(left, 0), stay.days), 0)
        return self._with_several(found, lambda blocks: vacancy_days.longest(blocks, stay))

    def most(self, stay: Stay) -> Numbers:
        """How many places each has free together for so long, those that are asked for at most."""
        _, left = _of_blocks(self.heads, stay)
        found = np.where(left >= stay.days, np.minimum(self.heads["places"], stay.places), 0)
        return self._with_several(found, lambda blocks: vacancy_days.most(blocks, stay))

    def _with_several(self, found: Numbers, reckoned: Callable[[Sequence[Block]], int]) -> Numbers:
        for offer, there in self.several():
            found[offer] = reckoned(self.blocks[there])
        return found


def _of_blocks(rows: Rows, stay: Stay) -> tuple[Numbers, Numbers]:
    """The first day on which each block is free, and for how many days from then on; 0 and less where it is not."""
    first = np.maximum(rows["starts"], stay.start)
    left = rows["ends"] - first + 1
    return first, np.where(first == stay.start, left, 0) if stay.exact else left
