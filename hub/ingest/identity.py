"""Which facilities of several sources are one: recognised by evidence, decided by people, and never by guess.

Every facility stands as its source tells of it (`known_facilities`), with the keys that it can be found by. What is
certain joins by itself, what looks alike waits for a person (`identity_proposals`, `identity_decisions`). Who is joined
is a function of the facts and of the decisions that stand, whatever came first.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from hub.ingest.joined_view import JoinedView, Member
from hub.ingest.known_facilities import chunks, decided, in_groups, members, pair, pairs, standing
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Transaction
from hub.store.tables import facility as facilities
from hub.store.tables import facility_likeness as likenesses
from hub.store.tables import facility_match_key as match_keys
from mappings.identity import resource_id
from mappings.joining import Level, Pair, joined_id, partition
from mappings.likeness import COMMON_KEY, Facts, Likeness, Verdict, contradict, facts_of, likeness
from mappings.likeness import match_keys as keys_of
from mappings.vacancy import Facility

__all__ = ["Held", "Identity"]

_TELEMATIK = "same-telematik"
"""A verdict of `same` that rests on the Telematik-ID: it goes before the others."""

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
_SOURCES_IN = Prepared(select(facilities.c.joined, facilities.c.source).where(one_of(facilities.c.joined, "joined")))
_FORGET = tuple(
    Prepared(delete(column.table).where(one_of(column, "ids")))
    for column in (likenesses.c.one, likenesses.c.other, match_keys.c.facility, facilities.c.id)
)


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
        known = {one.id: one for one in standing(transaction, by_id)}
        changed: dict[str, Member] = {}
        for facility, key in by_id.items():
            if confirmed and facility in known:
                continue
            member = _member(facility, source, key, told[key])
            if facility not in known or bytes(known[facility].digest) != member.digest:
                changed[facility] = member
        held = Held(unwritten=set() if confirmed else set(by_id))
        for one in known.values():
            if one.joined is not None:
                held.keys.add(by_id[one.id])
                held.joined.add(one.joined)
        if changed:
            moved = self._recognise(transaction, changed, known=set(known), now=now)
            held.add(moved)
            held.keys |= {by_id[facility] for facility in (moved.left & by_id.keys())}
            held.keys |= {by_id[one.id] for one in standing(transaction, changed) if one.joined is not None}
        return held

    def forget(self, connection: Connection, gone: Collection[tuple[str, str]]) -> Held:
        """Know nothing more of facilities (source, its key); what people decided of them stays in the log."""
        transaction = Transaction(connection)
        ids = [resource_id(source, "Organization/facility", key) for source, key in sorted(gone)]
        held = Held(joined=_joined_in(transaction, ids))
        near = {end for row in pairs(transaction, ids) for end in (row.one, row.other)}
        near |= in_groups(transaction, held.joined)
        for one in _FORGET:
            for chunk in chunks(ids):
                transaction.run(one, {"ids": chunk})
        held.add(self.settle(transaction, near - set(ids)))
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
        return {by_id[one.id]: one.joined for one in standing(Transaction(connection), by_id) if one.joined is not None}

    def known(self, connection: Connection, told: Collection[tuple[str, str]]) -> dict[tuple[str, str], Facility]:
        """Facilities (source, its key) as their sources told of them last."""
        by_id = {resource_id(source, "Organization/facility", key): (source, key) for source, key in told}
        return {by_id[member.id]: member.facility for member in members(Transaction(connection), sorted(by_id))}

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
        found = self._compared(transaction, changed, facts, keys)
        seeds = self._write_pairs(transaction, changed, found, now)
        # Who comes back after it was removed may be one with others by a decision alone.
        back = {end for one, other, _ in decided(transaction, [one.id for one in new]) for end in (one, other)}
        return self.settle(transaction, seeds | back | {member.id for member in old})

    def _compared(
        self,
        transaction: Transaction,
        changed: Mapping[str, Member],
        facts: dict[str, Facts],
        keys: Mapping[str, Collection[str]],
    ) -> dict[Pair, tuple[str, int]]:
        """The verdicts on facilities of other sources that share a key with one that changed."""
        blocks: dict[str, list[tuple[str, str]]] = {}
        for chunk in chunks(sorted({key for own in keys.values() for key in own})):
            for key, facility, source in transaction.all(_BLOCKS, {"match_keys": chunk}):
                blocks.setdefault(key, []).append((facility, source))
        wanted: set[Pair] = set()
        for facility, own in keys.items():
            for key in own:
                block = blocks.get(key, ())
                if len(block) <= COMMON_KEY:
                    wanted.update(
                        pair(facility, other) for other, source in block if source != changed[facility].source
                    )
        unread = sorted({end for two in wanted for end in two} - facts.keys())
        for member in members(transaction, unread):
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
        found: Mapping[Pair, tuple[str, int]],
        now: int,
    ) -> set[str]:
        """Make the pairs of what changed what they are now; returns everybody whose ties may have changed."""
        before = {(row.one, row.other): row for row in pairs(transaction, changed)}
        stays = {two for two, row in before.items() if found.get(two) == (row.verdict, row.score)}
        transaction.many(
            _FORGET_PAIR, [{"the_one": one, "the_other": other} for one, other in before if (one, other) not in stays]
        )
        rows = [
            {
                "one": two[0],
                "other": two[1],
                "verdict": verdict,
                "score": score,
                "is_open": verdict == Verdict.PROPOSAL,
                "since": before[two].since if two in before else now,
            }
            for two, (verdict, score) in found.items()
            if two not in stays
        ]
        if rows:
            transaction.connection.execute(insert(likenesses), rows)
        return {end for two in {*before, *found} for end in two}

    def settle(self, transaction: Transaction, seeds: Collection[str]) -> Held:
        """Find out anew who of these, and of all that hang together with them, are one."""
        held = Held()
        if not seeds:
            return held
        nodes, certain, verdicts = _component(transaction, seeds)
        known = {member.id: member for member in members(transaction, sorted(nodes))}
        # Also of facilities that were removed, people decided something.
        verdicts = {two: verdict for two, verdict in verdicts.items() if known.keys() >= set(two)}
        facts = {facility: facts_of(member.facility) for facility, member in known.items()}

        def contradicted(one: str, other: str) -> bool:
            return verdicts.get(pair(one, other)) == "different" or contradict(facts[one], facts[other])

        def apart(one: str, other: str) -> bool:
            return known[one].source == known[other].source or contradicted(one, other)

        def of_kind(kind: str) -> list[Pair]:
            return [two for two, found in certain.items() if found == kind and verdicts.get(two) != "different"]

        parts = partition(
            sorted(known),
            (
                Level(pairs=[two for two, verdict in verdicts.items() if verdict == "same"], apart=contradicted),
                Level(pairs=of_kind(_TELEMATIK), apart=apart),
                Level(pairs=of_kind(Verdict.SAME), apart=apart),
            ),
        )
        now_joined: dict[str, str | None] = {}
        moved: list[dict[str, str | None]] = []
        for part in parts:
            now_joined.update(dict.fromkeys(part, joined_id(part) if len(part) > 1 else None))
        for facility, joined in now_joined.items():
            before = known[facility].joined
            if before == joined:
                continue
            moved.append({"the_id": facility, "joined": joined})
            held.joined |= {one for one in (before, joined) if one is not None}
            if joined is None:
                held.left.add(facility)
        transaction.many(_JOIN, moved)
        _refresh_open(transaction, sorted(nodes))
        return held


def _component(transaction: Transaction, seeds: Collection[str]) -> tuple[set[str], dict[Pair, str], dict[Pair, str]]:
    """Everybody who hangs together with the seeds, by what is certain or decided; and that, by pair."""
    nodes: set[str] = set()
    certain: dict[Pair, str] = {}
    verdicts: dict[Pair, str] = {}
    frontier = set(seeds)
    while frontier:
        nodes |= frontier
        ids = sorted(frontier)
        frontier = set()
        for row in pairs(transaction, ids):
            if row.verdict != Verdict.PROPOSAL:
                certain[row.one, row.other] = row.verdict
                frontier |= {row.one, row.other}
        for one, other, verdict in decided(transaction, ids):
            verdicts[one, other] = verdict
            if verdict == "same":
                frontier |= {one, other}
        frontier |= in_groups(transaction, _joined_in(transaction, ids))
        frontier -= nodes
    return nodes, certain, verdicts


def _refresh_open(transaction: Transaction, ids: Collection[str]) -> None:
    """A pair waits for a person unless one decided it, or joining it would join two of one source.

    Where a facility's own source has another one there already, it is that one.
    """
    rows = pairs(transaction, ids)
    if not rows:
        return
    ends = sorted({end for row in rows for end in (row.one, row.other)})
    known = {one.id: one for one in standing(transaction, ends)}
    joined = sorted({one.joined for one in known.values() if one.joined is not None})
    sources: dict[str, set[str]] = {}
    for chunk in chunks(joined):
        for group, source in transaction.all(_SOURCES_IN, {"joined": chunk}):
            sources.setdefault(group, set()).add(source)
    settled = {(one, other) for one, other, _ in decided(transaction, sorted(known))}

    def of(end: str) -> set[str]:
        one = known[end]
        return {one.source} if one.joined is None else sources[one.joined]

    changed = [
        {"the_one": row.one, "the_other": row.other, "open_now": is_open}
        for row in rows
        if (is_open := (row.one, row.other) not in settled and not of(row.one) & of(row.other)) != bool(row.is_open)
    ]
    if changed:
        transaction.connection.execute(
            update(likenesses)
            .where(likenesses.c.one == bindparam("the_one"), likenesses.c.other == bindparam("the_other"))
            .values(is_open=bindparam("open_now")),
            changed,
        )


def _joined_in(transaction: Transaction, ids: Collection[str]) -> set[str]:
    return {one.joined for one in standing(transaction, ids) if one.joined is not None}


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
