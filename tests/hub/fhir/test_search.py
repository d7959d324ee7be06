"""The search interaction over HTTP, as a FHIR client meets it."""

from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from hub.hub import Hub
from hub.search.registry import SERVED_TYPES
from tests.conftest import Clock
from tests.hub.client import BASE, Client
from tests.hub.fhir.resources import put, sent
from tests.hub.region import three_homes


@pytest.fixture
def client(hub: Hub) -> Client:
    three_homes(hub)
    return Client(hub)


def resources(bundle: Any, mode: str = "match") -> list[Any]:
    return [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == mode]


def links(bundle: Any) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("Location?name:exact=Haus%20Br%C3%BCcke", 1),
        ("Location?name:exact=haus%20br%C3%BCcke", 0),
        ("Location?name:contains=ruck", 1),
        ("Location?status=http://hl7.org/fhir/location-status|active", 3),
        ("Location?status:not=active", 0),
        ("Location?address-postalcode=496", 3),
        ("Location?near:missing=true", 0),
        ("Location?organization.name=haus%20moor", 1),
        ("Slot?schedule.actor:Location.near=52.85|8.05|20|km", 2),
        ("HealthcareService?_has:Schedule:actor:active=true", 5),
        ("HealthcareService?service-type:below=https://platzfrei.org/fhir/CodeSystem/care-form|kurzzeitpflege", 2),
        ("HealthcareService?service-type:in=https://platzfrei.org/fhir/ValueSet/care-form", 5),
        ("HealthcareService?service-type:not-in=https://platzfrei.org/fhir/ValueSet/care-form", 0),
        ("Slot?start=gt2026-11-22T00:00:00Z&start=lt2026-11-23", 2),
        ("?_type=Location,Slot", 6),
        ("?_type=Location&_lastUpdated=ge2026-11-22", 3),
    ],
)
def test_criteria_select(client: Client, query: str, count: int) -> None:
    bundle = client.json(f"/fhir/{query}")
    get_fhir_model_class("Bundle").model_validate(bundle)
    assert (bundle["total"], len(resources(bundle))) == (count, count)


def test_elements_are_those_of_what_matches(client: Client) -> None:
    query = "/fhir/Location?_include=Location:organization"
    named, whole = (client.json(f"{query}{more}") for more in ("&_elements=name", ""))
    assert resources(named, "include") == resources(whole, "include")
    assert resources(named) != resources(whole)
    summaries = resources(client.json(f"{query}&_summary=true"), "include")
    assert all("SUBSETTED" in [tag["code"] for tag in one["meta"]["tag"]] for one in summaries)


def test_what_a_query_means_then_is_asked_each_time(sqlite_hub: Hub, clock: Clock) -> None:
    client = Client(sqlite_hub, sandbox=True)
    put(
        client,
        "a",
        201,
        identifier=[{"system": "urn:x", "value": "a"}],
        type=[{"coding": [{"system": "urn:x", "code": "a"}]}],
    )
    around = "/fhir/Organization?_lastUpdated=ap2026-11-24T12:00:00Z"
    assert client.json(around)["total"] == 0
    clock.forward(days=30)
    assert client.json(around)["total"] == 1
    within = "/fhir/Organization?type:in=urn:x:set"
    client.json(within, status=400)
    for code, total in (("a", 1), ("b", 0)):
        body = {
            "resourceType": "ValueSet",
            "id": "set",
            "url": "urn:x:set",
            "status": "active",
            "compose": {"include": [{"system": "urn:x", "concept": [{"code": code}]}]},
        }
        sent(client, "PUT", "ValueSet/set", body, status=201 if total else 200)
        assert client.json(within)["total"] == total
        for literal in ("ValueSet/set", f"{BASE}/fhir/ValueSet/set"):
            assert client.json(f"/fhir/Organization?type:in={literal}")["total"] == total
            assert client.json(f"/fhir/Organization?type:not-in={literal}")["total"] == 1 - total
    here = f"{BASE}/fhir/ValueSet/only-its-url"
    sent(client, "PUT", "ValueSet/other", {**body, "id": "other", "url": here}, status=201)
    assert client.json(f"/fhir/Organization?type:not-in={here}")["total"] == 1
    for none in ("ValueSet/none", "CodeSystem/set"):
        client.json(f"/fhir/Organization?type:in={none}", status=400)
    for total, name in ((1, "Haus"), (0, "Hof")):
        put(client, "a", 200, name=name)
        assert client.json("/fhir/Organization?name=haus")["total"] == total


def test_distance_is_told_where_a_place_was_asked_for(client: Client) -> None:
    bundle = client.json("/fhir/Location?near=52.85|8.05|20|km&_sort=near")
    get_fhir_model_class("Bundle").model_validate(bundle)
    told = [entry["search"]["extension"][0] for entry in bundle["entry"]]
    assert {one["url"] for one in told} == {"http://hl7.org/fhir/StructureDefinition/location-distance"}
    distances = [one["valueDistance"] for one in told]
    assert [one["value"] for one in distances] == [0.0, pytest.approx(11.119, abs=0.01)]
    assert {(one["system"], one["code"]) for one in distances} == {("http://unitsofmeasure.org", "km")}


