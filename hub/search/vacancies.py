"""Finds offers near a place by their vacancy: one indexed statement for the hits, one for what is shown with them.

The index alone answers which offers are in reach; resources are joined to the page's few survivors only.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from hub.search import contents
from hub.search.types.near import box, kilometres_from
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Row
from hub.store.shown import Shown
from hub.store.tables import VIEWS, Projection
from mappings.vacancy import State

__all__ = ["Freshness", "Hit", "Hits", "VacancyQuery", "find"]


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


class Freshness(NamedTuple):
    """The times of a hit's statement, and when it ages, microseconds since 1970."""

    valid_at: int | None
    confirmed_at: int
    aging_at: int
    stale_at: int
    expires_at: int


class Hit(NamedTuple):
    """An offer that fits."""

    rid: int
    shown: Shown
    kilometres: float
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A page of hits by distance; `more` says that another follows.

    `members` are shown with them: their Locations, Organizations, Schedules and Slots.
    """

    hits: Sequence[Hit]
    members: Sequence[Shown]
    total: int
    more: bool


def find(reader: Reader, projection: Projection, query: VacancyQuery, *, now: int) -> Hits:
    """The offers that fit, nearest first; none whose statement has expired by `now`."""
    circle = box(query.latitude, query.longitude, query.kilometres)
    binds: dict[str, Any] = {
        **{name: circle[name] for name in ("south", "north", "west", "east")},
        "care_forms": list(query.care_forms),
        "states": [state.value for state in query.states],
        "from_day": query.today if query.start is None else query.start,
        "places": query.places,
        "now": now,
    }
    shape = _Shape(
        projection.name,
        only_free=query.states == (State.SOME,),
        with_start=query.start is not None,
        together=query.start is None and query.places > 1,
    )
    fitting = _fitting(reader.all(_candidates(shape), binds), query, shape)
    start = 0 if query.after is None else bisect_right(fitting, query.after)
    shown = fitting[start : start + query.count]
    hits = _hits(reader, projection, shown)
    more = 0 < query.count < len(fitting) - start
    return Hits(hits=hits, members=_members(reader, projection, hits), total=len(fitting), more=more)


def _fitting(rows: Sequence[Row], query: VacancyQuery, shape: "_Shape") -> list[tuple[float, int]]:
    """Distance and rid of every offer that fits, in order. What lies in the box is few: no engine is faster at this."""
    places: dict[int, int] = {}
    where: dict[int, tuple[float, float]] = {}
    for rid, latitude, longitude, free in rows:
        places[rid] = places.get(rid, 0) + free
        where[rid] = (latitude, longitude)
    # With a start all that is free on that day adds up; what has no number of places has all that are asked for.
    enough = query.places if shape.with_start else 0
    from_centre = kilometres_from(query.latitude, query.longitude)
    found = [(from_centre(*where[rid]), rid) for rid, free in places.items() if free >= enough]
    fitting = [one for one in found if one[0] <= query.kilometres]
    fitting.sort()
    return fitting


def _hits(reader: Reader, projection: Projection, near: Sequence[tuple[float, int]]) -> Sequence[Hit]:
    if not near:
        return ()
    rows = {row[0]: row for row in reader.all(_stated(projection.name), {"rids": [rid for _, rid in near]})}
    stated = [rows[rid] for _, rid in near]
    shown = contents.by_version(reader, projection, [row[:2] for row in stated])
    return [
        Hit(rid, one, kilometres, Freshness._make(row[2:]))
        for (kilometres, rid), one, row in zip(near, shown, stated, strict=True)
    ]


def _members(reader: Reader, projection: Projection, hits: Sequence[Hit]) -> Sequence[Shown]:
    if not hits:
        return ()
    rows = reader.all(_shown_with(projection.name), {"rids": [hit.rid for hit in hits]})
    return contents.by_version(reader, projection, list(dict.fromkeys(rows)))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides the statement: the values go in as binds."""

    projection: str
    only_free: bool
    with_start: bool
    together: bool
    """Several places at any time: they must be free on one day."""


@lru_cache
def _candidates(shape: _Shape) -> Prepared:
    """Rid, position and free places of all that fits but for the exact distance; an offer can have several rows."""
    tables = VIEWS[shape.projection]
    vacancy, freshness = tables.vacancy, tables.freshness
    some: ColumnElement[str] = literal_column(f"'{State.SOME.value}'")
    unknown: ColumnElement[str] = literal_column(f"'{State.UNKNOWN.value}'")
    in_time = vacancy.c.ends >= bindparam("from_day")
    if shape.with_start:
        in_time = and_(in_time, vacancy.c.starts <= bindparam("from_day"))
    if shape.together:
        in_time = and_(in_time, _free_together(tables) >= bindparam("places"))
    current = freshness.c.expires_at > bindparam("now")
    places: ColumnElement[int] = vacancy.c.places
    if shape.only_free:
        stated = and_(vacancy.c.state == some, in_time, current)
    else:
        places = case(
            (vacancy.c.state == some, vacancy.c.places), else_=bindparam("places", type_=vacancy.c.places.type)
        )
        stated = and_(
            one_of(vacancy.c.state, "states"),
            or_(vacancy.c.state != some, in_time),
            or_(vacancy.c.state == unknown, current),
        )
    return Prepared(
        select(vacancy.c.rid, vacancy.c.latitude, vacancy.c.longitude, places)
        .join(freshness, freshness.c.rid == vacancy.c.rid)
        .where(
            stated,
            one_of(vacancy.c.care_form, "care_forms"),
            vacancy.c.latitude.between(bindparam("south"), bindparam("north")),
            vacancy.c.longitude.between(bindparam("west"), bindparam("east")),
        )
    )


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
def _stated(projection: str) -> Prepared:
    """Rid, version and freshness of offers."""
    tables = VIEWS[projection]
    resource, freshness = tables.resource, tables.freshness
    return Prepared(
        select(
            resource.c.rid,
            resource.c.version,
            freshness.c.valid_at,
            freshness.c.confirmed_at,
            freshness.c.aging_at,
            freshness.c.stale_at,
            freshness.c.expires_at,
        )
        .join(freshness, freshness.c.rid == resource.c.rid)
        .where(one_of(resource.c.rid, "rids"))
    )


@lru_cache
def _shown_with(projection: str) -> Prepared:
    """Rid and version of what is shown with offers."""
    tables = VIEWS[projection]
    return Prepared(
        select(tables.resource.c.rid, tables.resource.c.version)
        .select_from(tables.member)
        .join(tables.resource, tables.resource.c.rid == tables.member.c.member)
        .where(
            one_of(tables.member.c.rid, "rids"),
            tables.resource.c.deleted.is_(False),
        )
    )
