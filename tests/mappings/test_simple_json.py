"""The published schema of our simple JSON and the source map that reads it say the same."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from adapters import registry
from adapters.base import Record
from conformance import spec
from conformance.formats import strict_json
from mappings import terminology
from mappings.language import shipped
from mappings.rules import Each, Tree
from mappings.vacancy import BlockStatus, Sex

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(spec.schema("places"))
DEFINITIONS = SCHEMA["$defs"]
MAP = shipped()["json"]
EXAMPLES = [
    (definition, name, value)
    for definition, node in DEFINITIONS.items()
    for name, each in node["properties"].items()
    for value in each["examples"]
]
LEAST: Mapping[str, dict[str, Any]] = {
    "facility": {"id": "H1", "name": "Haus am Moor", "offers": [{"careForm": "dauerpflege"}]},
    "offer": {"careForm": "dauerpflege"},
    "block": {"count": 1},
}


def levels() -> Iterator[tuple[str, Tree]]:
    offers = MAP.tree.offers
    assert isinstance(offers, Each)
    assert offers.tree.blocks is not None
    yield "facility", MAP.tree
    yield "offer", offers.tree
    yield "block", offers.tree.blocks.tree


LEVELS = list(levels())


def read_by_map(tree: Tree) -> set[str]:
    lists = {each.source for each in (tree.offers, tree.blocks) if isinstance(each, Each)}
    return {*(source.partition(".")[0] for source in tree.sources), *lists}


def read_below(tree: Tree, name: str) -> set[str]:
    return {source.removeprefix(f"{name}.") for source in tree.sources if source.startswith(f"{name}.")}


@pytest.mark.parametrize(("name", "tree"), LEVELS, ids=[name for name, _ in LEVELS])
def test_the_schema_has_the_fields_that_the_map_reads_and_no_others(name: str, tree: Tree) -> None:
    assert set(DEFINITIONS[name]["properties"]) == read_by_map(tree)


def test_the_schema_has_the_parts_of_objects_that_the_map_reads_and_no_others() -> None:
    properties, tree = DEFINITIONS["offer"]["properties"], dict(LEVELS)["offer"]
    for name in ("admission", "ownShare"):
        assert set(properties[name]["properties"]) == read_below(tree, name)


@pytest.mark.parametrize(("name", "tree"), LEVELS, ids=[name for name, _ in LEVELS])
def test_what_the_map_requires_the_schema_requires(name: str, tree: Tree) -> None:
    required = {rule.sources[0] for rule in tree.rules if rule.required}
    # A block without a count says nothing; the map passes over it.
    assert set(DEFINITIONS[name]["required"]) == (required or {"count"})


@pytest.mark.parametrize(
    ("definition", "name", "codes"),
    [
        ("offer", "careForm", terminology.codes("care-form")),
        ("offer", "state", terminology.codes("vacancy-state")),
        ("offer", "needs", terminology.codes("need")),
        ("offer", "payers", terminology.codes("payer")),
        ("block", "needs", terminology.codes("need")),
        ("block", "room", terminology.codes("room-type")),
        ("block", "closingReason", terminology.codes("closing-reason")),
        ("block", "status", {str(each) for each in BlockStatus}),
        ("block", "sex", {str(each) for each in Sex}),
    ],
)
def test_the_codes_of_the_schema_are_those_of_the_code_systems(definition: str, name: str, codes: set[str]) -> None:
    node = DEFINITIONS[definition]["properties"][name]
    assert set((node.get("items") or node)["enum"]) == set(codes)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def wrong(document: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


def document(definition: str, fields: dict[str, Any]) -> dict[str, Any]:
    """A delivery in which one facility, offer or block has these fields."""
    found = {**LEAST[definition], **fields}
    if definition == "block":
        found = {**LEAST["offer"], "blocks": [found]}
    if definition != "facility":
        found = {**LEAST["facility"], "offers": [found]}
    return {"facilities": [found]}


def errors_of_map(delivery: Any) -> list[str]:
    body = json.dumps(delivery).encode()
    (record,) = registry.adapter("json_records").decode(body, MAP.options).records
    assert isinstance(record, Record)
    mapped = MAP.read(record.fields)
    wrong = [
        str(issue)
        for issue in mapped.issues
        if issue.severity == "error" or (issue.code == "unreadable" and issue.place.startswith("offers"))
    ]
    return [*wrong, *mapped.unread]


@pytest.mark.parametrize(("definition", "name", "value"), EXAMPLES)
def test_what_the_schema_shows_is_valid_and_read(definition: str, name: str, value: Any) -> None:
    fields = {name: value}
    if name in ("latitude", "longitude"):
        fields = {"latitude": 52.8471, "longitude": 8.0442}
    delivery = document(definition, fields)
    assert wrong(delivery) == []
    assert errors_of_map(delivery) == []


def values(node: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a property's schema allows."""
    if "anyOf" in node:
        return st.one_of([values(each) for each in node["anyOf"]])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if node["type"] == "object":
        return st.fixed_dictionaries({}, optional={name: values(each) for name, each in node["properties"].items()})
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    found: list[st.SearchStrategy[Any]] = []
    if "null" in kinds:
        found.append(st.none())
    if "integer" in kinds:
        found.append(st.integers(node["minimum"], node["maximum"]))
    if "boolean" in kinds:
        found.append(st.booleans())
    if "array" in kinds:
        found.append(st.lists(values(node["items"]), min_size=node.get("minItems", 0), max_size=4))
    if "string" in kinds and "pattern" in node:
        found.append(
            st.from_regex(re.compile(node["pattern"], re.ASCII), fullmatch=True).filter(lambda text: len(text) < 99)
        )
    elif "string" in kinds and "format" not in node:
        printable = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
        found.append(st.text(printable, min_size=1, max_size=60))
    return st.one_of(found)


