"""How a source stands: when it was heard of last, when next, how fresh its offers are, and what was not taken of it.

It tells counts, codes and places and no values: whoever holds a source's token may see it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, case, func, or_, select

from adapters.feed import Feed
from adapters.issue_code import published
from hub.fetching import FeedState
from hub.store.clock import instant, micros, moment
from hub.store.tables import delivery as deliveries
from hub.store.tables import set_aside, statement
from mappings.source_map import SourceMap

__all__ = ["Reason", "SourceStatus", "source_status"]

_LOOKED_AT = 1000
"""So many of a source's last deliveries are looked at for rejected ones."""
_RECORDS_MAX = 20_000
"""So many records that are set aside are looked at for their reasons; all are counted."""
_NUMBERS_MAX = 20
"""So many held deliveries are told by their numbers; all are counted."""
_ORDINAL = re.compile(r"\b(lines?|row|message|feature|byte|patient|to) \d+|(, column) \d+\b|\[\d+\]")
"""What in a place tells one record from another; names of segments, fields and columns are the same in each."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was not taken: an issue's code, its place with `#` for the number of the record, and how often."""

    code: str
    place: str
    count: int

    def to_json(self) -> dict[str, Any]:
        """As published."""
        return {"code": self.code, "text": self.text, "place": self.place, "count": self.count}

    @property
    def text(self) -> dict[str, str]:
        """What the code is called, by language; of one that is published no more, itself."""
        known = published().get(self.code)
        return {"de": known.display_de, "en": known.display_en} if known else dict.fromkeys(("de", "en"), self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How a source stood `at` a moment."""

    source: str
    at: datetime
    last: Mapping[str, Any] | None
    """Of its last delivery: number, moment, status, and the counts of its receipt."""
    due_at: datetime | None
    """When it must be heard of: the next fetch, or when what its last delivery said is fresh no more; None while all
    its feeds run."""
    offers: Mapping[str, int]
    """How many of its offers are fresh, aging, stale and expired."""
    set_aside: int
    set_aside_reasons: tuple[Reason, ...]
    rejected: int
    """Of its last 1,000 deliveries."""
    rejected_reasons: tuple[Reason, ...]
    held: int
    """Deliveries that wait for the operator's decision."""
    held_numbers: tuple[int, ...]
    """The first of them."""
    feeds: tuple[tuple[Feed, FeedState], ...] = ()

    @property
    def overdue(self) -> bool:
        """Whether it should have been heard of by now."""
        return self.due_at is not None and self.due_at <= self.at

    def to_json(self) -> dict[str, Any]:
        """The status as published: names and codes are stable."""
        return {
            "source": self.source,
            "at": _said(self.at),
            "lastDelivery": self.last,
            "nextDue": _said(self.due_at),
            "overdue": self.overdue,
            "offers": {"known": sum(self.offers.values()), **self.offers},
            "setAside": {
                "records": self.set_aside,
                "reasons": [reason.to_json() for reason in self.set_aside_reasons],
            },
            "rejected": {
                "deliveries": self.rejected,
                "reasons": [reason.to_json() for reason in self.rejected_reasons],
            },
            "held": {"deliveries": self.held, "numbers": list(self.held_numbers)},
            "feeds": [
                {
                    "name": feed.name,
                    "everySeconds": int(feed.every.total_seconds()),
                    "lastAttempt": _said(state.attempted_at),
                    "lastSuccess": _said(state.succeeded_at),
                    "runningSince": _said(state.running_since),
                    "nextDue": _said(state.due_at),
                    "failures": state.failures,
                    # Texts name files and variables of the operator's: the codes are enough for a vendor.
                    "codes": [issue.code for issue in state.issues],
                }
                for feed, state in self.feeds
            ],
        }


def source_status(
    connection: Connection, source_map: SourceMap, feeds: Sequence[tuple[Feed, FeedState]], now: datetime
) -> SourceStatus:
    """How a source stands, in one snapshot."""
    fetched = [state.due_at or now for _, state in feeds if state.running_since is None]
    heard_at = _heard_at(connection, source_map.name)
    told_again = heard_at + source_map.ladder.fresh if heard_at is not None else None
    held = _held(connection, source_map.name)
    rejected, rejected_reasons = _rejected(connection, source_map.name)
    aside, aside_reasons = _aside(connection, source_map.name)
    return SourceStatus(
        source=source_map.name,
        at=now,
        last=_last(connection, source_map.name),
        due_at=min(fetched, default=None) if feeds else told_again,
        offers=_offers(connection, source_map, now),
        set_aside=aside,
        set_aside_reasons=aside_reasons,
        rejected=rejected,
        rejected_reasons=rejected_reasons,
        held=len(held),
        held_numbers=tuple(held[:_NUMBERS_MAX]),
        feeds=tuple(feeds),
    )


def _last(connection: Connection, source: str) -> Mapping[str, Any] | None:
    row = connection.execute(
        select(deliveries.c.id, deliveries.c.received_at, deliveries.c.status, deliveries.c.receipt)
        .where(deliveries.c.source == source)
        .order_by(deliveries.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    told = orjson.loads(row.receipt) if row.receipt else {}
    counts = {name: told[name] for name in ("records", "offers") if name in told}
    return {"delivery": row.id, "receivedAt": instant(row.received_at), "status": row.status, **counts}


def _heard_at(connection: Connection, source: str) -> datetime | None:
    """When the last delivery came of which anything was taken: one that is held or refused says nothing yet."""
    newest = connection.execute(
        select(deliveries.c.received_at, deliveries.c.status, deliveries.c.receipt)
        .where(
            deliveries.c.source == source,
            deliveries.c.status.in_(("received", "done")),
            # What was run again came long ago.
            deliveries.c.digest != b"",
        )
        .order_by(deliveries.c.id.desc())
        .limit(_LOOKED_AT)
    )
    return next((moment(row.received_at) for row in newest if row.status == "received" or _says(row.receipt)), None)


def _says(receipt: bytes) -> bool:
    records = orjson.loads(receipt)["records"]
    return bool(records["taken"] or records["leftOut"])


def _held(connection: Connection, source: str) -> Sequence[int]:
    """The numbers of the deliveries that are held."""
    chosen = select(deliveries.c.id).where(deliveries.c.status == "held", deliveries.c.source == source)
    return connection.execute(chosen.order_by(deliveries.c.id)).scalars().all()


def _offers(connection: Connection, source_map: SourceMap, now: datetime) -> dict[str, int]:
    """How many offers stand on each step of the ladder."""
    ladder, at = source_map.ladder, micros(now)
    based_on = statement.c.ordered_at
    expired = or_(statement.c.expired, statement.c.expires_at <= at)
    step = case(
        (expired, "expired"),
        (based_on > at - ladder.fresh // _MICROSECOND, "fresh"),
        (based_on > at - ladder.aging // _MICROSECOND, "aging"),
        else_="stale",
    )
    found = dict.fromkeys(("fresh", "aging", "stale", "expired"), 0)
    asked = select(step.label("step"), func.count().label("count"))
    for row in connection.execute(asked.where(statement.c.source == source_map.name).group_by("step")):
        found[row.step] = row._mapping["count"]
    return found


def _rejected(connection: Connection, source: str) -> tuple[int, tuple[Reason, ...]]:
    newest = (
        select(deliveries.c.status, deliveries.c.receipt)
        .where(deliveries.c.source == source)
        .order_by(deliveries.c.id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    receipts = connection.execute(select(newest.c.receipt).where(newest.c.status == "rejected")).scalars().all()
    return len(receipts), _reasons(orjson.loads(told)["issues"] for told in receipts if told)


def _aside(connection: Connection, source: str) -> tuple[int, tuple[Reason, ...]]:
    count = connection.execute(
        select(func.count()).select_from(set_aside).where(set_aside.c.source == source)
    ).scalar_one()
    issues = connection.execute(
        select(set_aside.c.issues)
        .where(set_aside.c.source == source)
        .order_by(set_aside.c.delivery.desc())
        .limit(_RECORDS_MAX)
    ).scalars()
    return count, _reasons(orjson.loads(told) for told in issues)


def _reasons(records: Iterable[Sequence[Mapping[str, str]]]) -> tuple[Reason, ...]:
    """Why records were not taken, most frequent first; of an issue that a record has twice once."""
    counted: Counter[tuple[str, str]] = Counter()
    for issues in records:
        counted.update({(one["code"], _pattern(one["place"])) for one in issues if one["severity"] == "error"})
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Reason(code=code, place=place, count=count) for (code, place), count in ordered)


def _pattern(place: str) -> str:
    return _ORDINAL.sub(lambda found: re.sub(r"\d+", "#", found[0]), place)


def _said(at: datetime | None) -> str | None:
    return None if at is None else instant(micros(at))
