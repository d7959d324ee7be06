"""The OpenAPI document and its page."""

import re
from typing import Any

import httpx
import orjson
import pytest

from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.region import report, tell

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


def test_every_example_is_taken(sqlite_hub: Hub, client: Client, document: Any, sandbox: bool) -> None:
    tell(sqlite_hub, report(), report("bruch"))
    tried: dict[str, int] = {}
    for path, item in document["paths"].items():
        for method, told in item.items():
            if path.startswith("/ingest/") and not sandbox:
                continue  # it takes a source's token
            for content_type, body in _bodies(told):
                if method == "patch":
                    _write_what_is_changed(client, document)
                response = _asked(client, method, path, told, content_type, body)
                assert 200 <= response.status_code < 300, (method, path, content_type, response.text)
                assert str(response.status_code) in told["responses"], (method, path)
                tried[method] = tried.get(method, 0) + 1
    assert set(tried) == {"get", "post"} | (WRITING if sandbox else set())
    assert tried["get"] >= 30
    assert tried["post"] >= 25


def test_every_body_has_an_example(document: Any) -> None:
    for path, item in document["paths"].items():
        for told in item.values():
            for one in told.get("requestBody", {}).get("content", {}).values():
                assert one["example"], path


def test_the_resource_to_validate_shows_what_is_wrong(client: Client, document: Any) -> None:
    told = document["paths"]["/fhir/{type}/$validate"]["post"]
    for content_type, body in _bodies(told):
        outcome = _asked(client, "post", "/fhir/{type}/$validate", told, content_type, body).json()
        assert [one["expression"] for one in outcome["issue"] if one["severity"] == "error"] == [["Slot.status"]]


def test_the_translation_to_try_finds_something(client: Client, document: Any) -> None:
    for path in ("/fhir/ConceptMap/$translate", "/fhir/ConceptMap/{id}/$translate"):
        answer = _asked(client, "get", path, document["paths"][path]["get"], None, None).json()
        assert {"name": "result", "valueBoolean": True} in answer["parameter"]


def test_conditions_can_be_told(document: Any, sandbox: bool) -> None:
    item = document["paths"]["/fhir/{type}/{id}"]
    expected = {"get": "If-None-Match"} | (dict.fromkeys(WRITING, "If-Match") if sandbox else {})
    for method, header in expected.items():
        assert [one["name"] for one in item[method]["parameters"] if one["in"] == "header"] == [header]


def test_the_bare_address_leads_to_the_page(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 303
    assert httpx.URL("http://here/").join(response.headers["location"]).path == "/docs"


def _bodies(told: Any) -> list[tuple[str | None, Any]]:
    content = told.get("requestBody", {}).get("content", {})
    return [(name, one["example"]) for name, one in content.items()] or [(None, None)]


def _asked(client: Client, method: str, path: str, told: Any, content_type: str | None, body: Any) -> httpx.Response:
    """The answer to what the page sends when nothing in it is changed."""
    query: dict[str, str] = {}
    for one in told.get("parameters", []):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", one["example"])
            assert one["schema"].get("default", one["example"]) == one["example"]
        elif one["in"] == "query":
            example = one.get("example", {})
            query |= example if isinstance(example, dict) else {one["name"]: example}
    headers = {} if content_type is None else {"content-type": content_type}
    if content_type == "application/x-www-form-urlencoded":
        return client.request(method, path, params=query, data=body, headers=headers)
    content = body.encode() if isinstance(body, str) else None if body is None else orjson.dumps(body)
    return client.request(method, path, params=query, content=content, headers=headers)


def _write_what_is_changed(client: Client, document: Any) -> None:
    told = document["paths"]["/fhir/{type}/{id}"]["put"]
    content_type, body = _bodies(told)[0]
    assert _asked(client, "put", "/fhir/{type}/{id}", told, content_type, body).status_code in (200, 201)


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
