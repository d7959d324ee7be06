"""From bytes to receipt: adapter, patient filter, ledger, source map, reconciliation.

Two transactions: the first writes the delivery into the ledger as it passed the patient filter, the second writes all
of its effect and its receipt. What is acknowledged is in both; what fails between lies in the ledger and is finished
when it is asked for again, or by a job.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from adapters import registry
from adapters.base import Broken, Decoded, Delivery, Record
from adapters.receipt import Receipt
from hub.errors import Invalid, NotFound, http_part
from hub.ingest import ledger
from hub.ingest.drift import Drift
from hub.ingest.ledger import BrokenPart, Entry, Kept
from hub.ingest.reconcile import Reconciler, oddities_of_time
from hub.ingest.vacancy_index import position_of
from hub.ingest.wards import Wards
from hub.keys import Key
from hub.sources import Sources
from hub.store.clock import instant, micros, moment
from hub.store.database import Database
from hub.store.lock import lock
from hub.store.reader import Reader
from mappings.census_event import CensusEvent, admitted, event_of, forgotten, pseudonymised
from mappings.drift import Tally
from mappings.errors import Issue, Rejected
from mappings.language import SourceMap
from mappings.patient_filter import admit
from mappings.vacancy import VacancyReport
from mappings.wards import WardIndex

__all__ = ["Pipeline"]

_log = logging.getLogger(__name__)
_BROKEN_MAX = 2_000
"""So many parts of one delivery may be unreadable before it is refused whole: it is not what its source map reads."""
_FORGET_AFTER = timedelta(days=30)


@dataclass(slots=True)
class _Reading:
    """What the records of a delivery say, before anything of it is written."""

    wards: WardIndex
    tally: Tally
    reports: list[VacancyReport] = field(default_factory=list)
    events: list[CensusEvent] = field(default_factory=list)
    aside: list[tuple[int, Entry, tuple[Issue, ...]]] = field(default_factory=list)


class Pipeline:
    """Takes deliveries in; every method may be called by several threads and programs at once."""

    def __init__(
        self,
        *,
        database: Database,
        sources: Sources,
        reconciler: Reconciler,
        key: Key,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._sources = sources
        self._reconciler = reconciler
        self._key = key
        self._clock = clock
        self._wards = Wards()
        self._drift = Drift()

    def receive(self, delivery: Delivery) -> Receipt:
        """Take a delivery in; when this returns, what the receipt says is committed and synced.

        Raises `NotFound` for an unknown source, `Invalid` for a message id that came with another body before.
        """
        source_map = self._sources.named(delivery.source)
        digest = self._key.digest(delivery.body)
        if delivery.message_id is not None:
            # What a sender makes its ids of, we do not know: they are kept as keyed hashes.
            delivery = replace(delivery, message_id=self._key.pseudonym(delivery.message_id))
            if (told := self._told_before(delivery, digest)) is not None:
                return told
        unread: Counter[str] = Counter()
        try:
            decoded = registry.adapter(source_map.format).decode(delivery.body, source_map.options)
            entries = list(self._admitted(decoded, source_map, unread))
        except Rejected as error:
            return self._reject(delivery, digest, source_map, error)
        try:
            with self._database.writing() as connection:
                number = ledger.keep(connection, delivery, digest, entries, atomic=decoded.atomic, unread=unread)
        except IntegrityError:
            # Its twin under the same message id came at the same moment.
            told = self._told_before(delivery, digest)
            assert told is not None
            return told
        return self._finish(
            number, source_map, entries, micros(delivery.received_at), unread=unread, atomic=decoded.atomic
        )

    def rerun(self, source: str | None = None) -> list[Receipt]:
        """Run again what was set aside, of one source or of all there are, and what was never finished."""
        sources = [self._sources.named(source)] if source is not None else list(self._sources)
        receipts = self.resume(source)
        with self._database.writing() as connection:
            lock(connection, [one.name for one in sources])
            batches = ledger.take_back(connection, [one.name for one in sources])
            kept: set[int] = set()
            for name, received_at, aside in batches:
                unread: Counter[str] = Counter()
                source_map = self._sources.named(name)
                entries = [again for entry in aside for again in self._decoded_again(entry, source_map, unread)]
                delivery = Delivery(source=name, body=b"", received_at=moment(received_at))
                kept.add(ledger.keep(connection, delivery, b"", entries, unread=unread))
        with self._database.reading() as connection:
            again = [one for one in ledger.open_deliveries(connection) if one.id in kept]
        return [*receipts, *self._finished(again)]

    def discard(self, source: str | None = None) -> int:
        """Forget what was set aside, of one source or of all there are; returns how many records."""
        sources = [self._sources.named(source)] if source is not None else list(self._sources)
        with self._database.writing() as connection:
            batches = ledger.take_back(connection, [one.name for one in sources])
        return sum(len(entries) for _, _, entries in batches)

    def held(self, source: str | None = None) -> list[Kept]:
        """The deliveries that are held, of one source or of all there are; the receipt of each says why."""
        with self._database.reading() as connection:
            return ledger.held(connection, source)

    def release(self, number: int) -> Receipt:
        """Apply a delivery that is held, and learn that its source sends such now; `NotFound` where none is held."""
        return self._finish_kept(self._held(number), released=True)

    def refuse(self, number: int) -> Receipt:
        """Reject a delivery that is held for good; `NotFound` where none is held."""
        with self._database.writing() as connection:
            lock(connection, [self._held(number).source])
            if not (still := ledger.held(connection, number=number)) or (receipt := still[0].receipt) is None:
                raise _not_held(number)
            receipt.held, receipt.set_aside, receipt.rejected = False, 0, receipt.records
            receipt.issues[:1] = [_refused()]
            ledger.close(connection, number, receipt)
        return receipt

    def _held(self, number: int) -> Kept:
        with self._database.reading() as connection:
            found = ledger.held(connection, number=number)
        if not found:
            raise _not_held(number)
        return found[0]

    def resume(self, source: str | None = None, *, older_than: timedelta = timedelta()) -> list[Receipt]:
        """Finish deliveries that were written down and not applied, because something failed between."""
        before = micros(self._clock() - older_than) if older_than else None
        with self._database.reading() as connection:
            left = ledger.open_deliveries(connection, source, before=before)
        known = {one.name for one in self._sources}
        for unknown in sorted({kept.source for kept in left} - known):
            _log.warning("deliveries of the source %s wait for its map", unknown)
        return list(self._finished([kept for kept in left if kept.source in known]))

    def _finished(self, left: Sequence[Kept]) -> Iterator[Receipt]:
        """The receipts of deliveries; one that cannot be finished waits, and holds up no other."""
        for kept in left:
            try:
                yield self._finish_kept(kept)
            except Exception as error:
                _log.error("delivery %d of %s cannot be finished: %s", kept.id, kept.source, type(error).__name__)

    def expire(self) -> int:
        """Withdraw statements that nobody has said again for too long; returns how many."""
        withdrawn = 0
        while True:
            with self._database.writing() as connection:
                batch = self.expire_in(connection)
            withdrawn += batch
            if not batch:
                return withdrawn

    def expire_in(self, connection: Connection) -> int:
        """Some of the same, in a transaction of the caller's."""
        return self._reconciler.expire(connection, now=self._clock())

    def is_due(self, reader: Reader) -> bool:
        """Whether anything has expired and still stands: who reads sees nothing stale, however late the job is."""
        return self._reconciler.is_due(reader, now=self._clock())

    def purge(self) -> int:
        """Forget the stays that ended more than 30 days ago; returns how many events went."""
        old = micros(self._clock() - _FORGET_AFTER)
        with self._database.writing() as connection:
            for source_map in self._sources:
                if source_map.wards:
                    for number, ordinal, entry in ledger.set_aside_before(connection, source_map.name, old):
                        ledger.replace_set_aside(connection, number, ordinal, _without_stay(entry))
            return self._wards.purge(connection, self._clock())

    def _told_before(self, delivery: Delivery, digest: bytes) -> Receipt | None:
        assert delivery.message_id is not None
        with self._database.reading() as connection:
            before = ledger.known(connection, delivery.source, delivery.message_id)
        if before is None:
            return None
        if before.digest != digest:
            raise Invalid(
                Issue(
                    code="message-id-reused",
                    fhir_code="duplicate",
                    place=http_part("Idempotency-Key"),
                    text_de="unter dieser Kennung kam schon anderer Inhalt; neuen Inhalt unter neuer Kennung senden",
                    text_en="this id came with another content before; send new content under a new id",
                )
            )
        receipt = before.receipt or self._finish_kept(before)
        receipt.duplicate = True
        return receipt

    def _admitted(self, decoded: Decoded, source_map: SourceMap, unread: Counter[str]) -> Iterator[Entry]:
        """The records past the patient filter; what was dropped is counted by name."""
        wards = WardIndex(source_map.wards)
        broken = 0
        for part in decoded.records:
            broken += isinstance(part, Broken) or any(issue.severity == "error" for issue in part.issues)
            if broken > _BROKEN_MAX:
                raise Rejected(_too_broken())
            if isinstance(part, Broken):
                yield Entry(place=part.place, broken=self._broken(part.body, source_map), issues=(part.issue,))
                continue
            unread.update(part.dropped)
            yield self._admitted_record(part, source_map, wards, unread)

    def _admitted_record(self, record: Record, source_map: SourceMap, wards: WardIndex, unread: Counter[str]) -> Entry:
        if source_map.wards:
            hashed = pseudonymised(record.fields, self._key.pseudonym)
            return Entry(place=record.place, fields=admitted(hashed, wards), issues=record.issues)
        kept = admit(record.fields, source_map)
        unread.update(kept.dropped)
        return Entry(place=record.place, fields=kept.fields, issues=record.issues)

    def _decoded_again(self, entry: Entry, source_map: SourceMap, unread: Counter[str]) -> Iterator[Entry]:
        """What bytes that were kept whole are now, that could not be read before."""
        if entry.broken is None or entry.broken.body is None:
            yield entry
            return
        try:
            decoded = registry.adapter(source_map.format).decode(entry.broken.body, source_map.options)
            yield from list(self._admitted(decoded, source_map, unread))
        except Rejected:
            yield entry

    def _broken(self, body: bytes, source_map: SourceMap) -> BrokenPart:
        return BrokenPart(
            length=len(body),
            digest=self._key.digest(body).hex(),
            body=body if source_map.patient_free else None,
        )

    def _reject(self, delivery: Delivery, digest: bytes, source_map: SourceMap, error: Rejected) -> Receipt:
        """Nothing of the delivery can be taken: the ledger keeps that it came, and why it was refused."""
        broken = Entry(place="", broken=self._broken(delivery.body, source_map), issues=error.issues)
        receipt = Receipt(source=source_map.name, records=1, rejected=1, kept_whole=source_map.patient_free)
        receipt.note(*error.issues)
        try:
            with self._database.writing() as connection:
                receipt.delivery = ledger.keep(connection, delivery, digest, [broken])
                receipt.received_at = instant(micros(delivery.received_at))
                if source_map.patient_free:
                    aside = [(0, broken, error.issues)]
                    ledger.set_records_aside(connection, receipt.delivery, source_map.name, aside)
                ledger.close(connection, receipt.delivery, receipt)
        except IntegrityError:
            told = self._told_before(delivery, digest)
            assert told is not None
            return told
        return receipt

    def _finish_kept(self, kept: Kept, *, released: bool = False) -> Receipt:
        source_map = self._sources.named(kept.source)
        return self._finish(
            kept.id,
            source_map,
            kept.entries,
            kept.received_at,
            unread=Counter(kept.unread),
            atomic=kept.atomic,
            # What is run again is what is left of deliveries, and looks like none.
            judged=bool(kept.digest),
            released=released,
        )

    def _finish(
        self,
        number: int,
        source_map: SourceMap,
        entries: Sequence[Entry],
        received_at: int,
        *,
        unread: Counter[str],
        atomic: bool = False,
        judged: bool = True,
        released: bool = False,
    ) -> Receipt:
        """Map the records and write their effect, what is set aside and the receipt in one transaction."""
        receipt = Receipt(
            source=source_map.name,
            delivery=number,
            received_at=instant(received_at),
            records=len(entries),
            unread=unread,
            kept_whole=source_map.patient_free,
        )
        reading = self._read(entries, source_map, moment(received_at), receipt)
        if atomic and reading.aside:
            receipt.rejected, receipt.taken, reading.reports, reading.aside = len(entries), 0, [], []
            receipt.left_out.clear()
            receipt.kept_whole = False
        receipt.set_aside = len(reading.aside)
        with self._database.writing() as connection:
            lock(connection, [source_map.name])
            if (told := ledger.finished(connection, number)) is not None and not (released and told.held):
                return told
            if judged and not released and (drifted := self._drift.examine(connection, source_map, reading.tally)):
                receipt.note_first(*drifted)
                if any(issue.severity == "error" for issue in drifted):
                    receipt.hold()
                    ledger.close(connection, number, receipt)
                    return receipt
            if judged and not receipt.rejected:
                self._drift.learn(connection, source_map, reading.tally, at=received_at, accepted=released)
            reports = list(reading.reports)
            if source_map.wards:
                reports += self._wards.reports(connection, source_map, reading.events, receipt, self._clock())
                # The census knows its events now; what would tell of a stay need not stand here, too.
                ledger.replace_entries(connection, number, [_without_stay(entry) for entry in entries])
            outcome = self._reconciler.reconcile(
                connection,
                reports,
                source=source_map.name,
                ladder=source_map.ladder,
                received_at=moment(received_at),
                now=self._clock(),
                delivery=number,
            )
            receipt.applied, receipt.unchanged = outcome.applied, outcome.unchanged
            receipt.superseded, receipt.versions = outcome.superseded, outcome.versions
            ledger.set_records_aside(connection, number, source_map.name, reading.aside)
            ledger.close(connection, number, receipt)
        return receipt

    def _read(
        self, entries: Sequence[Entry], source_map: SourceMap, received_at: datetime, receipt: Receipt
    ) -> _Reading:
        reading = _Reading(wards=WardIndex(source_map.wards), tally=self._drift.tally(source_map))
        for ordinal, entry in enumerate(entries):
            before = len(reading.reports)
            try:
                issues = self._read_entry(entry, source_map, received_at, receipt, reading)
            except Exception as error:
                # One record that we cannot read must not hold up the others; its content never reaches the log.
                _log.error("%s while reading a record of %s", type(error).__name__, source_map.name)
                issues = (*entry.issues, _our_fault(entry.place))
            # What is true of every offer of a record is said of the record once.
            issues = tuple(dict.fromkeys(issues))
            receipt.note(*issues)
            reading.tally.add(entry.fields, issues, reading.reports[before:])
            if any(issue.severity == "error" for issue in issues):
                reading.aside.append((ordinal, entry, issues))
        return reading

    def _read_entry(
        self,
        entry: Entry,
        source_map: SourceMap,
        received_at: datetime,
        receipt: Receipt,
        reading: _Reading,
    ) -> tuple[Issue, ...]:
        """Add what one record says to the reading; returns what is to be said of it."""
        if entry.fields is None or any(issue.severity == "error" for issue in entry.issues):
            return entry.issues
        if source_map.wards:
            told = event_of(entry.fields, reading.wards, received_at)
            issues = (*entry.issues, *(_placed(issue, entry.place) for issue in told.issues))
            if any(issue.severity == "error" for issue in issues):
                return issues
            if told.event is None:
                receipt.left_out[told.left_out] += 1
            else:
                receipt.taken += 1
                reading.events.append(told.event)
            return issues
        mapped = source_map.read(entry.fields)
        issues = (*entry.issues, *(_placed(issue, entry.place) for issue in mapped.issues))
        if any(issue.severity == "error" for issue in issues):
            return issues
        if mapped.left_out:
            receipt.left_out[mapped.left_out] += 1
            return issues
        receipt.taken += 1
        for report in mapped.reports:
            reading.reports.append(report)
            issues = (*issues, *oddities_of_time(report, received_at, source_map.ladder, entry.place))
            if position_of(report.facility) is None:
                issues = (*issues, _no_place(entry.place))
        return issues


