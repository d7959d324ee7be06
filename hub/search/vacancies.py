"""Finds offers near a place by their vacancy: one indexed statement for the hits, one for what is shown with them.

The index alone answers which offers are in reach; resources are joined to the page's few survivors only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from hub.search.types.near import box, distance_km
from hub.store.repository import current
from hub.store.tables import PROFESSIONAL, PUBLIC, Projection
from mappings.vacancy import State

__all__ = ["Freshness", "Hit", "Hits", "Member", "VacancyQuery", "find"]

_PROJECTIONS = {projection.name: projection for projection in (PUBLIC, PROFESSIONAL)}


@dataclass(frozen=True, slots=True, kw_only=True)
class VacancyQuery:
    """What is looked for; `start` as days since 1970, None where any time from `today` on will do."""

    latitude: float
    longitude: float
    kilometres: float
    care_forms: tuple[str, ...]
    states: tuple[State, ...]
    today: int
    start: int | None = None
    places: int = 1
    count: int
    after: tuple[float, int] | None = None
    """Distance and rid of the last hit of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The times of a hit's statement, and when it ages, microseconds since 1970."""

    valid_at: int | None
    confirmed_at: int
    aging_at: int
    stale_at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An offer that fits."""

    rid: int
    id: str
    content: bytes
    kilometres: float
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Member:
    """A resource shown with a hit: its Location, Organization, Schedule or a Slot."""

    of: int
    type: str
    id: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A page of hits by distance; `more` says that another follows."""

    hits: tuple[Hit, ...]
    members: tuple[Member, ...]
    total: int
    more: bool


def find(connection: Connection, projection: Projection, query: VacancyQuery, *, now: int) -> Hits:
    """The offers that fit, nearest first; none whose statement has expired by `now`."""
    binds: dict[str, Any] = {
        **box(query.latitude, query.longitude, query.kilometres),
        "km": query.kilometres,
        "care_forms": list(query.care_forms),
        "states": [state.value for state in query.states],
        "from_day": query.today if query.start is None else query.start,
        "places": query.places,
        "now": now,
    }
    window: Mapping[str, Any] = {
        "after_km": query.after[0] if query.after else -1.0,
        "after_rid": query.after[1] if query.after else 0,
        "most": query.count + 1,
    }
    shape = _Shape(
        projection.name,
        only_free=query.states == (State.SOME,),
        with_start=query.start is not None,
        together=query.start is None and query.places > 1,
    )
    rows = connection.execute(_page(shape), {**binds, **window}).all()
    total = rows[0].total if rows else connection.execute(_count(shape), binds).scalar_one()
    more, rows = 0 < query.count < len(rows), rows[: query.count]
    hits = tuple(
        Hit(
            rid=row.rid,
            id=row.id,
            content=row.content,
            kilometres=row.km,
            freshness=Freshness(
                valid_at=row.valid_at,
                confirmed_at=row.confirmed_at,
                aging_at=row.aging_at,
                stale_at=row.stale_at,
                expires_at=row.expires_at,
            ),
        )
        for row in rows
    )
    return Hits(hits=hits, members=_members(connection, projection, hits), total=total, more=more)


