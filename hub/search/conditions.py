"""The conditions of a search as SQL: each can name the resources that fulfil it, tell whether one does, or say whether
one is in a set. Which is cheapest depends on the data, and is decided where a search runs.

A shape decides the SQL, and binds alone carry values: searches of one shape share their prepared statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    literal_column,
    not_,
    or_,
    select,
    union,
)

from hub.search.types import composite, date, near, number, quantity, reference, string, token, uri
from hub.search.types.term import Bind, Columns, unindexed
from hub.store.prepared import one_of
from hub.store.tables import Projection

__all__ = [
    "AnyOf",
    "Chained",
    "Condition",
    "Ids",
    "Indexed",
    "Not",
    "Reverse",
    "Shape",
    "Updated",
    "binds_of",
    "joined",
    "names_once",
    "prefixed",
]

_TYPES = MappingProxyType(
    {module.TABLE: module for module in (composite, date, near, number, quantity, reference, string, token, uri)}
)
_ONE: ColumnElement[int] = literal_column("1")
_NESTED = 2
"""References that one resource is followed along; behind them, all that a chain leads to is worked out first."""
_RANKS = {
    "pair": 1,
    "pairs": 2,
    "typed": 2,
    "id": 2,
    "ids": 3,
    "uri": 1,
    "uris": 2,
    "exact": 2,
    "begins": 3,
    "circle": 3,
}


class Shape(Protocol):
    """What of a condition decides its SQL. `row` is the table of resources, or an alias of it."""

    def __hash__(self) -> int: ...

    @property
    def rank(self) -> int:
        """How few resources it is likely to select: the smaller, the fewer."""

    @property
    def single(self) -> bool:
        """Whether `rids` names no resource twice."""

    @property
    def names(self) -> bool:
        """Whether an index names those that fulfil it: `rids` is not None."""

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        """The rids of the resources that fulfil it; None where an index cannot name them.

        All its tables are aliases: SQLAlchemy leaves out of a subselect what stands in the select around it.
        """

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        """Whether one resource fulfils it, looked up from there."""

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        """Whether one is among all that do."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A shape with its values."""

    shape: Shape
    binds: Mapping[str, object]


def prefixed(bind: Bind, prefix: str) -> Bind:
    """The binds of a part."""
    return lambda name: bind(prefix + name)


def binds_of(conditions: tuple[Condition, ...], prefix: str = "c") -> dict[str, object]:
    """All values, by the names that `bind_of` gives them."""
    return {
        f"{prefix}{number_}_{name}": value
        for number_, condition in enumerate(conditions)
        for name, value in condition.binds.items()
    }


@dataclass(frozen=True, slots=True)
class Indexed:
    """Any of some terms in an index table, under one parameter's number; no terms: any value at all.

    `also`: more such, that hold of the same row.
    """

    table: str
    terms: tuple[str, ...]
    single: bool = False
    also: tuple[tuple[str, ...], ...] = ()
    names: bool = True

    @property
    def rank(self) -> int:
        if self.also:
            return 4
        return max((_RANKS.get(term, 6) for term in self.terms), default=9)

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        table = tables.indexes[self.table].alias()
        return select(table.c.rid).where(table.c.param == bind("param"), *self._terms(table.c, bind))

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        table = tables.indexes[self.table].alias()
        # The rows of one resource are few: the index by rid is always the better one here.
        values = {column.name: column if column.name in ("rid", "param") else unindexed(column) for column in table.c}
        return (
            select(_ONE)
            .select_from(table)
            .where(table.c.rid == row.c.rid, table.c.param == bind("param"), *self._terms(values, bind))
            .exists()
        )

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return _among(self, tables, row, bind)

    def _terms(self, columns: Columns, bind: Bind) -> list[ColumnElement[bool]]:
        where = _TYPES[self.table].where
        return [
            or_(*(where(columns, term, prefixed(bind, f"{mark}{ordinal}_")) for ordinal, term in enumerate(terms)))
            for mark, terms in (("", self.terms), *((f"also{n}_", more) for n, more in enumerate(self.also)))
            if terms
        ]


