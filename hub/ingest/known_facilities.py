"""Facilities as their sources tell of them, what looks alike among them, and what people decided: rows, read by id."""

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import select

from hub.ingest.joined_view import Member
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Transaction
from hub.store.tables import facility as facilities
from hub.store.tables import facility_likeness as likenesses
from hub.store.tables import identity_decision as decisions
from mappings.joining import Pair
from mappings.vacancy import Facility

__all__ = [
    "Alike",
    "Standing",
    "chunks",
    "decided",
    "in_groups",
    "members",
    "members_around",
    "pair",
    "pairs",
    "standing",
]

T = TypeVar("T")
_FACILITY: TypeAdapter[Facility] = TypeAdapter(Facility)
_CHUNK = 500

_STANDING = Prepared(
    select(facilities.c.id, facilities.c.source, facilities.c.digest, facilities.c.joined).where(
        one_of(facilities.c.id, "ids")
    )
)
_ROWS = Prepared(
    select(facilities.c.id, facilities.c.source, facilities.c.key, facilities.c.content, facilities.c.joined).where(
        one_of(facilities.c.id, "ids")
    )
)
_IN_JOINED = Prepared(select(facilities.c.id).where(one_of(facilities.c.joined, "joined")))
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


class Standing(NamedTuple):
    """Where a facility stands; `joined` is the id of what it is in, None where it is by itself."""

    id: str
    source: str
    digest: bytes
    joined: str | None


class Alike(NamedTuple):
    """Two facilities that look alike, in order (`pair`), since when, and whether that waits for a person."""

    one: str
    other: str
    verdict: str
    score: int
    is_open: bool
    since: int


def standing(transaction: Transaction, ids: Collection[str]) -> Iterator[Standing]:
    """Where those stand that are known."""
    for chunk in chunks(list(ids)):
        yield from map(Standing._make, transaction.all(_STANDING, {"ids": chunk}))


def members(transaction: Transaction, ids: Collection[str]) -> list[Member]:
    """Those that are known, whole."""
    return [
        Member(
            id=facility,
            source=source,
            key=key,
            facility=_read(bytes(content)),
            content=bytes(content),
            joined=joined,
        )
        for chunk in chunks(list(ids))
        for facility, source, key, content, joined in transaction.all(_ROWS, {"ids": chunk})
    ]


def members_around(transaction: Transaction, of: str) -> list[Member]:
    """The members of the joined facility that has this id, or that a facility of this id is in."""
    own = next((one.joined for one in standing(transaction, [of])), None)
    return members(transaction, sorted(in_groups(transaction, {of, own or of})))


def in_groups(transaction: Transaction, joined: Collection[str]) -> set[str]:
    """The ids of those that are in some joined facilities."""
    return {
        facility for chunk in chunks(sorted(joined)) for (facility,) in transaction.all(_IN_JOINED, {"joined": chunk})
    }


def pairs(transaction: Transaction, ids: Collection[str]) -> list[Alike]:
    """The pairs that have one of these."""
    return list(
        dict.fromkeys(
            Alike._make(row)
            for chunk in chunks(list(ids))
            for statement in _LIKE
            for row in transaction.all(statement, {"ids": chunk})
        )
    )


def decided(transaction: Transaction, ids: Collection[str]) -> set[tuple[str, str, str]]:
    """The pairs that have one of these of which a decision stands, and its verdict."""
    return {
        (one, other, verdict)
        for chunk in chunks(list(ids))
        for statement in _DECIDED
        for one, other, verdict in transaction.all(statement, {"ids": chunk})
    }


def pair(one: str, other: str) -> Pair:
    """Two ids in order: a pair has one row, whichever is named first."""
    return (one, other) if one < other else (other, one)


def chunks(items: list[T]) -> Iterator[list[T]]:
    """As many as one statement takes."""
    return (items[begin : begin + _CHUNK] for begin in range(0, len(items), _CHUNK))


@lru_cache(maxsize=2048)
def _read(content: bytes) -> Facility:
    return _FACILITY.validate_json(content)
