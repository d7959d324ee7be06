"""What people decide about facilities: a log of which the newest decision on a pair stands, and any can be taken back.

Each that decides raises `NotFound` or `Rejected`, and returns the numbers of its decisions.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select, update

from hub.ingest import identity_refusals as refusals
from hub.ingest.identity import Identity
from hub.ingest.known_facilities import members, members_around, pair
from hub.store.lock import take_turn
from hub.store.reader import Transaction
from hub.store.tables import identity_decision as decisions
from mappings.joining import Pair
from mappings.likeness import contradict, facts_of

__all__ = ["Decision", "Decisions", "log", "log_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided about two facilities; `undoes` is the number of the decision that it takes back."""

    number: int
    one: str
    other: str
    verdict: str
    stands: bool
    undoes: int | None
    decided_at: int
    who: str
    why: str


class Decisions:
    """Writes decisions down, in the transaction of whoever calls, and shows what comes of them."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def decide(
        self, connection: Connection, pairs: Collection[Pair], verdict: str, *, who: str, why: str, now: int
    ) -> list[int]:
        """Write down that the facilities of each pair are `same` or `different`, and show what comes of it."""
        transaction = Transaction(connection)
        take_turn(transaction)
        ends = sorted({end for two in pairs for end in two})
        known = {member.id: member for member in members(transaction, ends)}
        for end in ends:
            if end not in known:
                raise refusals.unknown(end)
        if verdict == "same":
            for one, other in pairs:
                if contradict(facts_of(known[one].facility), facts_of(known[other].facility)):
                    raise refusals.contradicted()
        numbers = []
        for one, other in pairs:
            first, second = pair(one, other)
            same_pair = and_(decisions.c.one == first, decisions.c.other == second)
            connection.execute(update(decisions).where(same_pair, decisions.c.stands.is_(True)).values(stands=False))
            numbers.append(
                _logged(connection, first, second, verdict, stands=True, undoes=None, who=who, why=why, now=now)
            )
        held = self._identity.settle(transaction, set(ends))
        if verdict == "same":
            after = {member.id: member.joined for member in members(transaction, ends)}
            if any(after[one] is None or after[one] != after[other] for one, other in pairs):
                raise refusals.torn()
        self._identity.show(connection, held, now=now)
        return numbers

    def undo(self, connection: Connection, number: int, *, who: str, why: str, now: int) -> list[int]:
        """Take a decision back: what was decided about the pair before stands again."""
        transaction = Transaction(connection)
        take_turn(transaction)
        row = connection.execute(select(decisions).where(decisions.c.id == number)).first()
        if row is None:
            raise refusals.no_decision(number)
        if not row.stands:
            raise refusals.stands_no_more(number)
        same_pair = and_(decisions.c.one == row.one, decisions.c.other == row.other)
        taken_back = select(decisions.c.undoes).where(same_pair, decisions.c.undoes.is_not(None))
        before = connection.execute(
            select(func.max(decisions.c.id)).where(
                same_pair, decisions.c.id < number, decisions.c.undoes.is_(None), decisions.c.id.not_in(taken_back)
            )
        ).scalar()
        connection.execute(update(decisions).where(decisions.c.id == number).values(stands=False))
        if before is not None:
            connection.execute(update(decisions).where(decisions.c.id == before).values(stands=True))
        made = _logged(connection, row.one, row.other, "undone", stands=False, undoes=number, who=who, why=why, now=now)
        held = self._identity.settle(transaction, {row.one, row.other})
        self._identity.show(connection, held, now=now)
        return [made]

    def split(self, connection: Connection, of: str, *, who: str, why: str, now: int) -> list[int]:
        """Take a facility out of the joined one that it is in; or, given that one's id, part all of its members."""
        transaction = Transaction(connection)
        ids = [member.id for member in members_around(transaction, of)]
        if not ids:
            raise refusals.not_joined() if members(transaction, [of]) else refusals.unknown(of)
        pairs = [
            pair(one, other)
            for place, one in enumerate(ids)
            for other in ids[place + 1 :]
            if of not in ids or of in (one, other)
        ]
        return self.decide(connection, pairs, "different", who=who, why=why, now=now)


def log(connection: Connection, *, most: int) -> list[Decision]:
    """The newest decisions first."""
    return _read(connection, select(decisions).order_by(decisions.c.id.desc()).limit(most))


def log_of(connection: Connection, ids: Collection[str]) -> list[Decision]:
    """Everything that was decided about some facilities, the oldest first."""
    about = or_(decisions.c.one.in_(ids), decisions.c.other.in_(ids))
    return _read(connection, select(decisions).where(about).order_by(decisions.c.id))


def _read(connection: Connection, rows: Select[Any]) -> list[Decision]:
    return [_decision(row) for row in connection.execute(rows)]


def _decision(row: Any) -> Decision:
    return Decision(
        number=row.id,
        one=row.one,
        other=row.other,
        verdict=row.verdict,
        stands=row.stands,
        undoes=row.undoes,
        decided_at=row.decided_at,
        who=row.who,
        why=row.why,
    )


def _logged(
    connection: Connection,
    one: str,
    other: str,
    verdict: str,
    *,
    stands: bool,
    undoes: int | None,
    who: str,
    why: str,
    now: int,
) -> int:
    row = {
        "one": one,
        "other": other,
        "verdict": verdict,
        "stands": stands,
        "undoes": undoes,
        "decided_at": now,
        "who": who,
        "why": why,
    }
    number: int = connection.execute(insert(decisions).returning(decisions.c.id), row).scalar_one()
    return number
