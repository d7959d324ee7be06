"""The types of FHIR R4 and their elements, as HL7's StructureDefinitions say them
(https://hl7.org/fhir/R4/structuredefinition.html), read from the tables in `conformance/spec/r4/`.

A type is a resource type (`Patient`), a data type (`HumanName`, `code`), or a backbone element by its path
(`Patient.contact`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "Compartment",
    "Element",
    "Invariant",
    "Type",
    "codes",
    "compartments",
    "element_types",
    "invariant",
    "json_names",
    "named",
    "names",
    "resource_types",
    "search_parameters",
]

Kind = Literal["resource", "complex", "primitive", "element"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """What a type says of one of its elements; a choice is named with its `[x]`."""

    name: str
    types: tuple[str, ...]
    min: int
    max: int | None
    """`None`: as many as one likes."""
    targets: tuple[str, ...] = ()
    """The resource types that a Reference may point to; empty: all."""
    binding: str | None = None
    """The value set, where its codes are required."""
    invariants: tuple[str, ...] = ()
    summary: bool = False

    @property
    def is_choice(self) -> bool:
        return self.name.endswith("[x]")

    @property
    def repeats(self) -> bool:
        return self.max != 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A type with all its elements, inherited ones included, in the order of the schema."""

    name: str
    kind: Kind
    base: str | None
    abstract: bool
    elements: Mapping[str, Element]
    invariants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compartment:
    """What belongs to a resource: per type the search parameters that lead to it, `{def}` where it is itself meant."""

    url: str
    types: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A rule in FHIRPath that a type or element keeps."""

    key: str
    severity: Literal["error", "warning"]
    expression: str
    human: str


def names() -> frozenset[str]:
    """The names of all types."""
    return frozenset(_table("types.json"))


@cache
def resource_types() -> frozenset[str]:
    """The names of the resource types that have instances."""
    found = _table("types.json").items()
    return frozenset(name for name, one in found if one["kind"] == "resource" and not one["abstract"])


@cache
def named(type_name: str) -> Type:
    """The type of that name. Raises `KeyError`."""
    found = _table("types.json")[type_name]
    return Type(
        name=type_name,
        kind=found["kind"],
        base=found["base"],
        abstract=found["abstract"],
        elements=MappingProxyType({name: _element(name, one) for name, one in found["elements"].items()}),
        invariants=tuple(found["invariants"]),
    )


def element_types(type_name: str) -> Mapping[str, Element]:
    """The elements of a type by their names, in the order of the schema. Raises `KeyError`."""
    return named(type_name).elements


@cache
def json_names(type_name: str) -> Mapping[str, tuple[Element, str]]:
    """Name in JSON → element and the type that stands under this name: `deceasedBoolean` → `deceased[x]`, `boolean`."""
    found = {}
    for name, element in element_types(type_name).items():
        for one in element.types:
            key = f"{name.removesuffix('[x]')}{one[0].upper()}{one[1:]}" if element.is_choice else name
            found[key] = (element, one)
    return MappingProxyType(found)


@cache
def invariant(key: str) -> Invariant:
    """The rule of that key; one that differs between types is named with its type (`Task:inv-1`). Raises `KeyError`."""
    return Invariant(key=key, **_table("invariants.json")[key])


@cache
def codes(value_set: str) -> Mapping[str, tuple[str, ...]] | None:
    """System → its codes in a value set to which R4 binds as required; None where nobody can list them."""
    found = _table("codes.json").get(value_set)
    return None if found is None else MappingProxyType({system: tuple(one) for system, one in found.items()})


@cache
def search_parameters() -> tuple[Mapping[str, Any], ...]:
    """HL7's SearchParameters: url, code, type, base and, where they have them, expression, target, component."""
    return tuple(_table("search-parameters.json"))


@cache
def compartments() -> Mapping[str, Compartment]:
    """HL7's compartments by the type of the resource that each belongs to."""
    return {owner: Compartment(**table) for owner, table in _table("compartments.json").items()}


def _element(name: str, table: Mapping[str, Any]) -> Element:
    return Element(
        name=name,
        types=tuple(table["types"]),
        min=table["min"],
        max=None if table["max"] == "*" else int(table["max"]),
        targets=tuple(table.get("targets", ())),
        binding=table.get("binding"),
        invariants=tuple(table.get("invariants", ())),
        summary=table.get("summary", False),
    )


@cache
def _table(name: str) -> Any:
    return json.loads(resources.files("conformance.spec").joinpath("r4", name).read_bytes())
