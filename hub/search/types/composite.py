"""Composite search: what must hold of one element together (https://hl7.org/fhir/R4/search.html#composite)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, Protocol, cast

from sqlalchemy import Alias, ColumnElement, FromClause, and_, literal_column, or_, select

from hub.search.types import date, number, quantity, reference, string, token, uri
from hub.search.types.term import Asked, Bind, Columns, Extra, Kind, Parsed, Row, Term, split_unescaped

__all__ = ["MODIFIERS", "TABLE", "TYPES", "component_rows", "extras", "parse", "rows", "where"]

TABLE = "composite"
MODIFIERS = ()

_TYPES: Mapping[str, ModuleType] = MappingProxyType(
    {
        "date": date,
        "number": number,
        "quantity": quantity,
        "reference": reference,
        "string": string,
        "token": token,
        "uri": uri,
    }
)
_COLUMNS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "date": {"low": "low", "high": "high"},
        "number": {"low": "low", "high": "high"},
        "quantity": {"low": "low", "high": "high", "code": "text", "system": "system"},
        "reference": {"target_id": "text", "target_type": "system"},
        "string": {"folded": "text", "exact": "system"},
        "token": {"code": "text", "system": "system"},
        "uri": {"uri": "text"},
    }
)
"""For each type of a component: where the columns of its own table stand in this one."""


TYPES = frozenset(_COLUMNS)
"""The types that a component can have."""


class _Component(Kind, Protocol):
    @property
    def type(self) -> str:
        """The search type of the component."""


def component_rows(component: int, search_type: str, kind: str, value: Any, ordinal: int) -> Iterator[Row]:
    """(component, text, low, high, system, ordinal) of a value of one component."""
    columns = _COLUMNS[search_type]
    for row in _TYPES[search_type].rows(kind, value):
        told = {columns[name]: one for name, one in zip(columns, row, strict=True)}
        yield (
            component,
            told.get("text", ""),
            float(told.get("low", 0.0)),
            float(told.get("high", 0.0)),
            told.get("system", ""),
            ordinal,
        )


def rows(kind: str, value: Any) -> Iterator[Row]:  # noqa: ARG001 - see component_rows
    """Nothing: a composite is indexed by its components."""
    return iter(())


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - composites have none
    """Nothing."""
    return iter(())


def parse(texts: Sequence[str], asked: Asked) -> Parsed:
    """`value$value`, as many as the parameter has components."""
    components = cast("Sequence[_Component]", getattr(asked.parameter, "components"))  # noqa: B009 - not in Kind
    terms = []
    for text in texts:
        parts = split_unescaped(text, "$")
        if len(parts) != len(components):
            raise ValueError(text)
        shapes, binds = [], {}
        for number_, (part, component) in enumerate(zip(parts, components, strict=True)):
            found = _TYPES[component.type].parse(
                [part], Asked(parameter=component, base=asked.base, now=asked.now, codes=asked.codes)
            )
            shapes.append(f"{component.type}:{'|'.join(term.shape for term in found.terms)}")
            for ordinal, term in enumerate(found.terms):
                binds.update({f"{number_}_{ordinal}_{name}": value for name, value in term.binds.items()})
        terms.append(Term("$".join(shapes), binds))
    return Parsed(table=TABLE, terms=tuple(terms))


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the composite table: the first component here, the others beside it."""
    table = columns["rid"].table
    while isinstance(table, Alias):
        table = table.element
    first, *others = enumerate(shape.split("$"))
    found = [_where(columns, *first, bind)]
    for number_, component in others:
        beside: FromClause = table.alias()
        found.append(
            select(literal_column("1"))
            .select_from(beside)
            .where(
                beside.c.rid == columns["rid"],
                beside.c.param == columns["param"],
                beside.c.ordinal == columns["ordinal"],
                _where(beside.c, number_, component, bind),
            )
            .exists()
        )
    return and_(*found)


def _where(columns: Columns, component: int, shape: str, bind: Bind) -> ColumnElement[bool]:
    search_type, _, alternatives = shape.partition(":")
    own = {name: columns[there] for name, there in _COLUMNS[search_type].items()}
    terms = [
        _TYPES[search_type].where(own, one, _prefixed(bind, f"{component}_{ordinal}_"))
        for ordinal, one in enumerate(alternatives.split("|"))
    ]
    return and_(columns["component"] == literal_column(str(component)), or_(*terms))


def _prefixed(bind: Bind, prefix: str) -> Callable[[str], Any]:
    return lambda name: bind(prefix + name)
