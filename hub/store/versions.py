"""The versions of one resource, of a type, or of all, newest first (https://hl7.org/fhir/R4/http.html#history)."""

from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, or_, select, tuple_
from sqlalchemy.sql.expression import Select

from hub.store.prepared import Prepared
from hub.store.reader import Reader
from hub.store.tables import VIEWS, Projection

__all__ = ["FAR", "After", "Asked", "Past", "count", "find"]

Scope = Literal["instance", "type", "system"]

FAR = 1 << 62
"""A moment behind all that there are."""
_ALL_VERSIONS = 1 << 30


class After(NamedTuple):
    """The version that a page ended with."""

    updated: int
    rid: int
    version: int


class Past(NamedTuple):
    """One version, and the change that made it.

    Posted, created (under an id of the client's), updated, or deleted, which has no `content`.
    """

    rid: int
    version: int
    updated: int
    type: str
    id: str
    change: str
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose versions, and of which time: made at `since` or later, and before `until`; with `standing`, made at that
    moment or later, or the version that stood then.
    """

    resource_type: str | None = None
    resource_id: str | None = None
    since: int = -FAR
    until: int = FAR
    standing: int | None = None

    @property
    def scope(self) -> Scope:
        """How much is asked for."""
        if self.resource_type is None:
            return "system"
        return "type" if self.resource_id is None else "instance"


def find(reader: Reader, projection: Projection, asked: Asked, *, after: After | None, most: int) -> list[Past]:
    """The newest versions, those behind `after`, in an order that stays: what is new comes before all others."""
    statement = _page(projection.name, asked.scope, asked.standing is not None)
    start = after or After(asked.until, 0, _ALL_VERSIONS)
    last = {"last_updated": start.updated, "last_rid": start.rid, "last_version": start.version}
    return [Past(*row) for row in reader.all(statement, {**_binds(asked), **last, "most": most})]


def count(reader: Reader, projection: Projection, asked: Asked, *, most: int) -> int:
    """How many versions there are, counted no further than `most`."""
    statement = _count(projection.name, asked.scope, asked.standing is not None)
    row = reader.first(statement, {**_binds(asked), "most": most})
    return int(row[0]) if row else 0


def _binds(asked: Asked) -> dict[str, object]:
    return {
        "type": asked.resource_type,
        "id": asked.resource_id,
        "since": asked.since,
        "until": asked.until,
        "standing": asked.standing,
    }


@cache
def _page(view: str, scope: Scope, standing: bool) -> Prepared:
    tables = VIEWS[view]
    history, resource = tables.history, tables.resource
    if scope == "instance":
        # A clock that was set back must not mix up the versions of one resource.
        order = [history.c.version.desc()]
        behind = and_(_before(tables), history.c.version < bindparam("last_version"))
    else:
        key = (history.c.updated, history.c.rid, history.c.version)
        order = [column.desc() for column in key]
        # It ends the range as well: with two ends SQLite would choose the wrong one.
        behind = tuple_(*key) < tuple_(*(bindparam(f"last_{column.name}", type_=column.type) for column in key))
    # Only keys are walked and sorted; contents are fetched for those that are shown.
    shown = (
        select(history.c.rid, history.c.version)
        .where(_fits(tables, scope, standing), behind)
        .order_by(*order)
        .limit(bindparam("most"))
        .subquery()
    )
    return Prepared(
        select(
            history.c.rid,
            history.c.version,
            history.c.updated,
            history.c.type,
            resource.c.id,
            history.c.change,
            history.c.content,
        )
        .join(shown, and_(shown.c.rid == history.c.rid, shown.c.version == history.c.version))
        .join(resource, resource.c.rid == history.c.rid)
        .order_by(*order)
    )


@cache
def _count(view: str, scope: Scope, standing: bool) -> Prepared:
    tables = VIEWS[view]
    counted: Select[tuple[int]] = (
        select(literal_column("1").label("one"))
        .select_from(tables.history)
        .where(_fits(tables, scope, standing), _before(tables))
        .limit(bindparam("most"))
    )
    return Prepared(select(func.count()).select_from(counted.subquery()))


def _before(tables: Projection) -> ColumnElement[bool]:
    return tables.history.c.updated < bindparam("until")


def _fits(tables: Projection, scope: Scope, standing: bool) -> ColumnElement[bool]:
    history, resource = tables.history, tables.resource
    conditions = [history.c.updated >= bindparam("since")]
    if scope == "type":
        conditions.append(history.c.type == bindparam("type"))
    elif scope == "instance":
        rid = select(resource.c.rid).where(resource.c.type == bindparam("type"), resource.c.id == bindparam("id"))
        conditions.append(history.c.rid == rid.scalar_subquery())
    if standing:
        later = history.alias("later")
        replaced: Select[tuple[int]] = (
            select(literal_column("1").label("one"))
            .select_from(later)
            .where(
                later.c.rid == history.c.rid,
                later.c.version == history.c.version + literal_column("1"),
                later.c.updated <= bindparam("standing"),
            )
        )
        conditions.append(
            or_(
                history.c.updated >= bindparam("standing"),
                and_(history.c.content.is_not(None), ~replaced.exists()),
            )
        )
    return and_(*conditions)
