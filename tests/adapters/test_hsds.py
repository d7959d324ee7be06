"""HSDS 3.1: what is taken of the API's answers, and that what we write is valid by the standard's JSON Schemas."""

import copy
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from adapters.base import Broken, Record
from adapters.inbound import hsds
from adapters.outbound import hsds as encoder
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from mappings.vacancy import VacancyReport
from tests.adapters.test_outbound_contract import AT, GROUP
from tests.reports import reports

SHARED = Path(__file__).parents[3] / "shared/data/hsds-3.1"
needs_schema = pytest.mark.skipif(not SHARED.exists(), reason="the schemas of HSDS are not on this machine")
OPTIONS = shipped()["hsds"].options
CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"

Node = dict[str, Any]


@cache
def validator() -> Draft202012Validator:
    """The standard's schema of a service with all that is nested in it."""
    files = {path.name: json.loads(path.read_bytes()) for path in (SHARED / "schema").glob("*.json")}
    registry: Registry[Any] = Registry().with_resources(
        (name, DRAFT202012.create_resource(schema)) for name, schema in files.items()
    )
    return Draft202012Validator({"$ref": "service.json"}, registry=registry, format_checker=FormatChecker())


def violations(service: Node) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(service)]


def written(told: Sequence[VacancyReport]) -> Any:
    return json.loads(b"".join(encoder.encode(told, at=AT)))


@needs_schema
def test_what_we_write_is_valid() -> None:
    page = written(GROUP)
    assert [violations(service) for service in page["contents"]] == [[], [], []]
    assert (page["total_items"], page["size"], page["empty"], page["last_page"]) == (3, 3, False, True)


@needs_schema
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports())
def test_every_report_is_written_valid(report: VacancyReport) -> None:
    assert violations(written([report])["contents"][0]) == []


@needs_schema
def test_different_things_have_different_ids() -> None:
    def things(node: Any) -> list[tuple[str, str]]:
        if isinstance(node, dict):
            own = [(node["id"], json.dumps(node, sort_keys=True))] if "id" in node else []
            return [*own, *(each for child in node.values() for each in things(child))]
        return [each for child in node for each in things(child)] if isinstance(node, list) else []

    # A term that two attributes name is one thing.
    found = set(things(written(GROUP)["contents"][0]))
    assert len({own for own, _ in found}) == len(found) > 10


def _without(name: str) -> Callable[[Node], None]:
    return lambda service: service.pop(name)


@needs_schema
@pytest.mark.parametrize(
    "spoil",
    [
        _without("name"),
        _without("status"),
        lambda service: service.update(status="open"),
        lambda service: service.update(id="12"),
        lambda service: service["capacities"][0].pop("unit"),
        lambda service: service["capacities"][0].update(available="three"),
        lambda service: service["service_at_locations"][0]["location"].update(location_type="home"),
        lambda service: service["service_at_locations"][0]["location"]["addresses"][0].pop("city"),
        lambda service: service["organization"].pop("description"),
    ],
)
def test_the_schema_sees_what_would_be_wrong(spoil: Callable[[Node], object]) -> None:
    service = copy.deepcopy(written(GROUP)["contents"][0])
    spoil(service)
    assert violations(service) != []


@pytest.mark.skipif(not SHARED.exists(), reason="the examples of HSDS are not on this machine")
@pytest.mark.parametrize(
    ("example", "places"),
    [
        ("service_full", ["[0]"]),
        ("service_list", ["contents[0]"]),
        ("organization_full", ["[0].services[0]"]),
        ("service_at_location_full", ["[0]"]),
        ("service_at_location_list", ["contents[0]"]),
    ],
)
def test_the_examples_of_the_standard_are_services(example: str, places: list[str]) -> None:
    records = list(hsds.decode((SHARED / f"examples/{example}.json").read_bytes(), OPTIONS).records)
    assert [record.place for record in records] == places
    (record,) = records
    assert isinstance(record, Record)
    assert record.fields["name"] == "Community Counselling"
    assert record.fields["organization"]["name"] == "Example Organization Inc."
    # Its capacity is in kilograms, which are no places.
    assert "available" not in record.fields


