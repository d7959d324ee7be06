"""Holds reports against what is known of their offers, and writes what differs into both projections.

Per offer the statement with the greatest (valid at, sequence) wins, whatever the order of arrival. The same content
again, later, is a heartbeat: it moves the times and makes no version. A newer report replaces all places of its offer.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from hub.ingest.identity import Held, Identity
from hub.ingest.joined_view import said
from hub.ingest.pool_bounds import PoolBounds, Pooled
from hub.ingest.vacancy_index import Times, index_freshness, index_vacancies, move_offers, position_of
from hub.store.clock import micros, moment
from hub.store.lock import lock, take_turn
from hub.store.prepared import Prepared
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository, Resource
from hub.store.tables import PROFESSIONAL, PUBLIC, Projection, statement
from mappings.errors import Issue
from mappings.identity import resource_id
from mappings.language import Ladder
from mappings.pools import bounded
from mappings.to_fhir import to_fhir
from mappings.vacancy import Facility, VacancyReport
from mappings.view import View, expired, seen

__all__ = ["Outcome", "Reconciler", "oddities_of_time"]

_REPORT: TypeAdapter[VacancyReport] = TypeAdapter(VacancyReport)
_AHEAD = timedelta(seconds=10)
"""How far a source's clock may be ahead of ours before its word is clamped."""
_DUE = Prepared(
    select(statement.c.offer).where(statement.c.expired.is_(False), statement.c.expires_at <= bindparam("now")).limit(1)
)
_CHUNK = 500


