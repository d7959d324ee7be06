"""The ledger: every delivery as it passed the patient filter, and the records set aside from it.

A delivery is in the ledger before it is read any further; what happened to it is written in the same transaction as
its effect.
"""

import base64
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, update

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.store.clock import instant, micros
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Transaction
from hub.store.serial import next_serials
from hub.store.tables import delivery as deliveries
from hub.store.tables import delivery_part, set_aside, set_aside_offer
from mappings.census_event import EventReading
from mappings.errors import Issue
from mappings.identity import resource_id
from mappings.source_map import Mapped

_INT64 = 2**63
_SMALL_WINDOW, _SMALL_MEMORY = 12, 5
"""Of zlib, where what is packed is no larger than 4 KiB: https://www.zlib.net/manual.html#Advanced"""
_KEPT = (
    "id",
    "message_id",
    "source",
    "received_at",
    "digest",
    "status",
    "parts",
    "parts_done",
    "content",
    "receipt",
)
_KNOWN_BY = ("message_id", "id", "received_at", "digest", "status", "receipt")
_ENTER = Prepared(insert(deliveries))
_KNOWN = Prepared(
    select(*(deliveries.c[name] for name in _KNOWN_BY)).where(
        deliveries.c.source == bindparam("source"), one_of(deliveries.c.message_id, "message_ids")
    )
)
_HELD = Prepared(
    select(*(deliveries.c[name] for name in _KNOWN_BY))
    .where(deliveries.c.status == "held", deliveries.c.source == bindparam("source"))
    .order_by(deliveries.c.id.desc())
)
_ASIDE_OF_OFFERS = Prepared(
    select(
        set_aside_offer.c.delivery, set_aside_offer.c.ordinal, set_aside_offer.c.offer, set_aside_offer.c.stated_at
    ).where(one_of(set_aside_offer.c.offer, "offers"))
)
_OFFER_SAID = Prepared(
    delete(set_aside_offer).where(
        set_aside_offer.c.delivery == bindparam("number"),
        set_aside_offer.c.ordinal == bindparam("ordinal"),
        set_aside_offer.c.offer == bindparam("offer"),
    )
)
_LEFT_OF_RECORD = Prepared(
    select(set_aside_offer.c.offer)
    .where(set_aside_offer.c.delivery == bindparam("number"), set_aside_offer.c.ordinal == bindparam("ordinal"))
    .limit(1)
)
_DONE_WITH = Prepared(
    delete(set_aside).where(set_aside.c.delivery == bindparam("number"), set_aside.c.ordinal == bindparam("ordinal"))
)
_ADD_PART = Prepared(insert(delivery_part))
_OF_DELIVERY = delivery_part.c.delivery == bindparam("number")
_PART = Prepared(select(delivery_part.c.content).where(_OF_DELIVERY, delivery_part.c.ordinal == bindparam("ordinal")))
_IS_IT = deliveries.c.id == bindparam("number")
_RECEIVED = Prepared(
    update(deliveries).where(_IS_IT).values(status="received", parts=bindparam("parts"), content=bindparam("content"))
)
_FINISHED = Prepared(select(deliveries.c.receipt).where(_IS_IT, deliveries.c.status != "received"))
_ADVANCE = Prepared(update(deliveries).where(_IS_IT).values(parts_done=bindparam("done"), receipt=bindparam("receipt")))
_STANDS = Prepared(select(deliveries.c.status, deliveries.c.parts_done, deliveries.c.receipt).where(_IS_IT))
_REPLACE_PART = Prepared(
    update(delivery_part)
    .where(_OF_DELIVERY, delivery_part.c.ordinal == bindparam("of_part"))
    .values(content=bindparam("packed"))
)
_LEFT_ARRIVING = Prepared(
    select(deliveries.c.id).where(deliveries.c.status == "arriving", deliveries.c.received_at < bindparam("before"))
)
_DROP_PARTS = Prepared(delete(delivery_part).where(_OF_DELIVERY))
_EMPTY = Prepared(update(deliveries).where(_IS_IT).values(content=bindparam("packed")))
_ASIDE = Prepared(
    select(set_aside.c.ordinal)
    .join(deliveries, deliveries.c.id == set_aside.c.delivery)
    .where(set_aside.c.source == bindparam("source"), deliveries.c.digest == bindparam("digest"))
    .limit(1)
)
_DROP_ASIDE = Prepared(delete(set_aside).where(set_aside.c.delivery == bindparam("number")))
_DROP_ASIDE_OFFERS = Prepared(delete(set_aside_offer).where(set_aside_offer.c.delivery == bindparam("number")))
_DROP = Prepared(delete(deliveries).where(_IS_IT))

