"""A record that remembers which of its fields were read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.reader import Reader, is_blank
from tests.strategies import cells, json_values

RECORD: dict[str, Any] = {
    "a": "1",
    "b": {"c": "2", "d": {"e": "3"}},
    "Tel.-Nr": "4",
    "list": [{"x": 1, "y": 2}, {"x": 3}],
}


def test_a_dotted_name_walks_and_a_name_as_it_stands_goes_before() -> None:
    reader = Reader({**RECORD, "b.c": "literal"})
    assert [reader.value(name) for name in ("a", "b.c", "b.d.e", "Tel.-Nr")] == ["1", "literal", "3", "4"]


@pytest.mark.parametrize("name", ["z", "a.b", "b.z", "b.d.e.f", "list.x", ""])
def test_what_is_absent_is_none(name: str) -> None:
    assert Reader(RECORD).value(name) is None
    assert Reader(RECORD).locate(name) is None


def test_what_nobody_asked_for_is_unread_by_name_and_once() -> None:
    reader = Reader(RECORD)
    assert reader.unread() == ("a", "b", "Tel.-Nr", "list")
    reader.value("b.d.e")
    assert reader.unread() == ("a", "b.c", "Tel.-Nr", "list")
    for element in reader.each("list"):
        element.value("z")
    assert reader.unread() == ("a", "b.c", "Tel.-Nr", "list.x", "list.y")


def test_an_element_knows_its_path_and_tells_its_record() -> None:
    reader = Reader(RECORD)
    first, second = reader.each("list")
    assert (first.value("x"), second.value("x"), second.path) == (1, 3, ("list", 1))
    assert reader.unread() == ("a", "b", "Tel.-Nr", "list.y")


def test_a_list_that_is_absent_or_null_has_no_elements() -> None:
    assert Reader({"list": None}).each("list") == []
    assert Reader({}).each("list") == []


@pytest.mark.parametrize("wrong", ["text", {"x": 1}, [1], [[]], 7])
def test_what_is_no_list_of_mappings_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Reader({"list": wrong}).each("list")


@given(st.dictionaries(cells, json_values, max_size=5))
def test_who_reads_every_name_leaves_nothing_unread(record: dict[str, Any]) -> None:
    reader = Reader(record)
    assert len(reader.unread()) == len(record)
    assert [reader.value(name) for name in record] == list(record.values())
    assert reader.unread() == ()


@pytest.mark.parametrize("value", [None, "", " \t\n", [], {}, [None, " "], ["", []]])
def test_nothing_and_white_space_are_blank(value: Any) -> None:
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, False, "0", [0], {"a": None}, ["", "x"]])
def test_zero_and_no_are_not_blank(value: Any) -> None:
    assert not is_blank(value)


@pytest.mark.parametrize("blank", [None, {}])
def test_nothing_in_the_place_of_an_object_counts_as_read(blank: object) -> None:
    reader = Reader({"share": blank, "other": blank})
    assert reader.value("share.amount") is None
    assert reader.unread() == ("other",)
