"""Holds reports against what is known of their offers, and writes what differs into both projections.

Per offer the statement with the greatest (valid at, sequence) wins, whatever the order of arrival. The same content
again, later, is a heartbeat: it moves the times and makes no version. A newer report replaces all places of its offer;
what it says of offer and facility is written where it differs from what is shown.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

import orjson
from pydantic import TypeAdapter

from hub.ingest import recorded_runs, statements
from hub.ingest.changes import Change, Effect, Site, Statement, Told
from hub.ingest.identity import Held, Identity
from hub.ingest.joined_view import said
from hub.ingest.pool_bounds import PoolBounds, Pooled
from hub.ingest.recorded_runs import Current
from hub.ingest.renderings import Drawn, Key, Rendering, offer_resources, rendering
from hub.ingest.stated_time import AHEAD
from hub.ingest.statements import Known, Offered
from hub.ingest.vacancy_index import Times, VacancyIndex, position_of
from hub.store.clock import micros, moment
from hub.store.draft import Draft
from hub.store.lock import take_turn
from hub.store.reader import Reader, Transaction
from hub.store.repository import Repository
from mappings.identity import resource_id
from mappings.pools import bounded
from mappings.source_map import Ladder
from mappings.to_fhir import capacity_status
from mappings.vacancy import Facility, VacancyReport
from mappings.view import View, expired, public_facility, seen

__all__ = ["Reconciler"]

_REPORT: TypeAdapter[VacancyReport] = TypeAdapter(VacancyReport)
_DIGEST = 16


class Reconciler:
    """Writes reports into the store, in the transaction of whoever calls."""

    def __init__(self, repositories: Mapping[View, Repository], identity: Identity) -> None:
        self._repositories = repositories
        self._identity = identity
        self._indexes = {view: VacancyIndex(one.projection) for view, one in repositories.items()}

    def reconcile(
        self, transaction: Transaction, told: Sequence[Told], *, source: str, ladder: Ladder, now: datetime
    ) -> list[Effect]:
        """Apply reports of a source in their order; `now` is the moment of the write. What became of each."""
        take_turn(transaction)
        effects = []
        winners: dict[str, Statement] = {}
        for mine in _stated(told, source, ladder):
            effects.append(mine.effect)
            rival = winners.get(mine.offer)
            if rival is not None and rival.facility != mine.facility:
                mine.effect.moved = rival.effect.moved = True
            if rival is None:
                winners[mine.offer] = mine
            elif mine.order >= rival.order:
                rival.effect.change, winners[mine.offer] = "superseded", mine
            else:
                mine.effect.change = "superseded"
        known, stamp = statements.known(transaction, winners), micros(now)
        to_apply: list[Statement] = []
        confirmed: list[Statement] = []
        numbered: list[Statement] = []
        for offer, mine in winners.items():
            stored = known.get(offer)
            if stored is None:
                to_apply.append(mine)
            elif mine.repeats(stored) and mine.digest == stored.digest:
                mine.effect.change = "unchanged"  # a stuck export: the same moment said again confirms nothing
                if mine.order > (stored.ordered_at, stored.sequence):
                    numbered.append(mine)
            elif mine.order < (stored.ordered_at, stored.sequence):
                mine.effect.change = "superseded"
            elif mine.digest == stored.digest and (mine.times.expires_at <= stamp or not stored.expired):
                mine.effect.change = "unchanged"
                confirmed.append(mine)
            else:
                mine.effect.moved = mine.effect.moved or stored.facility != mine.facility
                to_apply.append(mine)
        for mine in _new_words(transaction, [*confirmed, *numbered], source):
            mine.effect.change = "applied"
            to_apply.append(mine)
        confirmed = [mine for mine in confirmed if mine.effect.change == "unchanged"]
        statements.number(transaction, {mine.offer: mine.order for mine in numbered})
        connection, held = transaction.connection, Held()
        if confirmed:
            again = {mine.facility: mine.report.facility for mine in confirmed}
            held.add(self._identity.note(connection, source, again, now=stamp, confirmed=True))
            self._confirm(transaction, [mine for mine in confirmed if mine.facility not in held.keys], confirmed)
        self._apply(transaction, to_apply, known, held, now=stamp, source=source)
        if confirmed:
            pools = PoolBounds.of(connection, source, _pooled(confirmed, held, stamp), now=stamp)
            self._rebind(transaction, pools, pools.changed, now=stamp, effect=confirmed[-1].effect)
        if told:
            made = self._identity.show(connection, held, now=stamp, delivery=told[-1].delivery)
            (to_apply or confirmed or list(winners.values()))[-1].effect.versions += made
        return effects

    def would_stand(self, reader: Reader, told: Sequence[Told], *, source: str, ladder: Ladder) -> bool:
        """Whether any of some reports is as new as what is known of its offer."""
        mine = list(_stated(told, source, ladder))
        known = statements.known(reader, {one.offer for one in mine})
        return any(
            (stored := known.get(one.offer)) is None or one.order >= (stored.ordered_at, stored.sequence)
            for one in mine
        )

    def is_due(self, reader: Reader, *, now: datetime) -> bool:
        """Whether a statement has expired by `now` and still stands."""
        return statements.is_due(reader, micros(now))

    def expire(self, transaction: Transaction, *, now: datetime, most: int = 1000) -> int:
        """Withdraw what has expired by `now`: the places go, the state is unknown; returns how many were withdrawn."""
        take_turn(transaction)
        due = statements.due(transaction, micros(now), most)
        self._show_unknown(transaction, due, now)
        return len(due)

    def withdraw(self, transaction: Transaction, offers: Collection[str], *, now: datetime) -> int:
        """The same at once with what stands of offers, by their ids: as if it had expired `now`."""
        take_turn(transaction)
        ended = statements.standing(transaction, offers)
        ids = [one.offer for one in ended]
        statements.end(transaction, ids, micros(now))
        for index in self._indexes.values():
            index.end(transaction, index.offers(transaction, ids).values(), micros(now))
        self._show_unknown(transaction, ended, now)
        return len(ended)

    def remove(self, transaction: Transaction, offers: Collection[str], *, now: datetime) -> int:
        """Offers that are no more, by their ids: nothing of them is found, shown or counted, and so with a facility of
        which no offer is left, which identity forgets; the histories stay. Returns how many there were."""
        take_turn(transaction)
        gone = statements.rows(transaction, offers)
        statements.forget(transaction, [one.offer for one in gone])
        joined = self._identity.joined(transaction.connection, {(one.source, one.facility) for one in gone})
        deleted: dict[str, list[Key]] = {}
        shared: set[tuple[str, str]] = set()
        for one in gone:
            if (one.source, one.facility) not in joined:
                offer = _REPORT.validate_json(one.report).offer
                schedule = resource_id(one.source, "Schedule", offer.key)
                deleted[one.offer] = [("HealthcareService", one.offer), ("Schedule", schedule)]
                if offer.pool:
                    shared.add((one.source, one.facility))
        sites: list[Key] = []
        closed: set[tuple[str, str]] = set()
        for source, keys in _by_source((one.source, one.facility) for one in gone).items():
            empty = keys - statements.offered(transaction, source, keys).keys()
            statements.forget_facilities(transaction, source, empty)
            closed |= {(source, key) for key in empty}
        held = Held(joined=set(joined.values()))
        held.add(self._identity.forget(transaction.connection, closed))
        for source, key in sorted(closed - joined.keys()):
            sites.append(("Organization", resource_id(source, "Organization/facility", key)))
            sites.append(("Location", resource_id(source, "Location", key)))
        for view, repository in self._repositories.items():
            index = self._indexes[view]
            rids = index.offers(transaction, deleted)
            slots = [("Slot", slot) for of in index.slots(transaction, rids.values()).values() for slot in of]
            keys_of_offers = [key for keys in deleted.values() for key in keys]
            repository.store(transaction, (), deletions=[*keys_of_offers, *slots, *sites], at=micros(now))
            for rid in rids.values():
                index.clear(transaction, rid)
        self._unbind(transaction, deleted.keys(), shared, now=micros(now))
        self._identity.show(transaction.connection, held, now=micros(now))
        return len(gone)

    def _show_unknown(self, transaction: Transaction, due: Sequence[statements.Due], now: datetime) -> None:
        """Show in both views that nothing is known of offers any more; where they are joined, others' word counts."""
        joined = self._identity.joined(transaction.connection, {(one.source, one.facility) for one in due})
        withdrawn = [(one, expired(_last_said(one))) for one in due if (one.source, one.facility) not in joined]
        drawn = Drawn()
        for view in self._repositories:
            renderings = [
                Rendering(
                    offer=one.offer,
                    report=seen(report, view),
                    resources=offer_resources(seen(report, view), one.source, moment(one.ordered_at)),
                    delivery=0,
                    effect=Effect("applied"),
                )
                for one, report in withdrawn
            ]
            self._write(transaction, view, renderings, drawn, now=micros(now))
        statements.mark_expired(transaction, [one.offer for one in due])
        shared = {(one.source, one.facility) for one, report in withdrawn if report.offer.pool}
        self._unbind(transaction, {one.offer for one, _ in withdrawn}, shared, now=micros(now))
        self._identity.show(transaction.connection, Held(joined=set(joined.values())), now=micros(now))

    def _apply(
        self,
        transaction: Transaction,
        told: Sequence[Statement],
        known: Mapping[str, Known],
        held: Held,
        *,
        now: int,
        source: str,
    ) -> None:
        if not told:
            return
        connection = transaction.connection
        sites = _sites(transaction, told, source)
        own = {key: site.facility for key, site in sites.items()}
        held.add(self._identity.note(connection, source, own, now=now))
        pools = PoolBounds.of(connection, source, _pooled(told, held, now), now=now)
        changes = [
            _change(one, known.get(one.offer), sites[one.facility], pools, joined=one.facility in held.keys, now=now)
            for one in told
        ]
        shown = [one for one in changes if not one.joined]
        told_now = {one.offer for one in told}
        drawn = Drawn(source)
        for view in self._repositories:
            index = self._indexes[view]
            renderings = [rendering(one, view, drawn) for one in shown if one.tells(view) or view in one.site.differs]
            rids = self._write(transaction, view, renderings, drawn, now=now)
            for key, site in sites.items():
                if key in held.keys:
                    continue
                siblings = [offer for offer in site.offers if offer not in told_now] if view in site.differs else ()
                if siblings:
                    self._move(transaction, view, siblings, site.facility, pools)
            times = {
                one.told.offer: one.told.times for one in shown if view is View.PROFESSIONAL or not one.known_publicly
            }
            rids |= index.offers(transaction, [offer for offer in times if offer not in rids])
            index.put_freshness(transaction, {rids[offer]: when for offer, when in times.items()})
        runs = [Current.of(one.told.report, one.told.order[0], one.stored) for one in changes]
        recorded_runs.end(transaction, source, ((run, one.stored) for run, one in zip(runs, changes, strict=True)))
        rows = [_row(one, run, source, now) for one, run in zip(changes, runs, strict=True)]
        statements.put(transaction, rows, known)
        now_shown = {key: site.digests for key, site in sites.items() if site.differs and key not in held.keys}
        statements.show_facilities(transaction, source, now_shown)
        self._rebind(transaction, pools, pools.changed - told_now, now=now, effect=told[-1].effect)

    def _move(
        self, transaction: Transaction, view: View, offers: Sequence[str], facility: Facility, pools: PoolBounds
    ) -> None:
        """Bring offers to where their facility is now; also those that could not be found so far, as nobody knew where
        that is."""
        index = self._indexes[view]
        rids = index.offers(transaction, offers)
        index.move(transaction, rids.values(), facility)
        if position_of(facility) is None:
            return
        unplaced = index.without_places(transaction, rids.values())
        named = [offer for offer, rid in rids.items() if rid in unplaced]
        if named:
            most = pools.of_offers(transaction.connection, named)
            found = {
                rids[row.offer]: seen(replace(bounded(said(row), most.get(row.offer)), facility=facility), view)
                for row in statements.rows(transaction, named)
            }
            index.put_places(transaction, found)

    def _rebind(
        self, transaction: Transaction, pools: PoolBounds, offers: Collection[str], *, now: int, effect: Effect
    ) -> None:
        """Show offers again of which newer words of their pools leave another number than before."""
        pools.keep(transaction.connection)
        if not offers:
            return
        rows = statements.rows(transaction, offers)
        known = self._identity.known(transaction.connection, {(row.source, row.facility) for row in rows})
        bound = [
            (row, replace(bounded(said(row), pools.most.get(row.offer)), facility=known[row.source, row.facility]))
            for row in rows
        ]
        drawn = Drawn()
        for view in self._repositories:
            renderings = [
                Rendering(
                    offer=row.offer,
                    report=seen(report, view),
                    resources=offer_resources(seen(report, view), row.source, moment(row.changed_at)),
                    delivery=0,
                    effect=effect,
                )
                for row, report in bound
            ]
            self._write(transaction, view, renderings, drawn, now=now)
        statements.forget_shown(transaction, offers)

    def _unbind(
        self, transaction: Transaction, ended: AbstractSet[str], facilities: Collection[tuple[str, str]], *, now: int
    ) -> None:
        """Show the other offers of facilities (source, its key) again that the word of those that `ended` bound."""
        for source, keys in sorted(_by_source(facilities).items()):
            pools = PoolBounds.left(transaction.connection, source, keys, now=now)
            self._rebind(transaction, pools, pools.changed - ended, now=now, effect=Effect("applied"))

    def _write(
        self, transaction: Transaction, view: View, renderings: Sequence[Rendering], drawn: Drawn, *, now: int
    ) -> dict[str, int]:
        """Store what a view is to show, and have it found; returns the rows of the offers."""
        index = self._indexes[view]
        rids = index.offers(transaction, [one.offer for one in renderings])
        standing = index.slots(transaction, rids.values())
        drafts: dict[Key, Draft] = {}
        deliveries: dict[Key, int] = {}
        causes: dict[Key, Effect] = {}
        gone: list[Key] = []
        named: list[list[Key]] = []
        for one in renderings:
            keys = [(resource["resourceType"], resource["id"]) for resource in one.resources]
            named.append(keys)
            for key, resource in zip(keys, one.resources, strict=True):
                if key not in drafts:
                    drafts[key], deliveries[key], causes[key] = drawn.draft(key, resource), one.delivery, one.effect
            slots = standing.get(rids.get(one.offer, 0), {}) if one.tells else {}
            for key in [("Slot", slot) for slot in slots if ("Slot", slot) not in keys]:
                gone.append(key)
                deliveries[key], causes[key] = one.delivery, one.effect
        versions = (
            self._repositories[view]
            .store(transaction, drafts.values(), deletions=gone, at=now, deliveries=deliveries)
            .versions
        )
        for key, version in versions.items():
            causes[key].versions += version.change != "unchanged"
        whole: dict[int, set[int]] = {}
        taken: list[tuple[int, int]] = []
        added: list[tuple[int, int]] = []
        places: dict[int, VacancyReport] = {}
        for one, keys in zip(renderings, named, strict=True):
            if not one.tells:
                continue
            offer = rids.get(one.offer, 0)
            if not offer and (new := versions.get(("HealthcareService", one.offer))) is not None:
                offer = new.rid
            rids[one.offer] = offer
            places[offer] = one.report
            if one.is_whole:
                whole[offer] = {versions[key].rid for key in keys if key[0] != "HealthcareService"}
                continue
            slots = standing.get(offer, {})
            taken += [(offer, rid) for slot, rid in slots.items() if ("Slot", slot) not in keys]
            added += [(offer, versions[key].rid) for key in keys if key[0] == "Slot" and key[1] not in slots]
        index.put_members(transaction, whole)
        index.change_members(transaction, taken, added)
        index.put_places(transaction, places)
        return rids

    def _confirm(self, transaction: Transaction, shown: Sequence[Statement], told: Sequence[Statement]) -> None:
        statements.confirm(
            transaction,
            [
                {
                    "the_offer": one.offer,
                    "stated_at": one.stated_at,
                    "ordered_at": one.order[0],
                    "sequence": one.order[1],
                    "confirmed_at": one.times.confirmed_at,
                    "expires_at": one.times.expires_at,
                }
                for one in told
            ],
        )
        for index in self._indexes.values():
            rids = index.offers(transaction, [one.offer for one in shown])
            index.put_freshness(transaction, {rids[one.offer]: one.times for one in shown})


