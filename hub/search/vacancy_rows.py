"""The statements that read the index of the search for places: rows of free blocks, and what is shown with hits.

The index alone answers which offers are in reach; one row a block, so that what must hold of the same places does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Join,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from hub.search.types.near import box, distance_km
from hub.search.types.term import unindexed
from hub.search.vacancy_query import Criterion, VacancyQuery
from hub.store.prepared import Prepared, one_of
from hub.store.tables import VIEWS, Projection, bands
from mappings.vacancy import State

__all__ = [
    "BASED_ON",
    "BITS",
    "CARE_FORM",
    "MISSED",
    "MISSING",
    "NEEDS",
    "ROOMS",
    "STATE",
    "Shape",
    "binds",
    "comers",
    "counted",
    "rows",
    "stated",
    "versions",
]

BASED_ON, NEEDS, ROOMS, CARE_FORM, STATE = 6, 7, 8, 9, 10
"""Where a row with all columns has them, behind rid, latitude, longitude, first and last day, and places."""
MISSED, MISSING = 11, 12
"""Where a row of `near_misses` has the criteria that it misses, and the needs that it does not serve."""
BITS: Mapping[Criterion, int] = {criterion: 1 << bit for bit, criterion in enumerate(Criterion)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What decides the statement: the values go in as binds."""

    view: str
    criteria: tuple[Criterion, ...] = ()
    with_needs: bool = False
    only_free: bool = True
    with_start: bool = False
    columns: Literal["position", "days", "all"] = "all"
    """The position alone, with it days and places, or also what ranks and explains."""
    near_misses: bool = False
    """Also what misses one criterion or serves all needs but one, and whatever its days."""
    with_areas: bool = False
    """Services that say to which postal codes they come are found by these, and not by where they are."""
    by_area: bool = False
    """Those alone."""


def binds(query: VacancyQuery, now: int) -> dict[str, Any]:
    """The values of a query."""
    circle: Mapping[str, float] = {}
    if query.box is None:
        circle = box(query.latitude, query.longitude, query.kilometres)
        south, north, west, east = (circle[name] for name in ("south", "north", "west", "east"))
    else:
        south, north, west, east = query.box
    first = query.today if query.start is None else query.start
    told: dict[str, Any] = {
        **circle,
        "km": query.kilometres,
        "south": south,
        "north": north,
        "west": west,
        "east": east,
        "bands": bands(south, north),
        "care_forms": list(query.care_forms),
        "states": [state.value for state in query.states],
        "from_day": first,
        "to_day": first + query.days - 1,
        "places": query.places,
        "now": now,
        "needs": query.needs,
    }
    if query.postal_codes:
        told["postal_codes"] = list(query.postal_codes)
    for criterion in query.criteria:
        told |= _values(criterion, query, now)
    return told


def _values(criterion: Criterion, query: VacancyQuery, now: int) -> dict[str, Any]:
    match criterion:
        case Criterion.CARE_GRADE:
            return {"care_grade": 1 << query.care_grade}
        case Criterion.SEX:
            return {"sex": query.sex}
        case Criterion.ROOM:
            return {"rooms": query.rooms}
        case Criterion.OPERATOR:
            return {"operator": query.operator}
        case Criterion.LANGUAGE:
            return {"language": f"%,{query.language},%"}
        case Criterion.PAYER:
            return {"payers": query.payers}
        case Criterion.OWN_SHARE:
            return {"own_share": query.own_share}
        case Criterion.MAX_AGE:
            return {"oldest": now - (query.max_age or 0)}
        case Criterion.DISTRICT:
            assert query.district is not None
            return {"first_ags": query.district[0], "last_ags": query.district[1]}


def _holds(criterion: Criterion, tables: Projection) -> ColumnElement[bool]:
    """Whether a row meets a criterion."""
    vacancy = tables.vacancy.c
    match criterion:
        case Criterion.CARE_GRADE:
            return or_(vacancy.care_grades == 0, _any(vacancy.care_grades, "care_grade", Integer))
        case Criterion.SEX:
            return or_(vacancy.sexes == 0, _any(vacancy.sexes, "sex", Integer))
        case Criterion.ROOM:
            # Of what has to be asked for no room is known yet.
            return or_(_any(vacancy.rooms, "rooms", Integer), vacancy.state != _SOME)
        case Criterion.OPERATOR:
            return vacancy.operator == bindparam("operator", type_=BigInteger)
        case Criterion.LANGUAGE:
            return vacancy.languages.like(bindparam("language"))
        case Criterion.PAYER:
            return _any(vacancy.payers, "payers", BigInteger)
        case Criterion.OWN_SHARE:
            return and_(vacancy.own_share >= 0, vacancy.own_share <= bindparam("own_share", type_=Integer))
        case Criterion.MAX_AGE:
            return _based_on(tables) >= bindparam("oldest", type_=BigInteger)
        case Criterion.DISTRICT:
            return vacancy.ags.between(bindparam("first_ags", type_=Integer), bindparam("last_ags", type_=Integer))


def _any(column: ColumnElement[int], name: str, kind: type[Any]) -> ColumnElement[bool]:
    return column.bitwise_and(bindparam(name, type_=kind)) != literal_column("0")


def _based_on(tables: Projection) -> ColumnElement[int]:
    """From when on a statement ages: as of when its source says, else when it was heard last."""
    return func.coalesce(tables.freshness.c.valid_at, tables.freshness.c.confirmed_at)


_SOME: ColumnElement[str] = literal_column(f"'{State.SOME.value}'")
_UNKNOWN: ColumnElement[str] = literal_column(f"'{State.UNKNOWN.value}'")


