"""What is written through FHIR: in both views, in the public one without what is not for everybody."""

from typing import Any

import pytest

from hub.hub import Hub
from mappings.to_fhir import INTERNAL, SLOT_CAPACITY, VACANCY, to_fhir
from tests.conftest import NOW
from tests.hub.client import Client
from tests.hub.region import report

FIND = "/fhir/HealthcareService/$find-vacancies?near=52.85|8.05|5|km&care-form=kurzzeitpflege"
HOME = {
    "resourceType": "Organization",
    "id": "home",
    "name": "Haus am Moor",
    "telecom": [
        {"system": "phone", "value": "1"},
        {"system": "phone", "value": "2", "extension": [{"url": INTERNAL, "valueBoolean": True}]},
    ],
}


def put(client: Client, resource: dict[str, Any]) -> None:
    response = client.request("PUT", f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert response.status_code in (200, 201), response.text


def offer() -> dict[str, dict[str, Any]]:
    """The resources of an offer, as a vendor would write them."""
    resources = to_fhir(report(free=2, valid_at=NOW), source="vendor", at=NOW, care_forms=("kurzzeitpflege-solitaer",))
    return {resource["resourceType"]: resource for resource in resources}


def test_the_public_sees_what_is_not_internal(hub: Hub) -> None:
    sandbox, public = Client(hub, sandbox=True), Client(hub)
    put(sandbox, HOME)
    assert len(sandbox.json("/fhir/Organization/home")["telecom"]) == 2
    assert public.json("/fhir/Organization/home")["telecom"] == [{"system": "phone", "value": "1"}]
    assert public.json("/fhir/Organization?name=haus")["total"] == 1


def test_what_changes_for_professionals_alone_moves_no_public_version(hub: Hub) -> None:
    sandbox, public = Client(hub, sandbox=True), Client(hub)
    put(sandbox, HOME)
    internal = {"system": "phone", "value": "3", "extension": [{"url": INTERNAL, "valueBoolean": True}]}
    put(sandbox, {**HOME, "telecom": [HOME["telecom"][0], internal]})
    assert sandbox.json("/fhir/Organization/home")["meta"]["versionId"] == "2"
    assert public.json("/fhir/Organization/home")["meta"]["versionId"] == "1"


def test_what_becomes_confidential_leaves_the_public(hub: Hub) -> None:
    sandbox, public = Client(hub, sandbox=True), Client(hub)
    put(sandbox, HOME)
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    put(sandbox, {**HOME, "meta": {"security": [label]}})
    public.json("/fhir/Organization/home", status=410)
    assert public.json("/fhir/Organization?name=haus")["total"] == 0
    public.json("/fhir/Organization/home/_history/1", status=410)
    assert "Haus am Moor" not in public.get("/fhir/_history").text


def test_what_is_deleted_stays_in_the_public_history(hub: Hub) -> None:
    sandbox, public = Client(hub, sandbox=True), Client(hub)
    put(sandbox, HOME)
    sandbox.request("DELETE", "/fhir/Organization/home")
    assert public.json("/fhir/Organization/home/_history/1")["name"] == "Haus am Moor"


def test_an_offer_written_through_fhir_is_found(hub: Hub) -> None:
    sandbox = Client(hub, sandbox=True)
    assert sandbox.json(FIND)["total"] == 0
    parts = offer()
    for resource in parts.values():
        put(sandbox, resource)
    found = sandbox.json(FIND)
    assert found["total"] == 1
    shown = {entry["resource"]["resourceType"] for entry in found["entry"] if entry["search"]["mode"] != "outcome"}
    assert shown == set(parts)
    assert Client(hub).json(FIND)["total"] == 0  # the public hears of statements by reports alone


@pytest.mark.parametrize("part", ["HealthcareService", "Slot", "Location"])
def test_whatever_part_changes_is_noticed(hub: Hub, part: str) -> None:
    sandbox = Client(hub, sandbox=True)
    parts = offer()
    for resource in parts.values():
        put(sandbox, resource)
    assert sandbox.json(FIND)["total"] == 1
    if part == "Location":
        put(sandbox, {**parts[part], "position": {"longitude": 13.4, "latitude": 52.5}})
        assert sandbox.json(FIND)["total"] == 0
        return
    if part == "Slot":
        put(sandbox, {**parts[part], "start": "2030-01-01T00:00:00+01:00"})
        assert sandbox.json(f"{FIND}&start=2026-12-01")["total"] == 0
        return
    sandbox.request("DELETE", f"/fhir/{part}/{parts[part]['id']}")
    assert sandbox.json(FIND)["total"] == 0


@pytest.mark.parametrize(
    "provider",
    [
        None,
        {"display": "Haus am Moor"},
        {"identifier": {"value": "moor"}},
        {"reference": "https://elsewhere.example/Organization/1"},
    ],
    ids=["none", "by name", "by identifier", "elsewhere"],
)
def test_an_offer_is_found_whose_organization_nobody_wrote(hub: Hub, provider: dict[str, Any] | None) -> None:
    """R4 lets `providedBy` be left out, name somebody without a resource, or one of another server."""
    sandbox = Client(hub, sandbox=True)
    parts = offer()
    del parts["HealthcareService"]["providedBy"], parts["Location"]["managingOrganization"]
    service = {**parts["HealthcareService"], **({"providedBy": provider} if provider else {})}
    for resource in (parts["Location"], service, parts["Schedule"], parts["Slot"]):
        put(sandbox, resource)
    put(sandbox, {"resourceType": "Organization", "id": service["id"], "name": "Somebody else of the same id"})
    found = sandbox.json(FIND)
    assert found["total"] == 1
    shown = {entry["resource"]["resourceType"] for entry in found["entry"] if entry["search"]["mode"] == "include"}
    assert shown == {"Location", "Schedule", "Slot"}
    assert sandbox.json(f"{FIND}&operator=Organization/{service['id']}")["total"] == 0


@pytest.mark.parametrize("identifier", [[], [{"value": "moor"}], [{"system": "urn:example:s", "value": "moor"}]])
def test_an_organization_in_the_service_itself_is_read(hub: Hub, identifier: list[dict[str, str]]) -> None:
    sandbox = Client(hub, sandbox=True)
    parts = offer()
    organization: dict[str, Any] = {"resourceType": "Organization", "id": "o", "name": "Haus am Moor"}
    if identifier:
        organization["identifier"] = identifier
    service = {**parts["HealthcareService"], "contained": [organization], "providedBy": {"reference": "#o"}}
    for resource in (parts["Location"], service, parts["Schedule"], parts["Slot"]):
        put(sandbox, resource)
    assert sandbox.json(FIND)["total"] == 1
    organization["active"] = False
    service = {**parts["HealthcareService"], "contained": [organization], "providedBy": {"reference": "#o"}}
    put(sandbox, service)
    assert sandbox.json(f"{FIND}&state=none")["total"] == 1, "the Organization is not in use"


def test_an_organization_that_is_referred_to_has_to_be_there(hub: Hub) -> None:
    sandbox = Client(hub, sandbox=True)
    parts = offer()
    organization = parts.pop("Organization")
    for resource in parts.values():
        put(sandbox, resource)
    assert sandbox.json(FIND)["total"] == 0
    put(sandbox, organization)
    assert sandbox.json(FIND)["total"] == 1


@pytest.mark.parametrize("accepting", [2, None])
@pytest.mark.parametrize("how", ["deleted", "busy", "of no place"])
def test_places_go_with_their_slots_whatever_the_schedule_says_of_them(
    hub: Hub, how: str, accepting: int | None
) -> None:
    sandbox = Client(hub, sandbox=True)
    parts = offer()
    (told,) = (one for one in parts["Schedule"]["extension"] if one["url"] == VACANCY)
    if accepting is None:
        told["extension"] = [one for one in told["extension"] if one["url"] != "accepting"]
    for resource in parts.values():
        put(sandbox, resource)
    assert sandbox.json(FIND)["total"] == 1
    slot = parts["Slot"]
    if how == "deleted":
        sandbox.request("DELETE", f"/fhir/Slot/{slot['id']}")
    elif how == "busy":
        put(sandbox, {**slot, "status": "busy"})
    else:
        put(sandbox, {**slot, "extension": [{"url": SLOT_CAPACITY, "valueInteger": 0}]})
    assert sandbox.json(FIND)["total"] == 0
    assert sandbox.json(f"{FIND}&state=unknown")["total"] == 1, "nobody said that there is none"
    put(sandbox, {**parts["HealthcareService"], "name": "Kurzzeitpflege am Moor"})
    assert sandbox.json(FIND)["total"] == 0
    put(sandbox, {**slot, "status": "free"})
    assert sandbox.json(FIND)["total"] == 1


def test_what_a_schedule_says_besides_places_counts_without_slots(hub: Hub) -> None:
    sandbox = Client(hub, sandbox=True)
    parts = offer()
    (told,) = (one for one in parts["Schedule"]["extension"] if one["url"] == VACANCY)
    (state,) = (one for one in told["extension"] if one["url"] == "state")
    for kind in ("Organization", "Location", "HealthcareService"):
        put(sandbox, parts[kind])
    for code in ("none", "ask"):
        state["valueCode"] = code
        put(sandbox, parts["Schedule"])
        assert sandbox.json(f"{FIND}&state={code}")["total"] == 1