def _placed(issue: Issue, place: str) -> Issue:
    return Issue(
        code=issue.code,
        text_de=issue.text_de,
        text_en=issue.text_en,
        place=f"{place}, {issue.place}" if issue.place else place,
        severity=issue.severity,
        fhir_code=issue.fhir_code,
    )


def _without_stay(entry: Entry) -> Entry:
    return entry if entry.fields is None else replace(entry, fields=forgotten(entry.fields))


def _not_held(number: int) -> NotFound:
    return NotFound(
        Issue(
            code="not-held",
            fhir_code="not-found",
            text_de=f"die Lieferung {number} wird nicht zurückgehalten; welche es sind, sagt: platzfrei drift",
            text_en=f"the delivery {number} is not held; which are, says: platzfrei drift",
        )
    )


def _refused() -> Issue:
    return Issue(
        code="drift-refused",
        fhir_code="business-rule",
        text_de="Der Betreiber hat diese Lieferung abgelehnt; nichts davon gilt. Berichtigt senden.",
        text_en="The operator refused this delivery; nothing of it is in effect. Send it corrected.",
    )


def _too_broken() -> Issue:
    return Issue(
        code="too-many-broken",
        fhir_code="structure",
        text_de=f"mehr als {_BROKEN_MAX} Stellen sind nicht lesbar: Format und Quellenkarte prüfen, dann neu senden",
        text_en=f"more than {_BROKEN_MAX} places cannot be read: check format and source map, then send it again",
    )


def _no_place(place: str) -> Issue:
    return Issue(
        code="no-place",
        severity="warning",
        place=place,
        text_de="ohne Koordinaten und ohne bekannte Postleitzahl: dieses Angebot findet keine Suche nach einem Ort",
        text_en="without coordinates and without a known postal code: no search for a place finds this offer",
    )


def _our_fault(place: str) -> Issue:
    return Issue(
        code="fault",
        fhir_code="exception",
        place=place,
        text_de="das ist unser Fehler: der Datensatz liegt beiseite und wird nach der Behebung erneut gelesen",
        text_en="this is our fault: the record is set aside and will be read again once it is mended",
    )