def parts(document: Any, **options: Any) -> list[Record | Broken]:
    return list(hsds.decode(json.dumps(document).encode(), {**OPTIONS, **options}).records)


def one(service: Node) -> Record:
    (found,) = parts({"id": "a", "name": "Dienst", "status": "active", **service})
    assert isinstance(found, Record)
    return found


def codes(record: Record) -> list[tuple[str, str]]:
    return [(issue.code, issue.place) for issue in record.issues]


def capacity(unit: str, available: int = 1) -> Node:
    return {"unit": {"name": unit}, "available": available, "updated": "2026-11-22T08:00:00Z"}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([{"id": "a", "status": "active"}], "[0]"),
        ({"id": "a", "status": "active"}, "[0]"),
        ({"contents": [{"id": "a", "capacities": []}]}, "contents[0]"),
    ],
)
def test_a_list_a_page_and_a_service_alone_are_read(document: Any, place: str) -> None:
    (record,) = parts(document)
    assert isinstance(record, Record)
    assert record.place == place


@pytest.mark.parametrize("unit", ["Platz", " PLÄTZE ", "beds"])
def test_a_capacity_in_places_is_taken_whatever_the_case(unit: str) -> None:
    record = one({"capacities": [capacity("kg", 9), capacity(unit, 2)]})
    assert record.fields["available"] == 2
    assert codes(record) == [("hsds-unit", "[0].capacities[0].unit")]


def test_two_capacities_in_places_are_an_error() -> None:
    record = one({"capacities": [capacity("Platz"), capacity("Betten")]})
    assert codes(record) == [("hsds-one-only", "[0].capacities")]


def test_a_code_counts_in_its_own_taxonomy_alone() -> None:
    def term(**told: Any) -> Node:
        return {"id": "x", "taxonomy_term": {"code": "hospiz", **told}}

    assert one({"attributes": [term(taxonomy=CARE_FORM)]}).fields["careForm"] == "hospiz"
    assert one({"attributes": [term(taxonomy_detail={"uri": CARE_FORM})]}).fields["careForm"] == "hospiz"
    other = one({"attributes": [term(taxonomy="open-eligibility")]})
    assert "careForm" not in other.fields
    assert other.dropped == ("attributes",)


def test_a_service_at_two_locations_counts_at_the_first_with_a_warning() -> None:
    at = [{"location": {"id": name, "name": name}} for name in ("west", "ost")]
    record = one({"service_at_locations": at})
    assert record.fields["location"] == {"id": "west", "name": "west"}
    assert codes(record) == [("hsds-locations", "[0].service_at_locations")]


def test_people_and_notes_stay_outside_and_are_told_by_the_standards_names() -> None:
    record = one({"contacts": [{"name": "Canaria"}], "alert": "Canaria", "Canaria 4711": 1})
    assert record.dropped == ("contacts", "alert", "(withheld name)")
    assert "Canaria" not in repr(record.fields)


def test_what_stands_beside_the_list_is_named_once() -> None:
    first, second = parts({"contents": [{"status": "active"}, {"status": "active"}], "size": 2, "Canaria": 1})
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.dropped, second.dropped) == (("(withheld name)",), ())


@pytest.mark.parametrize("document", [{"contents": {}}, 17, "x", None])
def test_what_is_no_list_is_refused(document: Any) -> None:
    with pytest.raises(Rejected) as caught:
        parts(document)
    issue: Issue = caught.value.issues[0]
    assert issue.code == "not-hsds"


@pytest.mark.parametrize("options", [{"terms": ["x"]}, {"terms": {"a": 1}}, {"units": "Platz"}, {"lists": {"": "x"}}])
def test_options_that_cannot_be_are_refused(options: Node) -> None:
    with pytest.raises(Rejected) as caught:
        hsds.check({**OPTIONS, **options})
    assert caught.value.issues[0].place == f"options.{next(iter(options))}"
