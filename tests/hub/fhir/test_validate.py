"""$validate over HTTP."""

from typing import Any

import orjson
import pytest

from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.fhir.bundles import errors

TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
WRONG = {"resourceType": "Patient", "gender": "m", "birthDate": "2026-02-30", "nome": "x"}
RIGHT = {"resourceType": "Patient", "gender": "male", "birthDate": "2026-02-28", "text": TEXT}
BASE_PROFILE = "http://hl7.org/fhir/StructureDefinition/Patient"
OTHER_PROFILE = "http://profiles.example/Patient"


def issues(client: Client, path: str, body: Any = None, *, status: int = 200) -> list[dict[str, Any]]:
    headers = {"content-type": "application/fhir+json"}
    content = None if body is None else orjson.dumps(body)
    response = client.request("GET" if body is None else "POST", f"/fhir/{path}", content=content, headers=headers)
    assert response.status_code == status, response.text
    outcome = orjson.loads(response.content)
    assert errors(outcome) == []
    found: list[dict[str, Any]] = outcome["issue"]
    return found


def told(found: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    return [(issue["severity"], issue.get("expression", [])) for issue in found]


def parameters(**named: Any) -> Any:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name, "resource": value} if isinstance(value, dict) else {"name": name, "valueString": value}
            for name, value in named.items()
        ],
    }


def test_everything_that_is_wrong_is_told_at_once(client: Client) -> None:
    found = issues(client, "Patient/$validate", WRONG)
    assert {issue["severity"] for issue in found} == {"error", "warning"}
    places = {place for issue in found for place in issue["expression"]}
    assert {"Patient.gender", "Patient.birthDate"} <= places
    assert len(found) >= 3
    assert all(issue["details"]["_text"]["extension"] for issue in found), "German too"


def test_nothing_wrong_is_told_as_well(client: Client) -> None:
    assert told(issues(client, "Patient/$validate", RIGHT)) == [("information", [])]
    assert told(issues(client, "Patient/$validate", parameters(resource=RIGHT))) == [("information", [])]


def test_nothing_is_stored(client: Client) -> None:
    issues(client, "Patient/$validate", RIGHT)
    assert client.json("/fhir/Patient")["total"] == 0


def test_the_stored_resource_can_be_validated(client: Client) -> None:
    client.request("PUT", "/fhir/Patient/x", json=RIGHT | {"id": "x"})
    assert told(issues(client, "Patient/x/$validate")) == [("information", [])]
    assert told(issues(client, "Patient/x/$validate?mode=delete")) == [("information", [])]
    assert issues(client, "Patient/y/$validate", status=404)[0]["code"] == "not-found"
    assert issues(client, "Patient/y/$validate?mode=delete", status=404)[0]["code"] == "not-found"


def test_the_address_counts(client: Client) -> None:
    assert told(issues(client, "Patient/x/$validate", RIGHT | {"id": "y"})) == [("error", ["Patient.id"])]
    assert told(issues(client, "Patient/x/$validate?mode=create", RIGHT | {"id": "y"})) == [("information", [])]
    assert told(issues(client, "Person/$validate", RIGHT)) == [("error", ["Resource.resourceType"])]


def test_a_parameters_resource_is_validated_like_any_other(client: Client) -> None:
    assert told(issues(client, "Parameters/$validate", {"resourceType": "Parameters"})) == [("information", [])]


def test_a_named_profile_that_is_not_known_is_an_error(client: Client) -> None:
    body = parameters(resource=RIGHT, profile=OTHER_PROFILE)
    assert told(issues(client, "Patient/$validate", body)) == [("error", ["http.profile"])]
    assert told(issues(client, f"Patient/$validate?profile={BASE_PROFILE}", RIGHT)) == [("information", [])]


def test_a_claimed_profile_that_is_not_known_is_named(client: Client) -> None:
    claiming = RIGHT | {"meta": {"profile": [BASE_PROFILE, OTHER_PROFILE]}}
    (issue,) = issues(client, "Patient/$validate", claiming)
    assert (issue["severity"], issue["expression"]) == ("warning", ["Patient.meta.profile[1]"])
    assert client.request("POST", "/fhir/Patient", json=claiming).status_code == 201


def profile(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "StructureDefinition",
        "id": "p",
        "text": TEXT,
        "url": OTHER_PROFILE,
        "name": "Other",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": BASE_PROFILE,
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}, *elements]},
        **more,
    }


BIRTH_DATE = {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}
NO_GENDER = {"id": "Patient.gender", "path": "Patient.gender", "max": "0"}
CODED = {
    "id": "Patient.maritalStatus",
    "path": "Patient.maritalStatus",
    "binding": {"strength": "required", "valueSet": "http://profiles.example/ValueSet"},
}


