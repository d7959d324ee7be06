"""A delivery from bytes to what it says: adapter, patient filter, source map. Pure: nothing of it is written yet."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from adapters import registry
from adapters.base import Broken, Decoded, Delivery, Record
from adapters.receipt import Receipt, Result
from hub.ingest.in_flight import QUARANTINED
from hub.ingest.ledger import BrokenPart, Entry
from hub.ingest.reading import Reading, read
from hub.keys import Key
from hub.store.clock import instant, micros
from mappings.census_event import EventReading, admitted, admitted_event, forgotten, pseudonymised
from mappings.delivery_tally import DeliveryTally
from mappings.errors import Issue, Rejected
from mappings.identity import resource_id
from mappings.patient_filter import admit
from mappings.reader import Fields
from mappings.source_map import Mapped, SourceMap

__all__ = ["Arrival", "Door", "blank_receipt", "without_stay"]

_BROKEN_MAX = 2_000
"""So many parts of one delivery may be unreadable before it is refused whole: it is not what its source map reads.
More records than that which its map finds wrong are refused only where they are the most."""


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A delivery that was read, and the receipt as far as it can be told before anything is written."""

    delivery: Delivery
    digest: bytes
    source_map: SourceMap
    entries: Sequence[Entry]
    unread: Counter[str]
    atomic: bool
    reading: Reading
    receipt: Receipt
    tally: DeliveryTally
    """What its records are like."""
    number: int | None = None
    """The ledger's, where it stands there already."""
    judged: bool = True
    """Whether it is held against what its source sends; what is left of deliveries looks like none."""
    released: bool = False
    """Whether an operator said that it is how its source sends now."""
    anew: "Callable[[], Arrival] | None" = None
    """Reads it once more."""
    begun: bool = False
    """Whether somebody tried to write it."""

    @property
    def to_keep(self) -> Sequence[Entry]:
        """The records as the ledger keeps them: of an event that the census knows, nothing tells of a stay here."""
        if not self.source_map.wards or self.receipt.held:
            return self.entries
        return [without_stay(entry) for entry in self.entries]

    @property
    def told(self) -> Mapping[str, int]:
        """The offers that it told of with effect, by their HealthcareServices' ids, and as of when; once written."""
        return {
            resource_id(self.source_map.name, "HealthcareService", key): micros(
                report.valid_at or self.delivery.received_at
            )
            for result, report in self.reading.reports
            if result.offers.get(key := report.offer.key) in ("applied", "unchanged")
        }

    @property
    def quarantined(self) -> bool:
        """Whether it was not read, because it kills who reads it."""
        return any(issue.code == QUARANTINED for issue in self.receipt.issues)

    @property
    def refused_whole(self) -> bool:
        """Whether nothing could be read of it, and it is kept as it came."""
        return bool(self.receipt.rejected and self.reading.aside)

    def forget_body(self) -> None:
        """Do not keep it: the same lies there already."""
        self.entries = [
            replace(entry, broken=replace(entry.broken, body=None)) for entry in self.entries if entry.broken
        ]
        self.reading.aside = []

    def begin(self) -> None:
        """Begin to write it: what an earlier try told in the receipt was undone with it."""
        if self.begun and self.anew is not None:
            again = self.anew()
            self.reading, self.receipt, self.tally = again.reading, again.receipt, again.tally
        self.begun = True

    @classmethod
    def of(
        cls,
        delivery: Delivery,
        digest: bytes,
        source_map: SourceMap,
        entries: Sequence[Entry],
        unread: Counter[str],
        *,
        atomic: bool = False,
        number: int | None = None,
    ) -> "Arrival":
        """Records past the patient filter, and what they say."""
        receipt = blank_receipt(delivery, source_map, unread)
        arrival = cls.into(receipt, delivery, digest, source_map, entries, DeliveryTally(names=source_map.names))
        arrival.unread, arrival.atomic, arrival.number = unread, atomic, number
        if not entries:
            receipt.note(_empty())
        reading = arrival.reading
        arrival.anew = partial(cls.of, delivery, digest, source_map, entries, unread, atomic=atomic, number=number)
        if atomic and reading.aside:
            receipt.rejected, receipt.taken, receipt.set_aside = len(entries), 0, 0
            reading.reports, reading.events, reading.aside = [], [], []
            receipt.left_out.clear()
            receipt.kept_whole = False
            receipt.results = [Result(result.place, "rejected") for result in receipt.results]
        return arrival

    @classmethod
    def into(
        cls,
        receipt: Receipt,
        delivery: Delivery,
        digest: bytes,
        source_map: SourceMap,
        entries: Sequence[Entry],
        tally: DeliveryTally,
    ) -> "Arrival":
        """Some records of a delivery, told into a receipt and a tally that tell of others already."""
        receipt.records += len(entries)
        reading = read(entries, source_map, delivery.received_at, receipt, tally)
        receipt.set_aside += len(reading.aside)
        return cls(
            delivery=delivery,
            digest=digest,
            source_map=source_map,
            entries=entries,
            unread=Counter(),
            atomic=False,
            reading=reading,
            receipt=receipt,
            tally=tally,
        )

    @classmethod
    def rejected(
        cls, delivery: Delivery, digest: bytes, source_map: SourceMap, broken: Entry, *, keeps: bool
    ) -> "Arrival":
        """Nothing of the delivery can be taken: the ledger keeps that it came, and why it was refused.

        `keeps`: it is set aside, so that it can be read again.
        """
        receipt = blank_receipt(delivery, source_map, Counter())
        receipt.records = receipt.rejected = 1
        receipt.note(*broken.issues)
        reading = Reading(aside=[(0, broken, broken.issues)] if keeps else [])
        return cls(
            delivery=delivery,
            digest=digest,
            source_map=source_map,
            entries=[broken],
            unread=Counter(),
            atomic=False,
            reading=reading,
            receipt=receipt,
            tally=DeliveryTally(names=source_map.names),
            judged=False,
        )


