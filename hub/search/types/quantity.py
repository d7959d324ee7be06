"""Quantity search: a number, and the unit it is in (https://hl7.org/fhir/R4/search.html#quantity).

Units are compared as they are written; nothing is converted.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.search.types import number
from hub.search.types.term import Asked, Bind, Columns, Extra, Parsed, Row, Term, key, split_unescaped, unescape

__all__ = ["MODIFIERS", "SORTED_BY", "TABLE", "extras", "parse", "rows", "where"]

TABLE = "quantity"
SORTED_BY = "low"
MODIFIERS = ()

_CURRENCY = "urn:iso:std:iso:4217"


def rows(kind: str, value: Any) -> Iterator[Row]:
    """(low, high, code, system), once more with the unit where that is written otherwise than the code."""
    span = number.span(kind, value)
    if span is None or not isinstance(value, dict):
        return
    if kind == "Money":
        yield (*span, key(value.get("currency", "")), _CURRENCY if "currency" in value else "")
        return
    if kind == "Range":
        told = value.get("low") or value.get("high") or {}
    else:
        told = value.get("origin", {}) if kind == "SampledData" else value
    code, system, unit = told.get("code", ""), told.get("system", ""), told.get("unit", "")
    yield (*span, key(code), key(system))
    if unit and unit != code:
        yield (*span, key(unit), "")


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - quantities have none
    """Nothing."""
    return iter(())


def parse(texts: Sequence[str], asked: Asked) -> Parsed:  # noqa: ARG001 - no modifier changes it
    """`number`, `number|system|code` or `number||code`, the number with one of the prefixes."""
    return Parsed(table=TABLE, terms=tuple(_term(text) for text in texts))


def _term(text: str) -> Term:
    parts = [unescape(part) for part in split_unescaped(text, "|")]
    value = number.term(parts[0])
    if len(parts) == 1:
        return value
    if len(parts) != 3 or not parts[2]:
        raise ValueError(text)
    if not parts[1]:
        return Term(f"{value.shape} code", {**value.binds, "code": key(parts[2])})
    return Term(f"{value.shape} pair", {**value.binds, "system": key(parts[1]), "code": key(parts[2])})


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the quantity table."""
    prefix, _, unit = shape.partition(" ")
    value = number.compare(columns, prefix, bind)
    if not unit:
        return value
    code = columns["code"] == bind("code")
    return and_(value, code) if unit == "code" else and_(value, code, columns["system"] == bind("system"))
