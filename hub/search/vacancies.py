"""Finds offers near a place by their vacancy: one indexed statement for the hits, one for what is shown with them.

The index alone answers which offers are in reach; resources are joined to the page's few survivors only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, case, literal_column, null, or_, select, union_all

from hub.search import contents
from hub.search.types.near import box, nearest
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Row
from hub.store.shown import Shown, Version
from hub.store.tables import VIEWS, Projection, bands
from mappings.vacancy import State

__all__ = ["Freshness", "Hit", "Hits", "VacancyQuery", "find"]

_STARTS, _ENDS, _PLACES = 3, 4, 5
"""Where a row of `_candidates` has its days and places."""
_CONFIRMED_AT = 3
"""Where a row of `_versions` has what is there for offers alone."""


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
        "bands": bands(circle["south"], circle["north"]),
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
        counted=query.places > 1,
    )
    rows = reader.all(_candidates(shape), binds)
    there = nearest(
        query.latitude, query.longitude, query.kilometres, _with_places(rows, binds) if shape.counted else rows
    )
    start = 0 if query.after is None else bisect_right(there, query.after)
    near = there[start : start + query.count]
    hits, members = _shown(reader, projection, near)
    more = 0 < query.count < len(there) - start
    return Hits(hits=hits, members=members, total=len(there), more=more)


def _with_places(rows: Sequence[Row], binds: Mapping[str, Any]) -> Iterable[Row]:
    """One row of each offer that has so many places free on one day, from a day on."""
    wanted, from_day = binds["places"], binds["from_day"]
    offers: dict[int, Row] = {}
    again: dict[int, list[Row]] = {}
    for row in rows:
        if offers.setdefault(row[0], row) is not row:
            again.setdefault(row[0], [offers[row[0]]]).append(row)
    return [
        row
        for rid, row in offers.items()
        if row[_PLACES] >= wanted or (rid in again and _most_free(again[rid], from_day) >= wanted)
    ]


def _most_free(rows: Sequence[Row], from_day: int) -> int:
    """How many places are free at once: their sum can peak only on a day on which some become free."""
    days = {max(row[_STARTS], from_day) for row in rows}
    sums: list[int] = [sum(row[_PLACES] for row in rows if row[_STARTS] <= day <= row[_ENDS]) for day in days]
    return max(sums)


def _shown(
    reader: Reader, projection: Projection, near: Sequence[tuple[float, int]]
) -> tuple[Sequence[Hit], Sequence[Shown]]:
    """The hits, and what is shown with them."""
    if not near:
        return (), ()
    stated: dict[int, Row] = {}
    members: dict[Version, None] = {}
    for row in reader.all(_versions(projection.name), {"rids": [rid for _, rid in near]}):
        if row[_CONFIRMED_AT] is None:
            members[row[:2]] = None
        else:
            stated[row[0]] = row
    rows = [stated[rid] for _, rid in near]
    shown = contents.by_version(reader, projection, [*(row[:2] for row in rows), *members])
    hits = [
        Hit(rid, one, kilometres, Freshness._make(row[2:]))
        for (kilometres, rid), one, row in zip(near, shown, rows, strict=False)
    ]
    return hits, shown[len(hits) :]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What decides the statement: the values go in as binds."""

    projection: str
    only_free: bool
    with_start: bool
    counted: bool
    """Several places are asked for: they must be free on one day."""


@lru_cache
def _candidates(shape: _Shape) -> Prepared:
    """Rid and position of all that fits but for the exact distance, where they count its free places and their days,
    too; an offer can have several rows.
    """
    tables = VIEWS[shape.projection]
    vacancy, freshness = tables.vacancy, tables.freshness
    some: ColumnElement[str] = literal_column(f"'{State.SOME.value}'")
    unknown: ColumnElement[str] = literal_column(f"'{State.UNKNOWN.value}'")
    in_time = vacancy.c.ends >= bindparam("from_day")
    if shape.with_start:
        in_time = and_(in_time, vacancy.c.starts <= bindparam("from_day"))
    current = freshness.c.expires_at > bindparam("now")
    # What has no number of places has all that are asked for.
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
    counted = (vacancy.c.starts, vacancy.c.ends, places) if shape.counted else ()
    return Prepared(
        select(vacancy.c.rid, vacancy.c.latitude, vacancy.c.longitude, *counted)
        .join(freshness, freshness.c.rid == vacancy.c.rid)
        .where(
            stated,
            one_of(vacancy.c.care_form, "care_forms"),
            one_of(tables.band, "bands"),
            vacancy.c.latitude.between(bindparam("south"), bindparam("north")),
            vacancy.c.longitude.between(bindparam("west"), bindparam("east")),
        )
    )


@lru_cache
def _versions(projection: str) -> Prepared:
    """Rid, version and freshness of offers, and rid and version of what is shown with them."""
    tables = VIEWS[projection]
    resource, freshness, member = tables.resource, tables.freshness, tables.member
    times = (
        freshness.c.valid_at,
        freshness.c.confirmed_at,
        freshness.c.aging_at,
        freshness.c.stale_at,
        freshness.c.expires_at,
    )
    return Prepared(
        union_all(
            select(resource.c.rid, resource.c.version, *times)
            .join(freshness, freshness.c.rid == resource.c.rid)
            .where(one_of(resource.c.rid, "rids")),
            select(resource.c.rid, resource.c.version, *(null() for _ in times))
            .select_from(member)
            .join(resource, resource.c.rid == member.c.member)
            .where(one_of(member.c.rid, "rids"), resource.c.deleted.is_(False)),
        )
    )
