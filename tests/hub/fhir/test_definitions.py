"""Definitions that are stored are found by their canonical URLs, in both views, as they are now."""

from collections.abc import Mapping
from typing import Any

import pytest

from hub.fhir.definitions import latest
from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.fhir.resources import sent

URL = "http://example.org/CodeSystem/colours"
LONG = f"http://example.org/{'a' * 400}"
SYSTEM: dict[str, Any] = {"resourceType": "CodeSystem", "url": URL, "status": "active", "content": "complete"}


def put(client: Client, name: str, body: Mapping[str, Any]) -> None:
    answer = sent(client, "PUT", f"{body['resourceType']}/{name}", {**body, "id": name})
    assert answer.status_code in (200, 201), answer.text


def displayed(client: Client, code: str, url: str = URL, *, status: int = 200) -> str | None:
    told = client.json("/fhir/CodeSystem/$lookup", params={"system": url, "code": code}, status=status)
    return next((one["valueString"] for one in told.get("parameter", ()) if one["name"] == "display"), None)


def test_a_change_is_seen_by_the_next_question(client: Client) -> None:
    displayed(client, "a", status=404)
    for display in ("Red", "Blue"):
        put(client, "s", {**SYSTEM, "concept": [{"code": "a", "display": display}]})
        assert displayed(client, "a") == display
    put(client, "s", {**SYSTEM, "url": f"{URL}-2", "concept": [{"code": "a"}]})
    displayed(client, "a", status=404)
    client.request("DELETE", "/fhir/CodeSystem/s")
    displayed(client, "a", f"{URL}-2", status=404)


def test_a_url_may_be_longer_than_what_is_indexed(client: Client) -> None:
    for name, end in (("s", "x"), ("t", "y")):
        put(client, name, {**SYSTEM, "url": f"{LONG}{end}", "concept": [{"code": "a", "display": end}]})
    assert [displayed(client, "a", f"{LONG}{end}") for end in "xy"] == ["x", "y"]
    profile = {
        "resourceType": "StructureDefinition",
        "url": LONG,
        "name": "Long",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Organization",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Organization",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Organization.name", "path": "Organization.name", "min": 1}]},
    }
    put(client, "p", profile)
    claiming = {"resourceType": "Organization", "active": True, "meta": {"profile": [LONG]}}
    claiming["identifier"] = [{"value": "1"}]
    sent(client, "POST", "Organization", claiming, status=422)
    profile["differential"] = {"element": [{"id": "Organization.alias", "path": "Organization.alias", "max": "0"}]}
    put(client, "p", profile)
    sent(client, "POST", "Organization", claiming, status=201)


def test_the_latest_of_many_versions_counts(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub, sandbox=True)
    versions = [
        {
            "resource": {**SYSTEM, "version": f"1.{number}", "concept": [{"code": "a", "display": str(number)}]},
            "request": {"method": "POST", "url": "CodeSystem"},
        }
        for number in range(130)
    ]
    sent(client, "POST", "", {"resourceType": "Bundle", "type": "batch", "entry": versions}, status=200)
    assert displayed(client, "a") == "129"


def test_versions_are_compared_as_numbers_and_then_by_their_time() -> None:
    old, new = ({"version": "1.9", "meta": {"lastUpdated": f"202{year}"}} for year in (1, 2))
    newer = {"version": "1.10", "meta": {"lastUpdated": "2020"}}
    assert latest([old, newer, new], None) is newer
    assert latest([new, old, newer], "1.9") is new
    assert latest([old, new], "2") is None
    assert latest([], None) is None


def test_concept_maps_are_found_by_either_side_and_not_without_end(
    sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(sqlite_hub, sandbox=True)
    element = {"code": "red", "target": [{"code": "rot", "equivalence": "equal"}]}
    group = {"source": URL, "target": "urn:example:de", "element": [element]}
    for number in range(3):
        concept_map = {"resourceType": "ConceptMap", "status": "active", "group": [group]}
        put(client, f"m{number}", {**concept_map, "url": f"urn:example:{number}"})
    told = {"system": URL, "code": "red"}
    found = client.json("/fhir/ConceptMap/$translate", params=told)
    assert sum(part["name"] == "match" for part in found["parameter"]) == 3
    back = {"system": "urn:example:de", "code": "rot", "reverse": "true"}
    found = client.json("/fhir/ConceptMap/$translate", params=back)
    assert sum(part["name"] == "match" for part in found["parameter"]) == 3
    monkeypatch.setattr("hub.fhir.definitions._MAPS_MAX", 2)
    refused = client.json("/fhir/ConceptMap/$translate", params=told, status=400)
    assert refused["issue"][0]["code"] == "too-costly"