__all__ = [
    "BrokenPart",
    "Entry",
    "Kept",
    "Known",
    "Row",
    "add_part",
    "advance",
    "arrive",
    "close",
    "drop",
    "empty",
    "enter",
    "finished",
    "forget_arriving",
    "forget_said_again",
    "held",
    "held_among",
    "keep",
    "known_among",
    "lies_aside",
    "numbers",
    "open_deliveries",
    "part",
    "receipt_of",
    "received",
    "replace_entries",
    "replace_part",
    "replace_set_aside",
    "set_aside_before",
    "set_records_aside",
    "stands",
    "take_back",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPart:
    """Bytes that could not be cut into a record; `body` only from a source without patient data."""

    length: int
    digest: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record as kept: its fields, or what is told of a broken part."""

    place: str
    fields: Mapping[str, Any] | None = None
    broken: BrokenPart | None = None
    issues: tuple[Issue, ...] = ()
    mapped: Mapped | None = field(default=None, compare=False, repr=False)
    """What its source map made of it, where that is known already; it is not kept."""
    event: EventReading | None = field(default=None, compare=False, repr=False)
    """The same of a message about wards."""

    def to_line(self) -> bytes:
        """The entry as one line of JSON."""
        told: dict[str, Any] = {"place": self.place, "fields": self.fields}
        if self.broken is not None:
            body = base64.b64encode(self.broken.body).decode() if self.broken.body is not None else None
            told["broken"] = {"length": self.broken.length, "digest": self.broken.digest, "body": body}
        if self.issues:
            told["issues"] = [issue.fields() for issue in self.issues]
        try:
            return orjson.dumps(told, default=str)
        except TypeError:
            return orjson.dumps(_with_numbers_as_text(told), default=str)

    @classmethod
    def from_line(cls, line: bytes) -> "Entry":
        """The entry that `to_line` wrote."""
        told = orjson.loads(line)
        broken = told.get("broken")
        return cls(
            place=told["place"],
            fields=told["fields"],
            broken=BrokenPart(
                length=broken["length"],
                digest=broken["digest"],
                body=base64.b64decode(broken["body"]) if broken["body"] is not None else None,
            )
            if broken
            else None,
            issues=tuple(Issue(**issue) for issue in told.get("issues", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A delivery in the ledger; `unread` are the names that were dropped from it."""

    id: int
    source: str
    received_at: int
    digest: bytes
    atomic: bool
    unread: Mapping[str, int]
    entries: tuple[Entry, ...]
    receipt: Receipt | None
    status: str = "received"
    parts: int = 0
    parts_done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A delivery that came before, without its records."""

    id: int
    received_at: int
    digest: bytes
    status: str
    receipt: Receipt | None


class Row(NamedTuple):
    """A delivery and what became of it, as it is entered whole."""

    number: int
    delivery: Delivery
    digest: bytes
    entries: Sequence[Entry]
    atomic: bool
    unread: Mapping[str, int]
    receipt: Receipt


def numbers(transaction: Transaction, most: int) -> Sequence[int]:
    """The numbers of the deliveries that come next."""
    return next_serials(transaction, deliveries.name, most)


def enter(transaction: Transaction, rows: Sequence[Row]) -> None:
    """Write deliveries down with what became of them."""
    transaction.many_rows(
        _ENTER,
        [
            (
                row.number,
                row.delivery.source,
                row.delivery.message_id,
                row.digest,
                len(row.delivery.body),
                micros(row.delivery.received_at),
                _status(row.receipt),
                _packed({"atomic": row.atomic, "unread": dict(row.unread)}, row.entries),
                orjson.dumps(row.receipt.to_json()),
                0,
                0,
            )
            for row in rows
        ],
    )


def known_among(reader: Reader, source: str, message_ids: Iterable[str]) -> dict[str, Known]:
    """The deliveries that came under these message ids before."""
    rows = reader.all(_KNOWN, {"source": source, "message_ids": list(message_ids)})
    return {row[0]: _known(row) for row in rows}


def held_among(reader: Reader, source: str, digests: Collection[bytes]) -> dict[bytes, Known]:
    """The deliveries of a source with these digests that wait for an operator's decision, the first of each."""
    rows = reader.all(_HELD, {"source": source})
    return {known.digest: known for known in map(_known, (row for row in rows if bytes(row[3]) in digests))}


def _known(row: Sequence[Any]) -> Known:
    _, number, received_at, digest, status, receipt = row
    return Known(
        id=number,
        received_at=received_at,
        digest=bytes(digest),
        status=status,
        receipt=Receipt.from_json(orjson.loads(receipt)) if receipt else None,
    )


def arrive(transaction: Transaction, delivery: Delivery, digest: bytes) -> int:
    """Write down that a delivery comes in parts; it counts once it is `received`. Returns its number."""
    (number,) = numbers(transaction, 1)
    stamp = micros(delivery.received_at)
    content = _packed({"atomic": False, "unread": {}}, ())
    row = (number, delivery.source, delivery.message_id, digest, len(delivery.body), stamp, "arriving", content)
    transaction.many_rows(_ENTER, [(*row, None, 0, 0)])
    return number


def stands(reader: Reader, number: int) -> tuple[str, int, Receipt | None]:
    """How a large delivery stands: its status, how many of its parts are done, and what became of those."""
    row = reader.first(_STANDS, {"number": number})
    assert row is not None, "what is received is forgotten when it is long done"
    return row[0], row[1], Receipt.from_json(orjson.loads(row[2])) if row[2] else None


def replace_part(transaction: Transaction, number: int, ordinal: int, entries: Sequence[Entry]) -> None:
    """Keep other records of a part than before."""
    transaction.run(_REPLACE_PART, {"number": number, "of_part": ordinal, "packed": _packed({}, entries)})


def finished(reader: Reader, number: int) -> Receipt | None:
    """The receipt of a delivery that somebody else finished."""
    row = reader.first(_FINISHED, {"number": number})
    return Receipt.from_json(orjson.loads(row[0])) if row else None


def add_part(transaction: Transaction, number: int, ordinal: int, entries: Sequence[Entry]) -> None:
    """Write down some records of a delivery."""
    transaction.many_rows(_ADD_PART, [(number, ordinal, _packed({}, entries))])


def received(transaction: Transaction, number: int, parts: int, unread: Mapping[str, int]) -> None:
    """All parts of a delivery are there: from now on it is finished, whatever happens."""
    values = {"number": number, "parts": parts, "content": _packed({"atomic": False, "unread": dict(unread)}, ())}
    _only_one(transaction.run(_RECEIVED, values), number)


def part(reader: Reader, number: int, ordinal: int) -> tuple[Entry, ...]:
    """The records of one part."""
    row = reader.first(_PART, {"number": number, "ordinal": ordinal})
    assert row is not None, "parts are there before their delivery is received"
    return tuple(Entry.from_line(line) for line in zlib.decompress(row[0]).split(b"\n")[1:])


def advance(transaction: Transaction, number: int, done: int, receipt: Receipt) -> None:
    """Note that the effect of so many parts is written, and what became of them."""
    values = {"number": number, "done": done, "receipt": orjson.dumps(receipt.to_json())}
    _only_one(transaction.run(_ADVANCE, values), number)


def forget_arriving(transaction: Transaction, before: int) -> None:
    """Forget what began to arrive before a moment and never did: nobody was told that it was taken."""
    for (number,) in transaction.all(_LEFT_ARRIVING, {"before": before}):
        drop(transaction, number)


def empty(transaction: Transaction, number: int) -> None:
    """Forget the records of a delivery, and keep what was told of it."""
    transaction.run(_EMPTY, {"number": number, "packed": _packed({"atomic": False, "unread": {}}, ())})
    transaction.run(_DROP_PARTS, {"number": number})


def drop(transaction: Transaction, number: int) -> None:
    """Forget a delivery, and all that lies with it."""
    transaction.run(_DROP_PARTS, {"number": number})
    transaction.run(_DROP_ASIDE, {"number": number})
    transaction.run(_DROP_ASIDE_OFFERS, {"number": number})
    transaction.run(_DROP, {"number": number})


def keep(
    connection: Connection,
    delivery: Delivery,
    digest: bytes,
    entries: Sequence[Entry],
    *,
    atomic: bool = False,
    unread: Mapping[str, int] = MappingProxyType({}),
) -> int:
    """Write a delivery down as received; returns its number."""
    head = {"atomic": atomic, "unread": dict(unread)}
    return int(
        connection.execute(
            insert(deliveries).returning(deliveries.c.id),
            {
                "source": delivery.source,
                "message_id": delivery.message_id,
                "digest": digest,
                "length": len(delivery.body),
                "received_at": micros(delivery.received_at),
                "status": "received",
                "content": _packed(head, entries),
            },
        ).scalar_one()
    )


def open_deliveries(connection: Connection, source: str | None = None, *, before: int | None = None) -> list[Kept]:
    """Deliveries that were received (`before` a moment) and never finished."""
    statement = select(deliveries).where(deliveries.c.status == "received").order_by(deliveries.c.id)
    if source is not None:
        statement = statement.where(deliveries.c.source == source)
    if before is not None:
        statement = statement.where(deliveries.c.received_at < before)
    return [_kept(row) for row in connection.execute(statement)]


def held(connection: Connection, source: str | None = None, *, number: int | None = None) -> list[Kept]:
    """Deliveries that wait for an operator's decision, of one source or of all, or the one of a number."""
    statement = select(deliveries).where(deliveries.c.status == "held").order_by(deliveries.c.id)
    if source is not None:
        statement = statement.where(deliveries.c.source == source)
    if number is not None:
        statement = statement.where(deliveries.c.id == number)
    return [_kept(row) for row in connection.execute(statement)]


def replace_entries(connection: Connection, number: int, entries: Sequence[Entry]) -> None:
    """Keep other records of a delivery than before."""
    packed = connection.execute(select(deliveries.c.content).where(deliveries.c.id == number)).scalar_one()
    head = orjson.loads(zlib.decompress(packed).split(b"\n", 1)[0])
    content = _packed(head, entries)
    connection.execute(update(deliveries).where(deliveries.c.id == number).values(content=content))


def receipt_of(connection: Connection, source: str, number: int) -> dict[str, Any] | None:
    """What was told of a delivery of a source, and how far it is; None where the source has none such."""
    row = connection.execute(
        select(
            deliveries.c.receipt,
            deliveries.c.received_at,
            deliveries.c.status,
            deliveries.c.parts,
            deliveries.c.parts_done,
        ).where(deliveries.c.id == number, deliveries.c.source == source)
    ).first()
    if row is None:
        return None
    told = {"source": source, "delivery": number, "receivedAt": instant(row.received_at)}
    if row.receipt is not None:
        told = orjson.loads(row.receipt)
    told["status"] = row.status
    if row.parts:
        told["parts"] = {"done": row.parts_done, "of": row.parts}
    return told


def close(connection: Connection, number: int, receipt: Receipt) -> None:
    """Write what became of a delivery."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == number)
        .values(status=_status(receipt), receipt=orjson.dumps(receipt.to_json()))
    )


def lies_aside(reader: Reader, source: str, digest: bytes) -> bool:
    """Whether something of the same bytes lies aside."""
    return reader.first(_ASIDE, {"source": source, "digest": digest}) is not None


def set_records_aside(
    connection: Connection, number: int, source: str, entries: Iterable[tuple[int, Entry, tuple[Issue, ...]]]
) -> None:
    """Keep records for an operator: (ordinal in the delivery, record, what is wrong with it)."""
    kept = list(entries)
    rows = [
        {
            "delivery": number,
            "ordinal": ordinal,
            "source": source,
            "content": entry.to_line(),
            "issues": orjson.dumps([issue.fields() for issue in issues]),
        }
        for ordinal, entry, issues in kept
    ]
    if rows:
        connection.execute(insert(set_aside), rows)
    offers = [
        {
            "delivery": number,
            "ordinal": ordinal,
            "offer": resource_id(source, "HealthcareService", key),
            "stated_at": None if stated_at is None else micros(stated_at),
        }
        for ordinal, entry, _ in kept
        for key, stated_at in _about(entry).items()
    ]
    if offers:
        connection.execute(insert(set_aside_offer), offers)


def _about(entry: Entry) -> dict[str, datetime | None]:
    """The offers of a record, each as of the latest moment that it states."""
    latest: dict[str, datetime | None] = {}
    for one in entry.mapped.about if entry.mapped is not None else ():
        before = latest.get(one.offer)
        latest[one.offer] = one.valid_at if before is None or (one.valid_at and one.valid_at > before) else before
    return latest


def forget_said_again(transaction: Transaction, told: Iterable[tuple[int, Mapping[str, int]]]) -> None:
    """Forget the records set aside of earlier deliveries all of whose offers have been told of since.

    `told` are deliveries by their numbers, each with the offers that it told of, by the HealthcareService's id, and as
    of when; a record that speaks of a later moment stays.
    """
    moments: dict[str, list[tuple[int, int]]] = {}
    for number, offers in told:
        for offer, at in offers.items():
            moments.setdefault(offer, []).append((number, at))
    if not moments:
        return
    said: dict[tuple[int, int], None] = {}
    for delivery, ordinal, offer, stated_at in transaction.all(_ASIDE_OF_OFFERS, {"offers": list(moments)}):
        if any(delivery < number and (stated_at is None or stated_at <= at) for number, at in moments[offer]):
            transaction.run(_OFFER_SAID, {"number": delivery, "ordinal": ordinal, "offer": offer})
            said[delivery, ordinal] = None
    for delivery, ordinal in said:
        record = {"number": delivery, "ordinal": ordinal}
        if transaction.first(_LEFT_OF_RECORD, record) is None:
            transaction.run(_DONE_WITH, record)


def take_back(
    connection: Connection, sources: Collection[str], *, delivery: int | None = None
) -> list[tuple[str, int, list[Entry]]]:
    """The records set aside of some sources, or of one delivery of theirs, removed from where they lay: (source,
    received at, entries) a delivery."""
    chosen: list[ColumnElement[bool]] = [set_aside.c.source.in_(sources)]
    if delivery is not None:
        chosen.append(set_aside.c.delivery == delivery)
    statement = (
        select(set_aside.c.source, set_aside.c.content, deliveries.c.id, deliveries.c.received_at)
        .join(deliveries, deliveries.c.id == set_aside.c.delivery)
        .where(*chosen)
        .order_by(set_aside.c.delivery, set_aside.c.ordinal)
    )
    batches: dict[int, tuple[str, int, list[Entry]]] = {}
    for row in connection.execute(statement):
        batch = batches.setdefault(row.id, (row.source, row.received_at, []))
        batch[2].append(Entry.from_line(row.content))
    connection.execute(delete(set_aside_offer).where(set_aside_offer.c.delivery.in_(list(batches))))
    connection.execute(delete(set_aside).where(*chosen))
    return list(batches.values())


def set_aside_before(connection: Connection, source: str, moment: int) -> list[tuple[int, int, Entry]]:
    """Records of a source that lie aside since before a moment: (delivery, ordinal, record)."""
    statement = (
        select(set_aside.c.delivery, set_aside.c.ordinal, set_aside.c.content)
        .join(deliveries, deliveries.c.id == set_aside.c.delivery)
        .where(set_aside.c.source == source, deliveries.c.received_at < moment)
    )
    return [(row.delivery, row.ordinal, Entry.from_line(row.content)) for row in connection.execute(statement)]


def replace_set_aside(connection: Connection, number: int, ordinal: int, entry: Entry) -> None:
    """Keep another record in the place of one that lies aside."""
    connection.execute(
        update(set_aside)
        .where(set_aside.c.delivery == number, set_aside.c.ordinal == ordinal)
        .values(content=entry.to_line())
    )


def _packed(head: Mapping[str, Any], entries: Sequence[Entry]) -> bytes:
    content = b"\n".join((orjson.dumps(head), *(entry.to_line() for entry in entries)))
    if len(content) > 1 << _SMALL_WINDOW:
        return zlib.compress(content, 1)
    # To set up the usual window costs more than to pack a message.
    packer = zlib.compressobj(1, zlib.DEFLATED, _SMALL_WINDOW, _SMALL_MEMORY)
    return packer.compress(content) + packer.flush()


def _status(receipt: Receipt) -> str:
    return "held" if receipt.held else "rejected" if receipt.rejected else "done"


def _only_one(touched: int, number: int) -> None:
    if touched != 1:
        raise LookupError(f"the delivery {number} is not in the ledger")


def _kept(row: Any) -> Kept:
    return _kept_row(tuple(getattr(row, name) for name in _KEPT))


def _kept_row(row: Sequence[Any]) -> Kept:
    number, _, source, received_at, digest, status, parts, parts_done, content, receipt = row
    head, *lines = zlib.decompress(content).split(b"\n")
    told = orjson.loads(head)
    return Kept(
        id=number,
        source=source,
        received_at=received_at,
        digest=bytes(digest),
        atomic=told["atomic"],
        unread=told["unread"],
        entries=tuple(Entry.from_line(line) for line in lines),
        receipt=Receipt.from_json(orjson.loads(receipt)) if receipt else None,
        status=status,
        parts=parts,
        parts_done=parts_done,
    )


def _with_numbers_as_text(value: Any) -> Any:
    """Numbers of more than 64 bits, which no JSON of ours writes, as text: a map reads them alike."""
    if isinstance(value, dict):
        return {name: _with_numbers_as_text(below) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [_with_numbers_as_text(below) for below in value]
    return str(value) if isinstance(value, int) and not -_INT64 <= value < _INT64 else value
