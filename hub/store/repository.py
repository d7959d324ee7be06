"""Versioned storage of FHIR resources in one projection: bytes, history and index rows written together.

Versions are numbered from 1 in each projection and move only when the content differs there
(https://hl7.org/fhir/R4/http.html#versions).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from conformance.formats.grouped import grouped
from hub.errors import Invalid
from hub.store.change_kind import ChangeKind
from hub.store.changes import Changes
from hub.store.clock import instant
from hub.store.draft import Draft, Index
from hub.store.lock import take_turn
from hub.store.prepared import LOW_MAX, Prepared, one_of
from hub.store.reader import Reader, Row, Transaction
from hub.store.serial import next_serials
from hub.store.tables import Projection
from mappings.errors import Issue

__all__ = ["Repository", "Resource", "Stored", "Version", "Written", "current", "tree_of"]

Resource = dict[str, Any]
Key = tuple[str, str]
Change = Literal["created", "updated", "unchanged", "deleted"]

_T = TypeVar("_T")
_Found = tuple[str, Row]
"""An index table, and a row of it."""
_CHUNK = 500
_DELETED = b""
_SHOWN = frozenset(("HealthcareService", "Location", "Organization", "Schedule", "Slot"))
"""The types of what $find-vacancies shows."""
_TREE = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A version as stored; `content` is None where the resource was deleted."""

    version: int
    updated: int
    content: bytes | None


class Version(NamedTuple):
    """What a write made of a resource; `content` is None where it is deleted now."""

    rid: int
    version: int
    updated: int
    change: Change
    content: bytes | None


@dataclass(slots=True)
class Written:
    """What a write did: the version that each resource named has now, and how many it made of which kind."""

    versions: dict[Key, Version] = field(default_factory=dict)

    @property
    def rids(self) -> dict[Key, int]:
        """The row of every resource named."""
        return {key: version.rid for key, version in self.versions.items()}

    @property
    def made(self) -> int:
        """How many versions were made."""
        return sum(1 for version in self.versions.values() if version.change != "unchanged")


class _Row(NamedTuple):
    rid: int
    version: int
    digest: bytes
    deleted: bool
    updated: int
    content: bytes


def tree_of(content: bytes) -> Resource:
    """The tree of stored bytes; numbers that are not whole are Decimals."""
    tree: Resource = _TREE.decode(content)
    return tree


def current(tables: Projection) -> ColumnElement[bool]:
    """Joins a resource to the bytes of its current version: they stand in the history alone, once."""
    return and_(tables.history.c.rid == tables.resource.c.rid, tables.history.c.version == tables.resource.c.version)


