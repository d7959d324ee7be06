"""The OpenAPI document and its page."""

import re
from typing import Any

import httpx
import orjson
import pytest

from hub.app import Hub
from tests.hub.client import Client

WRITING = {"put", "patch", "delete"}


@pytest.fixture(params=[False, True], ids=["public", "sandbox"])
def sandbox(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def client(sqlite_hub: Hub, sandbox: bool) -> Client:
    return Client(sqlite_hub, sandbox=sandbox)


@pytest.fixture
def document(client: Client) -> Any:
    return client.json("/openapi.json")


def test_it_tells_what_there_is(document: Any, sandbox: bool) -> None:
    assert document["openapi"] == "3.1.0"
    told = document["paths"]
    assert {"/fhir", "/fhir/metadata", "/fhir/{type}/{id}", "/ingest/{source}", "/health/live"} <= set(told)
    assert (set(told["/fhir/{type}/{id}"]) >= WRITING) is sandbox
    assert ("security" in told["/ingest/{source}"]["post"]) is not sandbox
    assert {one["name"] for one in told["/fhir/Slot"]["get"]["parameters"]} >= {"schedule", "status", "_include"}


def test_every_variable_of_a_path_is_told(document: Any) -> None:
    for path, item in document["paths"].items():
        for told in item.values():
            named = {one["name"] for one in told.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path
            assert told["responses"]
            assert told["summary"]


def test_every_example_can_be_asked(client: Client, document: Any) -> None:
    tried = 0
    for path, item in document["paths"].items():
        told = item.get("get")
        if told is None or "{" in path:
            continue
        examples: dict[str, str] = {}
        for one in told.get("parameters", []):
            example = one.get("example", {})
            examples |= example if isinstance(example, dict) else {one["name"]: example}
        if not examples and "$" in path:
            continue
        response = client.get(path, params=examples)
        assert response.status_code == 200, (path, response.text)
        tried += 1
    assert tried >= 8


def test_every_body_to_try_is_taken(client: Client, document: Any, sandbox: bool) -> None:
    told = document["paths"]
    content = told["/fhir"]["post"]["requestBody"]["content"]["application/fhir+json"]
    assert client.request("POST", "/fhir", json=content["example"]).status_code == 200
    if sandbox:
        create, patch = (
            told[path][method] for path, method in (("/fhir/{type}", "post"), ("/fhir/{type}/{id}", "patch"))
        )
        example = create["requestBody"]["content"]["application/fhir+json"]["example"]
        made = client.request("POST", "/fhir/Organization", json=example)
        assert made.status_code == 201
        for media_type in ("application/json-patch+json", "application/fhir+json"):
            change = orjson.dumps(patch["requestBody"]["content"][media_type]["example"])
            where = f"/fhir/Organization/{made.json()['id']}"
            patched = client.request("PATCH", where, content=change, headers={"content-type": media_type})
            assert patched.status_code == 200, patched.text
        delivery = told["/ingest/{source}"]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.request("POST", "/ingest/json", json=delivery).status_code == 200


def test_the_page_needs_no_other_server(client: Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    used = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(used) == 4
    for path in used:
        response: httpx.Response = client.get(f"/{path}")
        assert response.status_code == 200
        assert len(response.content) > 100
    start = client.get("/docs/start.js").text
    assert "validatorUrl: null" in start
    assert '"openapi.json"' in start
    assert client.get("/docs/other").status_code == 404
