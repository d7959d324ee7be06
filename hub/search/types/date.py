"""Date search: every value is an interval, and so is what is asked for (https://hl7.org/fhir/R4/search.html#date)."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from hub.search.types.term import Bind, Term
from hub.store.clock import micros
from hub.store.tables import Projection

__all__ = ["PREFIXES", "TABLE", "bounds", "compare", "parse", "rows", "where"]

TABLE = "date"
PREFIXES = ("eq", "ne", "lt", "le", "gt", "ge", "sa", "eb")

_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


def bounds(text: str) -> tuple[int, int]:
    """First and last microsecond that a date of any precision can mean; UTC where no offset is said.

    Raises ValueError for what is no date.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    if hour is None:
        first = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        if day:
            span = timedelta(days=1)
        elif month:
            span = timedelta(days=monthrange(int(year), int(month))[1])
        else:
            span = datetime(int(year), 12, 31, tzinfo=UTC) - first + timedelta(days=1)
        return micros(first), micros(first) + span // timedelta(microseconds=1) - 1
    written = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}.{(fraction or '')[:6]:0<6}{offset or 'Z'}"
    low = micros(datetime.fromisoformat(written.replace("Z", "+00:00")))
    if fraction:
        return low, low + 10 ** max(6 - len(fraction), 0) - 1
    return low, low + (60_000_000 if second is None else 1_000_000) - 1


def rows(value: Any) -> Iterator[tuple[int, int]]:
    """(low, high) of a date, dateTime, instant or Period."""
    if isinstance(value, str):
        yield bounds(value)
    elif isinstance(value, dict) and ("start" in value or "end" in value):
        low = bounds(value["start"])[0] if "start" in value else bounds("0001-01-01")[0]
        high = bounds(value["end"])[1] if "end" in value else bounds("9999-12-31")[1]
        yield low, high


def parse(text: str) -> Term:
    """A date with one of the prefixes, `eq` where none is said; ValueError for anything else."""
    prefix, rest = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    low, high = bounds(rest)
    return Term(prefix, {"low": low, "high": high})


def where(tables: Projection, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the date table."""
    return compare(tables.date.c.low, tables.date.c.high, shape, bind)


def compare(low: ColumnElement[int], high: ColumnElement[int], prefix: str, bind: Bind) -> ColumnElement[bool]:
    """The value's interval [low, high] against the one asked for, by FHIR's table of prefixes."""
    match prefix:
        case "eq":
            return and_(low >= bind("low"), high <= bind("high"))
        case "ne":
            return or_(low < bind("low"), high > bind("high"))
        case "lt":
            return low < bind("low")
        case "gt":
            return high > bind("high")
        case "le":
            return or_(low < bind("low"), and_(low >= bind("low"), high <= bind("high")))
        case "ge":
            return or_(high > bind("high"), and_(low >= bind("low"), high <= bind("high")))
        case "sa":
            return low > bind("high")
        case _:
            return high < bind("low")
