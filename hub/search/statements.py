"""The statements of a search, each built once for each shape that it is asked in.

There are as many as clients ask shapes; the least used are forgotten.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from hub.search.conditions import Shape, names_once, prefixed
from hub.search.order import SORTED_BY, By
from hub.search.types import near
from hub.search.types.term import Bind, unindexed
from hub.store.prepared import Prepared, one_of
from hub.store.tables import VIEWS, Projection

__all__ = [
    "Start",
    "by_key",
    "by_rid",
    "candidates",
    "counted",
    "distances",
    "few",
    "few_by_key",
    "fitting",
    "key_values",
    "present_types",
    "total_of_type",
]

_SHAPES = 512
_ONE: ColumnElement[int] = literal_column("1")

Start = tuple[bool, ...] | None
"""Which values of a page's start are there; None for the first page."""


def _bind(name: str) -> Any:
    return bindparam(name)


def _of(number: int) -> Bind:
    return prefixed(_bind, f"c{number}_")


@lru_cache(_SHAPES)
def candidates(view: str, shape: Shape) -> Prepared:
    """The rids that one condition names, some perhaps twice; no more than `most`."""
    return Prepared(_named(VIEWS[view], shape, 0).limit(bindparam("most")))


@lru_cache(_SHAPES)
def fitting(view: str, shapes: tuple[Shape, ...], driver: int) -> Prepared:
    """Which of the `rids` fulfil all conditions but the one that named them."""
    tables = VIEWS[view]
    row = tables.resource
    return Prepared(
        select(row.c.rid).where(
            one_of(row.c.rid, "rids"),
            *(shape.holds(tables, row, _of(number)) for number, shape in enumerate(shapes) if number != driver),
        )
    )


@lru_cache(_SHAPES)
def counted(view: str, shapes: tuple[Shape, ...], driver: int | None, *, up_to: bool = False) -> Prepared:
    """How many resources of a `type` fulfil all conditions; `up_to`: how many rows the driver has, `most` at most."""
    tables = VIEWS[view]
    if up_to:
        assert driver is not None
        named = _named(tables, shapes[driver], driver).limit(bindparam("most")).subquery()
        return Prepared(select(func.count()).select_from(named))
    source, rid, conditions = _source(tables, shapes, driver)
    distinct = driver is not None and not names_once(shapes[driver])
    how_many = func.count(rid.distinct()) if distinct else func.count()
    return Prepared(select(how_many).select_from(source).where(*conditions))


@lru_cache(_SHAPES)
def by_rid(
    view: str, shapes: tuple[Shape, ...], driver: int | None, start: Start, *, versions: bool = False
) -> Prepared:
    """The rids that fulfil all conditions, behind `after` in order, no more than `most`.

    With their `versions` these are in any order.
    """
    source, rid, conditions = _source(VIEWS[view], shapes, driver)
    statement = select(rid).select_from(source).where(*conditions)
    if start is not None:
        statement = statement.where(rid > bindparam("after"))
    if driver is not None and not names_once(shapes[driver]):
        statement = statement.distinct()
    statement = statement.order_by(rid).limit(bindparam("most"))
    return Prepared(_with_version(VIEWS[view], statement) if versions else statement)