class Door:
    """What stands between bytes and the ledger; `key` makes the hashes by which parts and visits are known."""

    def __init__(self, key: Key) -> None:
        self._key = key

    def decoded(
        self, delivery: Delivery, source_map: SourceMap, unread: Counter[str]
    ) -> tuple[Iterator[Entry], Decoded]:
        """The records past the patient filter, as they are asked for, and what else the adapter told.

        What was dropped is counted by name. Raises `Rejected`, also from the iterator.
        """
        decoded = registry.adapter(source_map.format).decode(delivery.body, source_map.options)
        return self._admitted(decoded, source_map, delivery.received_at, unread), decoded

    def again(self, entry: Entry, source_map: SourceMap, received_at: datetime, unread: Counter[str]) -> list[Entry]:
        """What bytes that were kept whole are now, that could not be read before."""
        if entry.broken is None:
            return [entry]
        if entry.broken.body is None:
            # What was in quarantine may come again: its bytes are not here.
            return [] if any(issue.code == QUARANTINED for issue in entry.issues) else [entry]
        try:
            decoded = registry.adapter(source_map.format).decode(entry.broken.body, source_map.options)
            return list(self._admitted(decoded, source_map, received_at, unread))
        except Rejected:
            return [entry]

    def broken(self, body: bytes, source_map: SourceMap) -> BrokenPart:
        """What is kept of bytes that cannot be read."""
        return BrokenPart(
            length=len(body),
            digest=self._key.digest(body).hex(),
            body=body if source_map.patient_free else None,
        )

    def _admitted(
        self, decoded: Decoded, source_map: SourceMap, received_at: datetime, unread: Counter[str]
    ) -> Iterator[Entry]:
        broken = wrong = 0
        for seen, part in enumerate(decoded.records):
            broken += isinstance(part, Broken) or any(issue.severity == "error" for issue in part.issues)
            if broken > _BROKEN_MAX or (wrong > _BROKEN_MAX and 2 * wrong > seen):
                raise Rejected(_too_broken())
            if isinstance(part, Broken):
                yield Entry(place=part.place, broken=self.broken(part.body, source_map), issues=(part.issue,))
                continue
            unread.update(part.dropped)
            entry, is_wrong = self._admitted_record(part, source_map, received_at, unread)
            wrong += is_wrong
            yield entry

    def _admitted_record(
        self, record: Record, source_map: SourceMap, received_at: datetime, unread: Counter[str]
    ) -> tuple[Entry, bool]:
        """A record as it is kept, and whether its map finds it wrong."""
        if source_map.wards:
            hashed = pseudonymised(record.fields, self._key.pseudonym)
            fields, event = _event(hashed, source_map, received_at)
            return Entry(place=record.place, fields=fields, issues=record.issues, event=event), False
        # Mostly nothing is wrong: then it is read once, and what was read need not be looked at for being readable.
        mapped = _mapped(record, source_map)
        reads_all = mapped is not None and source_map.reads_all(mapped)
        if mapped is not None and reads_all and not mapped.unread and not source_map.ignored:
            return Entry(place=record.place, fields=record.fields, issues=record.issues, mapped=mapped), False
        kept = admit(record.fields, source_map, readable=reads_all)
        unread.update(kept.dropped)
        is_wrong = mapped is not None and any(issue.severity == "error" for issue in mapped.issues)
        # What reads as it came is not read again; all else is read as it was kept.
        known = mapped if reads_all else None
        return Entry(place=record.place, fields=kept.fields, issues=record.issues, mapped=known), is_wrong


def _mapped(record: Record, source_map: SourceMap) -> Mapped | None:
    """What the map makes of a record; None where that fails, which is told when it is read as it was kept."""
    try:
        return source_map.read(record.fields)
    except Exception:
        return None


def _event(hashed: Fields, source_map: SourceMap, received_at: datetime) -> tuple[Fields, EventReading | None]:
    """What is kept of a message about wards, and what it says; None as above."""
    try:
        return admitted_event(hashed, source_map.ward_index, received_at)
    except Exception:
        return admitted(hashed, source_map.ward_index), None


def without_stay(entry: Entry) -> Entry:
    """A record without what tells of a stay."""
    return entry if entry.fields is None else replace(entry, fields=forgotten(entry.fields))


def blank_receipt(delivery: Delivery, source_map: SourceMap, unread: Counter[str]) -> Receipt:
    """A receipt that tells of nothing yet."""
    return Receipt(
        source=source_map.name,
        received_at=instant(micros(delivery.received_at)),
        unread=unread,
        kept_whole=source_map.patient_free,
    )


def _empty() -> Issue:
    return Issue(
        code="empty-delivery",
        severity="warning",
        fhir_code="business-rule",
        text_de="In dieser Lieferung steht kein Datensatz: nichts ändert sich, und nichts wird bestätigt. "
        "Der Absender sollte seinen Export prüfen.",
        text_en="There is no record in this delivery: nothing changes, and nothing is confirmed. "
        "The sender should check the export.",
    )


def _too_broken() -> Issue:
    return Issue(
        code="too-many-broken",
        fhir_code="structure",
        text_de=f"mehr als {_BROKEN_MAX} Stellen sind nicht lesbar: Format und Quellenkarte prüfen, dann neu senden",
        text_en=f"more than {_BROKEN_MAX} places cannot be read: check format and source map, then send it again",
    )
