"""Functions from one System type to another (https://hl7.org/fhirpath/N1/#conversion)."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from conformance.formats.fhirpath import moments
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.model import SYSTEM, TEMPORALS
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.part import BOOLEAN, Function
from conformance.formats.fhirpath.quantities import CALENDAR_UNITS, Quantity
from conformance.formats.fhirpath.values import quantity, single, system, written

__all__ = ["FUNCTIONS"]

Arguments = list[list[Node]]
Converted = Callable[[Node], object]
"""The value in the new type, or None."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,10}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,50}(?:\.[0-9]{1,50})?")
_QUANTITY: Final = re.compile(r"([+-]?[0-9]{1,50}(?:\.[0-9]{1,50})?)(?:\s*'([^']+)'|\s+([a-z]+))?")
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "0", "0.0"})


def _boolean(node: Node) -> bool | None:
    value = system(node)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | Decimal):
        return bool(value) if value in (0, 1) else None
    text = value.lower() if isinstance(value, str) else ""
    return True if text in _TRUE else False if text in _FALSE else None


def _integer(node: Node) -> int | None:
    value = system(node)
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        return None
    return int(value) if -(2**31) <= int(value) < 2**31 else None


def _decimal(node: Node) -> Decimal | None:
    value = system(node)
    if isinstance(value, int | Decimal):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def _quantity(node: Node) -> Quantity | None:
    value = system(node)
    if isinstance(value, int | Decimal):
        return Quantity(Decimal(value), "1", False)
    if not isinstance(value, str):
        return quantity(node)
    match = _QUANTITY.fullmatch(value)
    if match is None or (match[3] and match[3] not in CALENDAR_UNITS):
        return None
    return Quantity(Decimal(match[1]), match[3] or match[2] or "1", bool(match[3]))


def _date(node: Node) -> str | None:
    value = system(node)
    if not isinstance(value, str) or SYSTEM[node.type] not in {*TEMPORALS, "System.String"}:
        return None
    text = value if SYSTEM[node.type] == "System.Date" else value.partition("T")[0]
    if SYSTEM[node.type] == "System.String" and "T" in value:
        return None
    return text if moments.moment(text, is_time=False) else None


def _datetime(node: Node) -> str | None:
    value = system(node)
    if not isinstance(value, str) or SYSTEM[node.type] not in {*TEMPORALS, "System.String"}:
        return None
    return value if moments.moment(value, is_time=False) else None


def _time(node: Node) -> str | None:
    value = system(node)
    if not isinstance(value, str) or SYSTEM[node.type] not in {"System.Time", "System.String"}:
        return None
    text = value.removeprefix("T")
    return text if moments.moment(text, is_time=True) else None


def _to(kind: str, convert: Converted) -> Function:
    def apply(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
        node = single(nodes)
        value = None if node is None else convert(node)
        if isinstance(value, str):
            evaluation.text(len(value))
        return [] if value is None else [Node(kind, value)]

    return Function(apply, result=frozenset({kind}))


def _converts(convert: Converted) -> Function:
    def apply(_: Context, nodes: list[Node], __: Arguments) -> bool | None:
        node = single(nodes)
        return None if node is None else convert(node) is not None

    return Function(apply, result=BOOLEAN)


_CONVERSIONS: Final[Mapping[str, Converted]] = {
    "Boolean": _boolean,
    "Integer": _integer,
    "Decimal": _decimal,
    "Quantity": _quantity,
    "Date": _date,
    "DateTime": _datetime,
    "Time": _time,
    "String": written,
}

FUNCTIONS: Mapping[str, Function] = {
    **{f"to{name}": _to(f"System.{name}", convert) for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _converts(convert) for name, convert in _CONVERSIONS.items()},
}
