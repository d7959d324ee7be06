"""Shows joined facilities in both projections, withdraws what they stand for, and brings that back as it was.

While facilities are joined their sources' own resources are deleted: none is found twice, none is counted twice, and
their histories stay. What is withdrawn is written down, and comes back byte by byte where nothing was said meanwhile.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update

from hub.ingest.vacancy_index import Times, VacancyIndex
from hub.store.clock import moment
from hub.store.draft import Draft
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.repository import Repository, Resource, tree_of
from hub.store.tables import VIEWS, Projection, joined_offer, statement
from hub.store.tables import facility as facilities
from mappings.identity import resource_id
from mappings.joining import (
    JOINED,
    Joined,
    JoinedOffer,
    Teller,
    Told,
    joined,
    joined_id,
    joined_key,
    joined_offers,
    joined_resources,
)
from mappings.pools import bounded, bounds
from mappings.source_map import Ladder
from mappings.standing import Standing
from mappings.to_fhir import to_fhir
from mappings.vacancy import Facility, State, VacancyReport
from mappings.view import View, expired, seen

__all__ = ["JoinedView", "Member", "said"]

Key = tuple[str, str]
_REPORT: TypeAdapter[VacancyReport] = TypeAdapter(VacancyReport)
_FACILITY: TypeAdapter[Facility] = TypeAdapter(Facility)
_OFFER = "HealthcareService"
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A facility as one source tells of it; `id` is its Organization's, `content` the bytes of `facility`."""

    id: str
    source: str
    key: str
    facility: Facility
    content: bytes
    joined: str | None

    @property
    def digest(self) -> bytes:
        """What tells one content from another."""
        return hashlib.blake2b(self.content, digest_size=16).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """One joined offer as it is to be shown to professionals."""

    of: Joined
    offer: JoinedOffer
    id: str
    schedule: str
    report: VacancyReport
    at: datetime
    care_forms: tuple[str, ...]
    operator: Resource | None
    times: Times
    tells: bool

    def seen(self, view: View) -> tuple[VacancyReport, list[Resource]]:
        """The report as a view sees it, with the joined facility, and its resources."""
        report = seen(self.report, view)
        resources = joined_resources(self.of, self.offer, report, at=self.at, care_forms=self.care_forms)
        return report, [*([self.operator] if self.operator else []), *resources]

    @property
    def public_digest(self) -> bytes:
        """What the public sees of it, whenever that was said."""
        report = replace(seen(self.report, View.PUBLIC), valid_at=None, sequence=None)
        rivals = [(one.teller.source, one.report.offer.key) for one in self.offer.rivals]
        tellers = [(one.source, one.key) for one in self.of.tellers]
        rest = (rivals, tellers, self.care_forms, self.of.operator, self.offer.winner.teller.source)
        return hashlib.blake2b(orjson.dumps((report, rest)), digest_size=16).digest()


def said(row: Any) -> VacancyReport:
    """What a row of `statement` says as it is shown: a heartbeat moves no resource; of what expired nothing is left."""
    report = _REPORT.validate_json(row.report)
    if not row.expired:
        return report
    return expired(replace(report, valid_at=moment(row.ordered_at)) if report.valid_at is not None else report)


