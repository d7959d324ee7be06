"""The records that lie aside, each with why: what was not taken of a delivery and may be read again.

Of a record it tells where it stands and what is wrong with it, nothing that it holds: that may be of patients.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from adapters.resend import of_codes
from hub.ingest.ledger import Entry
from hub.store.clock import instant
from hub.store.tables import delivery as deliveries
from hub.store.tables import set_aside
from mappings.errors import Issue

__all__ = ["Aside", "RecordsAside", "records_aside"]

_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """One record: of which delivery, where in it, and what is wrong with it."""

    source: str
    delivery: int
    received_at: str
    place: str
    issues: tuple[Issue, ...]
    rerun: bool
    """Whether it can be read again once our side is mended; otherwise it must be sent again."""

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues for which it lies aside."""
        return tuple(issue for issue in self.issues if issue.severity == "error")

    def to_json(self) -> dict[str, Any]:
        """As published: names and codes are stable."""
        return {
            "source": self.source,
            "delivery": self.delivery,
            "receivedAt": self.received_at,
            "place": self.place,
            "issues": [issue.to_json() for issue in self.issues],
            "rerun": self.rerun,
            "resend": of_codes(issue.code for issue in self.errors).to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsAside:
    """How many records lie aside, and the newest of them."""

    count: int
    records: tuple[Aside, ...]

    @property
    def not_shown(self) -> int:
        """How many there are beyond those."""
        return self.count - len(self.records)

    def to_json(self) -> dict[str, Any]:
        """As published."""
        return {
            "count": self.count,
            "records": [record.to_json() for record in self.records],
            "notShown": self.not_shown,
        }


def records_aside(connection: Connection, source: str | None = None, *, most: int = _SHOWN) -> RecordsAside:
    """What lies aside of a source, or of all: the newest deliveries first, each in its own order."""
    counted = select(func.count()).select_from(set_aside)
    listed = (
        select(
            set_aside.c.source, set_aside.c.delivery, set_aside.c.content, set_aside.c.issues, deliveries.c.received_at
        )
        .join(deliveries, deliveries.c.id == set_aside.c.delivery)
        .order_by(set_aside.c.delivery.desc(), set_aside.c.ordinal)
        .limit(most)
    )
    if source is not None:
        counted, listed = counted.where(set_aside.c.source == source), listed.where(set_aside.c.source == source)
    return RecordsAside(
        count=connection.execute(counted).scalar_one(),
        records=tuple(_aside(row) for row in connection.execute(listed)),
    )


def _aside(row: Any) -> Aside:
    entry = Entry.from_line(row.content)
    return Aside(
        source=row.source,
        delivery=row.delivery,
        received_at=instant(row.received_at),
        place=entry.place,
        issues=tuple(Issue(**issue) for issue in orjson.loads(row.issues)),
        rerun=_can_be_read_again(entry, entry.issues),
    )


def _can_be_read_again(entry: Entry, found: Sequence[Issue]) -> bool:
    """What the adapter itself refused stays so, unless its bytes were kept."""
    if entry.broken is not None:
        return entry.broken.body is not None
    return not any(issue.severity == "error" for issue in found)
