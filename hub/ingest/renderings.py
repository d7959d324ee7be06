"""What one view is to show of an offer, drawn once for all that show it alike."""

from dataclasses import dataclass
from datetime import datetime

from hub.ingest.changes import Change, Effect
from hub.store.draft import Draft
from mappings.to_fhir import Resource, facility_resources, offer_resource, statement_resources
from mappings.vacancy import Facility, VacancyReport
from mappings.view import View

__all__ = ["Drawn", "Key", "Rendering", "offer_resources", "rendering"]

Key = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Rendering:
    """What one view is to show of an offer."""

    offer: str
    report: VacancyReport
    resources: tuple[Resource, ...]
    delivery: int
    effect: Effect
    is_whole: bool = False
    tells: bool = True
    """Whether the statement is in it; else the facility alone."""


class Drawn:
    """What was drawn of one write, for the other view, too, and for all offers of a facility: what they show alike is
    made, and written as JSON, once. Reports are known by their identity: they last as long as the write."""

    def __init__(self, source: str = "") -> None:
        self._source = source
        self._facilities: dict[Facility, tuple[Resource, ...]] = {}
        self._offers: dict[int, Resource] = {}
        self._statements: dict[int, tuple[Resource, ...]] = {}
        self._drafts: dict[Key, Draft] = {}

    def facility(self, facility: Facility, care_forms: tuple[str, ...]) -> tuple[Resource, ...]:
        """Its resources; the care forms are those of all its offers."""
        found = self._facilities.get(facility)
        if found is None:
            found = facility_resources(facility, source=self._source, care_forms=care_forms)
            self._facilities[facility] = found
        return found

    def offer(self, report: VacancyReport) -> Resource:
        """That of the offer."""
        found = self._offers.get(id(report))
        if found is None:
            found = self._offers[id(report)] = offer_resource(report, source=self._source)
        return found

    def statement(self, report: VacancyReport, at: datetime) -> tuple[Resource, ...]:
        """Those of the statement."""
        found = self._statements.get(id(report))
        if found is None:
            found = self._statements[id(report)] = statement_resources(report, source=self._source, at=at)
        return found

    def draft(self, key: Key, resource: Resource) -> Draft:
        """The draft of a resource, that of the other view where it is the same there."""
        found = self._drafts.get(key)
        if found is None or (found.tree is not resource and found.tree != resource):
            found = self._drafts[key] = Draft.of(resource)
        return found


def rendering(one: Change, view: View, drawn: Drawn) -> Rendering:
    """What a view is to show of a change."""
    report, is_whole, tells = one.shown[view], one.is_whole(view), one.tells(view)
    resources: tuple[Resource, ...] = ()
    if is_whole:
        resources = drawn.facility(report.facility, one.site.care_forms)
    if tells and (is_whole or one.moves_offer):
        resources += (drawn.offer(report),)
    if tells:
        resources += drawn.statement(report, one.told.at)
    return Rendering(
        offer=one.told.offer,
        report=report,
        resources=resources,
        delivery=one.told.delivery,
        effect=one.told.effect,
        is_whole=is_whole,
        tells=tells,
    )


def offer_resources(report: VacancyReport, source: str, at: datetime) -> tuple[Resource, ...]:
    """Those of an offer and its statement."""
    return (offer_resource(report, source=source), *statement_resources(report, source=source, at=at))