SHOWN_ABOVE = {"email", "website", "latitude", "longitude", "offers", "blocks", "hours", "ownShare"}
"""Fields that no strategy is made for."""


@pytest.mark.parametrize("definition", DEFINITIONS)
@settings(max_examples=30)
@given(data=st.data())
def test_what_the_schema_allows_the_map_reads(definition: str, data: st.DataObject) -> None:
    properties = {
        name: values(node) for name, node in DEFINITIONS[definition]["properties"].items() if name not in SHOWN_ABOVE
    }
    fields = data.draw(st.fixed_dictionaries({}, optional=properties))
    if {"from", "until"} <= fields.keys():
        fields["from"], fields["until"] = sorted((fields["from"], fields["until"]))
    days = [fields[name] for name in ("from", "until", "validAt", "payersAsOf") if name in fields]
    if any(int(day[8:10]) > 28 or not 0 < int(day[5:7]) < 13 or day[8:10] == "00" or day[11:13] > "23" for day in days):
        return  # a pattern does not know the months' ends
    delivery = document(definition, fields)
    assert wrong(delivery) == []
    assert errors_of_map(delivery) == []


@pytest.mark.parametrize(
    "facility",
    [
        {},
        {"id": "H1"},
        {"id": "H1", "name": ""},
        {"id": "H1", "name": "A", "plz": "49661"},
        {"id": "H1", "name": "A", "postalCode": "4966"},
        {"id": "H1", "name": "A", "latitude": 52.8},
        {"id": "H1", "name": "A", "offers": {"careForm": "dauerpflege"}},
        {"id": "H1", "name": "A", "offers": [{"free": 1}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "pflege"}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "free": "2"}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "free": 1.5}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "validAt": "22.11.2026"}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "careGrades": [6]}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "blocks": [{"room": "single"}]}]},
        {"id": "H1", "name": "A", "kim": "info@haus.example"},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "hours": [{"days": ["mon"]}]}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "hours": "Mo-Fr 8-16 Uhr"}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "admission": {"latest": "15 Uhr"}}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "ownShare": {"amount": 62.3}}]},
        {"id": "H1", "name": "A", "offers": [{"careForm": "dauerpflege", "payers": ["aok"]}]},
    ],
)
def test_what_is_wrong_is_wrong_by_the_schema(facility: dict[str, Any]) -> None:
    assert wrong({"facilities": [facility]}) != []


def test_the_exports_of_the_readme_and_of_the_golden_files_are_valid() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (shown,) = (block for block in re.findall(r"```json\n(.*?)```", readme, flags=re.DOTALL) if '"facilities"' in block)
    assert wrong(json.loads(shown)) == []
    valid = [
        example.input
        for example in MAP.examples
        if example.offers and "ik" not in example.input and "unreadable" not in example.issues
    ]
    assert [wrong({"facilities": [strict_json.parse(json.dumps(one, default=float).encode())]}) for one in valid] == [
        []
    ]


def test_all_faults_of_an_offer_are_named_at_once() -> None:
    home = {"id": "H1", "name": "A", "postalCode": "49661"}
    found = MAP.read({**home, "offers": [{"careForm": "pflege", "free": -1, "licensed": "viele"}]}).issues
    assert {issue.code for issue in found} == {"unknown-code", "unreadable", "over-capacity"}
    assert {issue.place.partition(".")[0] for issue in found} == {"offers[0]"}
