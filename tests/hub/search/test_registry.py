"""What there is to search by, and what resources are indexed under."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.formats import fhirpath
from hub.search import usable
from hub.search.parameter import MODULES
from hub.search.registry import ALL_TYPES, SERVED_TYPES, Registry
from tests.hub.search.universe import universe

REGISTRY = Registry.shipped()
ADDED: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "url": "http://example.org/SearchParameter/ward",
    "code": "ward",
    "type": "token",
    "base": ["Location"],
    "status": "active",
    "expression": "Location.extension('http://example.org/ward').value",
}


def rows(registry: Registry, tree: dict[str, Any], code: str, suffix: str = "") -> set[tuple[object, ...]]:
    """The rows of one parameter, without its number."""
    number = registry.parameters(tree["resourceType"])[code].numbered(suffix)
    return {(table, *row[1:]) for table, row in registry.rows(tree) if row[0] == number}


def test_no_two_parameters_have_one_number() -> None:
    numbers: dict[int, tuple[str, str, str]] = {}
    for base in ALL_TYPES:
        for parameter in REGISTRY.parameters(base).values():
            for suffix in ("", ":text", ":identifier", ":of-type"):
                name = (base, parameter.code, suffix)
                assert numbers.setdefault(parameter.numbered(suffix), name) == name


def test_every_parameter_can_be_evaluated() -> None:
    for base in ALL_TYPES:
        for parameter in REGISTRY.parameters(base).values():
            assert parameter.is_column or callable(parameter.rows)
            assert (parameter.type == "composite") == bool(parameter.components)


def test_rows_stand_in_the_tables_that_are_cleared() -> None:
    for tree in universe(1):
        tables = {table for table, _ in REGISTRY.rows(tree)}
        assert tables <= set(REGISTRY.tables(tree["resourceType"]))


@pytest.mark.parametrize(
    ("tree", "code", "suffix", "expected"),
    [
        ({"resourceType": "Patient", "deceasedDateTime": "2020"}, "deceased", "", {("token", "true", "")}),
        (
            {"resourceType": "Patient", "name": [{"family": "Müller", "given": ["A"]}]},
            "name",
            "",
            {("string", "muller", "Müller"), ("string", "a", "A")},
        ),
        (
            {"resourceType": "Location", "type": [{"text": "Heim", "coding": [{"code": "h", "system": "s"}]}]},
            "type",
            ":text",
            {("string", "heim", "Heim")},
        ),
        (
            {"resourceType": "Slot", "schedule": {"identifier": {"system": "s", "value": "v"}}},
            "schedule",
            ":identifier",
            {("token", "v", "s")},
        ),
        ({"resourceType": "Slot", "schedule": {"reference": "#a"}}, "schedule", "", set()),
        (
            {"resourceType": "Slot", "schedule": {"reference": "Schedule/1/_history/2"}},
            "schedule",
            "",
            {("reference", "1", "Schedule")},
        ),
        (
            {"resourceType": "Slot", "schedule": {"reference": "urn:uuid:1"}},
            "schedule",
            "",
            {("reference", "urn:uuid:1", "")},
        ),
        (
            {"resourceType": "Location", "meta": {"profile": ["http://p|1.0"]}},
            "_profile",
            "",
            {("uri", "http://p|1.0"), ("uri", "http://p")},
        ),
        ({"resourceType": "Slot", "start": "soon"}, "start", "", set()),
        (
            {"resourceType": "ConceptMap", "sourceCanonical": "http://v|2"},
            "source",
            "",
            {("reference", "http://v|2", ""), ("reference", "http://v", "")},
        ),
        (
            {"resourceType": "Encounter", "length": {"value": 3, "unit": "h"}},
            "length",
            "",
            {("quantity", 3.0, 3.0, "", ""), ("quantity", 3.0, 3.0, "h", "")},
        ),
        (
            {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}]},
            "composition",
            "",
            {("reference", "c", "Composition")},
        ),
    ],
)
def test_a_resource_is_indexed_under(
    tree: dict[str, Any], code: str, suffix: str, expected: set[tuple[object, ...]]
) -> None:
    assert rows(REGISTRY, {"id": "1", **tree}, code, suffix) == expected


def test_what_is_too_long_is_cut_and_told_apart() -> None:
    long = "ä" * 5000
    trees: list[dict[str, Any]] = [
        {
            "resourceType": "Location",
            "id": "1",
            "name": long + end,
            "identifier": [{"system": long, "value": long + end}],
        }
        for end in ("1", "2")
    ]
    first, second = ({row for _, row in REGISTRY.rows(tree)} for tree in trees)
    assert first.isdisjoint(second)
    for row in first | second:
        assert sum(len(str(value).encode()) for value in row) < 2500


@given(st.text())
def test_no_text_breaks_the_index(text: str) -> None:
    tree = {
        "resourceType": "Location",
        "id": "1",
        "name": text,
        "partOf": {"reference": text},
        "identifier": [{"value": text, "system": text}],
        "meta": {"profile": [text], "source": text, "lastUpdated": text},
    }
    for _, row in REGISTRY.rows(tree):
        assert not any("\0" in str(value) for value in row)


def test_a_parameter_can_be_added_as_a_resource() -> None:
    more = REGISTRY.with_resources([ADDED])
    tree = {
        "resourceType": "Location",
        "id": "1",
        "extension": [{"url": "http://example.org/ward", "valueCoding": {"code": "w", "system": "s"}}],
    }
    assert rows(more, tree, "ward") == {("token", "w", "s")}
    assert "ward" not in REGISTRY.parameters("Location")
    assert more.fingerprint() != REGISTRY.fingerprint() == Registry(SERVED_TYPES).fingerprint()
    assert more.knows(ADDED["url"])
    assert not REGISTRY.knows(ADDED["url"])
    assert more.serving(SERVED_TYPES).parameters("Location")["ward"].type == "token"
    changed = more.with_resources([{**ADDED, "type": "string"}])
    assert changed.parameters("Location")["ward"].type == "string"


@pytest.mark.parametrize(
    "change",
    [
        {"expression": "Location.name."},
        {"expression": "Patient.name"},
        {"expression": ""},
        {"expression": "Location.name" + " " * 2000},
        {"type": "special"},
        {"type": "text"},
        {"base": ["Haus"]},
        {"base": []},
        {"code": "name"},
        {"code": "_id"},
        {"code": "a b"},
        {"url": ""},
        {"type": "composite"},
        {"type": "composite", "component": [{"definition": "http://nowhere", "expression": "name"}]},
    ],
)
def test_a_parameter_that_cannot_work_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        REGISTRY.with_resources([{**ADDED, **change}])


def test_a_second_parameter_cannot_take_a_name() -> None:
    more = REGISTRY.with_resources([ADDED])
    with pytest.raises(ValueError, match="ward"):
        more.with_resources([{**ADDED, "url": "http://example.org/SearchParameter/other"}])


def test_composites_know_the_types_of_their_components() -> None:
    kinds = {component.type for component in REGISTRY.parameters("Observation")["code-value-quantity"].components}
    assert kinds == {"token", "quantity"}
    assert fhirpath.compile("code", of="Observation.component")


def test_no_shipped_parameter_has_a_type_that_its_expression_never_gives() -> None:
    shipped = Registry.shipped()
    for resource_type in ALL_TYPES:
        for parameter in shipped.parameters(resource_type).values():
            assert usable.fits(parameter.type, parameter.holds), (resource_type, parameter.code)


def test_what_the_types_index_is_what_they_are_said_to() -> None:
    values = {"string": {"HumanName": {"text": "x"}, "boolean": True}, "token": {"boolean": True, "Reference": {}}}
    for search_type, by_kind in values.items():
        for kind, value in by_kind.items():
            rows = list(MODULES[search_type].rows(kind, value))
            assert bool(rows) == usable.fits(search_type, {kind})


def test_what_moves_is_what_differs_also_where_python_finds_it_equal() -> None:
    before = {"resourceType": "Schedule", "id": "s", "active": True, "specialty": [{"coding": [{"code": "a"}]}]}
    now = {**before, "active": 1, "specialty": [{"coding": [{"code": "a"}, {"code": "b"}]}]}
    lost, found = REGISTRY.moved(before, now, {"active", "specialty"})
    assert ({row[1:] for _, row in lost}, {row[1:] for _, row in found}) == ({("true", "")}, {("1", ""), ("b", "")})
    assert REGISTRY.moved(before, dict(before), {"active", "specialty"}) == (set(), set())
