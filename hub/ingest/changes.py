"""Reports as they compete for their offers, and what the winners change of what is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.ingest.statements import Known
from hub.ingest.vacancy_index import Times
from hub.store.clock import moment
from mappings.vacancy import Facility, VacancyReport
from mappings.view import View

__all__ = ["Change", "Effect", "Site", "Statement", "Told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A report on its way in: when it was received, and by which delivery."""

    report: VacancyReport
    received_at: datetime
    delivery: int = 0


@dataclass(slots=True)
class Effect:
    """What became of a report, and how many FHIR versions it made."""

    change: Literal["applied", "unchanged", "superseded"]
    versions: int = 0
    moved: bool = False
    """Whether its offer was reported under another facility so far."""


@dataclass(slots=True, kw_only=True)
class Statement:
    """One report as it competes for its offer."""

    offer: str
    report: VacancyReport
    facility_json: bytes
    offer_json: bytes
    digest: bytes
    order: tuple[int, int]
    stated_at: int | None
    times: Times
    delivery: int
    effect: Effect

    def repeats(self, stored: Known) -> bool:
        """Whether the source states the very moment that it stated before: nothing is confirmed by that."""
        return self.stated_at is not None and self.stated_at == stored.stated_at

    @property
    def facility(self) -> str:
        """The key of its facility."""
        return self.report.facility.key

    @property
    def at(self) -> datetime:
        """The moment that it is of."""
        return moment(self.order[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A facility as it was told of last, with the care forms and ids of all its offers."""

    facility: Facility
    care_forms: tuple[str, ...]
    offers: tuple[str, ...]
    digests: Mapping[View, bytes]
    """What each view is to show of it."""
    differs: frozenset[View]
    """The views that show something else so far."""


@dataclass(slots=True, kw_only=True)
class Change:
    """A statement that is to be shown, and what of it may differ from what is."""

    told: Statement
    stored: Known | None
    site: Site
    public_digest: bytes
    offer_digest: bytes
    shown: Mapping[View, VacancyReport]
    """The report as each view shows it."""
    publicly: bool
    """Whether the public sees a difference: what changes for professionals alone must not move a public version."""
    joined: bool
    """Whether the facility is shown together with those of other sources, and not by its own resources."""
    known_publicly: bool
    """Whether the public hears again what it knows, of the very moment it knows: hidden changes confirm nothing."""

    def tells(self, view: View) -> bool:
        """Whether the view hears of the statement."""
        return view is View.PROFESSIONAL or self.publicly

    def is_whole(self, view: View) -> bool:
        """Whether all that belongs to the offer is written, and not the statement alone."""
        return self.stored is None or self.stored.offer_digest is None or view in self.site.differs

    @property
    def moves_offer(self) -> bool:
        """Whether the offer itself may be shown otherwise than so far: what was withdrawn is shown as unknown."""
        return self.stored is None or self.stored.expired or self.offer_digest != self.stored.offer_digest
