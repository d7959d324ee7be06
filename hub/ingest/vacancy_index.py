"""What the search for places reads of a projection: places by day, what is shown with an offer, and its freshness."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection, delete, insert, or_, select, update

from hub.store.clock import FAR_DAY, NO_DAY, day
from hub.store.repository import Resource
from hub.store.tables import Projection
from mappings import gazetteer
from mappings.language import Ladder
from mappings.vacancy import BlockStatus, Facility, Position, State, VacancyReport

__all__ = ["Times", "index_freshness", "index_vacancies", "move_offers", "position_of"]

_T = TypeVar("_T")
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of an offer's winning statement, microseconds since 1970; age counts from `based_on`."""

    offer: str
    valid_at: int | None
    confirmed_at: int
    based_on: int
    ladder: Ladder

    @property
    def expires_at(self) -> int:
        """When the statement counts no more."""
        return _after(self.based_on, self.ladder.stale)


def index_vacancies(
    connection: Connection,
    projection: Projection,
    groups: Sequence[tuple[VacancyReport, list[Resource]]],
    rids: Mapping[tuple[str, str], int],
) -> None:
    """Replace the rows of each report's offer: its places by day, and the resources that are shown with it."""
    vacancies: list[dict[str, object]] = []
    members: list[dict[str, int]] = []
    offers: list[int] = []
    for report, group in groups:
        by_key = [(resource["resourceType"], resource["id"]) for resource in group]
        offer = next(rids[key] for key in by_key if key[0] == "HealthcareService")
        offers.append(offer)
        shown = {rids[key] for key in by_key if key[0] != "HealthcareService"}
        members.extend({"rid": offer, "member": member} for member in shown)
        position = position_of(report.facility)
        if position is None:
            continue
        for ordinal, (starts, ends, places) in enumerate(_rows(report)):
            vacancies.append(
                {
                    "rid": offer,
                    "ordinal": ordinal,
                    "care_form": report.offer.care_form,
                    "state": report.state.value,
                    "latitude": position.latitude,
                    "longitude": position.longitude,
                    "starts": starts,
                    "ends": ends,
                    "places": places,
                }
            )
    for table in (projection.vacancy, projection.member):
        for chunk in _chunks(offers):
            connection.execute(delete(table).where(table.c.rid.in_(chunk)))
    if vacancies:
        connection.execute(insert(projection.vacancy), vacancies)
    if members:
        connection.execute(insert(projection.member), members)


def _rows(report: VacancyReport) -> list[tuple[int, int, int]]:
    """(first day, last day, places) of each free block; one row without days for an offer that has none."""
    if report.state is State.SOME:
        free = [block for block in report.blocks if block.status is BlockStatus.FREE and block.count > 0]
        if free:
            return [
                (
                    day(block.start) if block.start else NO_DAY,
                    day(block.end) if block.end else FAR_DAY,
                    block.count,
                )
                for block in free
            ]
        return [(NO_DAY, FAR_DAY, 1)]
    return [(NO_DAY, FAR_DAY, 0)]


def move_offers(
    connection: Connection, projection: Projection, offers: Sequence[str], position: Position | None
) -> None:
    """Bring offers to where their facility is now; what is there already is not touched."""
    if position is None:
        return
    resource, vacancy = projection.resource, projection.vacancy
    rids = select(resource.c.rid).where(resource.c.type == "HealthcareService", resource.c.id.in_(offers))
    elsewhere = or_(vacancy.c.latitude != position.latitude, vacancy.c.longitude != position.longitude)
    connection.execute(
        update(vacancy)
        .where(vacancy.c.rid.in_(rids), elsewhere)
        .values(latitude=position.latitude, longitude=position.longitude)
    )


def position_of(facility: Facility) -> Position | None:
    """Where a facility is; the middle of its postal code where the source does not say."""
    return facility.position or gazetteer.point(facility.address.postal_code)


def index_freshness(connection: Connection, projection: Projection, times: Sequence[Times]) -> None:
    """Replace the times of each offer."""
    resource, freshness = projection.resource, projection.freshness
    for chunk in _chunks(times):
        found = connection.execute(
            select(resource.c.id, resource.c.rid).where(
                resource.c.type == "HealthcareService", resource.c.id.in_([told.offer for told in chunk])
            )
        )
        rids = {row.id: row.rid for row in found}
        connection.execute(delete(freshness).where(freshness.c.rid.in_(list(rids.values()))))
        connection.execute(
            insert(freshness),
            [
                {
                    "rid": rids[told.offer],
                    "valid_at": told.valid_at,
                    "confirmed_at": told.confirmed_at,
                    "aging_at": _after(told.based_on, told.ladder.fresh),
                    "stale_at": _after(told.based_on, told.ladder.aging),
                    "expires_at": told.expires_at,
                }
                for told in chunk
            ],
        )


def _after(stamp: int, span: timedelta) -> int:
    """The moment a span after another, in microseconds since 1970."""
    return stamp + span // timedelta(microseconds=1)


def _chunks(items: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (items[begin : begin + _CHUNK] for begin in range(0, len(items), _CHUNK))
