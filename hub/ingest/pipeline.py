"""From bytes to receipt: adapter, patient filter, source map, ledger, reconciliation.

What a delivery is, what it does and its receipt are written in one transaction, together with other deliveries that
wait; what is acknowledged is committed. A large delivery is written into the ledger part by part, and takes effect part
by part once all of it is there; what fails between is finished when it is asked for again, or by a job.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, islice
from threading import Semaphore

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.errors import NotFound
from hub.ingest import large, ledger, retention, statements
from hub.ingest.arrival import Arrival, Door
from hub.ingest.duplicates import busy, reused, told_before
from hub.ingest.effects import Effects
from hub.ingest.in_flight import CRASHES_MAX, QUARANTINED, InFlight, poisonous
from hub.ingest.large import Arrived, LargeDeliveries, Progress
from hub.ingest.ledger import Entry, Kept
from hub.ingest.reconcile import Reconciler
from hub.keys import Key
from hub.sources import Sources
from hub.store.clock import micros, moment
from hub.store.database import UNAVAILABLE, Database
from hub.store.reader import Reader, Transaction
from hub.store.writer import Writer
from mappings.errors import Issue, PlatzfreiError, Rejected
from mappings.identity import resource_id
from mappings.source_map import SourceMap

__all__ = ["Pipeline"]

_log = logging.getLogger(__name__)
_BYTES_ALONE = 100_000
"""Bytes of a delivery that is written by itself: nobody waits for the rest of it."""
_LARGE_AT_ONCE = 8
"""So many large deliveries are taken in or wait for it; each may hold its whole body."""
_WITHDRAWN_AT_ONCE = 1000


class Pipeline:
    """Takes deliveries in; every method may be called by several threads and programs at once."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        sources: Sources,
        reconciler: Reconciler,
        key: Key,
        in_flight: InFlight,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._writer = writer
        self._sources = sources
        self._reconciler = reconciler
        self._effects = Effects(reconciler, clock)
        self._key = key
        self._door = Door(key)
        self._in_flight = in_flight
        self._clock = clock
        self._large = LargeDeliveries(database=database, writer=writer, effects=self._effects, in_flight=in_flight)
        self._one_large = ThreadPoolExecutor(1, "large")
        self._room_for_large = Semaphore(_LARGE_AT_ONCE)

    def close(self) -> None:
        """Finish what large deliveries are being taken in."""
        self._one_large.shutdown()

    def receive(self, delivery: Delivery, progress: Progress | None = None) -> Receipt:
        """Take a delivery in; when this returns, what the receipt says is committed and synced.

        Raises `NotFound` for an unknown source, `Invalid` for a message id that came with another body before.
        """
        return self.submit(delivery, progress).result()

    def submit(
        self, delivery: Delivery, progress: Progress | None = None, *, arrived: Arrived | None = None
    ) -> "Future[Receipt]":
        """The future receipt: it is there when all it says is committed and synced; raises what `receive` raises.

        `arrived` is told the number of a large delivery when that is, and whatever happens it will take effect.
        """
        source_map = self._sources.named(delivery.source)
        digest = self._key.digest(delivery.body)
        if delivery.message_id is not None:
            # What a sender makes its ids of, we do not know: they are kept as keyed hashes.
            delivery = replace(delivery, message_id=self._key.pseudonym(delivery.message_id))
        self._in_flight.begin(digest)
        try:
            done = self._submitted(delivery, digest, source_map, progress, arrived)
        except BaseException:
            self._in_flight.end(digest)
            raise
        done.add_done_callback(lambda _: self._in_flight.end(digest))
        return done

    def rerun(self, source: str | None = None) -> list[Receipt]:
        """Run again what was set aside, of one source or of all there are, and what was never finished."""
        sources = [self._sources.named(source)] if source is not None else list(self._sources)
        receipts = self.resume(source)

        def take_back(transaction: Transaction) -> set[int]:
            kept: set[int] = set()
            for name, received_at, aside in self._taken_back(transaction, [one.name for one in sources]):
                unread: Counter[str] = Counter()
                source_map = self._sources.named(name)
                at = moment(received_at)
                entries = [again for entry in aside for again in self._door.again(entry, source_map, at, unread)]
                if not entries:
                    continue
                delivery = Delivery(source=name, body=b"", received_at=at)
                kept.add(ledger.keep(transaction.connection, delivery, b"", entries, unread=unread))
            return kept

        kept = self._writer.submit(take_back, limited=False).result()
        with self._database.reading() as connection:
            again = [one for one in ledger.open_deliveries(connection) if one.id in kept]
        return [*receipts, *self._finished(again)]

    def discard(self, source: str | None = None, delivery: int | None = None) -> int:
        """Forget what was set aside, of one source, of one delivery, or of all there are; returns how many records."""
        names = [self._sources.named(source).name] if source is not None else [one.name for one in self._sources]

        def take_back(transaction: Transaction) -> int:
            return sum(len(entries) for _, _, entries in self._taken_back(transaction, names, delivery))

        return self._writer.submit(take_back, limited=False).result()

    def _taken_back(
        self, transaction: Transaction, names: Sequence[str], delivery: int | None = None
    ) -> list[tuple[str, int, list[Entry]]]:
        """What was set aside of sources; who takes it back has looked at it, so nothing of it is in quarantine."""
        found = ledger.take_back(transaction.connection, names, delivery=delivery)
        broken = [entry.broken.digest for _, _, entries in found for entry in entries if entry.broken is not None]
        self._in_flight.clear(transaction, [bytes.fromhex(digest) for digest in broken])
        return found

    def resume(self, source: str | None = None, *, older_than: timedelta = timedelta()) -> list[Receipt]:
        """Finish deliveries that were written down and not applied, because something failed between."""
        before = micros(self._clock() - older_than) if older_than else None
        # After all that waits to be written: it may be kept for us there.
        left = self._writer.submit(
            lambda transaction: ledger.open_deliveries(transaction.connection, source, before=before), limited=False
        ).result()
        known = {one.name for one in self._sources}
        for unknown in sorted({kept.source for kept in left} - known):
            _log.warning("deliveries of the source %s wait for its map", unknown)
        return list(self._finished([kept for kept in left if kept.source in known]))

    def held(self, source: str | None = None) -> list[Kept]:
        """The deliveries that are held, of one source or of all there are; the receipt of each says why."""
        with self._database.reading() as connection:
            return ledger.held(connection, source)

    def release(self, number: int) -> Receipt:
        """Apply a delivery that is held, and learn that its source sends such now; `NotFound` where none is held."""
        with self._database.reading() as connection:
            found = ledger.held(connection, number=number)
        if not found:
            raise _not_held(number)
        return self._finish(found[0], released=True)

    def refuse(self, number: int) -> Receipt:
        """Reject a delivery that is held for good; `NotFound` where none is held."""

        def reject(transaction: Transaction) -> Receipt:
            held = ledger.held(transaction.connection, number=number)
            if not held or (receipt := held[0].receipt) is None:
                raise _not_held(number)
            receipt.held, receipt.set_aside, receipt.rejected = False, 0, receipt.records
            receipt.issues[:1] = [_refused()]
            ledger.close(transaction.connection, number, receipt)
            return receipt

        return self._writer.submit(reject, limited=False).result()

    def expire(self) -> int:
        """Withdraw statements that nobody has said again for too long; returns how many."""
        withdrawn = 0
        while batch := self._writer.submit(self.expire_in, limited=False).result():
            withdrawn += batch
        return withdrawn

    def expire_in(self, transaction: Transaction) -> int:
        """Some of the same, in a transaction of the caller's."""
        return self._reconciler.expire(transaction, now=self._clock())

    def withdraw(self, source: str, offer: str | None = None) -> int:
        """Take back at once what a source said: of all its offers, or of one, by the source's key; returns how many.

        It counts again when the source says it again. Raises `NotFound` for an unknown source.
        """
        name = self._sources.named(source).name
        if offer is not None:
            offers = [resource_id(name, "HealthcareService", offer)]
            return self._writer.submit(partial(self.withdraw_in, offers=offers), limited=False).result()

        def withdraw_some(transaction: Transaction) -> int:
            return self.withdraw_in(transaction, statements.of_source(transaction, name, _WITHDRAWN_AT_ONCE))

        withdrawn = 0
        while batch := self._writer.submit(withdraw_some, limited=False).result():
            withdrawn += batch
        return withdrawn

    def withdraw_in(self, transaction: Transaction, offers: Collection[str]) -> int:
        """The same of offers by their ids, in a transaction of the caller's."""
        return self._reconciler.withdraw(transaction, offers, now=self._clock())

    def remove_in(self, transaction: Transaction, offers: Collection[str]) -> int:
        """Have offers be no more, by their ids, in a transaction of the caller's; how many there were."""
        return self._reconciler.remove(transaction, offers, now=self._clock())

    def is_due(self, reader: Reader) -> bool:
        """Whether anything has expired and still stands: who reads sees nothing stale, however late the job is."""
        return self._reconciler.is_due(reader, now=self._clock())

    def purge(self) -> int:
        """Forget what is kept for long enough (`retention`), the stays that ended more than 30 days ago, and what
        never arrived; returns how many events went."""
        now = self._clock()

        def forget(transaction: Transaction) -> int:
            ledger.forget_arriving(transaction, micros(now - timedelta(days=1)))
            for source_map in self._sources:
                if source_map.wards:
                    retention.forget_stays(transaction, source_map.name, now)
            return self._effects.purge(transaction, now)

        while self._writer.submit(partial(retention.forget_some, now=now), limited=False).result():
            pass
        return self._writer.submit(forget, limited=False).result()

    def renew(self) -> int:
        """Report anew what is expected of wards, so that no day that has come is still promised; returns how many."""
        renewed = 0
        for source_map in self._sources:
            if source_map.wards:
                try:
                    work = partial(self._effects.renew, source_map=source_map)
                    renewed += self._writer.submit(work, limited=False).result()
                except Exception as error:
                    # The wards of one source hold up those of no other.
                    _log.error("%s while renewing the wards of %s", type(error).__name__, source_map.name)
        return renewed

    def _submitted(
        self,
        delivery: Delivery,
        digest: bytes,
        source_map: SourceMap,
        progress: Progress | None,
        arrived: Arrived | None,
    ) -> "Future[Receipt]":
        unread: Counter[str] = Counter()
        crashes = self._in_flight.crashes(digest)
        try:
            if crashes >= CRASHES_MAX:
                raise Rejected(poisonous())
            entries, decoded = self._door.decoded(delivery, source_map, unread)
            if delivery.message_id is None and decoded.message_id is not None:
                delivery = replace(delivery, message_id=self._key.pseudonym(decoded.message_id))
            first = list(islice(entries, None if decoded.atomic else large.LARGE + 1))
        except Rejected as error:
            arrival = self._refused(delivery, digest, source_map, error)
        else:
            if len(first) > large.LARGE and not decoded.atomic:
                rest = chain(first, entries)
                return self._taken_in_parts(
                    lambda: self._large.take(delivery, digest, source_map, rest, unread, progress, arrived),
                    lambda error: self._refused(delivery, digest, source_map, error),
                )
            arrival = Arrival.of(delivery, digest, source_map, first, unread, atomic=decoded.atomic)
        is_large = len(delivery.body) >= _BYTES_ALONE
        if crashes:
            # Nobody else shall be lost with it, should it kill us again.
            return self._alone(arrival)
        return self._writer.join(self._take, arrival, alone=is_large, failed=self._keep_at_least)

    def _alone(self, arrival: Arrival) -> "Future[Receipt]":
        return self._writer.submit(lambda transaction: _sole(self._take(transaction, [arrival])), limited=False)

    def _refused(self, delivery: Delivery, digest: bytes, source_map: SourceMap, error: Rejected) -> Arrival:
        broken = Entry(place="", broken=self._door.broken(delivery.body, source_map), issues=error.issues)
        # What was not read at all lies aside as a hash where its bytes may not: or nobody could let it pass again.
        keeps = source_map.patient_free or any(issue.code == QUARANTINED for issue in error.issues)
        return Arrival.rejected(delivery, digest, source_map, broken, keeps=keeps)

    def _taken_in_parts(self, take: Callable[[], Receipt], refused: Callable[[Rejected], Arrival]) -> "Future[Receipt]":
        """One large delivery after the other; some wait, more are to come again."""
        if not self._room_for_large.acquire(blocking=False):
            raise busy()

        def taken() -> Receipt:
            try:
                return take()
            except Rejected as error:
                # What makes it unreadable may stand far behind what was read at first.
                return self._alone(refused(error)).result()
            finally:
                self._room_for_large.release()

        return self._one_large.submit(taken)

    def _keep_at_least(self, arrival: Arrival, error: BaseException) -> None:
        """Where it is our fault that nothing came of a delivery, it is kept, and finished later."""
        if not isinstance(error, (PlatzfreiError, *UNAVAILABLE)):
            _log.error("%s while writing a delivery of %s", type(error).__name__, arrival.source_map.name)
            self._writer.submit(lambda transaction: self._keep(transaction, arrival))

    def _keep(self, transaction: Transaction, arrival: Arrival) -> int:
        return ledger.keep(
            transaction.connection,
            arrival.delivery,
            arrival.digest,
            arrival.entries,
            atomic=arrival.atomic,
            unread=arrival.unread,
        )

    def _take(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> list[Receipt | Exception]:
        """Write deliveries, their effect and their receipts; those of a source as if they were one."""
        for one in arrivals:
            one.begin()
        answers: dict[int, Receipt | Exception] = {}
        by_source: dict[str, list[Arrival]] = {}
        twins: list[tuple[Arrival, Arrival]] = []
        for source, mine in _by_source(arrivals).items():
            names = [one.delivery.message_id for one in mine if one.number is None and one.delivery.message_id]
            before = ledger.known_among(transaction, source, names) if names else {}
            held = ledger.held_among(transaction, source, {one.digest for one in mine if one.number is None})
            firsts: dict[str, Arrival] = {}
            for one in mine:
                name = one.delivery.message_id if one.number is None else None
                if name is not None and name in before:
                    answers[id(one)] = told_before(before[name], one.digest)
                elif name is not None and (first := firsts.setdefault(name, one)) is not one:
                    twins.append((first, one))
                elif one.number is None and one.digest in held:
                    # Nobody decides twice on the same content.
                    answers[id(one)] = told_before(held[one.digest], one.digest)
                else:
                    by_source.setdefault(source, []).append(one)
        fresh = [one for mine in by_source.values() for one in mine if one.number is None]
        for one, number in zip(fresh, ledger.numbers(transaction, len(fresh)), strict=True):
            one.receipt.delivery = number
        for one in arrivals:
            if one.number is not None:
                one.receipt.delivery = one.number
        for one in fresh:
            if one.refused_whole and ledger.lies_aside(transaction, one.source_map.name, one.digest):
                one.forget_body()
        for source, mine in by_source.items():
            passing: list[Arrival] = []
            held_now: dict[bytes, Receipt] = {}
            for one in mine:
                if self._effects.passes(transaction, one):
                    passing.append(one)
                elif (same := held_now.setdefault(one.digest, one.receipt)) is not one.receipt:
                    answers[id(one)] = replace(same, duplicate=True)
            self._effects.write(transaction, passing)
            # What is answered already was held a moment ago: it is not kept twice.
            by_source[source] = [one for one in mine if id(one) not in answers]
            for one in by_source[source]:
                answers[id(one)] = one.receipt
        fresh = [one for mine in by_source.values() for one in mine if one.number is None]
        self._in_flight.clear(
            transaction, [one.digest for mine in by_source.values() for one in mine if not one.quarantined]
        )
        ledger.enter(transaction, [_row(one) for one in fresh])
        for mine in by_source.values():
            for one in mine:
                aside = () if one.receipt.held else one.reading.aside
                ledger.set_records_aside(transaction.connection, one.receipt.delivery, one.source_map.name, aside)
                if one.number is not None:
                    ledger.close(transaction.connection, one.number, one.receipt)
                    if one.source_map.wards:
                        ledger.replace_entries(transaction.connection, one.number, one.to_keep)
        ledger.forget_said_again(
            transaction, [(one.receipt.delivery, one.told) for mine in by_source.values() for one in mine]
        )
        for first, twin in twins:
            told = answers[id(first)]
            same_answer = replace(told, duplicate=True) if isinstance(told, Receipt) else told
            answers[id(twin)] = same_answer if first.digest == twin.digest else reused()
        return [answers[id(one)] for one in arrivals]

    def _finished(self, left: Sequence[Kept]) -> Iterator[Receipt]:
        """The receipts of deliveries; one that cannot be finished waits, and holds up no other."""
        for kept in left:
            try:
                yield self._finish(kept)
            except Exception as error:
                _log.error("delivery %d of %s cannot be finished: %s", kept.id, kept.source, type(error).__name__)

    def _finish(self, kept: Kept, *, released: bool = False) -> Receipt:
        source_map = self._sources.named(kept.source)
        delivery = Delivery(source=kept.source, body=b"", received_at=moment(kept.received_at))
        unread = Counter(kept.unread)
        if kept.parts:
            return self._large.finish(kept, source_map, released=released)
        arrival = Arrival.of(
            delivery, kept.digest, source_map, kept.entries, unread, atomic=kept.atomic, number=kept.id
        )
        arrival.judged, arrival.released = bool(kept.digest), released

        def finish(transaction: Transaction) -> Receipt:
            told = ledger.finished(transaction, kept.id)
            if told is not None and not (released and told.held):
                return told
            return _sole(self._take(transaction, [arrival]))

        return self._writer.submit(finish, limited=False).result()


def _by_source(arrivals: Sequence[Arrival]) -> dict[str, list[Arrival]]:
    found: dict[str, list[Arrival]] = {}
    for one in arrivals:
        found.setdefault(one.source_map.name, []).append(one)
    return found


def _row(one: Arrival) -> ledger.Row:
    return ledger.Row(
        number=one.receipt.delivery,
        delivery=one.delivery,
        digest=one.digest,
        entries=one.to_keep,
        atomic=one.atomic,
        unread=one.unread,
        receipt=one.receipt,
    )


def _sole(answers: Sequence[Receipt | Exception]) -> Receipt:
    (answer,) = answers
    if isinstance(answer, Exception):
        raise answer
    return answer


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