@lru_cache(_SHAPES)
def by_key(view: str, shapes: tuple[Shape, ...], keys: tuple[By, ...], start: Start) -> Prepared:
    """Rid and values, in the order of several keys, of the resources that fulfil all conditions and have a value of
    the first: its index is walked, and each resource that comes by is looked at.
    """
    tables = VIEWS[view]
    row = tables.resource.alias("row")
    first = keys[0]
    conditions: list[ColumnElement[bool]] = [shape.holds(tables, row, _of(n)) for n, shape in enumerate(shapes)]
    source: FromClause
    value: ColumnElement[Any]
    if first.is_column:
        source, value = row, row.c[first.table]
        conditions += [row.c.type == bindparam("type"), row.c.deleted.is_(False)]
    else:
        index = tables.indexes[first.table].alias("walked")
        value = _value(index, first, 0)
        source = index.join(row, row.c.rid == index.c.rid)
        conditions.append(index.c.param == bindparam("s0_param"))
        if not first.single and first.table != near.TABLE:
            conditions.append(_is_first(tables, index, first))
    values = [value, *(_looked_up(tables, row, by, place) for place, by in enumerate(keys[1:], 1))]
    if start is not None:
        conditions.append(_behind(values, row.c.rid, keys, start))
        low = value <= bindparam("v0") if first.descending else value >= bindparam("v0")
        conditions.append(low)
    # The first key's index has values alone.
    orders = [value.desc() if first.descending else value.asc(), *_in_order(keys[1:], values[1:])]
    return Prepared(
        select(row.c.rid, *values)
        .select_from(source)
        .where(*conditions)
        .order_by(*orders, row.c.rid)
        .limit(bindparam("most"))
    )


@lru_cache(_SHAPES)
def few(view: str, shape: Shape) -> Prepared:
    """How many resources one condition names, counted no further than `most`."""
    return Prepared(select(func.count()).select_from(_each(VIEWS[view], shape).limit(bindparam("most")).subquery()))


@lru_cache(_SHAPES)
def few_by_key(view: str, shape: Shape, keys: tuple[By, ...], start: Start) -> Prepared:
    """Rid, version and values of those that come first, in the order of several keys of one value each, of the few
    resources that one condition names: each of them is looked up. These are in any order.
    """
    tables = VIEWS[view]
    named = _each(tables, shape).subquery("named")
    row = tables.resource.alias("row")
    source: FromClause = named
    if any(by.is_column for by in keys):
        source = source.join(row, row.c.rid == named.c.rid)
    values: list[ColumnElement[Any]] = []
    for place, by in enumerate(keys):
        if by.is_column:
            values.append(row.c[by.table])
            continue
        index = tables.indexes[by.table].alias(f"key{place}")
        source = source.outerjoin(
            index, and_(index.c.rid == named.c.rid, index.c.param == bindparam(f"s{place}_param"))
        )
        values.append(_value(index, by, place))
    statement = select(named.c.rid, *(value.label(f"value{place}") for place, value in enumerate(values)))
    statement = statement.select_from(source)
    if start is not None:
        statement = statement.where(_behind(values, named.c.rid, keys, start))
    first = statement.order_by(*_in_order(keys, values), named.c.rid).limit(bindparam("most"))
    return Prepared(_with_version(tables, first))


@lru_cache
def key_values(view: str, by: By) -> Prepared:
    """Rid and value, for one key, of those of the `rids` that have one; several rows where it has several."""
    tables = VIEWS[view]
    if by.is_column:
        row = tables.resource
        return Prepared(select(row.c.rid, row.c[by.table]).where(one_of(row.c.rid, "rids")))
    index = tables.indexes[by.table]
    return Prepared(
        select(index.c.rid, _value(index, by, 0)).where(
            one_of(index.c.rid, "rids"), index.c.param == bindparam("s0_param")
        )
    )


@lru_cache
def distances(view: str) -> Prepared:
    """Rid and distance in km of those of the `rids` that have a position."""
    return key_values(view, By(near.TABLE))


@lru_cache
def present_types(view: str) -> Prepared:
    """The types of which there are resources."""
    count = VIEWS[view].count
    return Prepared(select(count.c.type).where(count.c.resources > literal_column("0")))


@lru_cache
def total_of_type(view: str) -> Prepared:
    """How many resources of a type there are."""
    count = VIEWS[view].count
    return Prepared(select(count.c.resources).where(count.c.type == bindparam("type")))


def _with_version(tables: Projection, statement: Select[Any]) -> Select[Any]:
    """The same rows with the version of each behind its rid, looked up for no more than the statement's limit."""
    found, row = statement.subquery("found"), tables.resource.alias("shown")
    # Joined, SQLite would write the rows down first.
    version = select(row.c.version).where(row.c.rid == found.c.rid).scalar_subquery()
    return select(found.c.rid, version, *list(found.c)[1:])