def _stated(told: Iterable[Told], source: str, ladder: Ladder) -> Iterator[Statement]:
    last: Facility | None = None
    written = b""
    for ordinal, one in enumerate(told):
        # The offers of a record have their facility in common.
        if one.report.facility is not last:
            last = one.report.facility
            written = orjson.dumps(last)
        yield _statement(one, source, ladder, ordinal, written)


def _statement(told: Told, source: str, ladder: Ladder, ordinal: int, facility_json: bytes) -> Statement:
    report, received = told.report, micros(told.received_at)
    stated_at = micros(report.valid_at) if report.valid_at is not None else None
    if report.valid_at is not None and report.valid_at > told.received_at + AHEAD:
        report = replace(report, valid_at=told.received_at)
    at = micros(report.valid_at) if report.valid_at is not None else received
    offer, offer_json = resource_id(source, "HealthcareService", report.offer.key), orjson.dumps(report.offer)
    return Statement(
        offer=offer,
        report=report,
        facility_json=facility_json,
        offer_json=offer_json,
        digest=_digest(report, facility_json, offer_json),
        # Where a source numbers nothing, what was said later counts: our clock, then the order of arrival.
        order=(at, report.sequence if report.sequence is not None else received + ordinal),
        stated_at=stated_at,
        times=Times(
            offer=offer,
            valid_at=at if stated_at is not None else None,
            confirmed_at=received,
            based_on=at,
            ladder=ladder,
        ),
        delivery=told.delivery,
        effect=Effect("applied"),
    )


