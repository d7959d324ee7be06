"""The CapabilityStatement says what is true."""

from typing import Any

import orjson
import pytest

from conformance.formats import r4_types
from hub.fhir.interactions.patch import FORMATS
from hub.hub import Hub
from tests.hub.client import BASE, Client
from tests.hub.fhir.bundles import errors

WRITING = {"create", "update", "patch", "delete"}


@pytest.fixture(params=[False, True], ids=["public", "sandbox"])
def sandbox(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def client(sqlite_hub: Hub, sandbox: bool) -> Client:
    return Client(sqlite_hub, sandbox=sandbox)


@pytest.fixture
def statement(client: Client) -> Any:
    return client.json("/fhir/metadata")


def by_type(statement: Any) -> dict[str, Any]:
    return {one["type"]: one for one in statement["rest"][0]["resource"]}


def codes(told: Any) -> set[str]:
    return {one["code"] for one in told["interaction"]}


def test_it_is_valid_r4(statement: Any) -> None:
    assert errors(statement) == []
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == f"{BASE}/fhir"
    assert statement["date"] == "2026-11-22"


def test_the_sandbox_says_that_it_is_one(statement: Any, sandbox: bool) -> None:
    words = ("loopback only", "no sign-in", "invented data")
    assert all(word in statement["implementation"]["description"] for word in words) is sandbox
    assert (set(by_type(statement)) == r4_types.resource_types()) is sandbox


def test_the_public_is_told_of_nothing_that_writes(statement: Any, sandbox: bool) -> None:
    for told in by_type(statement).values():
        assert codes(told) & WRITING == (WRITING if sandbox else set())
        flags = ("updateCreate", "conditionalCreate", "conditionalUpdate")
        assert [told[flag] for flag in flags] == [sandbox] * 3
        assert told["conditionalDelete"] == ("single" if sandbox else "not-supported")
    assert statement.get("patchFormat", []) == (list(FORMATS) if sandbox else [])


def test_every_interaction_that_is_told_works(client: Client, statement: Any, sandbox: bool) -> None:
    told = by_type(statement)["Location"]
    place = {"resourceType": "Location", "id": "x", "name": "Ort"}
    tried = {
        "create": ("POST", "Location", place),
        "update": ("PUT", "Location/x", place),
        "read": ("GET", "Location/x", None),
        "vread": ("GET", "Location/x/_history/1", None),
        "patch": ("PATCH", "Location/x", [{"op": "replace", "path": "/name", "value": "Heim"}]),
        "history-instance": ("GET", "Location/x/_history", None),
        "history-type": ("GET", "Location/_history", None),
        "search-type": ("GET", "Location?name=heim", None),
        "delete": ("DELETE", "Location/x", None),
    }
    assert codes(told) == (set(tried) if sandbox else set(tried) - WRITING)
    for code, (method, path, body) in tried.items():
        media_type = "application/json-patch+json" if code == "patch" else "application/fhir+json"
        content = None if body is None else orjson.dumps(body)
        response = client.request(method, f"/fhir/{path}", content=content, headers={"content-type": media_type})
        assert (response.status_code < 300) is (sandbox or path.startswith(("Location?", "Location/_history"))), code
    for path in ("_history", "?_type=Location"):
        assert client.get(f"/fhir/{path}").status_code == 200
    assert codes(statement["rest"][0]) == {"transaction", "batch", "search-system", "history-system"}


def test_every_search_parameter_that_is_told_can_be_asked(client: Client, statement: Any, sandbox: bool) -> None:
    values = {"date": "2026", "number": "1", "quantity": "1", "special": "52|8|25|km", "uri": "urn:x"}
    types = ("Location", "Slot", "Observation") if sandbox else by_type(statement)
    for resource_type in types:
        told = by_type(statement)[resource_type]
        for parameter in told["searchParam"]:
            if parameter["type"] == "composite":
                continue
            value = values.get(parameter["type"], "x")
            path = f"/fhir/{resource_type}?{parameter['name']}={value}"
            response = client.get(path, headers={"prefer": "handling=strict"})
            assert response.status_code == 200, (path, response.text)
        for include in told.get("searchInclude", []):
            assert client.get(f"/fhir/{resource_type}?_include={include}").status_code == 200
        for include in told.get("searchRevInclude", []):
            assert client.get(f"/fhir/{resource_type}?_revinclude={include}").status_code == 200


def test_every_operation_that_is_told_is_there(client: Client, statement: Any, sandbox: bool) -> None:
    told = by_type(statement)
    named = {resource_type: {one["name"] for one in one_told["operation"]} for resource_type, one_told in told.items()}
    assert all("validate" in names for names in named.values())
    assert "find-vacancies" in named["HealthcareService"]
    for resource_type in ("HealthcareService", "CodeSystem", "ValueSet", "ConceptMap"):
        for name in named[resource_type]:
            assert _posted(client, f"{resource_type}/${name}") not in (404, 405), name
    assert _posted(client, "ValueSet/$nothing") == 404


def _posted(client: Client, path: str) -> int:
    return client.request("POST", f"/fhir/{path}", json={"resourceType": "Parameters"}).status_code


def test_each_operation_names_its_definition(statement: Any) -> None:
    told = by_type(statement)
    definitions = {one["name"]: one["definition"] for one in told["HealthcareService"]["operation"]}
    assert definitions["validate"] == "http://hl7.org/fhir/OperationDefinition/Resource-validate"
    assert definitions["find-vacancies"].startswith("https://platzfrei.org/")


@pytest.mark.parametrize("mode", ["full", "normative"])
def test_all_of_it_is_answered_in_every_mode(client: Client, statement: Any, mode: str) -> None:
    assert client.json(f"/fhir/metadata?mode={mode}") == statement


def test_what_the_server_knows_of_terminology_is_asked_by_mode(client: Client) -> None:
    told = client.json("/fhir/metadata?mode=terminology")
    assert told["resourceType"] == "TerminologyCapabilities"
    assert errors(told) == []
    assert "https://platzfrei.org/fhir/CodeSystem/care-form" in [one["uri"] for one in told["codeSystem"]]


def test_another_mode_is_refused(client: Client) -> None:
    assert client.json("/fhir/metadata?mode=x", status=400)["issue"][0]["expression"] == ["http.mode"]


def test_options_answers_the_same(client: Client, statement: Any) -> None:
    response = client.request("OPTIONS", "/fhir")
    assert orjson.loads(response.content) == statement
