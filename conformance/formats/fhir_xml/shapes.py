"""The types of R4 as XML and JSON write them, made ready to be read and written by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from functools import cache
from types import MappingProxyType
from typing import Any

from conformance.formats import r4_types

__all__ = ["DIV", "FHIR", "XHTML", "Kind", "Shape", "Slot", "resource_tags", "shape_of"]

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
DIV = f"{{{XHTML}}}div"


class Kind(Enum):
    """How an element is written."""

    ATTRIBUTE = auto()
    PRIMITIVE = auto()
    COMPLEX = auto()
    RESOURCE = auto()
    NARRATIVE = auto()
    COMPANION = auto()
    """`_birthDate` beside `birthDate`: what JSON says of a primitive apart from its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An element of a type, as one of its types: `deceasedBoolean` and `deceasedDateTime` are two of equal order."""

    name: str
    order: int
    kind: Kind
    is_primitive: bool
    type_name: str
    repeats: bool
    typed: Callable[[str], Any] | None
    """The value that an attribute's text writes, where it is no string; None for a text that writes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A type as XML and JSON write it."""

    name: str
    is_resource: bool
    attributes: tuple[str, ...]
    by_tag: Mapping[str, Slot]
    by_key: Mapping[str, Slot]


@cache
def shape_of(type_name: str) -> Shape:
    """The shape of a type, by its name."""
    is_resource = r4_types.named(type_name).kind == "resource"
    # https://hl7.org/fhir/R4/xml.html: "the id attribute of an element, and the url of an extension are attributes".
    attributes = () if is_resource else ("id", "url") if type_name == "Extension" else ("id",)
    orders = {name: order for order, name in enumerate(r4_types.element_types(type_name))}
    by_tag, by_key = {}, {}
    for key, (element, used) in r4_types.json_names(type_name).items():
        kind = Kind.ATTRIBUTE if key in attributes else _kind(used)
        slot = Slot(
            name=key,
            order=orders[element.name],
            kind=kind,
            is_primitive=kind is Kind.PRIMITIVE,
            type_name=used,
            repeats=element.repeats,
            typed=_TYPED.get(used),
        )
        by_key[key] = slot
        if kind is not Kind.ATTRIBUTE:
            by_tag[DIV if kind is Kind.NARRATIVE else f"{{{FHIR}}}{key}"] = slot
        if kind is Kind.PRIMITIVE:
            by_key[f"_{key}"] = replace(slot, kind=Kind.COMPANION, is_primitive=False)
    return Shape(
        name=type_name,
        is_resource=is_resource,
        attributes=attributes,
        by_tag=MappingProxyType(by_tag),
        by_key=MappingProxyType(by_key),
    )


@cache
def resource_tags() -> Mapping[str, str]:
    """The resource types by the tags of their elements."""
    return MappingProxyType({f"{{{FHIR}}}{name}": name for name in r4_types.resource_types()})


def _kind(type_name: str) -> Kind:
    if type_name == "xhtml":
        return Kind.NARRATIVE
    found = r4_types.named(type_name)
    if found.kind == "resource":
        return Kind.RESOURCE
    return Kind.PRIMITIVE if found.kind == "primitive" else Kind.COMPLEX


# https://hl7.org/fhir/R4/datatypes.html#integer; more digits than these are no integer of 32 bits in any case.
_INTEGER = re.compile(r"0|[-+]?[1-9][0-9]{0,19}")
_DECIMAL = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?(?:[eE]([+-]?[0-9]{1,4}))?")
_LONGEST_NUMBER = 100
"""`strict_json` takes no longer ones, and no larger exponents."""


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _decimal(text: str) -> int | Decimal | None:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        return None
    whole, fraction, exponent = found.groups()
    if len(whole) + len(fraction or "") > _LONGEST_NUMBER or abs(int(exponent or 0)) > _LONGEST_NUMBER:
        return None
    # As JSON's readers do: digits alone are a whole number.
    return int(text) if fraction is None and exponent is None else Decimal(text)


_TYPED: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "boolean": {"true": True, "false": False}.get,
        "decimal": _decimal,
        "integer": _integer,
        "positiveInt": _integer,
        "unsignedInt": _integer,
    }
)
