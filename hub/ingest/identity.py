"""Which facilities of several sources are one: recognised by evidence, decided by people, and never by guess.

Every facility stands here as its source tells of it, with the keys that it can be found by. What is certain joins by
itself, what looks alike waits for a person, what a person decided is a log of which the newest of a pair stands. Who is
joined is a function of the facts and of the decisions that stand, whatever came first.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update

from hub.ingest import identity_refusals as refusals
from hub.ingest.joined_view import JoinedView, Member
from hub.store.lock import take_turn
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Transaction
from hub.store.tables import facility as facilities
from hub.store.tables import facility_likeness as likenesses
from hub.store.tables import facility_match_key as match_keys
from hub.store.tables import identity_decision as decisions
from mappings.identity import resource_id
from mappings.joining import Level, Pair, joined_id, partition
from mappings.likeness import COMMON_KEY, Facts, Likeness, Verdict, contradict, facts_of, likeness
from mappings.likeness import match_keys as keys_of
from mappings.vacancy import Facility

__all__ = ["Decision", "Explained", "Held", "Identity", "Proposal"]

_FACILITY: TypeAdapter[Facility] = TypeAdapter(Facility)
_CHUNK = 500
_TELEMATIK = "same-telematik"
"""A verdict of `same` that rests on the Telematik-ID: it goes before the others."""

_STANDING = Prepared(
    select(facilities.c.id, facilities.c.source, facilities.c.digest, facilities.c.joined).where(
        one_of(facilities.c.id, "ids")
    )
)
_JOIN = Prepared(update(facilities).where(facilities.c.id == bindparam("the_id")).values(joined=bindparam("joined")))
_FORGET_PAIR = Prepared(
    delete(likenesses).where(likenesses.c.one == bindparam("the_one"), likenesses.c.other == bindparam("the_other"))
)
_FORGET_KEYS = Prepared(delete(match_keys).where(match_keys.c.facility == bindparam("the_facility")))
_ADD_KEY = Prepared(insert(match_keys).values(match_key=bindparam("match_key"), facility=bindparam("facility")))
_BLOCKS = Prepared(
    select(match_keys.c.match_key, match_keys.c.facility, facilities.c.source)
    .join(facilities, facilities.c.id == match_keys.c.facility)
    .where(one_of(match_keys.c.match_key, "match_keys"))
)
_ROWS = Prepared(
    select(facilities.c.id, facilities.c.source, facilities.c.key, facilities.c.content, facilities.c.joined).where(
        one_of(facilities.c.id, "ids")
    )
)
_LIKE = tuple(
    Prepared(
        select(likenesses.c.one, likenesses.c.other, likenesses.c.verdict, likenesses.c.score, likenesses.c.is_open)
        .add_columns(likenesses.c.since)
        .where(one_of(end, "ids"))
    )
    for end in (likenesses.c.one, likenesses.c.other)
)
_DECIDED = tuple(
    Prepared(
        select(decisions.c.one, decisions.c.other, decisions.c.verdict).where(
            one_of(end, "ids"), decisions.c.stands.is_(True)
        )
    )
    for end in (decisions.c.one, decisions.c.other)
)
_SOURCES_IN = Prepared(select(facilities.c.joined, facilities.c.source).where(one_of(facilities.c.joined, "joined")))
_IN_JOINED = Prepared(select(facilities.c.id).where(one_of(facilities.c.joined, "joined")))
_FORGET = tuple(
    Prepared(delete(column.table).where(one_of(column, "ids")))
    for column in (likenesses.c.one, likenesses.c.other, match_keys.c.facility, facilities.c.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Two facilities that may be one, and why a person is asked."""

    one: str
    other: str
    likeness: Likeness
    since: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A facility, or a joined one: who is in it, what ties them, what else looks alike, and what was decided."""

    joined: str | None
    members: tuple[Member, ...]
    ties: tuple[Proposal, ...]
    decisions: tuple[Decision, ...]


@dataclass(slots=True)
class Held:
    """What of a delivery is shown here and not by its own resources: `keys` are the source's facilities.

    `joined` are to be shown anew, `left` are to get their own resources back; `unwritten` are those of the delivery's
    facilities whose own resources do not show its statements.
    """

    keys: set[str] = field(default_factory=set)
    joined: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    unwritten: set[str] = field(default_factory=set)

    def add(self, other: "Held") -> None:
        """Both."""
        self.keys |= other.keys
        self.joined |= other.joined
        self.left |= other.left
        self.unwritten |= other.unwritten


class Identity:
    """Recognises facilities, in the transaction of whoever calls; the caller is the only writer of resources."""

    def __init__(self, view: JoinedView) -> None:
        self.view = view

    def note(
        self,
        connection: Connection,
        source: str,
        told: Mapping[str, Facility],
        *,
        now: int,
        confirmed: bool = False,
    ) -> Held:
        """Hold a source's facilities, by its keys, against what is known, before their resources are written.

        One lookup where nothing is new and nobody joined. `confirmed` facilities were only told of again: of them only
        those are compared that never were.
        """
        transaction = Transaction(connection)
        by_id = {resource_id(source, "Organization/facility", key): key for key in told}
        known = {
            facility: (bytes(digest), joined)
            for chunk in _chunks(list(by_id))
            for facility, _, digest, joined in transaction.all(_STANDING, {"ids": chunk})
        }
        changed: dict[str, Member] = {}
        for facility, key in by_id.items():
            if confirmed and facility in known:
                continue
            member = _member(facility, source, key, told[key])
            if facility not in known or known[facility][0] != member.digest:
                changed[facility] = member
        held = Held(unwritten=set() if confirmed else set(by_id))
        for facility, (_, joined) in known.items():
            if joined is not None:
                held.keys.add(by_id[facility])
                held.joined.add(joined)
        if changed:
            moved = self._recognise(transaction, changed, known=set(known), now=now)
            held.add(moved)
            held.keys |= {by_id[facility] for facility in (moved.left & by_id.keys())}
            held.keys |= {by_id[facility] for facility in self._joined_of(transaction, list(changed))}
        return held

    def forget(self, connection: Connection, source: str, keys: Collection[str]) -> Held:
        """Know nothing more of a source's facilities, by its keys; what people decided of them stays in the log."""
        transaction = Transaction(connection)
        ids = [resource_id(source, "Organization/facility", key) for key in sorted(keys)]
        held = Held(joined=set(self._joined_in(transaction, ids)))
        near = {end for row in self._pairs(transaction, ids) for end in row[:2]}
        near |= self._in_groups(transaction, held.joined)
        for one in _FORGET:
            for chunk in _chunks(ids):
                transaction.run(one, {"ids": chunk})
        held.add(self._settle(transaction, near - set(ids)))
        return held

    def show(self, connection: Connection, held: Held, *, now: int, delivery: int = 0) -> int:
        """Show what is held as it is now, once all statements are written; returns how many versions that made."""
        if not held.joined and not held.left:
            return 0
        return self.view.show(
            connection,
            joined=held.joined,
            left=held.left,
            unwritten=held.unwritten,
            now=now,
            delivery=delivery,
        )

    def joined(self, connection: Connection, told: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Which of these (source, its key) are joined, and by what id they are shown."""
        by_id = {resource_id(source, "Organization/facility", key): (source, key) for source, key in told}
        return {
            by_id[facility]: joined
            for chunk in _chunks(list(by_id))
            for facility, _, _, joined in Transaction(connection).all(_STANDING, {"ids": chunk})
            if joined is not None
        }

    def known(self, connection: Connection, told: Collection[tuple[str, str]]) -> dict[tuple[str, str], Facility]:
        """Facilities (source, its key) as their sources told of them last."""
        by_id = {resource_id(source, "Organization/facility", key): (source, key) for source, key in told}
        return {by_id[member.id]: member.facility for member in self._members(Transaction(connection), sorted(by_id))}

    def _joined_in(self, transaction: Transaction, ids: Collection[str]) -> list[str]:
        return sorted({joined for _, _, joined in self._standing(transaction, ids) if joined is not None})

    def _in_groups(self, transaction: Transaction, joined: Collection[str]) -> set[str]:
        return {
            facility
            for chunk in _chunks(sorted(joined))
            for (facility,) in transaction.all(_IN_JOINED, {"joined": chunk})
        }

    def _joined_of(self, transaction: Transaction, ids: list[str]) -> list[str]:
        return [facility for facility, _, joined in self._standing(transaction, ids) if joined is not None]

    def _recognise(
        self, transaction: Transaction, changed: Mapping[str, Member], *, known: Collection[str], now: int
    ) -> Held:
        connection = transaction.connection
        new = [member for member in changed.values() if member.id not in known]
        old = [member for member in changed.values() if member.id in known]
        if new:
            connection.execute(insert(facilities), [_row(member) for member in new])
        if old:
            connection.execute(
                update(facilities)
                .where(facilities.c.id == bindparam("the_id"))
                .values(digest=bindparam("digest"), content=bindparam("content")),
                [{"the_id": one.id, "digest": one.digest, "content": one.content} for one in old],
            )
        facts = {member.id: facts_of(member.facility) for member in changed.values()}
        keys = {facility: keys_of(one) for facility, one in facts.items()}
        transaction.many(_FORGET_KEYS, [{"the_facility": member.id} for member in old])
        transaction.many(
            _ADD_KEY, [{"match_key": key, "facility": facility} for facility, own in keys.items() for key in own]
        )
        pairs = self._compared(transaction, changed, facts, keys)
        seeds = self._write_pairs(transaction, changed, pairs, now)
        # Who comes back after it was removed may be one with others by a decision alone.
        back = {end for one, other, _ in self._decided(transaction, [one.id for one in new]) for end in (one, other)}
        return self._settle(transaction, seeds | back | {member.id for member in old})

    def _compared(
        self,
        transaction: Transaction,
        changed: Mapping[str, Member],
        facts: dict[str, Facts],
        keys: Mapping[str, Collection[str]],
    ) -> dict[Pair, tuple[str, int]]:
        """The verdicts on facilities of other sources that share a key with one that changed."""
        blocks: dict[str, list[tuple[str, str]]] = {}
        for chunk in _chunks(sorted({key for own in keys.values() for key in own})):
            for key, facility, source in transaction.all(_BLOCKS, {"match_keys": chunk}):
                blocks.setdefault(key, []).append((facility, source))
        wanted: set[Pair] = set()
        for facility, own in keys.items():
            for key in own:
                block = blocks.get(key, ())
                if len(block) <= COMMON_KEY:
                    wanted.update(
                        _pair(facility, other) for other, source in block if source != changed[facility].source
                    )
        unread = sorted({end for pair in wanted for end in pair} - facts.keys())
        for member in self._members(transaction, unread):
            facts[member.id] = facts_of(member.facility)
        found: dict[Pair, tuple[str, int]] = {}
        for one, other in wanted:
            told = likeness(facts[one], facts[other])
            if told.verdict is not Verdict.DIFFERENT:
                found[one, other] = (_kind(told), told.score)
        return found

    def _write_pairs(
        self,
        transaction: Transaction,
        changed: Mapping[str, Member],
        pairs: Mapping[Pair, tuple[str, int]],
        now: int,
    ) -> set[str]:
        """Make the pairs of what changed what they are now; returns everybody whose ties may have changed."""
        before = {
            (one, other): (verdict, score, since)
            for one, other, verdict, score, _, since in self._pairs(transaction, list(changed))
        }
        connection = transaction.connection
        gone = [pair for pair, (verdict, score, _) in before.items() if pairs.get(pair) != (verdict, score)]
        transaction.many(_FORGET_PAIR, [{"the_one": one, "the_other": other} for one, other in gone])
        rows = [
            {
                "one": pair[0],
                "other": pair[1],
                "verdict": verdict,
                "score": score,
                "is_open": verdict == Verdict.PROPOSAL,
                "since": before[pair][2] if pair in before else now,
            }
            for pair, (verdict, score) in pairs.items()
            if before.get(pair, ("", 0, 0))[:2] != (verdict, score)
        ]
        if rows:
            connection.execute(insert(likenesses), rows)
        return {end for pair in {*before, *pairs} for end in pair}

    def _settle(self, transaction: Transaction, seeds: set[str]) -> Held:
        """Find out anew who of these, and of all that hang together with them, are one."""
        held = Held()
        if not seeds:
            return held
        nodes, pairs, decided = self._component(transaction, seeds)
        members = {member.id: member for member in self._members(transaction, sorted(nodes))}
        # Also of facilities that were removed, people decided something.
        verdicts = {(one, other): verdict for one, other, verdict in decided if {one, other} <= members.keys()}
        facts = {facility: facts_of(member.facility) for facility, member in members.items()}

        def contradicted(one: str, other: str) -> bool:
            return verdicts.get(_pair(one, other)) == "different" or contradict(facts[one], facts[other])

        def apart(one: str, other: str) -> bool:
            return members[one].source == members[other].source or contradicted(one, other)

        def of_kind(kind: str) -> list[Pair]:
            return [pair for pair, found in pairs.items() if found == kind and verdicts.get(pair) != "different"]

        parts = partition(
            sorted(members),
            (
                Level(pairs=[pair for pair, verdict in verdicts.items() if verdict == "same"], apart=contradicted),
                Level(pairs=of_kind(_TELEMATIK), apart=apart),
                Level(pairs=of_kind(Verdict.SAME), apart=apart),
            ),
        )
        now_joined: dict[str, str | None] = {}
        moved: list[dict[str, str | None]] = []
        for part in parts:
            now_joined.update(dict.fromkeys(part, joined_id(part) if len(part) > 1 else None))
        for facility, joined in now_joined.items():
            before = members[facility].joined
            if before == joined:
                continue
            moved.append({"the_id": facility, "joined": joined})
            held.joined |= {one for one in (before, joined) if one is not None}
            if joined is None:
                held.left.add(facility)
        transaction.many(_JOIN, moved)
        self._refresh_open(transaction, sorted(nodes))
        return held

    def _component(
        self, transaction: Transaction, seeds: set[str]
    ) -> tuple[set[str], dict[Pair, str], set[tuple[str, str, str]]]:
        """Everybody who hangs together with the seeds, by what is certain or decided."""
        nodes: set[str] = set()
        pairs: dict[Pair, str] = {}
        decided: set[tuple[str, str, str]] = set()
        frontier = set(seeds)
        while frontier:
            nodes |= frontier
            ids = sorted(frontier)
            frontier = set()
            for one, other, verdict, *_ in self._pairs(transaction, ids):
                if verdict != Verdict.PROPOSAL:
                    pairs[one, other] = verdict
                    frontier |= {one, other}
            for one, other, verdict in self._decided(transaction, ids):
                decided.add((one, other, verdict))
                if verdict == "same":
                    frontier |= {one, other}
            frontier |= self._in_groups(transaction, self._joined_in(transaction, ids))
            frontier -= nodes
        return nodes, pairs, decided

    def _refresh_open(self, transaction: Transaction, ends: Collection[str]) -> None:
        """A pair waits for a person unless one decided it, or joining it would join two of one source.

        Where a facility's own source has another one there already, it is that one.
        """
        rows = self._pairs(transaction, ends)
        if not rows:
            return
        ends = sorted({end for row in rows for end in row[:2]})
        members = {facility: (source, joined) for facility, source, joined in self._standing(transaction, ends)}
        joined = sorted({one for _, one in members.values() if one is not None})
        sources: dict[str, set[str]] = {}
        for chunk in _chunks(joined):
            for group, source in transaction.all(_SOURCES_IN, {"joined": chunk}):
                sources.setdefault(group, set()).add(source)
        standing = {(one, other) for one, other, _ in self._decided(transaction, sorted(members))}

        def of(end: str) -> set[str]:
            source, group = members[end]
            return {source} if group is None else sources[group]

        changed = [
            {"the_one": one, "the_other": other, "open_now": is_open}
            for one, other, _, _, was_open, _ in rows
            if (is_open := (one, other) not in standing and not of(one) & of(other)) != bool(was_open)
        ]
        if changed:
            transaction.connection.execute(
                update(likenesses)
                .where(likenesses.c.one == bindparam("the_one"), likenesses.c.other == bindparam("the_other"))
                .values(is_open=bindparam("open_now")),
                changed,
            )

    def _standing(self, transaction: Transaction, ids: Collection[str]) -> Iterator[tuple[str, str, str | None]]:
        """Id, source, and what each is joined in."""
        for chunk in _chunks(list(ids)):
            for facility, source, _, joined in transaction.all(_STANDING, {"ids": chunk}):
                yield facility, source, joined

    def _members(self, transaction: Transaction, ids: Collection[str]) -> list[Member]:
        return [
            Member(
                id=facility,
                source=source,
                key=key,
                facility=_read(bytes(content)),
                content=bytes(content),
                joined=joined,
            )
            for chunk in _chunks(list(ids))
            for facility, source, key, content, joined in transaction.all(_ROWS, {"ids": chunk})
        ]

    def _pairs(self, transaction: Transaction, ids: Collection[str]) -> list[Any]:
        return list(
            dict.fromkeys(
                tuple(row)
                for chunk in _chunks(list(ids))
                for statement in _LIKE
                for row in transaction.all(statement, {"ids": chunk})
            )
        )

    def _decided(self, transaction: Transaction, ids: Collection[str]) -> set[tuple[str, str, str]]:
        return {
            (one, other, verdict)
            for chunk in _chunks(list(ids))
            for statement in _DECIDED
            for one, other, verdict in transaction.all(statement, {"ids": chunk})
        }

    # What people do: each raises `NotFound` or `Rejected`, and returns the numbers of its decisions.

    def decide(
        self, connection: Connection, pairs: Collection[Pair], verdict: str, *, who: str, why: str, now: int
    ) -> list[int]:
        """Write down that the facilities of each pair are `same` or `different`, and show what comes of it."""
        transaction = Transaction(connection)
        take_turn(transaction)
        ends = sorted({end for pair in pairs for end in pair})
        members = {member.id: member for member in self._members(transaction, ends)}
        for end in ends:
            if end not in members:
                raise refusals.unknown(end)
        if verdict == "same":
            for one, other in pairs:
                if contradict(facts_of(members[one].facility), facts_of(members[other].facility)):
                    raise refusals.contradicted()
        numbers = []
        for one, other in pairs:
            first, second = _pair(one, other)
            same_pair = and_(decisions.c.one == first, decisions.c.other == second)
            connection.execute(update(decisions).where(same_pair, decisions.c.stands.is_(True)).values(stands=False))
            numbers.append(
                _logged(connection, first, second, verdict, stands=True, undoes=None, who=who, why=why, now=now)
            )
        held = self._settle(transaction, set(ends))
        if verdict == "same":
            after = {member.id: member.joined for member in self._members(transaction, ends)}
            if any(after[one] is None or after[one] != after[other] for one, other in pairs):
                raise refusals.torn()
        self.view.show(connection, joined=held.joined, left=held.left, now=now, delivery=0)
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
        held = self._settle(transaction, {row.one, row.other})
        self.view.show(connection, joined=held.joined, left=held.left, now=now, delivery=0)
        return [made]

    def split(self, connection: Connection, of: str, *, who: str, why: str, now: int) -> list[int]:
        """Take a facility out of the joined one that it is in; or, given that one's id, part all of its members."""
        members = self._in_joined(connection, of)
        if not members:
            raise refusals.not_joined() if self._members(Transaction(connection), [of]) else refusals.unknown(of)
        ids = [member.id for member in members]
        pairs = [
            _pair(one, other)
            for place, one in enumerate(ids)
            for other in ids[place + 1 :]
            if of not in ids or of in (one, other)
        ]
        return self.decide(connection, pairs, "different", who=who, why=why, now=now)

    # What people read.

    def proposals(self, connection: Connection, *, most: int = 100) -> list[Proposal]:
        """What waits for a person, the likeliest first."""
        rows = connection.execute(
            select(likenesses)
            .where(likenesses.c.is_open.is_(True))
            .order_by(likenesses.c.score.desc(), likenesses.c.one, likenesses.c.other)
            .limit(most)
        ).all()
        return self._told(connection, [(row.one, row.other, row.since) for row in rows])

    def waiting(self, connection: Connection) -> int:
        """How many proposals wait."""
        return connection.execute(
            select(func.count()).select_from(likenesses).where(likenesses.c.is_open.is_(True))
        ).scalar_one()

    def is_proposed(self, connection: Connection, one: str, other: str) -> bool:
        """Whether a person is asked about these two."""
        first, second = _pair(one, other)
        found = select(likenesses.c.one).where(
            likenesses.c.one == first, likenesses.c.other == second, likenesses.c.is_open.is_(True)
        )
        return connection.execute(found).first() is not None

    def members(self, connection: Connection, ids: Collection[str]) -> dict[str, Member]:
        """Facilities by id."""
        return {member.id: member for member in self._members(Transaction(connection), ids)}

    def explain(self, connection: Connection, of: str) -> Explained:
        """Everything about a facility, or a joined one; raises `NotFound`."""
        transaction = Transaction(connection)
        members = self._in_joined(connection, of) or self._members(transaction, [of])
        if not members:
            raise refusals.unknown(of)
        ids = [member.id for member in members]
        told = self._told(
            connection, [(one, other, since) for one, other, _, _, _, since in self._pairs(transaction, ids)]
        )
        log = connection.execute(
            select(decisions).where(or_(decisions.c.one.in_(ids), decisions.c.other.in_(ids))).order_by(decisions.c.id)
        ).all()
        return Explained(
            joined=members[0].joined,
            members=tuple(members),
            ties=tuple(told),
            decisions=tuple(_decision(row) for row in log),
        )

    def decisions(self, connection: Connection, *, most: int = 100) -> list[Decision]:
        """The log, newest first."""
        rows = connection.execute(select(decisions).order_by(decisions.c.id.desc()).limit(most)).all()
        return [_decision(row) for row in rows]

    def _in_joined(self, connection: Connection, of: str) -> list[Member]:
        """The members of the joined facility that has this id, or that a facility of this id is in."""
        own = select(facilities.c.joined).where(facilities.c.id == of).scalar_subquery()
        ids = connection.execute(
            select(facilities.c.id).where(or_(facilities.c.joined == of, facilities.c.joined == own))
        ).scalars()
        return self._members(Transaction(connection), sorted(ids))

    def _told(self, connection: Connection, rows: Collection[tuple[str, str, int]]) -> list[Proposal]:
        members = self.members(connection, sorted({end for one, other, _ in rows for end in (one, other)}))
        return [
            Proposal(
                one=one,
                other=other,
                likeness=likeness(facts_of(members[one].facility), facts_of(members[other].facility)),
                since=since,
            )
            for one, other, since in rows
        ]


@lru_cache(maxsize=2048)
def _read(content: bytes) -> Facility:
    return _FACILITY.validate_json(content)


def _member(facility: str, source: str, key: str, told: Any) -> Member:
    content = orjson.dumps(told)
    return Member(id=facility, source=source, key=key, facility=told, content=content, joined=None)


def _row(member: Member) -> dict[str, object]:
    return {
        "id": member.id,
        "source": member.source,
        "key": member.key,
        "digest": member.digest,
        "content": member.content,
        "joined": None,
        "withdrawn": None,
    }


def _kind(told: Likeness) -> str:
    if told.verdict is Verdict.SAME and any(one.code == "telematik-same" for one in told.evidences):
        return _TELEMATIK
    return told.verdict.value


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


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


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    return (items[begin : begin + _CHUNK] for begin in range(0, len(items), _CHUNK))