@lru_cache(1024)
def rows(shape: Shape) -> Prepared:
    """What fits but for the exact distance and, where they have to be counted, days and places.

    An offer can have several rows.
    """
    tables = VIEWS[shape.view]
    vacancy = tables.vacancy
    source, conditions = _around(shape, tables)
    columns: list[ColumnElement[Any]] = [vacancy.c.rid, vacancy.c.latitude, vacancy.c.longitude]
    if shape.columns != "position":
        # What has no number of places has all that are asked for.
        places: ColumnElement[int] = vacancy.c.places
        if not shape.only_free:
            places = case((vacancy.c.state == _SOME, places), else_=bindparam("places", type_=Integer))
        columns += [vacancy.c.starts, vacancy.c.ends, places]
    if shape.columns == "all":
        columns.append(_based_on(tables))
        columns += [vacancy.c[name] for name in ("needs", "rooms", "care_form", "state")]
    wanted = bindparam("needs", type_=BigInteger)
    zero: ColumnElement[int] = literal_column("0")
    one: ColumnElement[int] = literal_column("1")
    if shape.near_misses:
        missed: ColumnElement[Any] = zero
        for criterion in shape.criteria:
            missed = missed + case((_holds(criterion, tables), zero), else_=literal_column(str(BITS[criterion])))
        missing: ColumnElement[Any] = wanted.bitwise_and(vacancy.c.needs.bitwise_not())
        columns += [missed.label("missed"), missing.label("missing")]
        inner = select(*(column.label(f"c{place}") for place, column in enumerate(columns))).select_from(source)
        found = inner.where(*conditions).subquery("found")
        missed, missing = list(found.c)[-2:]
        return Prepared(
            select(*found.c).where(
                or_(
                    and_(missing == zero, missed.bitwise_and(missed - one) == zero),
                    and_(missed == zero, missing.bitwise_and(missing - one) == zero),
                )
            )
        )
    return Prepared(select(*columns).select_from(source).where(*conditions, *_met(shape, tables)))


@lru_cache(1024)
def counted(shape: Shape, by: Literal["state", "care_form"], *, circle: bool) -> Prepared:
    """How many offers fit, by their state or form, where days and places need not be counted; within a `circle`, or in
    the rectangle alone.
    """
    tables = VIEWS[shape.view]
    source, conditions = _around(shape, tables)
    column = tables.vacancy.c[by]
    if circle and not shape.by_area:
        vacancy = tables.vacancy
        conditions.append(distance_km(vacancy.c.latitude, vacancy.c.longitude, bindparam) <= bindparam("km"))
    return Prepared(
        select(column, func.count(tables.vacancy.c.rid.distinct()))
        .select_from(source)
        .where(*conditions, *_met(shape, tables))
        .group_by(column)
    )


@lru_cache
def comers(view: str) -> Prepared:
    """The rows of services that say that they come to one of the postal codes."""
    area = VIEWS[view].service_area
    return Prepared(select(area.c.rid).distinct().where(one_of(area.c.postal_code, "postal_codes")))


@lru_cache
def stated(view: str) -> Prepared:
    """What is said of offers at all, whichever of their places it is of: rid, needs, rooms, languages, payers and own
    share; 0, a blank and -1 where nothing is."""
    vacancy = VIEWS[view].vacancy
    said = (vacancy.c[name] for name in ("needs", "rooms", "languages", "payers", "own_share"))
    return Prepared(
        select(vacancy.c.rid, *map(func.max, said)).where(one_of(vacancy.c.rid, "rids")).group_by(vacancy.c.rid)
    )


def _around(shape: Shape, tables: Projection) -> tuple[Join, list[ColumnElement[bool]]]:
    """Where to look, and the conditions of place, form and state."""
    vacancy, freshness = tables.vacancy, tables.freshness
    source = vacancy.join(freshness, freshness.c.rid == vacancy.c.rid)
    if shape.by_area:
        # By their rows alone: those of a state and form are more.
        form: ColumnElement[bool] = one_of(unindexed(vacancy.c.care_form), "care_forms")
        comes = vacancy.c.by_area == literal_column("1")
        return source, [
            one_of(vacancy.c.rid, "comers"),
            comes,
            form,
            _stated(shape, tables, unindexed(vacancy.c.state)),
        ]
    conditions = [
        _stated(shape, tables, vacancy.c.state),
        one_of(vacancy.c.care_form, "care_forms"),
        one_of(tables.band, "bands"),
        vacancy.c.latitude.between(bindparam("south"), bindparam("north")),
        vacancy.c.longitude.between(bindparam("west"), bindparam("east")),
    ]
    if shape.with_areas:
        conditions.append(vacancy.c.by_area == literal_column("0"))
    return source, conditions


def _met(shape: Shape, tables: Projection) -> Iterator[ColumnElement[bool]]:
    """The conditions of all criteria."""
    yield from (_holds(criterion, tables) for criterion in shape.criteria)
    if shape.with_needs:
        wanted = bindparam("needs", type_=BigInteger)
        yield tables.vacancy.c.needs.bitwise_and(wanted) == wanted


def _stated(shape: Shape, tables: Projection, state: ColumnElement[str]) -> ColumnElement[bool]:
    vacancy = tables.vacancy
    in_time = vacancy.c.ends >= bindparam("from_day", type_=Integer)
    if shape.with_start:
        in_time = and_(in_time, vacancy.c.starts <= bindparam("to_day", type_=Integer))
    current = tables.freshness.c.expires_at > bindparam("now")
    if shape.only_free:
        return and_(state == _SOME, in_time, current)
    return and_(
        one_of(state, "states"),
        or_(vacancy.c.state != _SOME, in_time),
        or_(vacancy.c.state == _UNKNOWN, current),
    )


@lru_cache
def versions(view: str) -> Prepared:
    """Rid, version and freshness of offers, and rid and version of what is shown with them."""
    tables = VIEWS[view]
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