def _members(connection: Connection, projection: Projection, hits: tuple[Hit, ...]) -> tuple[Member, ...]:
    if not hits:
        return ()
    rows = connection.execute(_shown_with(projection.name), {"rids": [hit.rid for hit in hits]})
    return tuple(Member(row.rid, row.type, row.id, row.content) for row in rows)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides the statement: the values go in as binds."""

    projection: str
    only_free: bool
    with_start: bool
    together: bool
    """Several places at any time: they must be free on one day."""


@lru_cache
def _fitting(shape: _Shape) -> Select[Any]:
    """Every offer that fits, with its distance and how many there are in all."""
    tables = _PROJECTIONS[shape.projection]
    vacancy, freshness = tables.vacancy, tables.freshness
    distance = distance_km(vacancy.c.latitude, vacancy.c.longitude, bindparam)
    some: ColumnElement[str] = literal_column(f"'{State.SOME.value}'")
    unknown: ColumnElement[str] = literal_column(f"'{State.UNKNOWN.value}'")
    in_time = vacancy.c.ends >= bindparam("from_day")
    if shape.with_start:
        in_time = and_(in_time, vacancy.c.starts <= bindparam("from_day"))
    if shape.together:
        in_time = and_(in_time, _free_together(tables) >= bindparam("places"))
    current = freshness.c.expires_at > bindparam("now")
    if shape.only_free:
        stated = and_(vacancy.c.state == some, in_time, current)
    else:
        stated = and_(
            vacancy.c.state.in_(bindparam("states", expanding=True)),
            or_(vacancy.c.state != some, in_time),
            or_(vacancy.c.state == unknown, current),
        )
    fitting = (
        select(vacancy.c.rid, func.min(distance).label("km"), func.count().over().label("total"))
        .join(freshness, freshness.c.rid == vacancy.c.rid)
        .where(
            stated,
            vacancy.c.care_form.in_(bindparam("care_forms", expanding=True)),
            vacancy.c.latitude.between(bindparam("south"), bindparam("north")),
            vacancy.c.longitude.between(bindparam("west"), bindparam("east")),
            distance <= bindparam("km"),
        )
        .group_by(vacancy.c.rid)
    )
    if shape.with_start and not shape.together:
        # All that is free on the day of the start adds up.
        enough = func.sum(vacancy.c.places) >= bindparam("places")
        fitting = fitting.having(enough if shape.only_free else or_(enough, func.max(vacancy.c.state) != some))
    return fitting


def _free_together(tables: Projection) -> ColumnElement[int]:
    """How many places of the row's offer are free when the row's own become so: the sum can peak nowhere else."""
    vacancy, other = tables.vacancy, tables.vacancy.alias("other")
    when = case((vacancy.c.starts > bindparam("from_day"), vacancy.c.starts), else_=bindparam("from_day"))
    return (
        select(func.sum(other.c.places))
        .where(other.c.rid == vacancy.c.rid, other.c.starts <= when, other.c.ends >= when)
        .scalar_subquery()
    )


@lru_cache
def _page(shape: _Shape) -> Select[Any]:
    tables = _PROJECTIONS[shape.projection]
    fitting = _fitting(shape).subquery("fitting")
    page = (
        select(fitting)
        .where(tuple_(fitting.c.km, fitting.c.rid) > tuple_(bindparam("after_km"), bindparam("after_rid")))
        .order_by(fitting.c.km, fitting.c.rid)
        .limit(bindparam("most"))
        .subquery("page")
    )
    resource, freshness = tables.resource, tables.freshness
    return (
        select(
            page.c.rid,
            page.c.km,
            page.c.total,
            resource.c.id,
            tables.history.c.content,
            freshness.c.valid_at,
            freshness.c.confirmed_at,
            freshness.c.aging_at,
            freshness.c.stale_at,
            freshness.c.expires_at,
        )
        .join(resource, resource.c.rid == page.c.rid)
        .join(tables.history, current(tables))
        .join(freshness, freshness.c.rid == page.c.rid)
        .order_by(page.c.km, page.c.rid)
    )


@lru_cache
def _count(shape: _Shape) -> Select[Any]:
    fitting = _fitting(shape).subquery("fitting")
    return select(func.count()).select_from(fitting)


@lru_cache
def _shown_with(projection: str) -> Select[Any]:
    tables = _PROJECTIONS[projection]
    return (
        select(tables.member.c.rid, tables.resource.c.type, tables.resource.c.id, tables.history.c.content)
        .join(tables.resource, tables.resource.c.rid == tables.member.c.member)
        .join(tables.history, current(tables))
        .where(
            tables.member.c.rid.in_(bindparam("rids", expanding=True)),
            tables.resource.c.deleted.is_(False),
        )
    )