def _pooled(told: Sequence[Statement], held: Held, now: int) -> list[Pooled]:
    """Statements as they bound each other; those of joined facilities do that elsewhere."""
    return [
        Pooled(
            offer=one.offer,
            facility=one.facility,
            at=one.order[0],
            report=one.report,
            expired=one.times.expires_at <= now,
        )
        for one in told
        if one.facility not in held.keys
    ]


def _by_source(facilities: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The keys of facilities, by source."""
    found: dict[str, set[str]] = {}
    for source, key in facilities:
        found.setdefault(source, set()).add(key)
    return found


def _last_said(row: statements.Due) -> VacancyReport:
    """The report of a statement, as of when it was said last: a heartbeat moves the moment alone."""
    report = _REPORT.validate_json(row.report)
    return replace(report, valid_at=moment(row.ordered_at)) if report.valid_at is not None else report


def _digest(report: VacancyReport, facility_json: bytes, offer_json: bytes) -> bytes:
    """What a report says, whenever it says so."""
    rest = (
        *(report.state, report.counts, report.blocks, report.estimated, report.coarsened),
        *(report.reported_by, report.source_kind),
    )
    return _digest_of(facility_json, offer_json, orjson.dumps(rest)[1:-1])


def _public_digest(public: VacancyReport, told: Statement) -> bytes:
    """The same of what everybody sees of a statement: mostly all of it."""
    report = told.report
    if public is report:
        return told.digest
    return _digest(
        public,
        told.facility_json if public.facility is report.facility else orjson.dumps(public.facility),
        told.offer_json if public.offer is report.offer else orjson.dumps(public.offer),
    )


def _digest_of(*told: bytes) -> bytes:
    """That of several things, each as JSON."""
    return hashlib.blake2b(b"[%b]" % b",".join(told), digest_size=_DIGEST).digest()


def _change(told: Statement, stored: Known | None, site: Site, pools: PoolBounds, *, joined: bool, now: int) -> Change:
    public = seen(told.report, View.PUBLIC)
    public_digest = _public_digest(public, told)
    counts = told.times.expires_at > now
    publicly = stored is None or stored.expired or not counts or public_digest != stored.public_digest
    most = pools.most.get(told.offer)
    if counts and most is None and site.facility == told.report.facility:
        shown = {View.PUBLIC: public, View.PROFESSIONAL: told.report}
    else:
        # Nothing of an expired statement is shown, and of the facility what was said of it last.
        effective = replace(bounded(told.report if counts else expired(told.report), most), facility=site.facility)
        shown = {view: seen(effective, view) for view in View}
    status = [capacity_status(one.state, one.counts) for one in shown.values()]
    return Change(
        told=told,
        stored=stored,
        site=site,
        public_digest=public_digest,
        offer_digest=_digest_of(told.offer_json, orjson.dumps(status)),
        shown=shown,
        publicly=publicly or told.offer in pools.changed,
        joined=joined,
        known_publicly=stored is not None and told.repeats(stored) and not publicly,
    )


def _new_words(reader: Reader, again: Sequence[Statement], source: str) -> list[Statement]:
    """Of statements that say nothing new of their offers those that do of their facility: there the newest word counts,
    whichever offer it came with."""
    newest: dict[str, Statement] = {}
    for one in again:
        if one.facility not in newest or one.order >= newest[one.facility].order:
            newest[one.facility] = one
    if not newest:
        return []
    before = {key: max(offers, key=_order) for key, offers in statements.offered(reader, source, newest).items()}
    newer = [one for key, one in newest.items() if before[key].offer != one.offer and one.order > _order(before[key])]
    if not newer:
        return []
    reports = statements.reports(reader, [before[one.facility].offer for one in newer])
    told = {one.facility: _REPORT.validate_json(reports[before[one.facility].offer]).facility for one in newer}
    return [one for one in newer if told[one.facility] != one.report.facility]


def _row(one: Change, run: Current, source: str, now: int) -> tuple[object, ...]:
    """The columns of a statement in their order."""
    told, times = one.told, one.told.times
    return (
        told.offer,
        source,
        told.facility,
        told.report.offer.care_form,
        told.stated_at,
        *told.order,
        told.digest,
        one.public_digest,
        None if one.joined else one.offer_digest,
        times.confirmed_at,
        times.confirmed_at,
        times.confirmed_at,
        times.expires_at,
        times.expires_at <= now,
        orjson.dumps(told.report),
        run.since,
        run.said,
        run.state,
        run.accepting,
    )


def _sites(reader: Reader, told: Sequence[Statement], source: str) -> dict[str, Site]:
    """Every facility that is told of, by all that was ever told of its offers: the newest statement's word counts."""
    keys = dict.fromkeys(one.facility for one in told)
    stored = statements.offered(reader, source, keys)
    shown = statements.shown_facilities(reader, source, keys)
    newest: dict[str, Statement] = {}
    forms: dict[str, dict[str, str]] = {
        key: {one.offer: one.care_form for one in offers} for key, offers in stored.items()
    }
    for one in told:
        forms.setdefault(one.facility, {})[one.offer] = one.report.offer.care_form
        if one.facility not in newest or one.order >= newest[one.facility].order:
            newest[one.facility] = one
    older: dict[str, Offered] = {}
    for key, offers in stored.items():
        last = max(offers, key=_order)
        if _order(last) > newest[key].order:
            older[key] = last
    reports = statements.reports(reader, [one.offer for one in older.values()]) if older else {}
    found = {}
    for key in keys:
        facility = (
            _REPORT.validate_json(reports[older[key].offer]).facility if key in older else newest[key].report.facility
        )
        care_forms = tuple(sorted(set(forms[key].values())))
        public, forms_json = public_facility(facility), orjson.dumps(care_forms)
        own = orjson.dumps(facility) if key in older else newest[key].facility_json
        digests = {
            View.PUBLIC: _digest_of(own if public is facility else orjson.dumps(public), forms_json),
            View.PROFESSIONAL: _digest_of(own, forms_json),
        }
        known = shown.get(key, {})
        found[key] = Site(
            facility=facility,
            care_forms=care_forms,
            offers=tuple(forms[key]),
            digests=digests,
            differs=frozenset(view for view, digest in digests.items() if known.get(view) != digest),
        )
    return found


def _order(one: Offered) -> tuple[int, int]:
    return one.ordered_at, one.sequence
