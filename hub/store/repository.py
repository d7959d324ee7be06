"""Versioned storage of FHIR resources in one projection: bytes, history and index rows written together.

Versions are numbered from 1 in each projection and move only when the content differs there
(https://hl7.org/fhir/R4/http.html#versions).
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from hub.store.clock import instant
from hub.store.tables import Projection

__all__ = ["Index", "Repository", "Resource", "Stored", "Written", "current"]

Resource = dict[str, Any]
Index = Callable[[Resource], Iterable[tuple[str, tuple[object, ...]]]]
"""What a resource is found by: (index table, its row without the rid)."""

_T = TypeVar("_T")
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A version as stored; `content` is None where the resource was deleted."""

    version: int
    updated: int
    content: bytes | None


@dataclass(slots=True)
class Written:
    """What a write did: the rid of every resource named, and how many versions of which kind it made."""

    rids: dict[tuple[str, str], int] = field(default_factory=dict)
    created: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    rid: int
    version: int
    digest: bytes


def current(tables: Projection) -> ColumnElement[bool]:
    """Joins a resource to the bytes of its current version: they stand in the history alone, once."""
    return and_(tables.history.c.rid == tables.resource.c.rid, tables.history.c.version == tables.resource.c.version)


class Repository:
    """The resources of one projection."""

    def __init__(self, projection: Projection, index: Index) -> None:
        self.projection = projection
        self._index = index
        resource, history = projection.resource, projection.history
        self._current = select(
            resource.c.type, resource.c.id, resource.c.rid, resource.c.version, resource.c.digest
        ).where(resource.c.type == bindparam("type"), resource.c.id.in_(bindparam("ids", expanding=True)))
        self._read = (
            select(history.c.version, history.c.updated, history.c.content)
            .join(resource, current(projection))
            .where(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        )
        self._vread = (
            select(history.c.version, history.c.updated, history.c.content)
            .join(resource, resource.c.rid == history.c.rid)
            .where(
                resource.c.type == bindparam("type"),
                resource.c.id == bindparam("id"),
                history.c.version == bindparam("version"),
            )
        )
        self._insert = insert(resource).returning(resource.c.type, resource.c.id, resource.c.rid)
        self._update = (
            update(resource)
            .where(resource.c.rid == bindparam("the_rid"))
            .values({name: bindparam(name) for name in ("version", "updated", "digest", "deleted")})
        )
        self._remember = insert(history)
        self._add = {name: insert(table) for name, table in projection.indexes.items()}
        self._columns = {
            name: tuple(column.name for column in table.columns) for name, table in projection.indexes.items()
        }
        self._clear = {
            name: delete(table).where(table.c.rid.in_(bindparam("rids", expanding=True)))
            for name, table in projection.indexes.items()
        }

    def read(self, connection: Connection, resource_type: str, resource_id: str) -> Stored | None:
        """The current version, or None for an id that was never stored."""
        row = connection.execute(self._read, {"type": resource_type, "id": resource_id}).first()
        return Stored(version=row.version, updated=row.updated, content=row.content) if row else None

    def vread(self, connection: Connection, resource_type: str, resource_id: str, version: int) -> Stored | None:
        """One version, or None where there is no such version."""
        keys = {"type": resource_type, "id": resource_id, "version": version}
        row = connection.execute(self._vread, keys).first()
        return Stored(version=row.version, updated=row.updated, content=row.content) if row else None

    def write(
        self,
        connection: Connection,
        resources: Iterable[Resource],
        *,
        deletions: Iterable[tuple[str, str]] = (),
        at: int,
        delivery: int,
    ) -> Written:
        """Store the resources (of one id the last counts) and delete those named; what equals its stored version
        makes none. `at` is the moment of the write, `delivery` the ledger's number of what caused it.
        """
        wanted = {(resource["resourceType"], resource["id"]): resource for resource in resources}
        gone = [key for key in deletions if key not in wanted]
        current = self._current_rows(connection, [*wanted, *gone])
        written = Written(rids={key: row.rid for key, row in current.items()})
        fresh: list[dict[str, object]] = []
        changed: list[dict[str, object]] = []
        entries: list[dict[str, object]] = []
        for key, resource in wanted.items():
            digest = _digest(resource)
            row = current.get(key)
            if row is None:
                fresh.append(_values(key, resource, digest, version=1, at=at))
            elif row.digest != digest:
                changed.append({**_values(key, resource, digest, version=row.version + 1, at=at), "the_rid": row.rid})
        for key in gone:
            row = current.get(key)
            if row is not None and row.digest != _DELETED:
                changed.append(
                    {
                        "the_rid": row.rid,
                        "type": key[0],
                        "id": key[1],
                        "version": row.version + 1,
                        "updated": at,
                        "digest": _DELETED,
                        "deleted": True,
                        "content": None,
                    }
                )
        if fresh:
            for row_type, row_id, rid in connection.execute(
                self._insert, [_without(values, "content") for values in fresh]
            ):
                written.rids[row_type, row_id] = rid
        if changed:
            connection.execute(self._update, [_without(values, "type", "id", "content") for values in changed])
            self._unindex(connection, [values["the_rid"] for values in changed])
        for values in (*fresh, *changed):
            rid = written.rids[str(values["type"]), str(values["id"])]
            entries.append(
                {
                    "rid": rid,
                    "version": values["version"],
                    "updated": at,
                    "delivery": delivery,
                    "content": values["content"],
                }
            )
        if entries:
            connection.execute(self._remember, entries)
        self._index_all(connection, written.rids, wanted, [*fresh, *changed])
        written.created = len(fresh)
        written.deleted = sum(1 for values in changed if values["content"] is None)
        written.updated = len(changed) - written.deleted
        return written

    def reindex(self, connection: Connection) -> None:
        """Index every resource anew, after what is indexed has changed."""
        resource, history = self.projection.resource, self.projection.history
        for table in self.projection.indexes.values():
            connection.execute(delete(table))
        after = 0
        statement = (
            select(resource.c.rid, resource.c.type, resource.c.id, history.c.content)
            .join(history, current(self.projection))
            .where(resource.c.rid > bindparam("after"), resource.c.deleted.is_(False))
            .order_by(resource.c.rid)
            .limit(_CHUNK)
        )
        while rows := connection.execute(statement, {"after": after}).all():
            resources = {(row.type, row.id): orjson.loads(row.content) for row in rows}
            rids = {(row.type, row.id): row.rid for row in rows}
            self._index_all(connection, rids, resources, [{**row._mapping} for row in rows])
            after = rows[-1].rid

    def _current_rows(self, connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], _Row]:
        by_type: dict[str, list[str]] = {}
        for resource_type, resource_id in keys:
            by_type.setdefault(resource_type, []).append(resource_id)
        found: dict[tuple[str, str], _Row] = {}
        for resource_type, ids in by_type.items():
            for chunk in _chunks(ids):
                for row in connection.execute(self._current, {"type": resource_type, "ids": chunk}):
                    found[row.type, row.id] = _Row(row.rid, row.version, row.digest)
        return found

    def _unindex(self, connection: Connection, rids: list[object]) -> None:
        for chunk in _chunks(rids):
            for statement in self._clear.values():
                connection.execute(statement, {"rids": chunk})

    def _index_all(
        self,
        connection: Connection,
        rids: Mapping[tuple[str, str], int],
        resources: Mapping[tuple[str, str], Resource],
        values: Iterable[Mapping[str, object]],
    ) -> None:
        rows: dict[str, list[dict[str, object]]] = {name: [] for name in self._add}
        for row in values:
            if row["content"] is None:
                continue
            key = (str(row["type"]), str(row["id"]))
            for table, index_row in set(self._index(resources[key])):
                rows[table].append(dict(zip(self._columns[table], (*index_row, rids[key]), strict=True)))
        for table, table_rows in rows.items():
            if table_rows:
                connection.execute(self._add[table], table_rows)


_DELETED = b""


def _digest(resource: Resource) -> bytes:
    return hashlib.blake2b(orjson.dumps(resource), digest_size=16).digest()


def _values(key: tuple[str, str], resource: Resource, digest: bytes, *, version: int, at: int) -> dict[str, object]:
    meta = {"versionId": str(version), "lastUpdated": instant(at), **resource.get("meta", {})}
    head = {"resourceType": key[0], "id": key[1], "meta": meta}
    content = orjson.dumps({**head, **_without(resource, "meta")})
    return {
        "type": key[0],
        "id": key[1],
        "version": version,
        "updated": at,
        "digest": digest,
        "deleted": False,
        "content": content,
    }


def _without(mapping: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in mapping.items() if name not in names}


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
