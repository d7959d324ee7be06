"""The ledger: every delivery as it passed the patient filter, and the records set aside from it.

A delivery is in the ledger before it is read any further; what happened to it is written in the same transaction as
its effect.
"""

import base64
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.store.clock import micros
from hub.store.tables import delivery as deliveries
from hub.store.tables import set_aside
from mappings.errors import Issue

__all__ = [
    "BrokenPart",
    "Entry",
    "Kept",
    "close",
    "finished",
    "held",
    "keep",
    "known",
    "open_deliveries",
    "replace_entries",
    "replace_set_aside",
    "set_aside_before",
    "set_records_aside",
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

    def to_line(self) -> bytes:
        """The entry as one line of JSON."""
        told: dict[str, Any] = {"place": self.place, "fields": self.fields}
        if self.broken is not None:
            body = base64.b64encode(self.broken.body).decode() if self.broken.body is not None else None
            told["broken"] = {"length": self.broken.length, "digest": self.broken.digest, "body": body}
        if self.issues:
            told["issues"] = [_issue_json(issue) for issue in self.issues]
        return orjson.dumps(told, default=str)

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


def known(connection: Connection, source: str, message_id: str) -> Kept | None:
    """The delivery that came under a message id before."""
    row = connection.execute(
        select(deliveries).where(deliveries.c.source == source, deliveries.c.message_id == message_id)
    ).first()
    return _kept(row) if row else None


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


def finished(connection: Connection, number: int) -> Receipt | None:
    """The receipt of a delivery that somebody else finished; until the transaction ends nobody else can."""
    statement = select(deliveries.c.receipt).where(deliveries.c.id == number).with_for_update()
    told = connection.execute(statement).scalar_one()
    return Receipt.from_json(orjson.loads(told)) if told else None


def close(connection: Connection, number: int, receipt: Receipt) -> None:
    """Write what became of a delivery."""
    status = "held" if receipt.held else "rejected" if receipt.rejected else "done"
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == number)
        .values(status=status, receipt=orjson.dumps(receipt.to_json()))
    )


def set_records_aside(
    connection: Connection, number: int, source: str, entries: Iterable[tuple[int, Entry, tuple[Issue, ...]]]
) -> None:
    """Keep records for an operator: (ordinal in the delivery, record, what is wrong with it)."""
    rows = [
        {
            "delivery": number,
            "ordinal": ordinal,
            "source": source,
            "content": entry.to_line(),
            "issues": orjson.dumps([_issue_json(issue) for issue in issues]),
        }
        for ordinal, entry, issues in entries
    ]
    if rows:
        connection.execute(insert(set_aside), rows)


def take_back(connection: Connection, sources: Collection[str]) -> list[tuple[str, int, list[Entry]]]:
    """The records set aside of some sources, removed from where they lay: (source, received at, entries) a delivery."""
    statement = (
        select(set_aside.c.source, set_aside.c.content, deliveries.c.id, deliveries.c.received_at)
        .join(deliveries, deliveries.c.id == set_aside.c.delivery)
        .where(set_aside.c.source.in_(sources))
        .order_by(set_aside.c.delivery, set_aside.c.ordinal)
    )
    batches: dict[int, tuple[str, int, list[Entry]]] = {}
    for row in connection.execute(statement):
        batch = batches.setdefault(row.id, (row.source, row.received_at, []))
        batch[2].append(Entry.from_line(row.content))
    connection.execute(delete(set_aside).where(set_aside.c.source.in_(sources)))
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
    return zlib.compress(b"\n".join((orjson.dumps(head), *(entry.to_line() for entry in entries))), 1)


def _kept(row: Any) -> Kept:
    head, *lines = zlib.decompress(row.content).split(b"\n")
    told = orjson.loads(head)
    return Kept(
        id=row.id,
        source=row.source,
        received_at=row.received_at,
        digest=row.digest,
        atomic=told["atomic"],
        unread=told["unread"],
        entries=tuple(Entry.from_line(line) for line in lines),
        receipt=Receipt.from_json(orjson.loads(row.receipt)) if row.receipt else None,
    )


def _issue_json(issue: Issue) -> dict[str, str]:
    return {
        "code": issue.code,
        "text_de": issue.text_de,
        "text_en": issue.text_en,
        "place": issue.place,
        "severity": issue.severity,
        "fhir_code": issue.fhir_code,
    }
