"""Runs a query on one projection: one page of matches, what they include, and the true total."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from hub.search.parameters import parameters
from hub.search.query import Condition, Include, Query
from hub.search.types import date
from hub.search.types.term import Bind
from hub.store.repository import current
from hub.store.tables import PROFESSIONAL, PUBLIC, Projection

__all__ = ["Entry", "Page", "find"]

_PROJECTIONS = {projection.name: projection for projection in (PUBLIC, PROFESSIONAL)}
_INCLUDED_MAX = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of an answer."""

    type: str
    id: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`next_after` is where the next page begins; None on the last."""

    matches: tuple[Entry, ...]
    included: tuple[Entry, ...]
    total: int
    next_after: int | None


def find(connection: Connection, projection: Projection, query: Query) -> Page:
    """The page of a query, ordered by first appearance: a page never repeats or skips what did not change."""
    shape = tuple(condition.shape for condition in query.conditions)
    binds = _binds(query.conditions)
    total = int(connection.execute(_count_statement(projection.name, query.type, shape), binds).scalar_one())
    if query.count == 0:
        return Page(matches=(), included=(), total=total, next_after=None)
    statement = _page_statement(projection.name, query.type, shape)
    window = {"after": query.after or 0, "most": query.count + 1}
    rows = connection.execute(statement, {**binds, **window}).all()
    more, rows = len(rows) > query.count, rows[: query.count]
    rids = [row.rid for row in rows]
    return Page(
        matches=tuple(Entry(query.type, row.id, row.content) for row in rows),
        included=_included(connection, projection, query.includes, rids),
        total=total,
        next_after=rids[-1] if more else None,
    )


def _binds(conditions: tuple[Condition, ...]) -> dict[str, object]:
    return {
        f"c{number}_{ordinal}_{name}": value
        for number, condition in enumerate(conditions)
        for ordinal, term in enumerate(condition.terms)
        for name, value in term.binds.items()
    }


@lru_cache(maxsize=1024)
def _page_statement(projection: str, resource_type: str, shape: tuple[tuple[str, ...], ...]) -> Select[Any]:
    tables = _PROJECTIONS[projection]
    resource = tables.resource
    return (
        select(resource.c.rid, resource.c.id, tables.history.c.content)
        .join(tables.history, current(tables))
        .where(_condition(projection, resource_type, shape), resource.c.rid > bindparam("after"))
        .order_by(resource.c.rid)
        .limit(bindparam("most"))
    )


@lru_cache(maxsize=1024)
def _count_statement(projection: str, resource_type: str, shape: tuple[tuple[str, ...], ...]) -> Select[Any]:
    resource = _PROJECTIONS[projection].resource
    return select(func.count()).select_from(resource).where(_condition(projection, resource_type, shape))


def _condition(projection: str, resource_type: str, shape: tuple[tuple[str, ...], ...]) -> ColumnElement[bool]:
    tables = _PROJECTIONS[projection]
    resource = tables.resource
    parts: list[ColumnElement[bool]] = [
        resource.c.type == literal_column(f"'{resource_type}'"),
        resource.c.deleted.is_(False),
    ]
    for number, (code, *term_shapes) in enumerate(shape):
        binds = [_bind(f"c{number}_{ordinal}_") for ordinal in range(len(term_shapes))]
        if code == "_id":
            parts.append(resource.c.id.in_(binds[0]("ids")))
        elif code == "_lastUpdated":
            parts.append(date.compare(resource.c.updated, resource.c.updated, term_shapes[0], binds[0]))
        else:
            parameter = parameters(resource_type)[code]
            table = tables.indexes[parameter.implementation.TABLE]
            of_parameter = table.c.param == literal_column(str(parameter.number))
            terms = [
                parameter.implementation.where(tables, term_shape, bind)
                for term_shape, bind in zip(term_shapes, binds, strict=True)
            ]
            parts.append(resource.c.rid.in_(select(table.c.rid).where(of_parameter, or_(*terms))))
    return and_(*parts)


def _bind(prefix: str) -> Bind:
    def make(name: str) -> BindParameter[Any]:
        return bindparam(prefix + name, expanding=name in ("ids", "targets"))

    return make


def _included(
    connection: Connection, projection: Projection, includes: tuple[Include, ...], rids: list[int]
) -> tuple[Entry, ...]:
    if not includes or not rids:
        return ()
    references = projection.reference
    targets: dict[tuple[str, str], None] = {}
    for include in includes:
        statement = select(references.c.target).where(
            references.c.param == include.parameter.number, references.c.rid.in_(rids)
        )
        for (target,) in connection.execute(statement):
            resource_type, _, resource_id = target.rpartition("/")
            if include.target in (None, resource_type):
                targets[resource_type, resource_id] = None
    return _fetch(connection, projection, list(targets)[:_INCLUDED_MAX])


def _fetch(connection: Connection, projection: Projection, keys: list[tuple[str, str]]) -> tuple[Entry, ...]:
    resource = projection.resource
    found: list[Entry] = []
    for resource_type in dict.fromkeys(key[0] for key in keys):
        ids = [key[1] for key in keys if key[0] == resource_type]
        statement = (
            select(resource.c.id, projection.history.c.content)
            .join(projection.history, current(projection))
            .where(resource.c.type == resource_type, resource.c.id.in_(ids), resource.c.deleted.is_(False))
        )
        found.extend(Entry(resource_type, row.id, row.content) for row in connection.execute(statement))
    return tuple(sorted(found, key=lambda entry: (entry.type, entry.id)))
