"""Number search: what is asked for has the precision it is written with (https://hl7.org/fhir/R4/search.html#number)."""

import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from hub.search.types.term import Asked, Bind, Columns, Extra, Parsed, Row, Term, unescape

__all__ = [
    "HIGHEST",
    "LOWEST",
    "MODIFIERS",
    "SORTED_BY",
    "TABLE",
    "compare",
    "extras",
    "parse",
    "rows",
    "span",
    "term",
    "where",
]

TABLE = "number"
SORTED_BY = "low"
MODIFIERS = ()

LOWEST, HIGHEST = -1.7e308, 1.7e308
"""Where an interval is open, and the ends of what can be compared."""

_PREFIXES = ("eq", "ne", "lt", "le", "gt", "ge", "sa", "eb", "ap")
_WRITTEN = re.compile(r"[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def rows(kind: str, value: Any) -> Iterator[Row]:
    """(low, high) of a number, of a Quantity or of a Range."""
    found = span(kind, value)
    if found is not None:
        yield found


def span(kind: str, value: Any) -> tuple[float, float] | None:
    """The interval of a number, Quantity, Money, Range or SampledData; None where it has none."""
    if isinstance(value, dict):
        if kind == "Range":
            return _between(value.get("low", {}).get("value"), value.get("high", {}).get("value"))
        if kind == "SampledData":
            return _between(value.get("lowerLimit"), value.get("upperLimit"))
        number, comparator = value.get("value"), value.get("comparator")
        if comparator in ("<", "<="):
            return _between(None, number)
        return _between(number, None if comparator in (">", ">=") else number)
    return _between(value, value)


def _between(low: Any, high: Any) -> tuple[float, float] | None:
    if not _is_number(low) and not _is_number(high):
        return None
    return (_float(low) if _is_number(low) else LOWEST), (_float(high) if _is_number(high) else HIGHEST)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _float(value: int | float | Decimal) -> float:
    try:
        number = float(value)
    except OverflowError:
        return HIGHEST if value > 0 else LOWEST
    return 0.0 if math.isnan(number) else min(max(number, LOWEST), HIGHEST)


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - numbers have none
    """Nothing."""
    return iter(())


def parse(texts: Sequence[str], asked: Asked) -> Parsed:  # noqa: ARG001 - no modifier changes it
    """Numbers with one of the prefixes, `eq` where none is said; ValueError for anything else."""
    return Parsed(table=TABLE, terms=tuple(term(unescape(text)) for text in texts))


def term(text: str) -> Term:
    """One number with its prefix."""
    prefix, rest = (text[:2], text[2:]) if text[:2] in _PREFIXES else ("eq", text)
    if not _WRITTEN.fullmatch(rest):
        raise ValueError(text)
    value = Decimal(rest)
    if prefix in ("eq", "ne"):
        # "implicit precision": half of the last digit to either side.
        exponent = value.as_tuple().exponent
        half = Decimal((0, (5,), int(exponent) - 1))
        low, high = value - half, value + half
    elif prefix == "ap":
        low, high = value - abs(value) / 10, value + abs(value) / 10
    else:
        low = high = value
    return Term(prefix, {"low": _float(low), "high": _float(high)})


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the number table."""
    return compare(columns, shape, bind)


def compare(columns: Columns, prefix: str, bind: Bind) -> ColumnElement[bool]:
    """The value's interval against what is asked for, by FHIR's table of prefixes.

    The end of what `eq` asks for is not in it: 100 is [99.5, 100.5).
    """
    low, high = columns["low"], columns["high"]
    match prefix:
        case "eq":
            return and_(low >= bind("low"), low < bind("high"), high < bind("high"))
        case "ne":
            return or_(low < bind("low"), high >= bind("high"))
        case "lt":
            return low < bind("low")
        case "gt":
            return high > bind("high")
        case "le":
            return low <= bind("high")
        case "ge":
            return high >= bind("low")
        case "sa":
            return low > bind("high")
        case "eb":
            return and_(low < bind("low"), high < bind("low"))
        case _:
            return and_(low <= bind("high"), high >= bind("low"))
