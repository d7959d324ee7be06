"""Marks of what is shown of offers: an offer has another mark when it, or anything shown with it, has another version.

A heartbeat makes no version, so it moves no mark. Marks are kept in memory as long as no version is made in the view.
"""

import hashlib
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import func, select, union_all

from hub.search.seen import MARK
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader
from hub.store.tables import VIEWS, Projection

__all__ = ["Marks", "Newest", "Went", "went"]

Newest = tuple[int, int]
"""The moment of a view's newest version (microseconds since 1970), and how many versions are of that moment."""

_NOTHING: Newest = (0, 0)
_KEPT_MAX = 200_000


class Marks:
    """The marks of one view's offers."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection
        self._kept: tuple[Newest, dict[int, bytes]] = (_NOTHING, {})

    def state(self, reader: Reader) -> Newest:
        """What changes whenever a version is made in the view: versions are never older than those that are there."""
        row = reader.first(_newest(self._projection.name))
        return (row[0], row[1]) if row else _NOTHING

    def of(self, reader: Reader, rids: Collection[int], state: Newest) -> dict[int, bytes]:
        """The mark of each offer in the reader's snapshot, whose state this is."""
        # What a transaction reads may be undone.
        keeps = self._projection.name in reader.kept
        kept = self._kept_of(state) if keeps else {}
        missing = [rid for rid in rids if rid not in kept]
        if missing:
            read = self._read(reader, missing)
            if keeps and len(kept) < _KEPT_MAX:
                kept.update(read)
            else:
                kept = {**kept, **read}
        return {rid: kept[rid] for rid in rids}

    def _kept_of(self, state: Newest) -> dict[int, bytes]:
        kept = self._kept
        if kept[0] != state:
            kept = self._kept = (state, {})
        return kept[1]

    def _read(self, reader: Reader, rids: list[int]) -> dict[int, bytes]:
        shown: dict[int, list[tuple[int, int]]] = {rid: [] for rid in rids}
        for offer, rid, version in reader.all(_shown(self._projection.name), {"rids": rids}):
            shown[offer].append((rid, version))
        return {
            offer: hashlib.blake2b(repr(sorted(versions)).encode(), digest_size=MARK).digest()
            for offer, versions in shown.items()
        }


class Went(NamedTuple):
    """An offer that fits no more: its id, and why, a code of CodeSystem search-news."""

    id: str
    why: str


def went(reader: Reader, projection: Projection, rids: Collection[int], *, now: int) -> list[Went] | None:
    """Why offers fit no more, in the order of their ids; None where one of them was never here."""
    binds = {"rids": list(rids)}
    rows = reader.all(_fates(projection.name), binds)
    if len(rows) < len(rids):
        return None
    states: Mapping[int, str] = dict(reader.all(_states(projection.name), binds))
    return sorted(
        Went(identity, _why(bool(deleted), ages, states.get(rid, ""), now)) for rid, identity, deleted, *ages in rows
    )


def _why(deleted: bool, ages: list[int | None], state: str, now: int) -> str:
    stale_at, expires_at = ages
    if deleted or expires_at is None:
        return "withdrawn"
    if expires_at <= now:
        # What is withdrawn ends before its time, and all steps that were left of the ladder with it.
        return "withdrawn" if stale_at == expires_at else "expired"
    return "taken" if state == "none" else "unfitting"


@lru_cache
def _newest(view: str) -> Prepared:
    history = VIEWS[view].history
    newest = select(func.max(history.c.updated)).scalar_subquery()
    return Prepared(
        select(history.c.updated, func.count()).where(history.c.updated == newest).group_by(history.c.updated)
    )


@lru_cache
def _shown(view: str) -> Prepared:
    """An offer's row, and row and version of what is shown of it."""
    resource, member = VIEWS[view].resource, VIEWS[view].member
    return Prepared(
        union_all(
            select(resource.c.rid.label("offer"), resource.c.rid, resource.c.version).where(
                one_of(resource.c.rid, "rids")
            ),
            select(member.c.rid, resource.c.rid, resource.c.version)
            .join(resource, resource.c.rid == member.c.member)
            .where(one_of(member.c.rid, "rids"), resource.c.deleted.is_(False)),
        )
    )


@lru_cache
def _fates(view: str) -> Prepared:
    resource, freshness = VIEWS[view].resource, VIEWS[view].freshness
    return Prepared(
        select(resource.c.rid, resource.c.id, resource.c.deleted, freshness.c.stale_at, freshness.c.expires_at)
        .outerjoin(freshness, freshness.c.rid == resource.c.rid)
        .where(one_of(resource.c.rid, "rids"), resource.c.type == "HealthcareService")
    )


@lru_cache
def _states(view: str) -> Prepared:
    vacancy = VIEWS[view].vacancy
    return Prepared(select(vacancy.c.rid, vacancy.c.state).where(one_of(vacancy.c.rid, "rids"), vacancy.c.ordinal == 0))
