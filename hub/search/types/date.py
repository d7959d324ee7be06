"""Date search: every value is an interval, and so is what is asked for (https://hl7.org/fhir/R4/search.html#date)."""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from hub.search.types.term import Asked, Bind, Columns, Extra, Parsed, Row, Term
from hub.store.clock import micros

__all__ = ["MODIFIERS", "PREFIXES", "SORTED_BY", "TABLE", "bounds", "extras", "parse", "rows", "term", "where"]

TABLE = "date"
SORTED_BY = "low"
MODIFIERS = ()
PREFIXES = ("eq", "ne", "lt", "le", "gt", "ge", "sa", "eb", "ap")

_FROM_LOW = ("gt", "ge", "ap")
_DAY = 86_400_000_000
_LONGEST = {"instant": 60_000_000, "date": 366 * _DAY, "dateTime": 366 * _DAY}
"""How long what a value of a type means can last: a second left out, a year named alone."""

_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


_FIRST = micros(datetime.min.replace(tzinfo=UTC))
_LAST = micros(datetime.max.replace(tzinfo=UTC))


@lru_cache(maxsize=4096)  # what comes together was mostly said of the same moments
def bounds(text: str) -> tuple[int, int]:
    """First and last microsecond that a date of any precision can mean; UTC where no offset is said.

    Raises ValueError for what is no date, OverflowError for one that UTC has no name for.
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


def rows(kind: str, value: Any) -> Iterator[Row]:
    """(low, high) of a date, dateTime, instant, Period or Timing; nothing where what stands there is no date."""
    try:
        if isinstance(value, str):
            yield bounds(value)
        elif isinstance(value, dict):
            if kind == "Timing":
                yield from _timing(value)
            elif "start" in value or "end" in value:
                yield _period(value)
    except (ValueError, OverflowError):
        return


def _period(value: Mapping[str, Any]) -> tuple[int, int]:
    low = bounds(value["start"])[0] if "start" in value else _FIRST
    high = bounds(value["end"])[1] if "end" in value else _LAST
    # A period that ends before it begins is wrong, but must not be where nothing looks for it.
    return min(low, high), max(low, high)


def _timing(value: Mapping[str, Any]) -> Iterator[Row]:
    """All that it can mean at once (https://hl7.org/fhir/R4/search.html#date)."""
    spans = [bounds(event) for event in value.get("event", ()) if isinstance(event, str)]
    period = value.get("repeat", {}).get("boundsPeriod")
    if isinstance(period, dict) and ("start" in period or "end" in period):
        spans.append(_period(period))
    if spans:
        yield min(low for low, _ in spans), max(high for _, high in spans)


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - dates have none
    """Nothing."""
    return iter(())


def parse(texts: Sequence[str], asked: Asked) -> Parsed:
    """Dates with one of the prefixes, `eq` where none is said; ValueError for anything else."""
    holds = asked.parameter.holds
    longest = max((_LONGEST.get(kind, _LAST) for kind in holds), default=_LAST)
    return Parsed(table=TABLE, terms=tuple(term(text, now=asked.now, longest=longest) for text in texts))


def term(text: str, *, now: datetime | None, longest: int = 0) -> Term:
    """One date with its prefix; no value that it is compared with lasts longer than `longest` microseconds."""
    prefix, rest = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    low, high = bounds(rest)
    if prefix == "ap":
        if now is None:
            raise ValueError(text)
        # "10% of the gap between now and the date".
        slack = abs(micros(now) - low) // 10
        low, high = max(low - slack, _FIRST), min(high + slack, _LAST)
    binds = {"low": low, "high": high}
    if prefix in _FROM_LOW:
        # The longest value that still ends behind what is asked for; one that begins in it may be shorter.
        binds["floor"] = max(min(low, high - longest) if prefix != "ap" else low - longest, _FIRST)
    return Term(prefix, binds)


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the date table, by FHIR's table of prefixes.

    Where a prefix bounds the end of a value only, its beginning is bounded by the longest value there is, for the
    index's sake.
    """
    low, high = columns["low"], columns["high"]
    match shape:
        case "eq":
            return and_(low >= bind("low"), low <= bind("high"), high <= bind("high"))
        case "ne":
            return or_(low < bind("low"), high > bind("high"))
        case "lt":
            return low < bind("low")
        case "gt":
            return and_(low >= bind("floor"), high > bind("high"))
        case "le":
            return and_(low <= bind("high"), or_(low < bind("low"), high <= bind("high")))
        case "ge":
            return and_(low >= bind("floor"), or_(low >= bind("low"), high > bind("high")))
        case "sa":
            return low > bind("high")
        case "ap":
            return and_(low >= bind("floor"), low <= bind("high"), high >= bind("low"))
        case _:
            return and_(low < bind("low"), high < bind("low"))