def _each(tables: Projection, shape: Shape) -> Select[Any]:
    """The rids that one condition names, each once."""
    return _named(tables, shape, 0) if names_once(shape) else _named(tables, shape, 0).distinct()


def _in_order(keys: Sequence[By], values: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """The order of keys, missing values last."""
    orders: list[ColumnElement[Any]] = []
    for by, value in zip(keys, values, strict=True):
        if not by.is_column:
            orders.append(case((value.is_(None), literal_column("1")), else_=literal_column("0")))
        orders.append(value.desc() if by.descending else value.asc())
    return orders


def _named(tables: Projection, shape: Shape, number: int) -> Select[Any]:
    rids = shape.rids(tables, _of(number))
    assert rids is not None
    return rids


def _source(
    tables: Projection, shapes: tuple[Shape, ...], driver: int | None
) -> tuple[FromClause, ColumnElement[Any], list[ColumnElement[bool]]]:
    """What names the resources, its rid, and what they must be among."""
    row = tables.resource.alias("row")
    conditions = [shape.among(tables, row, _of(n)) for n, shape in enumerate(shapes) if n != driver]
    if driver is None:
        return row, row.c.rid, [row.c.type == bindparam("type"), row.c.deleted.is_(False), *conditions]
    named = _named(tables, shapes[driver], driver).subquery("named")
    if not conditions:
        return named, named.c.rid, []
    return named.join(row, row.c.rid == named.c.rid), named.c.rid, conditions


def _value(index: FromClause, by: By, place: int) -> ColumnElement[Any]:
    if by.table == near.TABLE:
        bind = prefixed(_bind, f"s{place}_")
        return near.distance_km(index.c.latitude, index.c.longitude, bind)
    value: ColumnElement[Any] = index.c[SORTED_BY[by.table]]
    return value


def _is_first(tables: Projection, index: FromClause, by: By) -> ColumnElement[bool]:
    """Whether a row is the one that its resource is sorted by: none of its rows comes before."""
    other = tables.indexes[by.table].alias("other")
    names = [column.name for column in other.c if column.name not in ("param", "rid")]
    first = names.index(SORTED_BY[by.table])
    names = [names[first], *names[:first], *names[first + 1 :]]
    before: list[ColumnElement[bool]] = []
    for place, name in enumerate(names):
        # Among equal values the first row counts, whichever way the key goes.
        less = other.c[name] > index.c[name] if by.descending and place == 0 else other.c[name] < index.c[name]
        before.append(and_(*(other.c[one] == index.c[one] for one in names[:place]), less))
    return ~(
        select(_ONE)
        .select_from(other)
        .where(other.c.rid == index.c.rid, unindexed(other.c.param) == index.c.param, or_(*before))
        .exists()
    )


def _looked_up(tables: Projection, row: FromClause, by: By, place: int) -> ColumnElement[Any]:
    if by.is_column:
        return row.c[by.table]
    index = tables.indexes[by.table].alias(f"key{place}")
    value = _value(index, by, place)
    return (
        select(func.max(value) if by.descending else func.min(value))
        .where(index.c.rid == row.c.rid, unindexed(index.c.param) == bindparam(f"s{place}_param"))
        .scalar_subquery()
    )


def _behind(
    values: list[ColumnElement[Any]], rid: ColumnElement[Any], keys: tuple[By, ...], start: tuple[bool, ...]
) -> ColumnElement[bool]:
    """What stands behind a place in an order; missing values stand last."""
    rest: ColumnElement[bool] = rid > bindparam("after")
    for place in reversed(range(len(keys))):
        value, by = values[place], keys[place]
        if not start[place]:
            rest = and_(value.is_(None), rest)
            continue
        bound: ColumnElement[Any] = bindparam(f"v{place}")
        further = value < bound if by.descending else value > bound
        if not by.is_column:
            further = or_(further, value.is_(None))
        rest = or_(further, and_(value == bound, rest))
    return rest
