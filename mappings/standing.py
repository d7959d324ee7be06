"""How one offer stands at a moment: what is shown of it, whose word that is, and how old."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mappings import gazetteer
from mappings.vacancy import Facility, VacancyReport

__all__ = ["Freshness", "Standing", "district_of", "municipality_of"]

Freshness = Literal["fresh", "aging", "stale", "expired"]
"""A code of CodeSystem freshness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One offer as professionals see it, with its source and the times of its word.

    `report` is unknown where the word has expired; `told` says whether that word, expired or not, says anything of
    its places: an entry of a directory does not.
    """

    report: VacancyReport
    source: str
    told: bool
    withdrawn: bool
    """Whether the word was taken back before its time."""
    as_of: datetime
    """The moment that its source states, else when it said so last: age counts from it (`platzfrei find` shows it)."""
    fresh_until: datetime
    aging_until: datetime
    expires_at: datetime

    @property
    def tells(self) -> bool:
        """Whether its source reports: its word says anything of places, or did until it expired."""
        return self.told and not self.withdrawn

    def freshness(self, now: datetime) -> Freshness:
        """Where its word stands on the ladder."""
        if now < self.fresh_until:
            return "fresh"
        if now < self.aging_until:
            return "aging"
        return "stale" if now < self.expires_at else "expired"


def district_of(facility: Facility) -> str:
    """The district (Landkreis or kreisfreie Stadt) by the 5 digits of its AGS: the facility's own AGS, else that of
    its postal code; blank where neither is known."""
    ags = facility.address.ags[:5]
    if ags in gazetteer.districts():
        return ags
    place = gazetteer.place(facility.address.postal_code)
    return "" if place is None else place.district_ags


def municipality_of(facility: Facility) -> str:
    """The municipality by the 8 digits of its AGS, its district with three zeros where only that is known; blank where
    neither is."""
    ags, district = facility.address.ags, district_of(facility)
    if len(ags) == 8 and ags.isdecimal() and ags.startswith(district):
        return ags
    return f"{district}000" if district else ""
