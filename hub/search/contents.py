"""The current contents of resources, as a search shows them: what was shown before is not read again."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from sqlalchemy import select

from hub.store.prepared import Prepared, one_of, packed_pair, pair_of
from hub.store.reader import Reader
from hub.store.repository import current
from hub.store.shown import Shown, Version, shown, shown_as_stored
from hub.store.tables import VIEWS, Projection

__all__ = ["by_rid", "by_version", "of_each"]

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
        return by_version(reader, projection, [(rid, versions[rid]) for rid in rids])
    there = {version[0]: version for version in reader.all(_versions(projection.name), {"rids": list(rids)})}
    return by_version(reader, projection, [there[rid] for rid in rids])


def by_version(reader: Reader, projection: Projection, versions: Sequence[Version]) -> list[Shown]:
    """What is shown of versions that rows have, in their order; without rows that this snapshot does not know."""
    return [one for one in of_each(reader, projection, versions) if one is not None]


def of_each(reader: Reader, projection: Projection, versions: Sequence[Version]) -> list[Shown | None]:
    """The same, with None for those rows; a version that this snapshot does not know yet is shown as it was before."""
    kept = reader.kept.get(projection.name)
    found: list[Shown | None] = [None] * len(versions) if kept is None else kept.of(versions)
    if None in found:
        missing = [packed_pair(*version) for version, one in zip(versions, found, strict=True) if one is None]
        rows = reader.all(_of_versions(projection.name), {"versions": missing})
        read = {(rid, version): shown_as_stored(content) for rid, version, content in rows if content is not None}
        if kept is not None:
            kept.add(read)
        found = [one or read.get(version) for version, one in zip(versions, found, strict=True)]
    if None in found:
        before = _read(reader, projection, [rid for (rid, _), one in zip(versions, found, strict=True) if one is None])
        found = [one or before.get(rid) for (rid, _), one in zip(versions, found, strict=True)]
    return found


def _read(reader: Reader, projection: Projection, rids: Sequence[int]) -> dict[int, Shown]:
    rows = reader.all(_contents(projection.name), {"rids": list(rids)})
    read = {(rid, version): shown(*rest) for rid, version, *rest in rows}
    if projection.name in reader.kept:
        reader.kept[projection.name].add(read)
    return {rid: one for (rid, _), one in read.items()}


@lru_cache
def _of_versions(view: str) -> Prepared:
    history = VIEWS[view].history
    return Prepared(
        select(history.c.rid, history.c.version, history.c.content).where(
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
        select(row.c.rid, row.c.version, row.c.type, row.c.id, tables.history.c.content)
        .join(tables.history, current(tables))
        .where(one_of(row.c.rid, "rids"), row.c.deleted.is_(False))
    )