class JoinedView:
    """`rank_of` and `ladder_of` say how a source stands among others, and how long its word counts."""

    def __init__(
        self,
        repositories: Mapping[View, Repository],
        *,
        rank_of: Callable[[str], int],
        ladder_of: Callable[[str], Ladder],
    ) -> None:
        self._repositories = repositories
        self._rank_of = rank_of
        self._ladder_of = ladder_of
        self._indexes = {view: VacancyIndex(tables) for view, tables in VIEWS.items()}
        self._last = {
            view: Prepared(
                select(tables.history.c.content)
                .join(tables.resource, tables.resource.c.rid == tables.history.c.rid)
                .where(
                    tables.resource.c.type == bindparam("type"),
                    tables.resource.c.id == bindparam("id"),
                    tables.history.c.content.is_not(None),
                )
                .order_by(tables.history.c.version.desc())
                .limit(1)
            )
            for view, tables in VIEWS.items()
        }

    def show(
        self,
        connection: Connection,
        *,
        joined: Collection[str],
        left: Collection[str],
        now: int,
        delivery: int,
        unwritten: Collection[str] = (),
    ) -> int:
        """Show the joined facilities as they are now, and give those that left their own resources back.

        Facilities in `unwritten` have statements that their own resources never showed. Returns how many versions that
        made.
        """
        versions = 0
        ids = sorted(joined)
        for begin in range(0, len(ids), _CHUNK):
            versions += self._show(connection, ids[begin : begin + _CHUNK], set(unwritten), now=now, delivery=delivery)
        for facility in sorted(left):
            versions += self._restore(connection, facility, now=now, delivery=delivery)
        return versions

    def reports(self, connection: Connection, *, now: int) -> Iterator[VacancyReport]:
        """What every offer says as it is shown to professionals, each offer once: what totals are made of."""
        return (one.report for one in self.standings(connection, now=now))

    def standings(self, connection: Connection, *, now: int) -> Iterator[Standing]:
        """How every offer stands, each offer once, those of one facility after one another.

        A facility's key is that of its Organization, so that keys of two sources are never taken for one.
        """
        after = ""
        while rows := connection.execute(
            select(facilities).where(facilities.c.id > after).order_by(facilities.c.id).limit(_CHUNK)
        ).all():
            after = rows[-1].id
            # Whoever's id stands for the set brings all of it along.
            groups = {row.joined for row in rows if row.joined is not None}
            members = connection.execute(select(facilities).where(facilities.c.joined.in_(groups))).all()
            by_group: dict[str, list[Any]] = {}
            for row in members:
                by_group.setdefault(row.joined, []).append(row)
            here = {row.id for row in rows}
            alone = [row for row in rows if row.joined is None]
            statements = self._statements(connection, [(row.source, row.key) for row in (*alone, *members)])
            for row in alone:
                own = replace(_FACILITY.validate_json(row.content), key=row.id)
                for one, report in _bounded(statements[row.source, row.key], now):
                    said_now = expired(report) if one.expires_at <= now else report
                    times = self._times(one.offer, one)
                    yield _standing(replace(said_now, facility=own), one.source, times, told=_tells(one, report))
            for group, each in sorted(by_group.items()):
                if min(row.id for row in each) in here:
                    for shown in self._shown(each, statements, now=now):
                        report = replace(shown.report, facility=replace(shown.report.facility, key=group))
                        source = shown.offer.winner.teller.source
                        yield _standing(report, source, shown.times, told=shown.tells)

    def _show(
        self, connection: Connection, ids: Sequence[str], unwritten: Collection[str], *, now: int, delivery: int
    ) -> int:
        rows = connection.execute(select(facilities).where(facilities.c.joined.in_(ids))).all()
        members: dict[str, list[Any]] = {one: [] for one in ids}
        for row in rows:
            members[row.joined].append(row)
        statements = self._statements(connection, [(row.source, row.key) for row in rows])
        shown = [one for each in members.values() if each for one in self._shown(each, statements, now=now)]
        before = {row.id: row for row in connection.execute(select(joined_offer).where(joined_offer.c.joined.in_(ids)))}
        after = {one.id: one for one in shown}
        gone = [row for offer, row in before.items() if offer not in after]
        # Also one of which no offer is left: nobody tells of it any more.
        dissolved = {one for one, each in members.items() if not any(statements[row.source, row.key] for row in each)}
        own = [row for row in rows if row.withdrawn is None]
        kept: dict[str, dict[str, Any]] = {
            row.id: {
                "signature": "" if row.id in unwritten else _signature(statements[row.source, row.key]),
                "at": now,
            }
            for row in own
        }
        versions = 0
        for projection, repository in self._each():
            view = View(projection.name)
            withdrawn = []
            for row in own:
                stored = self._withdrawn(connection, projection, row, statements[row.source, row.key])
                kept[row.id][projection.name] = stored
                withdrawn += [(kind, name) for kind, name in stored["resources"]]
            told = [
                one
                for one in shown
                if view is View.PROFESSIONAL
                or one.id not in before
                or bytes(before[one.id].public_digest) != one.public_digest
            ]
            groups = [one.seen(view) for one in told]
            resources = [resource for _, group in groups for resource in group]
            there = {(resource["resourceType"], resource["id"]) for resource in resources}
            old_slots = self._slots(connection, projection, [*(one.id for one in told), *(row.id for row in gone)])
            versions += self._write(
                connection,
                repository,
                groups,
                deletions=[
                    key
                    for key in dict.fromkeys(
                        (
                            *withdrawn,
                            *old_slots,
                            *((_OFFER, row.id) for row in gone),
                            *(("Schedule", row.schedule) for row in gone),
                            *(("Location", row.location) for row in gone if row.joined in dissolved),
                            *(("Organization", one) for one in dissolved),
                        )
                    )
                    if key not in there
                ],
                now=now,
                delivery=delivery,
            )
            _clear(connection, projection, [row.id for row in gone], self._indexes[projection.name])
            self._freshen(connection, projection, shown, told if view is View.PUBLIC else shown)
        self._remember(connection, shown, before, gone, kept)
        return versions

    def _remember(
        self,
        connection: Connection,
        shown: Sequence[_Shown],
        before: Mapping[str, Any],
        gone: Sequence[Any],
        kept: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Write down what is shown, and what gave way to it."""
        rows = {
            one.id: {
                "id": one.id,
                "joined": joined_id((one.of.anchor,)),
                "location": joined_id((one.of.anchor,), "Location"),
                "schedule": one.schedule,
                "winner": one.offer.winner.offer,
                "public_digest": one.public_digest,
            }
            for one in shown
        }
        changed = [
            row
            for offer, row in rows.items()
            if offer not in before
            or before[offer].winner != row["winner"]
            or bytes(before[offer].public_digest) != row["public_digest"]
        ]
        stale = [*(row.id for row in gone), *(row["id"] for row in changed)]
        if stale:
            connection.execute(delete(joined_offer).where(joined_offer.c.id.in_(stale)))
        if changed:
            connection.execute(insert(joined_offer), changed)
        if kept:
            connection.execute(
                update(facilities)
                .where(facilities.c.id == bindparam("the_id"))
                .values(withdrawn=bindparam("withdrawn")),
                [{"the_id": facility, "withdrawn": orjson.dumps(blob)} for facility, blob in kept.items()],
            )

    def _shown(self, rows: Sequence[Any], statements: Mapping[Key, Sequence[Any]], *, now: int) -> list[_Shown]:
        """The offers of one joined facility."""
        members = {
            row.id: (
                Teller(rank=self._rank_of(row.source), source=row.source, key=row.key),
                _FACILITY.validate_json(row.content),
            )
            for row in rows
        }
        of = joined(members)
        by_offer: dict[str, Any] = {}
        told = []
        for row in rows:
            teller, own = members[row.id]
            for one, report in _bounded(statements[row.source, row.key], now):
                by_offer[one.offer] = one
                told.append(
                    Told(
                        teller=teller,
                        offer=one.offer,
                        report=replace(report, facility=own),
                        order=(one.ordered_at, one.sequence),
                        expired=one.expired or one.expires_at <= now,
                    )
                )
        offers = joined_offers(told)
        care_forms = tuple(sorted({offer.winner.report.offer.care_form for offer in offers}))
        operator = _operator(of, told)
        return [
            _Shown(
                of=of,
                offer=offer,
                id=resource_id(JOINED, _OFFER, joined_key(of, offer)),
                schedule=resource_id(JOINED, "Schedule", joined_key(of, offer)),
                report=_of_joined(of, offer),
                at=moment(by_offer[offer.winner.offer].changed_at),
                care_forms=care_forms,
                operator=operator,
                times=self._times(resource_id(JOINED, _OFFER, joined_key(of, offer)), by_offer[offer.winner.offer]),
                tells=_tells(by_offer[offer.winner.offer], offer.winner.report),
            )
            for offer in offers
        ]

    def _times(self, offer: str, row: Any) -> Times:
        return Times(
            offer=offer,
            valid_at=row.ordered_at if row.stated_at is not None else None,
            confirmed_at=row.confirmed_at,
            based_on=row.ordered_at,
            ladder=self._ladder_of(row.source),
            ended_at=row.expires_at if row.expired else None,
        )

    def _freshen(
        self, connection: Connection, projection: Projection, shown: Sequence[_Shown], changed: Sequence[_Shown]
    ) -> None:
        """Bring the times; what the public hears again of the very moment that it knows confirms nothing there."""
        written = {one.id for one in changed}
        resource, freshness = projection.resource, projection.freshness
        known: dict[str, int | None] = {}
        quiet = [one.id for one in shown if one.id not in written]
        for begin in range(0, len(quiet), _CHUNK):
            found = connection.execute(
                select(resource.c.id, freshness.c.valid_at)
                .join(freshness, freshness.c.rid == resource.c.rid)
                .where(resource.c.type == _OFFER, resource.c.id.in_(quiet[begin : begin + _CHUNK]))
            )
            known.update((row.id, row.valid_at) for row in found)
        times = [
            one.times
            for one in shown
            if one.id in written or one.times.valid_at is None or known.get(one.id) != one.times.valid_at
        ]
        if times:
            self._put_times(connection, projection, times)

    def _restore(self, connection: Connection, facility: str, *, now: int, delivery: int) -> int:
        """Give a facility that stands for itself again its own resources back."""
        row = connection.execute(select(facilities).where(facilities.c.id == facility)).one()
        rows = self._statements(connection, [(row.source, row.key)])[row.source, row.key]
        kept = orjson.loads(row.withdrawn) if row.withdrawn is not None else {}
        unchanged = bool(kept.get("signature")) and kept["signature"] == _signature(rows)
        versions = 0
        for projection, repository in self._each():
            if unchanged:
                versions += self._put_back(connection, repository, kept[projection.name], now=now, delivery=delivery)
            else:
                versions += self._write_anew(connection, repository, row, rows, now=now, delivery=delivery)
            newer = [one for one in rows if not unchanged or one.confirmed_at > kept["at"]]
            if newer:
                self._put_times(connection, projection, [self._times(one.offer, one) for one in newer])
        connection.execute(update(facilities).where(facilities.c.id == facility).values(withdrawn=None))
        return versions

    def _put_back(
        self, connection: Connection, repository: Repository, kept: Mapping[str, Any], *, now: int, delivery: int
    ) -> int:
        """The very bytes that were withdrawn, under the versions that follow."""
        transaction = Transaction(connection)
        projection = repository.projection
        drafts = []
        for kind, name in kept["resources"]:
            found = transaction.first(self._last[projection.name], {"type": kind, "id": name})
            assert found is not None, "what was withdrawn was there"
            drafts.append(Draft.received(tree_of(bytes(found[0])), bytes(found[0])))
        deliveries = {(draft.type, draft.id): delivery for draft in drafts}
        written = repository.store(transaction, drafts, at=now, deliveries=deliveries)
        for table, name in ((projection.vacancy, "vacancy"), (projection.member, "member")):
            if kept[name]:
                names = [column.name for column in table.columns]
                connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in kept[name]])
        index = self._indexes[projection.name]
        index.tell(transaction, {row[0] for name in ("vacancy", "member") for row in kept[name]}, members=True)
        return written.made

    def _write_anew(
        self, connection: Connection, repository: Repository, row: Any, rows: Sequence[Any], *, now: int, delivery: int
    ) -> int:
        view = View(repository.projection.name)
        own = _FACILITY.validate_json(row.content)
        care_forms = tuple(sorted({one.care_form for one in rows}))
        groups = []
        for one, report in _bounded(rows, now):
            told = seen(replace(report, facility=own), view)
            resources = to_fhir(told, source=row.source, at=moment(one.changed_at), care_forms=care_forms)
            groups.append((told, list(resources)))
        return self._write(connection, repository, groups, deletions=(), now=now, delivery=delivery)

    def _write(
        self,
        connection: Connection,
        repository: Repository,
        groups: Sequence[tuple[VacancyReport, list[Resource]]],
        *,
        deletions: Collection[Key],
        now: int,
        delivery: int,
    ) -> int:
        if not groups and not deletions:
            return 0
        transaction = Transaction(connection)
        drafts: dict[Key, Draft] = {}
        for _, group in groups:
            for resource in group:
                drafts[resource["resourceType"], resource["id"]] = Draft.of(resource)
        deliveries = dict.fromkeys((*drafts, *deletions), delivery)
        written = repository.store(transaction, drafts.values(), deletions=deletions, at=now, deliveries=deliveries)
        rids, index = written.rids, self._indexes[repository.projection.name]
        members: dict[int, set[int]] = {}
        reports: dict[int, VacancyReport] = {}
        for report, group in groups:
            keys = [(resource["resourceType"], resource["id"]) for resource in group]
            offer = next(rids[key] for key in keys if key[0] == _OFFER)
            members[offer] = {rids[key] for key in keys if key[0] != _OFFER}
            reports[offer] = report
        index.put_members(transaction, members)
        index.put_places(transaction, reports)
        return written.made

    def _put_times(self, connection: Connection, projection: Projection, times: Sequence[Times]) -> None:
        transaction, index = Transaction(connection), self._indexes[projection.name]
        rids = index.offers(transaction, [told.offer for told in times])
        index.put_freshness(transaction, {rids[told.offer]: told for told in times})

    def _withdrawn(
        self, connection: Connection, projection: Projection, row: Any, rows: Sequence[Any]
    ) -> dict[str, Any]:
        """What of a facility a projection shows by itself, taken out of the search for places."""
        resource, member, vacancy = projection.resource, projection.member, projection.vacancy
        offers = [one.offer for one in rows]
        rids = list(
            connection.execute(
                select(resource.c.rid).where(resource.c.type == _OFFER, resource.c.id.in_(offers))
            ).scalars()
        )
        of_offers = member.c.rid.in_(rids)
        shown = [list(one) for one in connection.execute(select(member).where(of_offers))]
        places = [list(one) for one in connection.execute(select(vacancy).where(vacancy.c.rid.in_(rids)))]
        found = connection.execute(
            select(resource.c.type, resource.c.id).where(
                resource.c.rid.in_([*rids, *{in_it for _, in_it in shown}]), resource.c.deleted.is_(False)
            )
        )
        # The operator stays: it is of this source alone, and other facilities of it may be.
        own = sorted((kind, name) for kind, name in found if kind != "Organization" or name == row.id)
        _clear(connection, projection, offers, self._indexes[projection.name])
        return {"resources": own, "vacancy": places, "member": shown}

    def _slots(self, connection: Connection, projection: Projection, offers: Sequence[str]) -> list[Key]:
        """The Slots that are shown with offers now."""
        resource, member = projection.resource, projection.member
        found: list[Key] = []
        for begin in range(0, len(offers), _CHUNK):
            of_type = and_(resource.c.type == _OFFER, resource.c.id.in_(offers[begin : begin + _CHUNK]))
            rids = connection.execute(select(resource.c.rid).where(of_type)).scalars().all()
            shown = connection.execute(select(member.c.member).where(member.c.rid.in_(rids))).scalars().all()
            for first in range(0, len(shown), _CHUNK):
                columns = select(resource.c.id, resource.c.type, resource.c.deleted)
                rows = connection.execute(columns.where(resource.c.rid.in_(shown[first : first + _CHUNK])))
                found += [("Slot", row.id) for row in rows if row.type == "Slot" and not row.deleted]
        return found

    def _statements(self, connection: Connection, keys: Collection[Key]) -> dict[Key, list[Any]]:
        """The statements of facilities, by (source, key)."""
        found: dict[Key, list[Any]] = {key: [] for key in keys}
        by_source: dict[str, list[str]] = {}
        for source, key in keys:
            by_source.setdefault(source, []).append(key)
        for source, own in by_source.items():
            for begin in range(0, len(own), _CHUNK):
                rows = connection.execute(
                    select(statement)
                    .where(statement.c.source == source, statement.c.facility.in_(own[begin : begin + _CHUNK]))
                    .order_by(statement.c.offer)
                )
                for row in rows:
                    found[row.source, row.facility].append(row)
        return found

    def _each(self) -> Iterator[tuple[Projection, Repository]]:
        for view in (View.PUBLIC, View.PROFESSIONAL):
            yield VIEWS[view.value], self._repositories[view]


def _bounded(rows: Sequence[Any], now: int) -> list[tuple[Any, VacancyReport]]:
    """What each statement of a facility says, no more than newer words of its pool leave."""
    told = [(row, said(row)) for row in rows]
    most = bounds((row.offer, row.ordered_at, report) for row, report in told if row.expires_at > now)
    return [(row, bounded(report, most.get(row.offer))) for row, report in told]


def _tells(row: Any, report: VacancyReport) -> bool:
    """Whether a statement says, or said until it expired, anything of its places."""
    said_first = _REPORT.validate_json(row.report) if row.expired else report
    return said_first.state is not State.UNKNOWN


def _standing(report: VacancyReport, source: str, times: Times, *, told: bool) -> Standing:
    return Standing(
        report=report,
        source=source,
        told=told,
        withdrawn=times.is_withdrawn,
        as_of=moment(times.based_on),
        fresh_until=moment(times.until(times.ladder.fresh)),
        aging_until=moment(times.until(times.ladder.aging)),
        expires_at=moment(times.expires_at),
    )


def _of_joined(of: Joined, offer: JoinedOffer) -> VacancyReport:
    report = offer.winner.report
    if offer.winner.expired:
        report = expired(report)
    return replace(report, facility=of.facility, offer=replace(report.offer, pool=offer.pool))


def _operator(of: Joined, told: Sequence[Told]) -> Resource | None:
    """The operator as its own source writes it."""
    if of.operator is None:
        return None
    source, operator = of.operator
    own = resource_id(source, "Organization/operator", operator.key)
    for one in told:
        if one.teller.source == source and one.report.facility.operator == operator:
            made = to_fhir(replace(one.report, blocks=()), source=source, at=moment(0))
            return next(resource for resource in made if resource["id"] == own)
    return None


def _signature(rows: Sequence[Any]) -> str:
    """What the statements of a facility are: the same again, and nothing was said meanwhile."""
    told = hashlib.blake2b(digest_size=16)
    for row in rows:
        pooled = row.ordered_at if b'"pool":""' not in bytes(row.report) else 0
        told.update(f"{row.offer}|{bytes(row.digest).hex()}|{row.changed_at}|{row.expired}|{pooled}\n".encode())
    return told.hexdigest()


def _clear(connection: Connection, projection: Projection, offers: Sequence[str], index: VacancyIndex) -> None:
    """Take offers out of the search for places."""
    resource = projection.resource
    for begin in range(0, len(offers), _CHUNK):
        of_offers = resource.c.type == _OFFER, resource.c.id.in_(offers[begin : begin + _CHUNK])
        rids = connection.execute(select(resource.c.rid).where(*of_offers)).scalars().all()
        for table in (projection.vacancy, projection.member):
            connection.execute(delete(table).where(table.c.rid.in_(rids)))
        index.tell(Transaction(connection), rids, members=True)