def names_once(shape: Shape) -> bool:
    """Whether `rids` names no resource twice: also where the term is all of an index row but for the rid."""
    is_whole = isinstance(shape, Indexed) and shape.table == token.TABLE and shape.terms == ("pair",) and not shape.also
    return shape.single or is_whole


def joined(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The conditions, those on the one row of one parameter as one: from a day on and until another is a span."""
    found: dict[object, Condition] = {}
    for number_, condition in enumerate(conditions):
        shape = condition.shape
        if not isinstance(shape, Indexed) or not shape.single or not shape.terms:
            found[number_] = condition
            continue
        key = (shape.table, condition.binds["param"])
        first = found.get(key)
        if first is None:
            found[key] = condition
            continue
        assert isinstance(first.shape, Indexed)
        mark = f"also{len(first.shape.also)}_"
        more = {f"{mark}{name}": value for name, value in condition.binds.items() if name != "param"}
        both = Indexed(shape.table, first.shape.terms, single=True, also=(*first.shape.also, shape.terms))
        found[key] = Condition(both, {**first.binds, **more})
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class Ids:
    """Some ids of one type."""

    rank: int = 0
    single: bool = True
    names: bool = True

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        resource = tables.resource.alias()
        return select(resource.c.rid).where(
            resource.c.type == bind("type"), one_of(resource.c.id, bind("ids")), resource.c.deleted.is_(False)
        )

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:  # noqa: ARG002 - the row has it
        return one_of(unindexed(row.c.id), bind("ids"))

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return self.holds(tables, row, bind)


@dataclass(frozen=True, slots=True)
class Updated:
    """Any of some spans of the time at which a version was made."""

    prefixes: tuple[str, ...]
    single: bool = True
    names: bool = True

    @property
    def rank(self) -> int:
        return 7

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        resource = tables.resource.alias()
        return select(resource.c.rid).where(
            resource.c.type == bind("type"), resource.c.deleted.is_(False), self._spans(resource.c.updated, bind)
        )

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:  # noqa: ARG002 - the row has it
        return self._spans(unindexed(row.c.updated), bind)

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return self.holds(tables, row, bind)

    def _spans(self, updated: ColumnElement[Any], bind: Bind) -> ColumnElement[bool]:
        columns = {"low": updated, "high": updated}
        return or_(
            *(
                date.where(columns, prefix, prefixed(bind, f"{ordinal}_"))
                for ordinal, prefix in enumerate(self.prefixes)
            )
        )


@dataclass(frozen=True, slots=True)
class Chained:
    """A reference to a resource of a type that fulfils a condition (https://hl7.org/fhir/R4/search.html#chaining)."""

    of: Shape
    single: bool = False
    names: bool = True

    @property
    def rank(self) -> int:
        return self.of.rank + 1

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        link, target = tables.indexes["reference"].alias(), tables.resource.alias()
        inner = self.of.rids(tables, prefixed(bind, "of_"))
        fitting = select(target.c.id).where(
            *(
                (target.c.rid.in_(_beside(inner)),)
                if inner is not None
                else (
                    target.c.type == bind("target"),
                    target.c.deleted.is_(False),
                    self.of.among(tables, target, prefixed(bind, "of_")),
                )
            )
        )
        return select(link.c.rid).where(
            link.c.param == bind("param"), link.c.target_type == bind("target"), link.c.target_id.in_(fitting)
        )

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        if _links(self) > _NESTED:
            return self.among(tables, row, bind)
        link, target = tables.indexes["reference"].alias(), tables.resource.alias()
        return (
            select(_ONE)
            .select_from(link)
            .join(
                target,
                and_(
                    target.c.type == bind("target"),
                    target.c.id == unindexed(link.c.target_id),
                    target.c.deleted.is_(False),
                ),
            )
            .where(
                link.c.rid == row.c.rid,
                link.c.param == bind("param"),
                unindexed(link.c.target_type) == bind("target"),
                self.of.holds(tables, target, prefixed(bind, "of_")),
            )
            .exists()
        )

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return _among(self, tables, row, bind)


@dataclass(frozen=True, slots=True)
class Reverse:
    """That a resource which fulfils a condition refers here: `_has` (https://hl7.org/fhir/R4/search.html#has)."""

    of: Shape
    single: bool = True
    names: bool = True

    @property
    def rank(self) -> int:
        return self.of.rank + 1

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        link, resource = tables.indexes["reference"].alias(), tables.resource.alias()
        inner = self.of.rids(tables, prefixed(bind, "of_"))
        source = tables.resource.alias()
        fitting = (
            link.c.rid.in_(_beside(inner))
            if inner is not None
            else link.c.rid.in_(
                select(source.c.rid).where(
                    source.c.type == bind("source"),
                    source.c.deleted.is_(False),
                    self.of.among(tables, source, prefixed(bind, "of_")),
                )
            )
        )
        referred = select(link.c.target_id).where(
            link.c.param == bind("param"), unindexed(link.c.target_type) == bind("type"), fitting
        )
        return select(resource.c.rid).where(
            resource.c.type == bind("type"), resource.c.deleted.is_(False), resource.c.id.in_(referred)
        )

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        if _links(self) > _NESTED:
            return self.among(tables, row, bind)
        link, source = tables.indexes["reference"].alias(), tables.resource.alias()
        return (
            select(_ONE)
            .select_from(link)
            .join(source, source.c.rid == link.c.rid)
            .where(
                link.c.param == bind("param"),
                link.c.target_id == row.c.id,
                link.c.target_type == bind("type"),
                self.of.holds(tables, source, prefixed(bind, "of_")),
            )
            .exists()
        )

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return _among(self, tables, row, bind)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several conditions, as a chain has them that can lead to several types."""

    shapes: tuple[Shape, ...]
    single: bool = False

    @property
    def names(self) -> bool:
        return all(shape.names for shape in self.shapes)

    @property
    def rank(self) -> int:
        return max(shape.rank for shape in self.shapes) + 1

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:
        found = []
        for ordinal, shape in enumerate(self.shapes):
            rids = shape.rids(tables, prefixed(bind, f"any{ordinal}_"))
            if rids is None:
                return None
            found.append(rids)
        together = union(*found).subquery()
        return select(together.c.rid)

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return or_(
            *(shape.holds(tables, row, prefixed(bind, f"any{ordinal}_")) for ordinal, shape in enumerate(self.shapes))
        )

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return or_(
            *(shape.among(tables, row, prefixed(bind, f"any{ordinal}_")) for ordinal, shape in enumerate(self.shapes))
        )


@dataclass(frozen=True, slots=True)
class Not:
    """That a condition is not fulfilled: no index names those resources."""

    of: Shape
    rank: int = 99
    single: bool = True
    names: bool = False

    def rids(self, tables: Projection, bind: Bind) -> Select[Any] | None:  # noqa: ARG002 - see the class
        return None

    def holds(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return not_(self.of.holds(tables, row, bind))

    def among(self, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
        return not_(self.of.among(tables, row, bind))


def _links(shape: Shape) -> int:
    """How many references deep a condition goes."""
    if isinstance(shape, AnyOf):
        return max(map(_links, shape.shapes))
    if isinstance(shape, Not):
        return _links(shape.of)
    return 1 + _links(shape.of) if isinstance(shape, Chained | Reverse) else 0


def _beside(rids: Select[Any]) -> Select[Any]:
    """The same, written beside the statement and not in it: SQLite's parser goes only so deep."""
    return select(rids.cte().c.rid)


def _among(shape: Shape, tables: Projection, row: FromClause, bind: Bind) -> ColumnElement[bool]:
    rids = shape.rids(tables, bind)
    # Looked up in the set that they are: SQLite would else go from each of them to what names the row, once per value.
    return shape.holds(tables, row, bind) if rids is None else unindexed(row.c.rid).in_(_beside(rids))
