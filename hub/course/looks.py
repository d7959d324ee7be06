"""What runs tell of places that were said to be free: at the next word of them, how many still were.

Each next word is a look at the offer. Between two words that say the same nothing is known to have happened; of the
words of a run the first, the last and their number are known, so they count as evenly spread.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from hub.course.run import Run
from mappings.source_map import Ladder
from mappings.vacancy import State

__all__ = ["FOLDS", "HOUR", "RUNGS", "Cell", "Cells", "Looks", "rung"]

HOUR = 3_600_000_000
FOLDS = 8
"""Parts of the looks, each of which is foretold by the others."""
RUNGS = ("fresh", "aging", "stale")
_DAY = 24 * HOUR
_BLOCK = 28 * _DAY
"""Looks at one offer within so long are in one part: they resemble each other."""
_FINE = 6
_LEAST_HOURS = 0.1
_SOON = 1 / 3
"""Of the time between two words, on average."""
_FEW = 5
_CORRECTIONS = 0.1
"""So many of the changes may be corrections of what was said a moment ago."""
_TOO_MANY = 3
_CHANGES = 10
_ON_ONE_DAY = 0.6
"""So many of the changes on one weekday are no chance."""
_OFTEN = 72.0
"""Hours between two words of who speaks more often than once a week."""


class Cell(NamedTuple):
    """Looks that are alike."""

    fold: int
    reported: int
    """So many places were said to be free: 1, 2, or 3 for more."""
    left: int
    """So many still were: 0, 1, or 2 for more."""
    rung: int
    """On which of `RUNGS` the statement stood when it was looked at."""
    step: int
    """How long after, in steps that grow with the time."""


Cells = dict[Cell, tuple[int, float]]
"""How many looks there were, and their hours in all."""


@dataclass(slots=True)
class _Rhythm:
    """After how long a source speaks again: words, those that say something else, and hours, by step of time."""

    steps: dict[int, list[float]] = field(default_factory=dict)
    weekdays: list[int] = field(default_factory=lambda: [0] * 7)
    """Changes, by the day on which they were said."""

    def add(self, step: int, times: int, hours: float, *, changed: bool) -> None:
        """Words that came after so many hours each."""
        sums = self.steps.setdefault(step, [0.0, 0.0, 0.0])
        sums[0] += times
        sums[1] += times if changed else 0
        sums[2] += times * hours

    @property
    def changed(self) -> int:
        """Words that said something else."""
        return round(sum(sums[1] for sums in self.steps.values()))

    @property
    def follows_changes(self) -> bool:
        """Whether it speaks because something changed: then its silence says that nothing did, and its words are no
        looks at random.

        Who speaks by the clock finds no more changes an hour when little time has passed than when much has.
        """
        words, changed, hours = (sum(sums[place] for sums in self.steps.values()) for place in range(3))
        soon = [sums for sums in self.steps.values() if sums[2] / sums[0] < _SOON * hours / words]
        soon_changed, soon_hours = sum(sums[1] for sums in soon), sum(sums[2] for sums in soon)
        many = soon_changed >= max(_FEW, _CORRECTIONS * changed)
        return many and soon_changed > _TOO_MANY * changed * soon_hours / hours


@dataclass(slots=True)
class Looks:
    """All that runs tell, by source and care form: its size does not grow with the number of runs."""

    groups: dict[tuple[str, str], Cells] = field(default_factory=dict)
    _rhythms: dict[tuple[str, str], _Rhythm] = field(default_factory=dict)

    def follow_changes(self) -> frozenset[tuple[str, str]]:
        """The groups whose source speaks of them when something changes, and not by the clock; all of a source where
        that is so of most that it says."""
        changed: dict[str, int] = {}
        at_once: dict[str, int] = {}
        found = {group for group, rhythm in self._rhythms.items() if rhythm.follows_changes}
        for group, rhythm in self._rhythms.items():
            changed[group[0]] = changed.get(group[0], 0) + rhythm.changed
            at_once[group[0]] = at_once.get(group[0], 0) + (rhythm.changed if group in found else 0)
        return frozenset(
            group for group in self._rhythms if group in found or 2 * at_once[group[0]] > changed[group[0]]
        )

    def entered_weekly(self) -> frozenset[tuple[str, str]]:
        """The groups of sources that speak often, and where somebody enters what changed on one weekday alone: on all
        other days they say what was so then."""
        days: dict[str, list[int]] = {}
        spoken: dict[str, list[float]] = {}
        for (source, _), rhythm in self._rhythms.items():
            mine = days.setdefault(source, [0] * 7)
            mine[:] = [one + other for one, other in zip(mine, rhythm.weekdays, strict=True)]
            sums = spoken.setdefault(source, [0.0, 0.0])
            sums[0] += sum(one[0] for one in rhythm.steps.values())
            sums[1] += sum(one[2] for one in rhythm.steps.values())
        weekly = {
            source
            for source, mine in days.items()
            if sum(mine) >= _CHANGES
            and max(mine) >= _ON_ONE_DAY * sum(mine)
            and spoken[source][1] < _OFTEN * spoken[source][0]
        }
        return frozenset(group for group in self._rhythms if group[0] in weekly)

    @classmethod
    def of(cls, runs: Iterable[Run], *, now: int, ladder_of: Callable[[str], Ladder]) -> "Looks":
        """Count runs until `now` (microseconds), which come offer by offer and in their order."""
        looks = cls()
        before: Run | None = None
        ladders: dict[str, Ladder] = {}
        for run in runs:
            if run.since > now:
                continue
            if run.source not in ladders:
                ladders[run.source] = ladder_of(run.source)
            ladder = ladders[run.source]
            if run.said > 1:
                gap = (run.until - run.since) / (run.said - 1)
                looks._add(run, run, gap, run.said - 1, ladder)
            # What is not told by the run that comes next is not known.
            if before is not None and before.offer == run.offer and before.ended == run.since:
                looks._add(before, run, run.since - before.until, 1, ladder)
            before = run
        return looks

    def _add(self, told: Run, found: Run, gap: float, times: int, ladder: Ladder) -> None:
        hours, reported = max(gap / HOUR, _LEAST_HOURS), _reported(told)
        if not reported:
            return
        step = round(_FINE * math.log2(1 + hours))
        rhythm = self._rhythms.setdefault((told.source, told.care_form), _Rhythm())
        rhythm.add(step, times, hours, changed=told is not found)
        if told is not found:
            rhythm.weekdays[found.since // _DAY % 7] += 1
        left, on = _left(told, found), rung(hours, ladder)
        if left is None or on is None:
            return
        fold = crc32(f"{told.offer} {told.until // _BLOCK}".encode()) % FOLDS
        cell = Cell(fold, reported, left, on, step)
        cells = self.groups.setdefault((told.source, told.care_form), {})
        count, total = cells.get(cell, (0, 0.0))
        cells[cell] = (count + times, total + times * hours)


def rung(hours: float, ladder: Ladder) -> int | None:
    """The place in `RUNGS` on which a statement stands after so long; None: it counts no more."""
    for place, until in enumerate((ladder.fresh, ladder.aging, ladder.stale)):
        if hours <= until.total_seconds() / 3600:
            return place
    return None


def _reported(told: Run) -> int:
    """0 where no place was said to be free."""
    if told.accepting is None:
        return 1 if told.state is State.SOME else 0
    return 0 if told.state in (State.NONE, State.UNKNOWN) else min(max(told.accepting, 0), 3)


def _left(told: Run, found: Run) -> int | None:
    """None where nobody says."""
    if found.accepting is not None:
        return min(max(found.accepting, 0), 2) if found.state is not State.UNKNOWN else None
    if found.state is State.NONE:
        return 0
    # "Some" says that one is free, and nothing of a second.
    return 1 if found.state is State.SOME and (told.accepting or 1) == 1 else None