def put(client: Client, body: dict[str, Any]) -> None:
    response = client.request("PUT", f"/fhir/{body['resourceType']}/{body['id']}", json=body)
    assert response.status_code in (200, 201), response.text


def test_a_stored_profile_binds_what_claims_it(client: Client) -> None:
    put(client, profile(NO_GENDER))
    claiming = RIGHT | {"meta": {"profile": [OTHER_PROFILE]}}
    assert told(issues(client, "Patient/$validate", claiming)) == [("error", ["Patient.gender"])]
    assert client.request("POST", "/fhir/Patient", json=claiming).status_code == 422
    assert client.request("POST", "/fhir/Patient", json=RIGHT).status_code == 201


def test_a_profile_that_is_named_binds(client: Client) -> None:
    put(client, profile(NO_GENDER))
    assert told(issues(client, f"Patient/$validate?profile={OTHER_PROFILE}", RIGHT)) == [("error", ["Patient.gender"])]
    body = parameters(resource=RIGHT, profile=OTHER_PROFILE)
    assert told(issues(client, "Patient/$validate", body)) == [("error", ["Patient.gender"])]


def test_a_profile_is_read_anew_when_it_changes(client: Client) -> None:
    claiming = RIGHT | {"meta": {"profile": [OTHER_PROFILE]}}
    assert told(issues(client, "Patient/$validate", claiming)) == [("warning", ["Patient.meta.profile[0]"])]
    put(client, profile(NO_GENDER))
    assert told(issues(client, "Patient/$validate", claiming)) == [("error", ["Patient.gender"])]
    put(client, profile(BIRTH_DATE))
    assert told(issues(client, "Patient/$validate", claiming)) == [("information", [])]
    client.request("DELETE", "/fhir/StructureDefinition/p")
    assert told(issues(client, "Patient/$validate", claiming)) == [("warning", ["Patient.meta.profile[0]"])]


def test_what_a_profile_refers_to_is_read_anew_when_it_changes(client: Client) -> None:
    coding = {"coding": [{"system": "http://profiles.example/cs", "code": "a"}]}
    claiming = RIGHT | {"maritalStatus": coding, "meta": {"profile": [OTHER_PROFILE]}}
    put(client, profile(CODED))
    assert told(issues(client, "Patient/$validate", claiming)) == [("information", ["Patient.maritalStatus"])]
    for code, severity in (("b", "error"), ("a", "information")):
        concepts = {"system": "http://profiles.example/cs", "concept": [{"code": code}]}
        value_set = {
            "resourceType": "ValueSet",
            "id": "v",
            "text": TEXT,
            "url": "http://profiles.example/ValueSet",
            "status": "active",
            "compose": {"include": [concepts]},
        }
        put(client, value_set)
        assert issues(client, "Patient/$validate", claiming)[0]["severity"] == severity


def test_our_extensions_bind_everywhere(client: Client) -> None:
    extension = {"url": "https://platzfrei.org/fhir/StructureDefinition/internal", "valueBoolean": True}
    right = RIGHT | {"telecom": [{"system": "phone", "value": "1", "extension": [extension]}]}
    assert told(issues(client, "Patient/$validate", right)) == [("information", [])]
    wrong = RIGHT | {"extension": [extension]}
    assert told(issues(client, "Patient/$validate", wrong)) == [("error", ["Patient.extension[0]"])]
    wrong = RIGHT | {"telecom": [{"system": "phone", "value": "1", "extension": [extension | {"valueBoolean": "x"}]}]}
    assert [issue["severity"] for issue in issues(client, "Patient/$validate", wrong)] == ["error"]


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("Patient/$validate", {"resourceType": "Parameters"}, "http.resource"),
        ("Patient/$validate?mode=other", RIGHT, "http.mode"),
        ("Patient/$validate?mode=profile", RIGHT, "http.profile"),
        ("Patient/$validate", [], "Resource.resourceType"),
        ("Patient/$validate", {"resourceType": "Nothing"}, "Resource.resourceType"),
    ],
)
def test_what_cannot_be_validated_is_refused(sqlite_hub: Hub, path: str, body: Any, place: str) -> None:
    found = issues(Client(sqlite_hub, sandbox=True), path, body, status=400)
    assert told(found) == [("error", [place])]


def test_the_public_may_validate(sqlite_hub: Hub) -> None:
    found = issues(
        Client(sqlite_hub), "Location/$validate", {"resourceType": "Location", "status": "banana", "text": TEXT}
    )
    assert told(found) == [("error", ["Location.status"])]
