"""A large delivery, in parts: written into the ledger part by part, and once all of it is there taken part by part.

What fails before all of it is there never counted; what fails after is finished, whatever happens. Nobody holds all of
it in memory, and others write between its parts.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from datetime import timedelta
from itertools import islice

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.ingest import ledger
from hub.ingest.arrival import Arrival, blank_receipt
from hub.ingest.duplicates import not_finished, told_before
from hub.ingest.effects import Effects, not_learnt
from hub.ingest.in_flight import InFlight
from hub.ingest.ledger import Entry, Kept, Known
from hub.ingest.reading import Reading, read
from hub.store.clock import moment
from hub.store.database import Database
from hub.store.reader import Transaction
from hub.store.writer import Writer
from mappings.delivery_tally import DeliveryTally
from mappings.errors import Rejected
from mappings.source_map import SourceMap

__all__ = ["LARGE", "Arrived", "LargeDeliveries", "Progress"]

LARGE = 2_000
"""Records of a delivery that is taken in parts."""
Progress = Callable[[int, int], object]
"""Is told how many parts of a large delivery are done, and of how many."""
Arrived = Callable[[int], object]
"""Is told the number of a large delivery once all of it is there."""

_PART = 500
"""Records of a part."""
_ARRIVES = timedelta(minutes=10)
"""How long a large delivery may take to arrive before another try under its message id takes its place."""


class LargeDeliveries:
    """Takes them in; every method may be called by several threads and programs at once."""

    def __init__(self, *, database: Database, writer: Writer, effects: Effects, in_flight: InFlight) -> None:
        self._database = database
        self._writer = writer
        self._effects = effects
        self._in_flight = in_flight

    def take(
        self,
        delivery: Delivery,
        digest: bytes,
        source_map: SourceMap,
        entries: Iterator[Entry],
        unread: Counter[str],
        progress: Progress | None,
        arrived: Arrived | None,
    ) -> Receipt:
        """Take one in, whose records come as they are asked for; what `Rejected` they raise leaves nothing of it."""
        begun = self._writer.submit(lambda transaction: _begun(transaction, delivery, digest)).result()
        if isinstance(begun, Receipt):
            return begun
        whole = Arrival(
            delivery=delivery,
            digest=digest,
            source_map=source_map,
            entries=(),
            unread=unread,
            atomic=False,
            reading=Reading(),
            receipt=blank_receipt(delivery, source_map, unread),
            tally=DeliveryTally(names=source_map.names),
            number=begun,
        )
        try:
            parts = self._keep(whole, begun, entries)
        except Rejected:
            self._writer.submit(lambda transaction: ledger.drop(transaction, begun), limited=False).result()
            raise
        kept = whole.receipt

        def received(transaction: Transaction) -> bool:
            # What an earlier try told in the receipt was undone with it.
            whole.receipt = deepcopy(kept)
            ledger.received(transaction, begun, parts, unread)
            passes = self._effects.passes(transaction, whole)
            if not passes:
                ledger.close(transaction.connection, begun, whole.receipt)
            return passes

        if not self._writer.submit(received, limited=False).result():
            return whole.receipt
        if arrived is not None:
            arrived(begun)
        receipt = blank_receipt(delivery, source_map, unread)
        receipt.delivery = begun
        return self._apply(0, parts, delivery, digest, source_map, receipt, progress)

    def finish(self, kept: Kept, source_map: SourceMap, *, released: bool = False) -> Receipt:
        """Go on with one that is there; `released`: an operator said that it is how its source sends now."""
        delivery = Delivery(source=kept.source, body=b"", received_at=moment(kept.received_at))
        begun = kept.receipt if kept.receipt is not None and not kept.receipt.held else None
        receipt = begun or blank_receipt(delivery, source_map, Counter(kept.unread))
        receipt.delivery = kept.id
        if released:
            self._release(kept, source_map, receipt)
        return self._apply(kept.parts_done, kept.parts, delivery, kept.digest, source_map, receipt, None)

    def _keep(self, whole: Arrival, number: int, entries: Iterator[Entry]) -> int:
        """Write the records down and look what they are like; returns the number of parts."""
        count = 0
        while part := list(islice(entries, _PART)):
            read(part, whole.source_map, whole.delivery.received_at, whole.receipt, whole.tally)
            self._writer.submit(_adding(number, count, part), alone=True).result()
            count += 1
        whole.receipt.records, whole.receipt.delivery, whole.receipt.set_aside = whole.tally.records, number, 0
        return count

    def _apply(
        self,
        ordinal: int,
        parts: int,
        delivery: Delivery,
        digest: bytes,
        source_map: SourceMap,
        receipt: Receipt,
        progress: Progress | None,
    ) -> Receipt:
        """The effect of the parts that are left; what is done of them is noted with each."""
        one = ordinal
        while one < parts:
            entries = self._part(receipt.delivery, one)

            def read_part(before: Receipt = receipt, entries: Sequence[Entry] = entries) -> Arrival:
                # A part that is undone must leave no trace in the receipt.
                return Arrival.into(
                    deepcopy(before), delivery, digest, source_map, entries, DeliveryTally(names=frozenset())
                )

            write = self._writing(read_part, one, is_last=one + 1 == parts)
            told = self._writer.submit(write, alone=True, limited=False).result()
            if isinstance(told, Receipt):
                receipt, one = told, one + 1
            else:
                # Somebody else is at it, too.
                status, one, noted = told
                receipt = noted if noted is not None else receipt
                one = one if status == "received" else parts
            if progress is not None:
                progress(one, parts)
        return receipt

    def _writing(
        self, read_part: Callable[[], Arrival], ordinal: int, *, is_last: bool
    ) -> Callable[[Transaction], "Receipt | tuple[str, int, Receipt | None]"]:
        """The effect of one part; how the delivery stands, where it is not that part's turn."""
        prepared = [read_part()]

        def write(transaction: Transaction) -> "Receipt | tuple[str, int, Receipt | None]":
            arrival = prepared.pop() if prepared else read_part()
            receipt, source = arrival.receipt, arrival.source_map.name
            stands = ledger.stands(transaction, receipt.delivery)
            if stands[:2] != ("received", ordinal):
                return stands
            self._effects.write(transaction, [arrival])
            aside = [(ordinal * _PART + place, entry, issues) for place, entry, issues in arrival.reading.aside]
            ledger.set_records_aside(transaction.connection, receipt.delivery, source, aside)
            ledger.forget_said_again(transaction, [(receipt.delivery, arrival.told)])
            ledger.advance(transaction, receipt.delivery, ordinal + 1, receipt)
            if arrival.source_map.wards:
                ledger.replace_part(transaction, receipt.delivery, ordinal, arrival.to_keep)
            if is_last:
                ledger.close(transaction.connection, receipt.delivery, receipt)
                self._in_flight.clear(transaction, [arrival.digest])
            return receipt

        return write

    def _release(self, kept: Kept, source_map: SourceMap, receipt: Receipt) -> None:
        """Learn from one that is released, where it is still of any effect; from now on it is finished."""
        tally, scratch = DeliveryTally(names=source_map.names), Receipt(source=source_map.name)
        received_at, effective = moment(kept.received_at), False
        for ordinal in range(kept.parts):
            reading = read(self._part(kept.id, ordinal), source_map, received_at, scratch, tally)
            with self._database.snapshot() as reader:
                effective = effective or self._effects.takes_effect(reader, source_map, reading, received_at)

        def release(transaction: Transaction) -> None:
            if effective:
                self._effects.learn(transaction, source_map, tally, at=kept.received_at, accepted=True)
            ledger.received(transaction, kept.id, kept.parts, kept.unread)

        if not effective:
            receipt.note(not_learnt())

        self._writer.submit(release, limited=False).result()

    def _part(self, number: int, ordinal: int) -> tuple[Entry, ...]:
        with self._database.snapshot() as reader:
            return ledger.part(reader, number, ordinal)


def _begun(transaction: Transaction, delivery: Delivery, digest: bytes) -> int | Receipt:
    """The number of a delivery that begins to arrive; what was told of it before, if it came before."""
    if delivery.message_id is not None:
        before = ledger.known_among(transaction, delivery.source, [delivery.message_id]).get(delivery.message_id)
        if before is not None and before.status == "arriving" and before.digest == digest:
            if delivery.received_at - moment(before.received_at) < _ARRIVES:
                raise not_finished()
            ledger.drop(transaction, before.id)
        elif before is not None:
            return _told(before, digest)
    if same := ledger.held_among(transaction, delivery.source, {digest}).get(digest):
        return _told(same, digest)
    return ledger.arrive(transaction, delivery, digest)


def _told(before: Known, digest: bytes) -> Receipt:
    told = told_before(before, digest)
    if isinstance(told, Exception):
        raise told
    return told


def _adding(number: int, ordinal: int, part: list[Entry]) -> Callable[[Transaction], None]:
    return lambda transaction: ledger.add_part(transaction, number, ordinal, part)
