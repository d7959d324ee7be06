"""What a planner counts of a district: who reports, how fresh that is, and how many places are free.

By district, care form and moment; a care form counts what belongs to narrower ones, too, and the blank one counts all.
Places that offers share are counted once in each row (`mappings/pools.py`), so rows do not add up to their total.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby

from mappings import terminology
from mappings.pools import totals
from mappings.standing import Standing, district_of
from mappings.vacancy import VacancyReport
from mappings.view import effective

__all__ = ["ALL", "COVERAGE", "FIGURES", "Cell", "Figures", "counted"]

Cell = tuple[str, str]
"""A district by its AGS (blank: not known) and a care form (`ALL`: all of them)."""

ALL = ""
"""The care form of the row that counts all."""

COVERAGE = ("offers", "reporting", "last_day", "fresh", "aging", "stale", "expired")
"""The figures that everybody may see; the others are for professionals."""

_LAST_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One row. Offers: `offers` = `reporting` + those that never said anything of their places, or took it back;
    `reporting` = `fresh` + `aging` + `stale` + `expired`; `offers` = `some` + `none` + `ask` + `unknown`. Places:
    `free` (accepting) and `licensed`, of offers whose word counts; `uncounted` offers, or pools, say no number of them.
    """

    offers: int = 0
    reporting: int = 0
    last_day: int = 0
    """Offers whose statement is as of the last 24 hours (`Standing.as_of`)."""
    fresh: int = 0
    aging: int = 0
    stale: int = 0
    expired: int = 0
    some: int = 0
    none: int = 0
    ask: int = 0
    unknown: int = 0
    free: int = 0
    uncounted: int = 0
    licensed: int = 0

    def known(self, name: str) -> int | None:
        """A figure by its name; None where nobody says it: 0 places are a statement, no number is none."""
        number: int = getattr(self, name)
        if name == "free" and number == 0 and self.uncounted and not self.none:
            return None
        if name == "licensed" and number == 0 and self.offers:
            return None
        return number

    def __add__(self, other: "Figures") -> "Figures":
        """Both together: of different districts, or of different facilities."""
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in FIGURES})


FIGURES = tuple(each.name for each in fields(Figures))
"""The names of all figures, in their order."""


def counted(standings: Iterable[Standing], *, now: datetime) -> dict[Cell, Figures]:
    """The rows of all districts; the offers of one facility must follow one another, each offer once."""
    found: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
    for _, offers in groupby(standings, key=lambda one: one.report.facility.key):
        by_form: defaultdict[str, list[VacancyReport]] = defaultdict(list)
        district = None
        for one in offers:
            if district is None:
                district = district_of(one.report.facility)
            report = effective(one.report)
            names = ["offers", report.state.value]
            if one.tells:
                names += ["reporting", one.freshness(now)]
                if now - one.as_of < _LAST_DAY:
                    names.append("last_day")
            for form in (ALL, *terminology.ancestors(report.offer.care_form)):
                by_form[form].append(report)
                found[district, form].update(names)
        for form, reports in by_form.items():
            assert district is not None, "a facility in the stream has an offer"
            places = totals(reports)
            found[district, form].update(free=places.accepting, uncounted=places.unknown, licensed=places.licensed)
    return {cell: Figures(**{name: each[name] for name in FIGURES}) for cell, each in found.items()}
