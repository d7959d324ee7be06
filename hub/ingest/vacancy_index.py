"""What the search for places reads of a projection: places by day, what is shown with an offer, and its freshness."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects import postgresql

from hub.store.change_kind import ChangeKind
from hub.store.changes import Changes
from hub.store.clock import FAR_DAY, NO_DAY, day
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Row, Transaction
from hub.store.tables import Projection
from hub.store.vacancy_codes import ROOMS, SEXES, language_list, mask, operator_number
from mappings import gazetteer, terminology
from mappings.source_map import Ladder
from mappings.standing import municipality_of
from mappings.vacancy import BlockStatus, Facility, Offer, Position, State, VacancyReport

__all__ = ["Times", "VacancyIndex", "position_of"]

_CENTS_MOST = 2**31 - 1


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

    @property
    def is_withdrawn(self) -> bool:
        """Whether it ended before its time."""
        return self.ended_at is not None and self.ended_at < self.based_on + _microseconds(self.ladder.stale)

    def until(self, span: timedelta) -> int:
        """The end of a span of the ladder; of all of them when the statement was withdrawn before its time."""
        end = self.based_on + _microseconds(span)
        return self.ended_at if self.ended_at is not None and self.is_withdrawn else end

    @property
    def expires_at(self) -> int:
        """When the statement counts no more."""
        return self.until(self.ladder.stale)


class VacancyIndex:
    """That of one projection; offers and what is shown with them are named by their rows."""

    def __init__(self, projection: Projection) -> None:
        resource, member, vacancy = projection.resource, projection.member, projection.vacancy
        freshness, service_area = projection.freshness, projection.service_area
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
        self._placed = Prepared(select(vacancy.c.rid).distinct().where(one_of(vacancy.c.rid, "rids")))
        self._areas = Prepared(
            select(service_area.c.postal_code, service_area.c.rid).where(one_of(service_area.c.rid, "rids"))
        )
        self._clear_areas = Prepared(delete(service_area).where(one_of(service_area.c.rid, "rids")))
        self._put_areas = Prepared(insert(service_area))
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
        # All three, so that it can be told from a statement that expired.
        self._end = Prepared(
            update(freshness)
            .where(one_of(freshness.c.rid, "rids"), freshness.c.expires_at > bindparam("at"))
            .values(aging_at=bindparam("at"), stale_at=bindparam("at"), expires_at=bindparam("at"))
        )
        now: dict[str, BindParameter[Any]] = {
            "latitude": bindparam("north"),
            "longitude": bindparam("east"),
            "ags": bindparam("municipality"),
            "operator": bindparam("body"),
        }
        elsewhere = or_(*(vacancy.c[name] != value for name, value in now.items()))
        self._changes = Changes(projection)
        self._move = Prepared(update(vacancy).where(one_of(vacancy.c.rid, "rids"), elsewhere).values(now))

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

    def without_places(self, reader: Reader, offers: Iterable[int]) -> set[int]:
        """Those of offers that nobody can find: when they were told of nobody knew where they are."""
        wanted = set(offers)
        return wanted - {rid for (rid,) in reader.all(self._placed, {"rids": list(wanted)})} if wanted else wanted

    def put_places(self, transaction: Transaction, reports: Mapping[int, VacancyReport]) -> None:
        """Replace the places of offers by what was reported of them."""
        if not reports:
            return
        transaction.run(self._clear_places, {"rids": list(reports)})
        rows: list[Row] = []
        areas: dict[int, set[int]] = {}
        for rid, report in reports.items():
            offer, position = report.offer, position_of(report.facility)
            if position is None:
                continue
            if offer.care_form in terminology.ambulatory():
                areas[rid] = set(map(int, offer.catchment))
            head = (offer.care_form, report.state.value, position.latitude, position.longitude)
            tail = (
                _body(report.facility),
                language_list(offer.languages),
                mask("payer", offer.payers) if offer.payers else 0,
                _cents_a_month(offer),
                _municipality(report.facility),
                int(bool(areas.get(rid))),
            )
            rows += ((rid, ordinal, *head, *places, *tail) for ordinal, places in enumerate(_places(report)))
        transaction.many_rows(self._put_places, rows)
        self.tell(transaction, reports)
        if areas:
            self._put(transaction, areas)

    def tell(self, transaction: Transaction, offers: Collection[int], *, members: bool = False) -> None:
        """Tell who keeps the places of offers in memory that they are others, and so are the `members`."""
        self._changes.add(transaction, ChangeKind.PLACES, offers)
        if members:
            self._changes.add(transaction, ChangeKind.MEMBERS, offers)

    def _put(self, transaction: Transaction, areas: Mapping[int, set[int]]) -> None:
        """Replace the postal codes to which services come, where they are others than before."""
        stored: dict[int, set[int]] = {}
        for postal_code, rid in transaction.all(self._areas, {"rids": list(areas)}):
            stored.setdefault(rid, set()).add(postal_code)
        changed = [rid for rid, codes in areas.items() if codes != stored.get(rid, set())]
        transaction.run(self._clear_areas, {"rids": changed})
        transaction.many_rows(self._put_areas, [(code, rid) for rid in changed for code in sorted(areas[rid])])
        self._changes.add(transaction, ChangeKind.AREAS, changed)

    def put_members(self, transaction: Transaction, members: Mapping[int, Collection[int]]) -> None:
        """Replace all that is shown with offers."""
        if not members:
            return
        transaction.run(self._clear_members, {"rids": list(members)})
        transaction.many_rows(self._put_member, [(rid, one) for rid, several in members.items() for one in several])
        self._changes.add(transaction, ChangeKind.MEMBERS, members)

    def change_members(self, transaction: Transaction, gone: Sequence[Row], new: Sequence[Row]) -> None:
        """Of what is shown with offers take some away and add some: (the offer's row, the member's)."""
        transaction.many_rows(self._drop_member, gone)
        transaction.many_rows(self._put_member, new)
        self._changes.add(transaction, ChangeKind.MEMBERS, {rid for rid, _ in (*gone, *new)})

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
        self.tell(transaction, times)

    def end(self, transaction: Transaction, offers: Iterable[int], at: int) -> None:
        """Let the statements of offers count until `at` and no longer."""
        rids = list(offers)
        transaction.run(self._end, {"rids": rids, "at": at})
        self.tell(transaction, rids)

    def move(self, transaction: Transaction, offers: Iterable[int], facility: Facility) -> None:
        """Bring offers to where their facility is now, and to who runs it; what stands there already is not touched."""
        position = position_of(facility)
        if position is not None:
            rids = list(offers)
            values = {
                "rids": rids,
                "north": position.latitude,
                "east": position.longitude,
                "municipality": _municipality(facility),
                "body": _body(facility),
            }
            if transaction.run(self._move, values):
                self.tell(transaction, rids)

    def clear(self, transaction: Transaction, offer: int) -> None:
        """Forget an offer."""
        for statement in (self._clear_places, self._clear_areas, self._clear_members, self._clear_freshness):
            transaction.run(statement, {"rids": [offer]})
        self.tell(transaction, [offer])
        self._changes.add(transaction, ChangeKind.AREAS, [offer])
        self._changes.add(transaction, ChangeKind.MEMBERS, [offer])


def position_of(facility: Facility) -> Position | None:
    """Where a facility is; the middle of its postal code where the source does not say."""
    return facility.position or gazetteer.point(facility.address.postal_code)


def _places(report: VacancyReport) -> list[tuple[int, ...]]:
    """First day, last day, places, needs, care grades, rooms and sexes of each free block; one row without days for an
    offer that has none.
    """
    offer = report.offer
    grades = sum(1 << grade for grade in set(offer.care_grades)) if offer.care_grades else 0
    served = mask("need", offer.needs) if offer.needs else 0
    if report.state is State.SOME:
        free = [block for block in report.blocks if block.status is BlockStatus.FREE and block.count > 0]
        if free:
            # What a block says that it serves, the offer's other blocks do not.
            apart = mask("need", [need for block in free for need in block.needs])
            return [
                (
                    day(block.start) if block.start else NO_DAY,
                    day(block.end) if block.end else FAR_DAY,
                    block.count,
                    (served & ~apart) | mask("need", block.needs) if apart else served,
                    grades,
                    ROOMS[block.room] if block.room else 0,
                    SEXES[block.sex] if block.sex else 0,
                )
                for block in free
            ]
    return [(NO_DAY, FAR_DAY, int(report.state is State.SOME), served, grades, 0, 0)]


def _cents_a_month(offer: Offer) -> int:
    """What the person pays, -1 where nothing is said."""
    return -1 if offer.own_share is None else min(offer.own_share.cents_a_month, _CENTS_MOST)


def _body(facility: Facility) -> int:
    return 0 if facility.operator is None else operator_number(facility.operator.name)


def _municipality(facility: Facility) -> int:
    return int(municipality_of(facility) or "0")


@lru_cache(maxsize=256)
def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
