"""From bytes to receipt: adapter, patient filter, ledger, source map, reconciliation.

Two transactions: the first writes the delivery into the ledger as it passed the patient filter, the second writes all
of its effect and its receipt. What is acknowledged is in both; what a crash interrupts lies in the ledger and is
finished at the next start.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from adapters import registry
from adapters.base import Broken, Decoded, Delivery, Record
from hub.errors import Invalid, http_part
from hub.ingest import ledger
from hub.ingest.ledger import BrokenPart, Entry
from hub.ingest.receipt import Receipt
from hub.ingest.reconcile import Reconciler, clamped
from hub.ingest.wards import Wards
from hub.keys import Key
from hub.sources import Sources
from hub.store.clock import instant, micros, moment
from hub.store.database import Database
from mappings import census
from mappings.errors import Issue, Rejected, Retriable
from mappings.language import SourceMap
from mappings.patient_filter import admit
from mappings.vacancy import VacancyReport
from mappings.wards import WardIndex

__all__ = ["Pipeline"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Reading:
    """What the records of a delivery say, before anything of it is written."""

    wards: WardIndex
    reports: list[VacancyReport] = field(default_factory=list)
    events: list[census.CensusEvent] = field(default_factory=list)
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

    def receive(self, delivery: Delivery) -> Receipt:
        """Take a delivery in; when this returns, what the receipt says is committed and synced.

        Raises `NotFound` for an unknown source, `Invalid` for a message id that came with another body before.
        """
        source_map = self._sources.named(delivery.source)
        digest = self._key.digest(delivery.body)
        if delivery.message_id is not None and (told := self._told_before(delivery, digest)) is not None:
            return told
        receipt = Receipt(source=source_map.name)
        try:
            decoded = registry.adapter(source_map.format).decode(delivery.body, source_map.options)
            entries = list(self._admitted(decoded, source_map, receipt))
        except Rejected as error:
            return self._reject(delivery, digest, source_map, error, receipt)
        number = self._keep(delivery, digest, entries, atomic=decoded.atomic)
        if isinstance(number, Receipt):
            return number
        return self._finish(number, source_map, entries, micros(delivery.received_at), receipt, atomic=decoded.atomic)

    def rerun(self, source: str | None = None) -> list[Receipt]:
        """Run again what was set aside, of one source or of all, and what a crash interrupted."""
        receipts = self.resume(source)
        with self._database.writing() as connection:
            batches = ledger.take_back(connection, source)
            kept = [
                (name, received_at, entries, self._keep_again(connection, name, received_at, entries))
                for name, received_at, entries in batches
            ]
        for name, received_at, entries, number in kept:
            source_map = self._sources.named(name)
            receipt = Receipt(source=name)
            receipts.append(self._finish(number, source_map, entries, received_at, receipt, atomic=False))
        return receipts

    def resume(self, source: str | None = None) -> list[Receipt]:
        """Finish deliveries that were written down and not applied, because a program was killed between."""
        with self._database.reading() as connection:
            left = list(ledger.open_deliveries(connection, source))
        return [
            self._finish(
                kept.id,
                self._sources.named(kept.source),
                kept.entries,
                kept.received_at,
                Receipt(source=kept.source),
                atomic=atomic,
            )
            for kept, atomic in left
        ]

    def expire(self) -> int:
        """Withdraw statements that nobody has said again for too long; returns how many."""
        withdrawn = 0
        while True:
            with self._database.writing() as connection:
                batch = self._reconciler.expire(connection, now=self._clock())
            withdrawn += batch
            if not batch:
                return withdrawn

    def purge(self) -> int:
        """Forget the stays that ended more than 30 days ago; returns how many events went."""
        with self._database.writing() as connection:
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
        if before.receipt is None:
            raise Retriable(
                Issue(
                    code="in-progress",
                    fhir_code="transient",
                    place=http_part("Idempotency-Key"),
                    text_de="dieselbe Lieferung wird gerade verarbeitet; in einigen Sekunden noch einmal fragen",
                    text_en="the same delivery is being worked on; ask again in a few seconds",
                )
            )
        before.receipt.duplicate = True
        return before.receipt

    def _admitted(self, decoded: Decoded, source_map: SourceMap, receipt: Receipt) -> Iterator[Entry]:
        """The records past the patient filter; what was dropped is named in the receipt."""
        for part in decoded.records:
            if isinstance(part, Broken):
                yield Entry(place=part.place, broken=self._broken(part.body, source_map), issues=(part.issue,))
                continue
            receipt.unread.update(part.dropped)
            yield self._admitted_record(part, source_map, receipt)

    def _admitted_record(self, record: Record, source_map: SourceMap, receipt: Receipt) -> Entry:
        if source_map.wards:
            hashed = census.pseudonymised(record.fields, self._key.pseudonym)
            return Entry(place=record.place, fields=hashed, issues=record.issues)
        admitted = admit(record.fields, source_map)
        receipt.unread.update(admitted.dropped)
        return Entry(place=record.place, fields=admitted.fields, issues=record.issues)

    def _broken(self, body: bytes, source_map: SourceMap) -> BrokenPart:
        return BrokenPart(
            length=len(body),
            digest=self._key.digest(body).hex(),
            body=body if source_map.patient_free else None,
        )

    def _keep(self, delivery: Delivery, digest: bytes, entries: Sequence[Entry], *, atomic: bool) -> int | Receipt:
        """Write the delivery into the ledger; the receipt of its twin where that came at the same moment."""
        try:
            with self._database.writing() as connection:
                return ledger.keep(connection, delivery, digest, entries, atomic=atomic)
        except IntegrityError:
            told = self._told_before(delivery, digest)
            assert told is not None
            return told

    @staticmethod
    def _keep_again(connection: Connection, source: str, received_at: int, entries: Sequence[Entry]) -> int:
        delivery = Delivery(source=source, body=b"", received_at=moment(received_at))
        return ledger.keep(connection, delivery, b"", entries, atomic=False)

    def _reject(
        self, delivery: Delivery, digest: bytes, source_map: SourceMap, error: Rejected, receipt: Receipt
    ) -> Receipt:
        """Nothing of the delivery can be taken: the ledger keeps that it came, and why it was refused."""
        broken = Entry(place="", broken=self._broken(delivery.body, source_map), issues=error.issues)
        number = self._keep(delivery, digest, [broken], atomic=False)
        if isinstance(number, Receipt):
            return number
        receipt.delivery, receipt.received_at = number, instant(micros(delivery.received_at))
        receipt.records = receipt.rejected = 1
        receipt.note(*error.issues)
        with self._database.writing() as connection:
            ledger.close(connection, number, receipt)
        return receipt

    def _finish(
        self,
        number: int,
        source_map: SourceMap,
        entries: Sequence[Entry],
        received_at: int,
        receipt: Receipt,
        *,
        atomic: bool,
    ) -> Receipt:
        """Map the records and write their effect, what is set aside and the receipt in one transaction."""
        receipt.delivery, receipt.received_at = number, instant(received_at)
        receipt.records = len(entries)
        reading = self._read(entries, source_map, moment(received_at), receipt)
        if atomic and reading.aside:
            receipt.rejected, receipt.taken, reading.reports, reading.aside = len(entries), 0, [], []
            receipt.left_out.clear()
        receipt.set_aside = len(reading.aside)
        with self._database.writing() as connection:
            if (told := ledger.finished(connection, number)) is not None:
                return told
            reports = list(reading.reports)
            if source_map.wards:
                reports += self._wards.reports(connection, source_map, reading.events, receipt, self._clock())
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
        reading = _Reading(wards=WardIndex(source_map.wards))
        for ordinal, entry in enumerate(entries):
            try:
                issues = self._read_entry(entry, source_map, received_at, receipt, reading)
            except Exception as error:
                # One record that we cannot read must not hold up the others; its content never reaches the log.
                _log.error("%s while reading a record of %s", type(error).__name__, source_map.name)
                issues = (*entry.issues, _our_fault(entry.place))
            receipt.note(*issues)
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
            told = census.event_of(entry.fields, reading.wards, received_at)
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
            report, late = clamped(report, received_at, entry.place)
            reading.reports.append(report)
            issues = (*issues, *late)
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


def _our_fault(place: str) -> Issue:
    return Issue(
        code="fault",
        fhir_code="exception",
        place=place,
        text_de="das ist unser Fehler: der Datensatz liegt beiseite und wird nach der Behebung erneut gelesen",
        text_en="this is our fault: the record is set aside and will be read again once it is mended",
    )
