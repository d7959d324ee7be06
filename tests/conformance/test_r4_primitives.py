"""R4's primitive types take what R4 says, and no other value."""

import calendar
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats.r4_primitives import PRIMITIVES

RIGHT: dict[str, list[Any]] = {
    "base64Binary": ["AAAA", "AA==", "AAA=", "AA AA\nAA=="],
    "boolean": [True, False],
    "canonical": ["http://example.org/x|1.0#a"],
    "code": ["a", "a b", "π"],
    "date": ["2026", "2026-11", "2026-11-22", "2024-02-29", "2000-02-29", "0001-01-01"],
    "dateTime": ["2026", "2026-11", "2026-11-22", "2026-11-22T08:00:00Z", "2026-11-22T23:59:60.123456789+14:00"],
    "decimal": [1, Decimal("52.50"), -1, Decimal("1e-7"), 1.5],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2026-11-22T08:00:00Z", "2026-11-22T08:00:00.000-05:30"],
    "integer": [0, -(2**31), 2**31 - 1],
    "markdown": ["# a\n\tb\r\n"],
    "oid": ["urn:oid:1.2.3", "urn:oid:2.0.10"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " a ", "ä\n", "😀", "x" * 1024 * 1024],
    "time": ["00:00:00", "23:59:59.5"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["urn:x:1", "a", "#a", "http://example.org/ä"],
    "url": ["http://example.org"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "xhtml": ["<div/>"],
}
WRONG: dict[str, list[Any]] = {
    "base64Binary": ["", "AAA", "AA=A", "A===", "ä===", " ", 1],
    "boolean": ["true", 1, 0],
    "canonical": ["", "a b"],
    "code": ["", " a", "a ", "a  b", "\x01", 1],
    "date": [
        "",
        "0000",
        "26",
        "2026-13",
        "2026-1-1",
        "2026-02-29",
        "1900-02-29",
        "2026-04-31",
        "2026-00-01",
        "2026-11-22T08:00:00Z",
        "2026 ",
        "٢٠٢٦",
        2026,
    ],
    "dateTime": [
        "2026-11-22T08:00Z",
        "2026-11-22T08:00:00",
        "2026-11-22T24:00:00Z",
        "2026-11-22T08:00:00+14:01",
        "2026-02-30T00:00:00Z",
    ],
    "decimal": ["1", True, float("nan"), float("inf")],
    "id": ["", "x" * 65, "a_b", "a b", "ä", 1],
    "instant": ["2026-11-22", "2026-11-22T08:00:00", "2026-02-29T08:00:00Z"],
    "integer": [2**31, -(2**31) - 1, Decimal("1.0"), "1", True],
    "markdown": ["", "\x00"],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02"],
    "positiveInt": [0, 2**31, True],
    "string": ["", "\x00", "a\x08", "\x1b[2J", "x" * (1024 * 1024 + 1), 1],
    "time": ["8:00:00", "08:00", "24:00:00", "08:00:00Z"],
    "unsignedInt": [-1, 2**31],
    "uri": ["", " ", "a b", "a\n", 1],
    "url": ["", "http://a b"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "xhtml": ["", 1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values])
def test_a_right_value_is_taken(name: str, value: Any) -> None:
    assert PRIMITIVES[name].holds(value)
    assert type(value) in PRIMITIVES[name].python


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_a_wrong_value_is_not(name: str) -> None:
    for value in [*WRONG[name], None, [], {}, ["a"]]:
        assert not PRIMITIVES[name].holds(value), value


@given(st.dates())
def test_every_day_is_a_date(day: date) -> None:
    assert PRIMITIVES["date"].holds(day.isoformat())


@given(st.integers(1, 9999), st.integers(1, 12), st.integers(1, 31))
def test_a_day_that_the_calendar_lacks_is_none(year: int, month: int, day: int) -> None:
    exists = day <= calendar.monthrange(year, month)[1]
    assert PRIMITIVES["date"].holds(f"{year:04}-{month:02}-{day:02}") == exists


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_is_an_instant(moment: datetime) -> None:
    assert PRIMITIVES["instant"].holds(moment.isoformat())


@given(st.sampled_from(sorted(PRIMITIVES)), st.text() | st.integers() | st.floats() | st.none() | st.lists(st.text()))
def test_any_value_is_judged(name: str, value: Any) -> None:
    assert PRIMITIVES[name].holds(value) in (True, False)
