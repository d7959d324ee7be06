"""What waits for a person, and everything that is known of a facility: what the work list of identity shows."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from hub.ingest import identity_refusals as refusals
from hub.ingest.identity_decisions import Decision, log_of
from hub.ingest.joined_view import Member
from hub.ingest.known_facilities import members, members_around, pair, pairs
from hub.store.reader import Transaction
from hub.store.tables import facility_likeness as likenesses
from mappings.likeness import Likeness, facts_of, likeness

__all__ = ["Explained", "Proposal", "explain", "is_proposed", "proposals", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Two facilities that may be one, and why a person is asked."""

    one: str
    other: str
    likeness: Likeness
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A facility, or a joined one: who is in it, what ties them, what else looks alike, and what was decided."""

    joined: str | None
    members: tuple[Member, ...]
    ties: tuple[Proposal, ...]
    decisions: tuple[Decision, ...]


def proposals(connection: Connection, *, most: int = 100) -> list[Proposal]:
    """What waits for a person, the likeliest first."""
    rows = connection.execute(
        select(likenesses)
        .where(likenesses.c.is_open.is_(True))
        .order_by(likenesses.c.score.desc(), likenesses.c.one, likenesses.c.other)
        .limit(most)
    ).all()
    return _told(connection, [(row.one, row.other, row.since) for row in rows])


def waiting(connection: Connection) -> int:
    """How many proposals wait."""
    return connection.execute(
        select(func.count()).select_from(likenesses).where(likenesses.c.is_open.is_(True))
    ).scalar_one()


def is_proposed(connection: Connection, one: str, other: str) -> bool:
    """Whether a person is asked about these two."""
    two = pair(one, other)
    return any(row.is_open and (row.one, row.other) == two for row in pairs(Transaction(connection), [one]))


def explain(connection: Connection, of: str) -> Explained:
    """Everything about a facility, or a joined one; raises `NotFound`."""
    transaction = Transaction(connection)
    told = members_around(transaction, of) or members(transaction, [of])
    if not told:
        raise refusals.unknown(of)
    ids = [member.id for member in told]
    return Explained(
        joined=told[0].joined,
        members=tuple(told),
        ties=tuple(_told(connection, [(row.one, row.other, row.since) for row in pairs(transaction, ids)])),
        decisions=tuple(log_of(connection, ids)),
    )


def _told(connection: Connection, rows: Collection[tuple[str, str, int]]) -> list[Proposal]:
    ends = sorted({end for one, other, _ in rows for end in (one, other)})
    facts = {member.id: facts_of(member.facility) for member in members(Transaction(connection), ends)}
    return [
        Proposal(one=one, other=other, likeness=likeness(facts[one], facts[other]), since=since)
        for one, other, since in rows
    ]