@dataclass(slots=True)
class Outcome:
    """What became of reports, by number."""

    applied: int = 0
    unchanged: int = 0
    superseded: int = 0
    versions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Statement:
    """One report as it competes for its offer."""

    offer: str
    report: VacancyReport
    digest: bytes
    public_digest: bytes
    order: tuple[int, int]
    stated_at: int | None
    times: Times

    def repeats(self, stored: Any) -> bool:
        """Whether the source states the very moment that it stated before: nothing is confirmed by that."""
        return self.stated_at is not None and self.stated_at == stored.stated_at

    @property
    def facility(self) -> str:
        return self.report.facility.key

    @property
    def at(self) -> datetime:
        return moment(self.order[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _KnownFacility:
    """A facility as it was told of last, with the care forms and ids of all its offers."""

    facility: Facility
    care_forms: tuple[str, ...]
    offers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendering:
    """A report as one view sees it, on its way into FHIR."""

    report: VacancyReport
    source: str
    at: datetime
    care_forms: Collection[str]

    def resources(self) -> list[Resource]:
        return list(to_fhir(self.report, source=self.source, at=self.at, care_forms=self.care_forms))


class Reconciler:
    """Writes reports into the store, in the transaction of whoever calls."""

    def __init__(self, repositories: Mapping[View, Repository], identity: Identity) -> None:
        self._repositories = repositories
        self._identity = identity

    def reconcile(
        self,
        connection: Connection,
        reports: Iterable[VacancyReport],
        *,
        source: str,
        ladder: Ladder,
        received_at: datetime,
        now: datetime,
        delivery: int,
    ) -> Outcome:
        """Apply the reports of one delivery; `now` is the moment of the write, the caller holds the source's lock."""
        take_turn(Transaction(connection))
        outcome = Outcome()
        winners: dict[str, _Statement] = {}
        for ordinal, report in enumerate(reports):
            told = _statement(report, source, ladder, received_at, ordinal)
            rival = winners.get(told.offer)
            if rival is not None:
                outcome.superseded += 1
            if rival is None or told.order > rival.order:
                winners[told.offer] = told
        known = _known(connection, list(winners))
        to_apply: list[_Statement] = []
        confirmed: list[_Statement] = []
        for offer, told in winners.items():
            stored = known.get(offer)
            if stored is None:
                to_apply.append(told)
            elif told.repeats(stored) and told.digest == stored.digest:
                outcome.unchanged += 1  # a stuck export: the same moment said again confirms nothing
            elif told.order < (stored.ordered_at, stored.sequence):
                outcome.superseded += 1
            elif told.digest == stored.digest and not stored.expired:
                outcome.unchanged += 1
                confirmed.append(told)
            else:
                to_apply.append(told)
        outcome.applied = len(to_apply)
        held = Held()
        again = {told.facility: told.report.facility for told in confirmed}
        held.add(self._identity.note(connection, source, again, now=micros(now), confirmed=True))
        self._confirm(connection, confirmed, held)
        for chunk in _chunks(to_apply):
            outcome.versions += self._apply(
                connection, chunk, known, held, now=micros(now), delivery=delivery, source=source
            )
        pools = PoolBounds.of(connection, source, _pooled(confirmed, held, micros(now)), now=micros(now))
        outcome.versions += self._rebind(connection, pools, pools.changed, now=micros(now), delivery=delivery)
        outcome.versions += self._identity.show(connection, held, now=micros(now), delivery=delivery)
        return outcome

    def is_due(self, reader: Reader, *, now: datetime) -> bool:
        """Whether a statement has expired by `now` and still stands."""
        return reader.first(_DUE, {"now": micros(now)}) is not None

    def expire(self, connection: Connection, *, now: datetime, most: int = 1000) -> int:
        """Withdraw what has expired by `now`: the places go, the state is unknown; returns how many were withdrawn."""
        is_due = and_(statement.c.expired.is_(False), statement.c.expires_at <= micros(now))
        lock(connection, connection.execute(select(statement.c.source).where(is_due).distinct()).scalars())
        take_turn(Transaction(connection))
        every = connection.execute(select(statement).where(is_due).limit(most)).all()
        joined = self._identity.joined(connection, {(row.source, row.facility) for row in every})
        due = [row for row in every if (row.source, row.facility) not in joined]
        care_forms = {
            (row.source, row.facility): _stored_care_forms(connection, row.source, row.facility) for row in due
        }
        for projection, repository in self._each():
            rendered = [
                _Rendering(
                    report=seen(expired(_last_said(row)), View(projection.name)),
                    source=row.source,
                    at=moment(row.ordered_at),
                    care_forms=care_forms[row.source, row.facility],
                )
                for row in due
            ]
            self._write(connection, repository, rendered, now=micros(now), delivery=0)
        for chunk in _chunks([row.offer for row in every]):
            connection.execute(update(statement).where(statement.c.offer.in_(chunk)).values(expired=True))
        self._identity.show(connection, Held(joined=set(joined.values())), now=micros(now))
        return len(every)

    def _apply(
        self,
        connection: Connection,
        statements: Sequence[_Statement],
        known: Mapping[str, Any],
        held: Held,
        *,
        now: int,
        delivery: int,
        source: str,
    ) -> int:
        facilities = _facilities(connection, statements, source)
        told_now = {told.offer for told in statements}
        own = {key: known_as.facility for key, known_as in facilities.items()}
        held.add(self._identity.note(connection, source, own, now=now))
        pools = PoolBounds.of(connection, source, _pooled(statements, held, now), now=now)
        shown = [told for told in statements if told.facility not in held.keys]
        versions = 0
        for projection, repository in self._each():
            view = View(projection.name)
            rendered = [
                _Rendering(
                    report=seen(
                        bounded(_effective(told, facilities[told.facility], now), pools.most.get(told.offer)), view
                    ),
                    source=source,
                    at=told.at,
                    care_forms=facilities[told.facility].care_forms,
                )
                for told in shown
                if view is View.PROFESSIONAL
                or told.offer in pools.changed
                or _differs_publicly(told, known.get(told.offer), now)
            ]
            versions += self._write(connection, repository, rendered, now=now, delivery=delivery)
            for known_as in facilities.values():
                siblings = [offer for offer in known_as.offers if offer not in told_now]
                if siblings:
                    move_offers(connection, projection, siblings, position_of(known_as.facility))
            times = [
                told.times
                for told in shown
                if view is View.PROFESSIONAL or not _same_to_the_public(told, known.get(told.offer), now)
            ]
            index_freshness(connection, projection, times)
        rows = [
            {
                "offer": told.offer,
                "source": source,
                "facility": told.facility,
                "care_form": told.report.offer.care_form,
                "stated_at": told.stated_at,
                "ordered_at": told.order[0],
                "sequence": told.order[1],
                "digest": told.digest,
                "public_digest": told.public_digest,
                "received_at": told.times.confirmed_at,
                "confirmed_at": told.times.confirmed_at,
                "changed_at": told.times.confirmed_at,
                "expires_at": told.times.expires_at,
                "expired": told.times.expires_at <= now,
                "report": orjson.dumps(told.report),
            }
            for told in statements
        ]
        old = [told.offer for told in statements if told.offer in known]
        if old:
            connection.execute(delete(statement).where(statement.c.offer.in_(old)))
        connection.execute(insert(statement), rows)
        return versions + self._rebind(connection, pools, pools.changed - told_now, now=now, delivery=delivery)

    def _rebind(
        self, connection: Connection, pools: PoolBounds, offers: Collection[str], *, now: int, delivery: int
    ) -> int:
        """Show offers again of which newer words of their pools leave another number than before."""
        pools.keep(connection)
        versions = 0
        for chunk in _chunks(sorted(offers)):
            rows = connection.execute(select(statement).where(statement.c.offer.in_(chunk))).all()
            known = self._identity.known(connection, {(row.source, row.facility) for row in rows})
            care_forms = {
                (row.source, row.facility): _stored_care_forms(connection, row.source, row.facility) for row in rows
            }
            for projection, repository in self._each():
                rendered = [
                    _Rendering(
                        report=seen(
                            replace(
                                bounded(said(row), pools.most.get(row.offer)),
                                facility=known[row.source, row.facility],
                            ),
                            View(projection.name),
                        ),
                        source=row.source,
                        at=moment(row.changed_at),
                        care_forms=care_forms[row.source, row.facility],
                    )
                    for row in rows
                ]
                versions += self._write(connection, repository, rendered, now=now, delivery=delivery)
        return versions

    def _write(
        self,
        connection: Connection,
        repository: Repository,
        renderings: Sequence[_Rendering],
        *,
        now: int,
        delivery: int,
    ) -> int:
        """Render reports as one view sees them and store them; returns how many versions that made."""
        groups = [(rendering.report, rendering.resources()) for rendering in renderings]
        resources = [resource for _, group in groups for resource in group]
        offers = [resource["id"] for resource in resources if resource["resourceType"] == "HealthcareService"]
        slots = _slots_of(connection, repository.projection, offers)
        kept = {resource["id"] for resource in resources if resource["resourceType"] == "Slot"}
        written = repository.write(
            connection,
            resources,
            deletions=[("Slot", slot) for slot in slots if slot not in kept],
            at=now,
            delivery=delivery,
        )
        index_vacancies(connection, repository.projection, groups, written.rids)
        return written.made

    def _confirm(self, connection: Connection, statements: Sequence[_Statement], held: Held) -> None:
        if not statements:
            return
        connection.execute(
            update(statement)
            .where(statement.c.offer == bindparam("the_offer"))
            .values(
                {
                    name: bindparam(name)
                    for name in ("stated_at", "ordered_at", "sequence", "confirmed_at", "expires_at")
                }
            ),
            [
                {
                    "the_offer": told.offer,
                    "stated_at": told.stated_at,
                    "ordered_at": told.order[0],
                    "sequence": told.order[1],
                    "confirmed_at": told.times.confirmed_at,
                    "expires_at": told.times.expires_at,
                }
                for told in statements
            ],
        )
        times = [told.times for told in statements if told.facility not in held.keys]
        for projection, _ in self._each():
            index_freshness(connection, projection, times)

    def _each(self) -> tuple[tuple[Projection, Repository], ...]:
        return (
            (PUBLIC, self._repositories[View.PUBLIC]),
            (PROFESSIONAL, self._repositories[View.PROFESSIONAL]),
        )


def oddities_of_time(report: VacancyReport, received_at: datetime, ladder: Ladder, place: str) -> tuple[Issue, ...]:
    """A warning where the moment that a report states lies in the future, or is so old that it counts no more."""
    if report.valid_at is None:
        return ()
    if report.valid_at + ladder.stale <= received_at:
        return (_expired_already(place, ladder),)
    if report.valid_at <= received_at + _AHEAD:
        return ()
    return (
        Issue(
            code="valid-at-in-the-future",
            severity="warning",
            place=place,
            text_de="der Stand liegt in der Zukunft und zählt als jetzt; bitte die Uhr der Quelle prüfen",
            text_en="the statement's time lies in the future and counts as now; please check the source's clock",
        ),
    )


def _expired_already(place: str, ladder: Ladder) -> Issue:
    days = ladder.stale / timedelta(days=1)
    return Issue(
        code="expired-already",
        severity="warning",
        place=place,
        text_de=f"der Stand ist älter als {days:g} Tage: das Angebot gilt als unbekannt, bis ein neuer Stand kommt",
        text_en=f"the statement is older than {days:g} days: the offer counts as unknown until a new one comes",
    )


def _statement(report: VacancyReport, source: str, ladder: Ladder, received_at: datetime, ordinal: int) -> _Statement:
    received = micros(received_at)
    stated_at = micros(report.valid_at) if report.valid_at is not None else None
    if report.valid_at is not None and report.valid_at > received_at + _AHEAD:
        report = replace(report, valid_at=received_at)
    at = micros(report.valid_at) if report.valid_at is not None else received
    offer = resource_id(source, "HealthcareService", report.offer.key)
    return _Statement(
        offer=offer,
        report=report,
        digest=_digest(report),
        public_digest=_digest(seen(report, View.PUBLIC)),
        # Where a source numbers nothing, what was said later counts: our clock, then the order within the delivery.
        order=(at, report.sequence if report.sequence is not None else received + ordinal),
        stated_at=stated_at,
        times=Times(
            offer=offer,
            valid_at=at if stated_at is not None else None,
            confirmed_at=received,
            based_on=at,
            ladder=ladder,
        ),
    )


def _pooled(statements: Iterable[_Statement], held: Held, now: int) -> list[Pooled]:
    """Statements as they bound each other; those of joined facilities do that elsewhere."""
    return [
        Pooled(
            offer=told.offer,
            facility=told.facility,
            at=told.order[0],
            report=told.report,
            expired=told.times.expires_at <= now,
        )
        for told in statements
        if told.facility not in held.keys
    ]


def _last_said(row: Any) -> VacancyReport:
    """The report of a statement, as of when it was said last: a heartbeat moves the moment alone."""
    report = _REPORT.validate_json(row.report)
    return replace(report, valid_at=moment(row.ordered_at)) if report.valid_at is not None else report


def _digest(report: VacancyReport) -> bytes:
    """What a report says, whenever it says so."""
    content = replace(report, valid_at=None, sequence=None)
    return hashlib.blake2b(orjson.dumps(content), digest_size=16).digest()


def _differs_publicly(told: _Statement, stored: Any, now: int) -> bool:
    """Whether the public sees a difference: what changes for professionals alone must not move a public version."""
    return (
        stored is None or stored.expired or told.times.expires_at <= now or told.public_digest != stored.public_digest
    )


def _same_to_the_public(told: _Statement, stored: Any, now: int) -> bool:
    """Whether the public hears again what it knows, of the very moment it knows: hidden changes confirm nothing."""
    return stored is not None and told.repeats(stored) and not _differs_publicly(told, stored, now)


def _effective(told: _Statement, known_as: _KnownFacility, now: int) -> VacancyReport:
    """What is to be shown: nothing of an expired statement, and of the facility what was said of it last."""
    report = told.report if told.times.expires_at > now else expired(told.report)
    return replace(report, facility=known_as.facility)


def _facilities(connection: Connection, statements: Sequence[_Statement], source: str) -> dict[str, _KnownFacility]:
    """Every facility that is told of, by all that was ever told of its offers: the newest statement's word counts."""
    newest: dict[str, tuple[tuple[int, int], VacancyReport | bytes]] = {}
    offers: dict[str, dict[str, str]] = {}
    for chunk in _chunks(list({told.facility for told in statements})):
        rows = connection.execute(
            select(statement).where(statement.c.source == source, statement.c.facility.in_(chunk))
        )
        for row in rows:
            offers.setdefault(row.facility, {})[row.offer] = row.care_form
            order = (row.ordered_at, row.sequence)
            if row.facility not in newest or order > newest[row.facility][0]:
                newest[row.facility] = (order, row.report)
    for told in statements:
        offers.setdefault(told.facility, {})[told.offer] = told.report.offer.care_form
        if told.facility not in newest or told.order >= newest[told.facility][0]:
            newest[told.facility] = (told.order, told.report)
    return {
        key: _KnownFacility(
            facility=(report if isinstance(report, VacancyReport) else _REPORT.validate_json(report)).facility,
            care_forms=tuple(sorted(set(offers[key].values()))),
            offers=tuple(offers[key]),
        )
        for key, (_, report) in newest.items()
    }


def _stored_care_forms(connection: Connection, source: str, facility: str) -> tuple[str, ...]:
    rows = connection.execute(
        select(statement.c.care_form).where(statement.c.source == source, statement.c.facility == facility)
    )
    return tuple(sorted(set(rows.scalars())))


def _known(connection: Connection, offers: Sequence[str]) -> dict[str, Any]:
    columns = (
        statement.c.offer,
        statement.c.stated_at,
        statement.c.ordered_at,
        statement.c.sequence,
        statement.c.digest,
        statement.c.public_digest,
        statement.c.expired,
    )
    found: dict[str, Any] = {}
    for chunk in _chunks(offers):
        for row in connection.execute(select(*columns).where(statement.c.offer.in_(chunk))):
            found[row.offer] = row
    return found


def _slots_of(connection: Connection, projection: Projection, offers: Sequence[str]) -> list[str]:
    """The ids of the Slots that are shown with these offers now."""
    # Three statements that can only go from offer to Slot: joined, a planner without statistics begins with all Slots.
    resource, member = projection.resource, projection.member
    found: list[str] = []
    for chunk in _chunks(offers):
        of_type = and_(resource.c.type == "HealthcareService", resource.c.id.in_(chunk))
        rids = connection.execute(select(resource.c.rid).where(of_type)).scalars().all()
        shown = connection.execute(select(member.c.member).where(member.c.rid.in_(rids))).scalars().all()
        for some in _chunks(shown):
            columns = select(resource.c.id, resource.c.type, resource.c.deleted)
            rows = connection.execute(columns.where(resource.c.rid.in_(some)))
            found.extend(row.id for row in rows if row.type == "Slot" and not row.deleted)
    return found


def _chunks(items: Sequence[Any]) -> Iterable[Any]:
    return (items[begin : begin + _CHUNK] for begin in range(0, len(items), _CHUNK))
