"""JSON without its ambiguities."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats.strict_json import NotJson, parse

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**80), 10**80) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


def refusal(body: bytes) -> NotJson:
    with pytest.raises(NotJson) as caught:
        parse(body)
    return caught.value


@given(values, st.booleans())
def test_what_is_written_is_read_back(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=8))
def test_decimals_stay_exact(number: Decimal) -> None:
    found = parse(f"{number:f}".encode())
    assert isinstance(found, Decimal)
    assert found.as_tuple() == number.as_tuple()


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse(b"\xef\xbb\xbf[1]") == [1]


@given(st.binary(max_size=200) | st.text('[]{},:"\\ue0123456789tfn-+.Ee ', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_their_place(body: bytes) -> None:
    try:
        parse(body)
    except NotJson as wrong:
        lines = body.split(b"\n")
        assert 1 <= wrong.line <= len(lines)
        assert wrong.column >= 1


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        (b'{"a": 1,\n "b": 2, "a": 3}', 2, 10),
        (b'{"a": {"a": 1}, "b": [{"x": 1, "x": 2}]}', 1, 32),
        (b'{"a": 1, "\\u0061": 2}', 1, 10),
        (b"[1,\nNaN]", 2, 1),
        (b"[-Infinity]", 1, 2),
        (b'["NaN", NaN]', 1, 9),
        (b'["a\\u0000"]', 1, 2),
        (b'["\\ud83d\\ude00", "\\ud800"]', 1, 18),
        (b'{"\\udc00": 1}', 1, 2),
        (b"[1, " + b"9" * 101 + b"]", 1, 5),
        (b"[1, -1." + b"9" * 101 + b"]", 1, 5),
        (b"[1e400000]", 1, 2),
        (b"[1e99999999999999999999]", 1, 2),
        (b'\n"\xff"', 2, 2),
        (b'["a\nb"]', 1, 4),
        (b"[1] 2", 1, 5),
        (b"[1,]", 1, 4),
        (b"", 1, 1),
    ],
)
def test_a_refusal_names_the_place(body: bytes, line: int, column: int) -> None:
    wrong = refusal(body)
    assert (wrong.line, wrong.column) == (line, column)


def test_fifty_levels_are_read_and_one_more_is_refused() -> None:
    assert parse(b"[" * 50 + b"]" * 50)
    wrong = refusal(b"[" * 51 + b"]" * 51)
    assert (wrong.line, wrong.column) == (1, 51)


def test_brackets_in_texts_are_no_levels() -> None:
    assert parse(json.dumps(["[" * 1000, '"' + "{" * 1000]).encode())


HOSTILE = [b"[" * 500_000, b'"\\' * 300_000, b'["' * 300_000, b'{"a":' * 100_000, b'"' + b"\\" * 400_000]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bodies_are_refused_soon(body: bytes) -> None:
    started = time.process_time()
    refusal(body)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("body", [b'{"PLANTED": 1, "PLANTED": 2}', b'["PLANTED', b'["PLANTED\\ud800"]', b"PLANTED"])
def test_a_refusal_repeats_nothing_of_the_content(body: bytes) -> None:
    assert "PLANTED" not in str(refusal(body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b"[1 2]",
        b"1 2",
        b'{"a" 1}',
        b"{a: 1}",
        b'"a',
        b'"\x01"',
        b'"\\q"',
        b'"\\u12"',
        b"\xff",
        b"[NaN]",
        b'{"a": 1, "a": 2}',
        b"1" * 101,
        b"[" * 51,
        b'"\\u0000"',
    ],
)
def test_each_reason_is_there_in_german(body: bytes) -> None:
    found = refusal(body)
    assert found.reason_de not in ("", found.reason, "kein gültiges JSON")
