"""What the search for places reads of a projection: places by day, what is shown with an offer, and its freshness."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql

from hub.store.clock import FAR_DAY, NO_DAY, day
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Row, Transaction
from hub.store.tables import Projection
from mappings import gazetteer
from mappings.language import Ladder
from mappings.vacancy import BlockStatus, Facility, Position, State, VacancyReport

__all__ = ["Times", "VacancyIndex", "position_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of an offer's winning statement, microseconds since 1970; age counts from `based_on`."""

    offer: str
    valid_at: int | None
    confirmed_at: int
    based_on: int
    ladder: Ladder
    ended_at: int | None = None
    """When it was withdrawn, before its time."""

    def until(self, span: timedelta) -> int:
        """The end of a span of the ladder, sooner where the statement was withdrawn before."""
        end = self.based_on + _microseconds(span)
        return end if self.ended_at is None else min(end, self.ended_at)

    @property
    def expires_at(self) -> int:
        """When the statement counts no more."""
        return self.until(self.ladder.stale)


class VacancyIndex:
    """That of one projection; offers and what is shown with them are named by their rows."""

    def __init__(self, projection: Projection) -> None:
        resource, member, vacancy = projection.resource, projection.member, projection.vacancy
        freshness = projection.freshness
        self._offers = Prepared(
            select(resource.c.id, resource.c.rid).where(
                resource.c.type == "HealthcareService", one_of(resource.c.id, "ids")
            )
        )
        # Two statements that can only go from offer to Slot: joined, a planner may begin with all Slots.
        self._members = Prepared(select(member.c.member, member.c.rid).where(one_of(member.c.rid, "rids")))
        self._slots = Prepared(
            select(resource.c.rid, resource.c.id).where(
                one_of(resource.c.rid, "rids"), resource.c.type == "Slot", resource.c.deleted.is_(False)
            )
        )
        self._clear_places = Prepared(delete(vacancy).where(one_of(vacancy.c.rid, "rids")))
        self._put_places = Prepared(insert(vacancy))
        self._clear_members = Prepared(delete(member).where(one_of(member.c.rid, "rids")))
        self._put_member = Prepared(postgresql.insert(member).on_conflict_do_nothing())
        self._drop_member = Prepared(
            delete(member).where(member.c.rid == bindparam("rid"), member.c.member == bindparam("member"))
        )
        self._clear_freshness = Prepared(delete(freshness).where(one_of(freshness.c.rid, "rids")))
        self._put_freshness = Prepared(
            (fresh := postgresql.insert(freshness)).on_conflict_do_update(
                index_elements=["rid"],
                set_={column.name: fresh.excluded[column.name] for column in freshness.columns if column.name != "rid"},
            )
        )
        self._end = tuple(
            Prepared(
                update(freshness)
                .where(one_of(freshness.c.rid, "rids"), freshness.c[name] > bindparam("at"))
                .values({name: bindparam("at")})
            )
            for name in ("aging_at", "stale_at", "expires_at")
        )
        elsewhere = or_(vacancy.c.latitude != bindparam("north"), vacancy.c.longitude != bindparam("east"))
        self._move = Prepared(
            update(vacancy)
            .where(one_of(vacancy.c.rid, "rids"), elsewhere)
            .values(latitude=bindparam("north"), longitude=bindparam("east"))
        )

    def offers(self, reader: Reader, ids: Iterable[str]) -> dict[str, int]:
        """The rows of offers, by id; those that are not stored are left out."""
        wanted = list(ids)
        return dict(reader.all(self._offers, {"ids": wanted})) if wanted else {}

    def slots(self, reader: Reader, offers: Iterable[int]) -> dict[int, dict[str, int]]:
        """The Slots that are shown with offers now: id → row, by the offer's row."""
        wanted = list(offers)
        offer_of: dict[int, int] = dict(reader.all(self._members, {"rids": wanted})) if wanted else {}
        found: dict[int, dict[str, int]] = {}
        if not offer_of:
            return found
        for rid, slot in reader.all(self._slots, {"rids": list(offer_of)}):
            found.setdefault(offer_of[rid], {})[slot] = rid
        return found

    def put_places(self, transaction: Transaction, reports: Mapping[int, VacancyReport]) -> None:
        """Replace the places of offers by what was reported of them."""
        if not reports:
            return
        transaction.run(self._clear_places, {"rids": list(reports)})
        rows: list[Row] = []
        for rid, report in reports.items():
            position = position_of(report.facility)
            if position is not None:
                head = (report.offer.care_form, report.state.value, position.latitude, position.longitude)
                rows += ((rid, ordinal, *head, *places) for ordinal, places in enumerate(_places(report)))
        transaction.many_rows(self._put_places, rows)

    def put_members(self, transaction: Transaction, members: Mapping[int, Collection[int]]) -> None:
        """Replace all that is shown with offers."""
        if not members:
            return
        transaction.run(self._clear_members, {"rids": list(members)})
        transaction.many_rows(self._put_member, [(rid, one) for rid, several in members.items() for one in several])

    def change_members(self, transaction: Transaction, gone: Sequence[Row], new: Sequence[Row]) -> None:
        """Of what is shown with offers take some away and add some: (the offer's row, the member's)."""
        transaction.many_rows(self._drop_member, gone)
        transaction.many_rows(self._put_member, new)

    def put_freshness(self, transaction: Transaction, times: Mapping[int, Times]) -> None:
        """Replace the times of offers."""
        transaction.many_rows(
            self._put_freshness,
            [
                (
                    rid,
                    told.valid_at,
                    told.confirmed_at,
                    told.until(told.ladder.fresh),
                    told.until(told.ladder.aging),
                    told.expires_at,
                )
                for rid, told in times.items()
            ],
        )

    def end(self, transaction: Transaction, offers: Iterable[int], at: int) -> None:
        """Let the statements of offers count until `at` and no longer."""
        rids = list(offers)
        for statement in self._end:
            transaction.run(statement, {"rids": rids, "at": at})

    def move(self, transaction: Transaction, offers: Iterable[int], position: Position | None) -> None:
        """Bring offers to where their facility is now; what is there already is not touched."""
        if position is not None:
            values = {"rids": list(offers), "north": position.latitude, "east": position.longitude}
            transaction.run(self._move, values)

    def clear(self, transaction: Transaction, offer: int) -> None:
        """Forget an offer."""
        for statement in (self._clear_places, self._clear_members, self._clear_freshness):
            transaction.run(statement, {"rids": [offer]})


def position_of(facility: Facility) -> Position | None:
    """Where a facility is; the middle of its postal code where the source does not say."""
    return facility.position or gazetteer.point(facility.address.postal_code)


def _places(report: VacancyReport) -> list[tuple[int, int, int]]:
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


@lru_cache(maxsize=256)
def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
