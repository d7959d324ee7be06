"""How the sources of an invented region report: their habits, and in which shares a regime has them.

Regimes are switches: an estimator is trained on some and judged on others, which it does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["HABITS", "REGIMES", "Entry", "Habit", "Phantom", "Regime", "Sending"]


class Entry(StrEnum):
    """When somebody at the home enters what changed."""

    PROMPT = "prompt"
    LATE = "late"
    """Days later."""
    WEEKLY = "weekly"
    """On one weekday."""


class Sending(StrEnum):
    """When the software sends what is entered."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    ON_CHANGE = "on-change"


class Phantom(StrEnum):
    """What is wrong with an offer whose numbers are none."""

    GONE = "gone"
    """Reported free, and gone within the hour."""
    UNMOVED = "unmoved"
    """One number, whatever happens: from the first day on, or from some day."""
    COPIED_DAY = "copied-day"
    """All offers of the source are copied from the day before, day by day."""
    COPIED_WEEK = "copied-week"
    """Every day is copied from the same weekday a week before."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a source reports; all of these are honest."""

    entry: Entry
    sending: Sending
    rounds_up: bool = False
    """Says one more than there is, where any is free."""


HABITS = {
    "daily": Habit(Entry.PROMPT, Sending.DAILY),
    "hourly": Habit(Entry.PROMPT, Sending.HOURLY),
    "push": Habit(Entry.PROMPT, Sending.ON_CHANGE),
    "weekly": Habit(Entry.PROMPT, Sending.WEEKLY),
    "late": Habit(Entry.LATE, Sending.DAILY),
    "entered-weekly": Habit(Entry.WEEKLY, Sending.DAILY),
    "rounding": Habit(Entry.PROMPT, Sending.DAILY, rounds_up=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """What a region's sources are like; shares are between 0 and 1."""

    habits: Mapping[str, float]
    """Name of a habit → its weight among the sources."""
    weekends: bool = False
    """Hardly anybody moves in on weekends, nobody enters anything, and half of the sources send nothing."""
    outages: float = 0.0
    """How often in thirty days a source falls silent, for one to seven days."""
    wordless: float = 0.0
    """The share of offers that say only whether something is free."""
    surge: bool = False
    """In the middle of the time places begin to go three times as fast."""
    phantoms: Mapping[Phantom, float] | None = None
    """Share of the offers (of `copied-day`: of the sources) that are phantoms, by kind."""


_FEW: Mapping[Phantom, float] = {
    Phantom.GONE: 0.03,
    Phantom.UNMOVED: 0.03,
    Phantom.COPIED_DAY: 0.04,
    Phantom.COPIED_WEEK: 0.02,
}
_CALM = Regime(habits={"daily": 5, "push": 2, "weekly": 1})
_MIXED = Regime(
    habits={"daily": 4, "hourly": 1, "push": 2, "weekly": 1, "late": 1, "entered-weekly": 1, "rounding": 1},
    weekends=True,
    outages=0.5,
    wordless=0.1,
)

REGIMES: Mapping[str, Regime] = {
    "calm": _CALM,
    "mixed": _MIXED,
    "weekends": replace(_CALM, weekends=True),
    "outages": replace(_CALM, outages=1.5),
    "late": Regime(habits={"daily": 1, "late": 3, "entered-weekly": 2, "weekly": 1}, weekends=True),
    "rounding": Regime(habits={"daily": 2, "rounding": 3, "push": 1}, wordless=0.2),
    "surge": replace(_MIXED, surge=True),
    "liars": replace(_CALM, phantoms={Phantom.GONE: 0.06, Phantom.UNMOVED: 0.08, Phantom.COPIED_DAY: 0.05}),
    "phantoms": replace(_MIXED, phantoms=_FEW),
    "phantoms-surge": replace(_MIXED, surge=True, outages=1.0, phantoms=_FEW),
    "phantoms-late": Regime(
        habits={"late": 2, "entered-weekly": 2, "hourly": 1, "rounding": 1},
        weekends=True,
        outages=1.0,
        wordless=0.2,
        phantoms=_FEW,
    ),
    "phantoms-rare": replace(_MIXED, phantoms={kind: share / 4 for kind, share in _FEW.items()}),
}
"""By name. Those without `phantoms` have none: what a detector finds there is a false accusation."""
