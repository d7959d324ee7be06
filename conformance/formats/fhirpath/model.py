"""What of R4's types a path needs: under which JSON names an element stands, and which type comes from which
(https://hl7.org/fhir/R4/fhirpath.html#polymorphism)."""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from conformance.formats import r4_types

__all__ = [
    "ABSTRACT",
    "NUMBERS",
    "QUANTITIES",
    "SYSTEM",
    "SYSTEM_TYPES",
    "TEMPORALS",
    "Way",
    "ancestors",
    "by_key",
    "ways",
]


class Way(NamedTuple):
    """One of the JSON names of an element."""

    key: str
    under: str | None
    """The name of the sibling that holds the id and the extensions of a primitive."""
    type: str
    """`Resource` where the value says itself what it is."""


ABSTRACT: Final = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
SYSTEM_TYPES: Final = frozenset(
    {"Any", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"}
)
QUANTITIES: Final = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})

_PRIMITIVES: Final = {
    "boolean": "System.Boolean",
    "integer": "System.Integer",
    "positiveInt": "System.Integer",
    "unsignedInt": "System.Integer",
    "decimal": "System.Decimal",
    "date": "System.Date",
    "dateTime": "System.DateTime",
    "instant": "System.DateTime",
    "time": "System.Time",
}
_STRINGS: Final = (
    "string",
    "markdown",
    "code",
    "id",
    "uri",
    "url",
    "canonical",
    "oid",
    "uuid",
    "base64Binary",
    "xhtml",
)
SYSTEM: Final[Mapping[str, str]] = {
    **_PRIMITIVES,
    **dict.fromkeys(_STRINGS, "System.String"),
    **{f"System.{name}": f"System.{name}" for name in SYSTEM_TYPES},
}
"""Primitive type → the System type that its values are of."""
NUMBERS: Final = frozenset({"System.Integer", "System.Decimal"})
TEMPORALS: Final = frozenset({"System.Date", "System.DateTime"})

_CLASS_INFO: Final = {name: (Way(key=name, under=None, type="System.String"),) for name in ("namespace", "name")}


@cache
def ancestors(type_name: str) -> frozenset[str]:
    """The type itself and all that it comes from."""
    found = {type_name}
    current: str | None = type_name
    while current in r4_types.names() and (current := r4_types.named(current).base) is not None:
        found.add(current)
    return frozenset(found)


@cache
def ways(type_name: str) -> Mapping[str, tuple[Way, ...]]:
    """The elements of a type by the names that paths use: a choice stands without its type."""
    if type_name == "System.ClassInfo":
        return _CLASS_INFO
    found: dict[str, list[Way]] = {}
    for key, (element, one) in _json_names(type_name).items():
        way = Way(key=key, under=f"_{key}" if one in SYSTEM else None, type=one)
        found.setdefault(element.name.removesuffix("[x]"), []).append(way)
    return {name: tuple(several) for name, several in found.items()}


@cache
def by_key(type_name: str) -> Mapping[str, Way]:
    """The elements of a type by their JSON names."""
    return {way.key: way for several in ways(type_name).values() for way in several}


def _json_names(type_name: str) -> Mapping[str, tuple[r4_types.Element, str]]:
    return r4_types.json_names(type_name) if type_name in r4_types.names() else {}