class Repository:
    """The resources of one projection."""

    def __init__(self, projection: Projection, index: Index) -> None:
        self.projection = projection
        self.index = index
        resource, history, count = projection.resource, projection.history, projection.count
        is_it = and_(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        self._read = Prepared(
            select(history.c.version, history.c.updated, history.c.content)
            .join(resource, current(projection))
            .where(is_it)
        )
        self._vread = Prepared(
            select(history.c.version, history.c.updated, history.c.content)
            .join(resource, resource.c.rid == history.c.rid)
            .where(is_it, history.c.version == bindparam("version"))
        )
        self._current = Prepared(
            select(
                resource.c.id,
                resource.c.rid,
                resource.c.version,
                resource.c.digest,
                resource.c.deleted,
                resource.c.updated,
                history.c.content,
            )
            .join(history, current(projection))
            .where(resource.c.type == bindparam("type"), one_of(resource.c.id, "ids"))
        )
        self._insert = _insert(resource)
        self._update = Prepared(
            update(resource)
            .where(resource.c.rid == bindparam("the_rid"))
            .values({name: bindparam(name) for name in ("version", "updated", "digest", "deleted")})
        )
        self._remember = _insert(history)
        self._changes = Changes(projection)
        self._add = {
            # A row may be there already: where another process knows a parameter that this one has just learnt.
            name: Prepared(postgresql.insert(table).on_conflict_do_nothing())
            for name, table in projection.indexes.items()
        }
        self._clear = {
            name: Prepared(delete(table).where(one_of(table.c.rid, "rids")))
            for name, table in projection.indexes.items()
        }
        self._indexed = {
            name: Prepared(select(*table.columns).where(one_of(table.c.rid, "rids")))
            for name, table in projection.indexes.items()
        }
        self._remove = {
            name: Prepared(delete(table).where(*(column == bindparam(column.name) for column in table.columns)))
            for name, table in projection.indexes.items()
        }
        self._newest = Prepared(select(history.c.updated).order_by(history.c.updated.desc()).limit(1))
        self._counted = Prepared(
            update(count)
            .where(count.c.type == bindparam("the_type"))
            .values(resources=count.c.resources + bindparam("more"))
        )
        self._first_counted = Prepared(
            insert(count).from_select(
                ["type", "resources"],
                select(bindparam("type", type_=count.c.type.type), literal(0)).where(
                    ~select(count.c.type).where(count.c.type == bindparam("type")).exists()
                ),
            )
        )
        self._after = Prepared(
            select(resource.c.rid, history.c.content)
            .join(history, current(projection))
            .where(resource.c.rid > bindparam("after"), resource.c.deleted.is_(False))
            .order_by(resource.c.rid)
            .limit(bindparam("most"))
        )
        of_it = select(resource.c.rid).where(is_it).scalar_subquery()
        self._forget = Prepared(update(history).where(history.c.rid == of_it).values(content=null(), change="deleted"))
        self._all = Prepared(select(func.count()).select_from(resource).where(resource.c.rid > bindparam("after")))

    def read(self, reader: Reader, resource_type: str, resource_id: str) -> Stored | None:
        """The current version, or None for an id that was never stored."""
        return _stored(reader.first(self._read, {"type": resource_type, "id": resource_id}))

    def vread(self, reader: Reader, resource_type: str, resource_id: str, version: int) -> Stored | None:
        """One version, or None where there is no such version."""
        return _stored(reader.first(self._vread, {"type": resource_type, "id": resource_id, "version": version}))

    def store(
        self,
        transaction: Transaction,
        drafts: Iterable[Draft],
        *,
        deletions: Iterable[Key] = (),
        at: int,
        deliveries: Mapping[Key, int] = MappingProxyType({}),
    ) -> Written:
        """Store the drafts (of one id the last counts) and delete those named; what equals its stored version makes
        none. `at` is the moment of the write, `deliveries` the ledger's numbers of what caused it, if it came that way.

        No version is older than one that is there: who reads the history since the last time misses none.
        """
        take_turn(transaction)
        wanted = {(draft.type, draft.id): draft for draft in drafts}
        gone = [key for key in deletions if key not in wanted]
        known = self._known(transaction, [*wanted, *gone])
        written = Written()
        newest = transaction.first(self._newest)
        at = max(at, newest[0]) if newest else at
        changed = _Changes(index=self.index, at=at, said=instant(at), deliveries=deliveries)
        fresh = [key for key in wanted if key not in known]
        for key, rid in zip(
            fresh, next_serials(transaction, self.projection.resource.name, len(fresh), "rid"), strict=True
        ):
            written.versions[key] = changed.add(key, wanted[key], rid, None)
        for key, draft in wanted.items():
            row = known.get(key)
            if row is not None and row.digest == draft.digest:
                written.versions[key] = Version(
                    rid=row.rid, version=row.version, updated=row.updated, change="unchanged", content=row.content
                )
            elif row is not None:
                written.versions[key] = changed.add(key, draft, row.rid, row)
        for key in gone:
            row = known.get(key)
            if row is not None and not row.deleted:
                written.versions[key] = changed.add(key, None, row.rid, row)
        transaction.many_rows(self._insert, changed.inserted)
        transaction.many_rows(self._update, changed.updated)
        transaction.many_rows(self._remember, changed.remembered)
        self._changes.add(transaction, ChangeKind.VERSION, changed.shown)
        for resource_type, more in changed.counts.items():
            if more:
                self._count(transaction, resource_type, more)
        for resource_type, cleared in changed.cleared.items():
            for table in self.index.tables(resource_type):
                for chunk in _chunks(cleared):
                    transaction.run(self._clear[table], {"rids": chunk})
        self._move(transaction, changed.lost, changed.found)
        return written

    def forget(self, transaction: Transaction, keys: Iterable[Key]) -> None:
        """Take away what earlier versions say, too: that they were there is all that is left."""
        for resource_type, resource_id in keys:
            transaction.run(self._forget, {"type": resource_type, "id": resource_id})

    def reindex(self, transaction: Transaction, after: int, *, most: int = _CHUNK) -> int | None:
        """Index some resources anew, those behind row `after`; the last row that was, or None where none was left."""
        rows = transaction.all(self._after, {"after": after, "most": most})
        found = ((rid, one) for rid, content in rows for one in self.index.rows(tree_of(content)))
        wanted = _by_table((table, (*row, rid)) for rid, (table, row) in found)
        there = self._rows_there(transaction, [rid for rid, _ in rows])
        tables = {*wanted, *there}
        none: set[Row] = set()
        self._move(
            transaction,
            {table: there.get(table, none) - wanted.get(table, none) for table in tables},
            {table: wanted.get(table, none) - there.get(table, none) for table in tables},
        )
        return rows[-1][0] if rows else None

    def left_to_index(self, reader: Reader, after: int) -> int:
        """How many resources stand behind row `after`."""
        row = reader.first(self._all, {"after": after})
        return int(row[0]) if row else 0

    def _known(self, transaction: Transaction, keys: Sequence[Key]) -> dict[Key, _Row]:
        by_type: dict[str, list[str]] = {}
        for resource_type, resource_id in keys:
            by_type.setdefault(resource_type, []).append(resource_id)
        return {
            (resource_type, resource_id): _Row(rid, version, bytes(digest), bool(deleted), updated, content)
            for resource_type, ids in by_type.items()
            for chunk in _chunks(ids)
            for resource_id, rid, version, digest, deleted, updated, content in transaction.all(
                self._current, {"type": resource_type, "ids": chunk}
            )
        }

    def _count(self, transaction: Transaction, resource_type: str, more: int) -> None:
        values = {"the_type": resource_type, "more": more}
        if transaction.run(self._counted, values) == 0:
            transaction.run(self._first_counted, {"type": resource_type})
            transaction.run(self._counted, values)

    def _move(
        self, transaction: Transaction, lost: Mapping[str, Collection[Row]], found: Mapping[str, Collection[Row]]
    ) -> None:
        """Rows that stay are not touched."""
        for table, rows in lost.items():
            transaction.many_rows(self._remove[table], rows)
        for table, rows in found.items():
            transaction.many_rows(self._add[table], rows)

    def _rows_there(self, transaction: Transaction, rids: list[int]) -> dict[str, set[Row]]:
        return {
            table: {row for chunk in _chunks(rids) for row in transaction.all(statement, {"rids": chunk})}
            for table, statement in self._indexed.items()
        }


@dataclass(slots=True, kw_only=True)
class _Changes:
    """The rows that a write makes, each in the order of its table's columns."""

    index: Index
    at: int
    said: str
    """The same moment, as it is served."""
    deliveries: Mapping[Key, int]
    inserted: list[Row] = field(default_factory=list)
    updated: list[Row] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    """The rows of those that were there before, and that are shown with offers."""
    remembered: list[Row] = field(default_factory=list)
    cleared: dict[str, list[int]] = field(default_factory=dict)
    """Rows of resources, by type, that nothing is found by any more."""
    lost: dict[str, list[Row]] = field(default_factory=dict)
    found: dict[str, list[Row]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, key: Key, draft: Draft | None, rid: int, before: _Row | None) -> Version:
        """Note a new version; no draft: it is deleted. `Invalid` where it has as many as can be told apart."""
        version = before.version + 1 if before else 1
        # The last number is left for taking it away.
        if version + (draft is not None) > LOW_MAX:
            raise _no_more_versions()
        content = draft.content(version, self.said) if draft else None
        state = (version, self.at, draft.digest if draft else _DELETED, draft is None)
        if before is None:
            self.inserted.append((rid, *key, *state))
        else:
            self.updated.append((*state, rid))
            if key[0] in _SHOWN:
                self.shown.append(rid)
        was_there = before is not None and not before.deleted
        change: Change = "deleted" if draft is None else "updated" if was_there else "created"
        told = "posted" if change == "created" and draft is not None and draft.posted else change
        self.remembered.append((rid, version, key[0], self.at, told, self.deliveries.get(key, 0), content))
        self.counts[key[0]] += (draft is not None) - was_there
        if draft is None:
            self.cleared.setdefault(key[0], []).append(rid)
        elif was_there and before is not None:
            lost, found = draft.moved_from(before.content, before.digest, self.index)
            if lost:
                _note(self.lost, lost, rid)
            if found:
                _note(self.found, found, rid)
        else:
            _note(self.found, draft.found_by(self.index), rid)
        return Version(rid=rid, version=version, updated=self.at, change=change, content=content)


def _no_more_versions() -> Invalid:
    return Invalid(
        Issue(
            code="versions-exhausted",
            fhir_code="business-rule",
            text_de=f"von dieser Ressource gibt es {grouped(LOW_MAX - 1)} Versionen, mehr sind nicht möglich; unter "
            "einer anderen Id speichern",
            text_en=f"there are {LOW_MAX - 1:,} versions of this resource, and there can be no more; store it under "
            "another id",
        )
    )


def _note(rows: dict[str, list[Row]], found: Iterable[_Found], rid: int) -> None:
    for table, row in found:
        rows.setdefault(table, []).append((*row, rid))


def _by_table(found: Iterable[_Found]) -> dict[str, set[Row]]:
    rows: dict[str, set[Row]] = {}
    for table, row in found:
        rows.setdefault(table, set()).add(row)
    return rows


def _insert(table: Any) -> Prepared:
    return Prepared(insert(table).values({column.name: bindparam(column.name) for column in table.columns}))


def _stored(row: Row | None) -> Stored | None:
    return Stored(version=row[0], updated=row[1], content=row[2]) if row else None


def _chunks(items: Iterable[_T]) -> Iterator[list[_T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