def test_total_can_be_all_that_is_answered(client: Client) -> None:
    for query in ("Location?_summary=count", "Location?_count=0", "Location?name=haus&_summary=count"):
        bundle = client.json(f"/fhir/{query}")
        assert bundle["total"] == 3
        assert "entry" not in bundle
    assert client.json("/fhir/Location?_total=estimate")["total"] == 3


def test_count_is_clamped_and_self_says_so(client: Client) -> None:
    bundle = client.json("/fhir/Location?_count=1000000000")
    assert links(bundle)["self"] == f"{BASE}/fhir/Location?_count=100"


def test_links_lead_on_and_back(client: Client) -> None:
    first = client.json("/fhir/HealthcareService?active=true&_sort=name&_count=2")
    second = client.json(links(first)["next"])
    third = client.json(links(second)["next"])
    assert "next" not in links(third)
    assert client.json(links(second)["first"]) == first
    assert client.json(links(second)["self"]) == second
    assert len({one["id"] for bundle in (first, second, third) for one in resources(bundle)}) == 5
    other = links(first)["next"].replace("_sort=name", "_sort=-name")
    assert client.get(other).status_code == 400


def test_parts_of_resources_are_marked_and_keep_what_must_be_there(client: Client) -> None:
    (whole, *_) = resources(client.json("/fhir/Slot"))
    (part, *_) = resources(client.json("/fhir/Slot?_elements=serviceType"))
    assert set(part) == {"resourceType", "id", "meta", "serviceType", "schedule", "status", "start", "end"}
    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert part["start"] == whole["start"]
    (summary, *_) = resources(client.json("/fhir/Location?_summary=true"))
    assert "name" in summary
    assert "position" not in summary
    (data, *_) = resources(client.json("/fhir/Location?_summary=data"))
    assert "text" not in data
    (text, *_) = resources(client.json("/fhir/Slot?_summary=text"))
    assert set(text) <= {"resourceType", "id", "meta", "text", "schedule", "status", "start", "end"}


def test_unknown_parameters_are_told_or_refused(client: Client) -> None:
    bundle = client.json("/fhir/Location?colour=red&name=haus")
    get_fhir_model_class("Bundle").model_validate(bundle)
    (outcome,) = resources(bundle, "outcome")
    assert outcome["issue"][0]["severity"] == "warning"
    assert "colour" in outcome["issue"][0]["details"]["text"]
    assert bundle["total"] == 3
    assert "colour" not in links(bundle)["self"]
    client.json("/fhir/Location?colour=red", status=400, headers={"Prefer": "handling=strict"})


def test_both_ways_of_asking_the_whole_server_are_one(client: Client) -> None:
    by_get = client.json("/fhir?_type=Location&_count=2")
    by_post = client.request("POST", "/fhir/_search", data={"_type": "Location", "_count": "2"}).json()
    assert by_get == by_post
    assert by_get["total"] == 3


# https://profiles.ihe.net/ITI/mCSD/ITI-90.html
MCSD = {
    "Organization": "active=true identifier=x name=x name:contains=x name:exact=x type=x partof=x "
    "_include=Organization:endpoint _revInclude=Location:organization "
    "_revinclude=OrganizationAffiliation:participating-organization "
    "_revinclude=OrganizationAffiliation:primary-organization",
    "Location": "identifier=x name=x name:contains=x name:exact=x organization=x status=active type=x partof=x "
    "near=52|8|10|km _include=Location:organization",
    "Practitioner": "active=true identifier=x name=x name:contains=x name:exact=x given=x given:contains=x "
    "given:exact=x family=x family:contains=x family:exact=x",
    "PractitionerRole": "active=true location=x organization=x practitioner=x role=x service=x specialty=x "
    "_include=PractitionerRole:practitioner",
    "HealthcareService": "active=true identifier=x location=x name=x name:contains=x name:exact=x organization=x "
    "service-type=x",
    "Endpoint": "identifier=x organization=x status=active",
    "OrganizationAffiliation": "active=true date=2026 identifier=x participating-organization=x "
    "primary-organization=x role=x _include=OrganizationAffiliation:endpoint",
}


@pytest.mark.parametrize("resource_type", sorted(MCSD))
def test_what_mcsd_requires_can_be_asked(sqlite_hub: Hub, resource_type: str) -> None:
    assert resource_type in SERVED_TYPES
    client = Client(sqlite_hub)
    prefixes = [f"_lastUpdated={prefix}2026-01-01" for prefix in ("gt", "lt", "ge", "le", "sa", "eb")]
    for told in ["_id=x", *prefixes, *MCSD[resource_type].split()]:
        bundle = client.json(f"/fhir/{resource_type}?{told}", headers={"Prefer": "handling=strict"})
        assert bundle["total"] == 0
        assert told.replace("|", "%7C") in links(bundle)["self"]
