"""What people decided about what is found of offers and sources: it is not shown again on the same evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, RowMapping, insert, select

from hub.course.phantoms import Phantom
from hub.store.tables import course_decision

__all__ = ["Decided", "Decision", "decide", "decisions", "is_decided", "newest"]

Decided = Literal["confirmed", "dismissed"]

_MORE = 2.0
"""By how much the evidence must have grown."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of a phantom, by its id; `evidence` is what was shown then."""

    number: int
    phantom: str
    verdict: Decided
    weight: float
    evidence: Mapping[str, Any]
    at: int
    who: str
    why: str


def decide(
    connection: Connection,
    phantom: Phantom,
    verdict: Decided,
    *,
    evidence: Mapping[str, Any],
    who: str,
    why: str,
    now: int,
) -> int:
    """Keep a decision; returns its number. `now` in microseconds since 1970."""
    row = {
        "phantom": phantom.id,
        "verdict": verdict,
        "weight": phantom.weight,
        "evidence": orjson.dumps(evidence),
        "decided_at": now,
        "who": who,
        "why": why,
    }
    made = connection.execute(insert(course_decision).values(row).returning(course_decision.c.id))
    return int(made.scalar_one())


def decisions(connection: Connection, *, most: int) -> list[Decision]:
    """The log, newest first."""
    chosen = select(course_decision).order_by(course_decision.c.id.desc()).limit(most)
    return [_read(row) for row in connection.execute(chosen).mappings()]


def newest(connection: Connection) -> dict[str, Decision]:
    """The id of a phantom → what was decided of it last."""
    chosen = select(course_decision).order_by(course_decision.c.id)
    return {row["phantom"]: _read(row) for row in connection.execute(chosen).mappings()}


def is_decided(phantom: Phantom, decided: Mapping[str, Decision]) -> bool:
    """Whether somebody decided on this evidence: it began before, and has not become twice as much since."""
    one = decided.get(phantom.id)
    return one is not None and phantom.since <= one.at and phantom.weight < _MORE * one.weight


def _read(row: RowMapping) -> Decision:
    return Decision(
        number=row["id"],
        phantom=row["phantom"],
        verdict=row["verdict"],
        weight=row["weight"],
        evidence=orjson.loads(row["evidence"]),
        at=row["decided_at"],
        who=row["who"],
        why=row["why"],
    )
