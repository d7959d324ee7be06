"""The current contents of resources, as a search shows them: what is shown again and again is not read again."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from hub.store.prepared import Prepared, one_of, packed_columns, packed_pair, pair_of
from hub.store.reader import Reader
from hub.store.repository import current
from hub.store.shown import Shown, Version, shown, shown_as_stored
from hub.store.tables import VIEWS, Projection

__all__ = ["by_rid", "by_version", "known"]

_NONE_KNOWN: Mapping[int, int] = MappingProxyType({})


def by_rid(
    reader: Reader, projection: Projection, rids: Sequence[int], versions: Mapping[int, int] = _NONE_KNOWN
) -> list[Shown]:
    """What is shown of rows that are not deleted, in their order; `versions` are those that are known already."""
    if not rids:
        return []
    if projection.name not in reader.kept:
        read = _read(reader, projection, rids)
        return [read[rid] for rid in rids]
    if versions.keys() >= set(rids):
        return by_version(reader, projection, [packed_pair(rid, versions[rid]) for rid in rids])
    rows = reader.all(_versions(projection.name), {"rids": list(rids)})
    there = {rid: packed_pair(rid, version) for rid, version in rows}
    return by_version(reader, projection, [there[rid] for rid in rids])


def known(reader: Reader, projection: Projection, rids: Sequence[int]) -> set[int]:
    """The rows that this snapshot has, and that are not deleted."""
    return {rid for rid, _ in reader.all(_versions(projection.name), {"rids": list(rids)})}


def by_version(reader: Reader, projection: Projection, versions: Sequence[Version]) -> list[Shown]:
    """What is shown of versions that rows have, in their order; without those that this snapshot does not know."""
    kept = reader.kept.get(projection.name)
    found: list[Any] = [None] * len(versions) if kept is None else kept.of(versions)
    if None not in found:
        return found
    missing = [version for version, one in zip(versions, found, strict=True) if one is None]
    rows = reader.all(_of_versions(projection.name), {"versions": missing})
    read = {version: shown_as_stored(content) for version, content in rows if content is not None}
    if kept is not None:
        kept.add(read)
    told = (read.get(version) if one is None else one for version, one in zip(versions, found, strict=True))
    return [one for one in told if one is not None]


def _read(reader: Reader, projection: Projection, rids: Sequence[int]) -> dict[int, Shown]:
    rows = reader.all(_contents(projection.name), {"rids": list(rids)})
    return {rid: shown(*rest) for rid, *rest in rows}


@lru_cache
def _of_versions(view: str) -> Prepared:
    history = VIEWS[view].history
    return Prepared(
        select(packed_columns(history.c.rid, history.c.version), history.c.content).where(
            pair_of(history.c.rid, history.c.version, "versions")
        )
    )


@lru_cache
def _versions(view: str) -> Prepared:
    row = VIEWS[view].resource
    return Prepared(select(row.c.rid, row.c.version).where(one_of(row.c.rid, "rids"), row.c.deleted.is_(False)))


@lru_cache
def _contents(view: str) -> Prepared:
    tables = VIEWS[view]
    row = tables.resource
    return Prepared(
        select(row.c.rid, row.c.type, row.c.id, tables.history.c.content)
        .join(tables.history, current(tables))
        .where(one_of(row.c.rid, "rids"), row.c.deleted.is_(False))
    )
