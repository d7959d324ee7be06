"""JSON with a list of records in it."""

from typing import Any

import pytest

from adapters.base import Broken, Record
from adapters.inbound import json_records
from mappings.errors import Issue, Rejected


def parts(body: str, records: str = "facilities") -> list[Record | Broken]:
    return list(json_records.decode(body.encode(), {"records": records}).records)


def rejection(body: str, records: str = "facilities") -> Issue:
    with pytest.raises(Rejected) as caught:
        parts(body, records)
    (issue,) = caught.value.issues
    return issue


@pytest.mark.parametrize(
    ("body", "records"),
    [('{"facilities": [{"id": "1"}]}', "facilities"), ('[{"id": "1"}]', ""), ('{"a": {"b": [{"id": "1"}]}}', "a.b")],
)
def test_the_list_is_found_where_the_options_say(body: str, records: str) -> None:
    (record,) = parts(body, records)
    assert isinstance(record, Record)
    assert (record.place, record.fields) == (f"{records}[0]", {"id": "1"})


@pytest.mark.parametrize("records", [7, None, ["a"], ".", "a..b", "a."])
def test_a_way_that_is_none_is_refused(records: Any) -> None:
    issue = rejection("[]", records)
    assert (issue.code, issue.place) == ("source-map", "options.records")


def test_what_is_no_object_is_set_aside_and_the_rest_goes_in() -> None:
    first, second, third = parts('{"facilities": [17, {"id": "1"}, ["ü"]]}')
    assert isinstance(first, Broken)
    assert isinstance(second, Record)
    assert isinstance(third, Broken)
    assert (third.place, third.body) == ("facilities[2]", '["ü"]'.encode())


def test_what_stands_beside_the_list_is_named_once() -> None:
    first, second = parts('{"patients": [1], "KV4711": 2, "facilities": [{"id": "1"}, {"id": "2"}]}')
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.dropped, second.dropped) == (("patients", "(withheld name)"), ())


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"facilities": [}', "line 1, column 17"),
        ('{"facilities":\n  [{"id": 1, "id": 2}]}', "line 2, column 14"),
        ("[]", "$"),
        ('{"facility": []}', "$"),
        ('{"facilities": {}}', "$.facilities"),
    ],
)
def test_a_rejection_names_the_place(body: str, place: str) -> None:
    assert rejection(body).place == place


@pytest.mark.parametrize("body", ['{"facilities": [{"name": "PLANTED"', '{"PLANTED": 1}', '{"facilities": "PLANTED"}'])
def test_a_rejection_repeats_nothing(body: str) -> None:
    issue: Any = rejection(body)
    assert "PLANTED" not in repr(issue)


def test_a_long_run_of_what_is_no_object_ends_in_one_part() -> None:
    *broken, last = parts(f'{{"facilities": [{"1, " * 5_000}{{}}]}}')
    assert isinstance(last, Record)
    assert len(broken) == 101
    assert isinstance(broken[-1], Broken)
    assert broken[-1].place == "facilities[100] to facilities[4999]"
    assert broken[-1].body == b"\n".join([b"1"] * 4_900)
