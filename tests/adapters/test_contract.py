"""What every adapter promises (`adapters/base.py`), held against each one that the registry finds."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import registry
from adapters.base import Broken, Record
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from mappings.source_map import SourceMap
from tests.strategies import json_values, mutated

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"

OPTIONS = {source_map.format: source_map.options for source_map in shipped().values()}
OPTIONS["json_records"] = shipped()["json"].options
FOLDERS = {"csv_records": "csv", "json_records": "json"}
"""Where the good examples of a format lie, if not in a folder of its name."""


REQUIRED = [
    ("csv_records", "columns"),
    ("fhir_bundle", "elements"),
    ("gml", "feature"),
    ("isik_beds", "wards"),
    ("xlsx_records", "columns"),
    ("xml_records", "record"),
]


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((GOLDEN / FOLDERS.get(name, name)).glob("*/in.*"))]


def decoded(name: str, body: bytes) -> tuple[Sequence[Record | Broken], Sequence[Issue]]:
    """What an adapter makes of a body, and why it took nothing of it, if it did not."""
    parts: list[Record | Broken] = []
    try:
        for part in registry.adapter(name).decode(body, OPTIONS[name]).records:
            parts.append(part)  # noqa: PERF402 - what came before the exception is wanted
    except Rejected as rejected:
        assert parts == [], "rejected after its first record"
        return (), rejected.issues
    return parts, ()


def strings(value: Any) -> bool:
    """Whether a record's content is names to text, numbers, mappings and lists, and so can be kept as JSON."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and strings(child) for key, child in value.items())
    if isinstance(value, list):
        return all(strings(child) for child in value)
    return value is None or isinstance(value, str | int | float) or type(value).__name__ == "Decimal"


def hold(name: str, body: bytes) -> None:
    parts, reasons = decoded(name, body)
    again, reasons_again = decoded(name, body)
    assert (parts, reasons) == (again, reasons_again)
    issues = [*reasons]
    for part in parts:
        assert part.place
        if isinstance(part, Broken):
            issues.append(part.issue)
        else:
            assert strings(part.fields)
            issues += part.issues
    for issue in issues:
        assert issue.code
        assert issue.text_de
        assert issue.text_en
        assert issue.place
    assert parts or reasons or decoded(name, body) == ([], ())


@pytest.mark.parametrize("name", registry.formats())
def test_every_format_has_a_source_that_uses_it(name: str) -> None:
    assert name in OPTIONS


def refusal(name: str, options: Mapping[str, Any]) -> Issue:
    with pytest.raises(Rejected) as caught:
        registry.adapter(name).check(options)
    (issue,) = caught.value.issues
    return issue


def known(name: str) -> list[str]:
    """The options that a format has, by what it answers to one that it has not."""
    told = re.search("one of (.+) expected", refusal(name, {**OPTIONS[name], "unheard-of": 1}).text_en)
    assert told
    return told[1].split(", ")


@pytest.mark.parametrize("source_map", shipped().values(), ids=shipped())
def test_the_options_of_a_shipped_map_are_accepted(source_map: SourceMap) -> None:
    registry.check(source_map.format, source_map.options, source_map.names)


@pytest.mark.parametrize("name", registry.formats())
def test_an_unknown_option_is_refused_with_its_place_and_who_must_act(name: str) -> None:
    issue = refusal(name, {**OPTIONS[name], "unheard-of": 1})
    assert (issue.code, issue.place) == ("source-map", "options.unheard-of")
    assert "wer die Quellenkarte pflegt" in issue.text_de
    assert "whoever keeps the source map" in issue.text_en
    assert OPTIONS[name].keys() <= set(known(name))


@pytest.mark.parametrize(("name", "option"), REQUIRED)
def test_a_required_option_is_missed(name: str, option: str) -> None:
    issue = refusal(name, {given: value for given, value in OPTIONS[name].items() if given != option})
    assert (issue.code, issue.place) == ("source-map", f"options.{option}")


@pytest.mark.parametrize("name", sorted({*registry.formats()} - {name for name, _ in REQUIRED}))
def test_a_format_without_required_options_needs_none(name: str) -> None:
    registry.adapter(name).check({})


@pytest.mark.parametrize("name", registry.formats())
@given(data=st.data())
def test_what_a_format_is_told_is_refused_by_its_check_or_serves_to_read(name: str, data: st.DataObject) -> None:
    told = data.draw(st.dictionaries(st.sampled_from(known(name)), json_values | st.just("undefined")))
    options = {**OPTIONS[name], **told}
    adapter = registry.adapter(name)
    try:
        adapter.check(options)
    except Rejected as rejected:
        assert {issue.code for issue in rejected.issues} == {"source-map"}
        with pytest.raises(Rejected, match=re.escape(str(rejected))):
            adapter.decode(b"", options)
        return
    try:
        list(adapter.decode(b"", options).records)
    except Rejected as rejected:
        assert "source-map" not in {issue.code for issue in rejected.issues}


@pytest.mark.parametrize("name", registry.formats())
def test_the_readme_names_every_option(name: str) -> None:
    rows = (ROOT / "adapters/README.md").read_text("utf-8").splitlines()
    (row,) = (row for row in rows if row.startswith(f"| `{name}` | `adapters/inbound/"))
    assert [option for option in known(name) if f"`{option}`" not in row] == []


@pytest.mark.parametrize("name", registry.formats())
def test_every_format_has_good_examples(name: str) -> None:
    assert any(any(isinstance(part, Record) for part in decoded(name, body)[0]) for body in seeds(name))


@pytest.mark.parametrize("name", registry.formats())
@given(body=st.binary(max_size=400))
def test_any_bytes_become_records_broken_parts_or_a_rejection(name: str, body: bytes) -> None:
    hold(name, body)


@pytest.mark.parametrize("name", registry.formats())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_damaged_export_becomes_records_broken_parts_or_a_rejection(name: str, data: st.DataObject) -> None:
    hold(name, data.draw(st.sampled_from(seeds(name)).flatmap(mutated)))


@pytest.mark.parametrize("name", registry.formats())
def test_no_issue_of_a_damaged_export_repeats_what_stands_in_it(name: str) -> None:
    for body in seeds(name):
        for cut in range(0, len(body), max(1, len(body) // 40)):
            planted = body[:cut] + b' PLANTED4711" ' + body[cut:]
            parts, reasons = decoded(name, planted)
            issues = [*reasons, *(one for part in parts for one in _issues(part))]
            assert "PLANTED" not in repr(issues)


def _issues(part: Record | Broken) -> Sequence[Issue]:
    return part.issues if isinstance(part, Record) else (part.issue,)
