"""Pages of other origins read everywhere, and write nowhere: only those of this machine write in the sandbox."""

from typing import Any

import httpx
import pytest

from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.fhir.resources import organization, put, sent

ORIGIN = {"origin": "https://example.org"}
FOREIGN = (
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://evil.example:8080",
    "http://localhost@evil.example",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1:8080.evil.example",
    "http://evil.example, http://localhost",
    "http://192.168.0.1",
)
HERE = ("http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:3000", "HTTP://LocalHost")
PARAMETERS = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": organization()}]}


@pytest.fixture
def client(sqlite_hub: Hub) -> Client:
    return Client(sqlite_hub, sandbox=True)


def bundle(kind: str, *requests: dict[str, Any], **brought: Any) -> dict[str, Any]:
    entries = [{"request": one, **brought} for one in requests]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def writes(client: Client, origin: str) -> list[httpx.Response]:
    """The answers to all that could write."""
    patch = [{"op": "replace", "path": "/name", "value": "Patched"}]
    create = {"method": "POST", "url": "Organization"}
    return [
        sent(client, "PUT", "Organization/a", organization(id="a", name="Changed"), origin=origin),
        sent(client, "PUT", "Organization?name=none", organization(), origin=origin),
        sent(client, "POST", "Organization", organization(), origin=origin),
        sent(client, "PATCH", "Organization/a", patch, media_type="application/json-patch+json", origin=origin),
        sent(client, "POST", "", bundle("batch", create, resource=organization()), origin=origin),
        sent(client, "POST", "", bundle("transaction", create, resource=organization()), origin=origin),
        sent(client, "DELETE", "Organization/a", origin=origin),
    ]


@pytest.mark.parametrize("sandbox", [True, False])
def test_pages_of_every_origin_may_ask(sqlite_hub: Hub, sandbox: bool) -> None:
    client = Client(sqlite_hub, sandbox=sandbox)
    for address in ("/fhir/Organization", "/fhir/Organization/x", "/fhir/Nothing"):
        answer = client.get(address, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "ETag" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in client.get(address).headers


@pytest.mark.parametrize("sandbox", [True, False])
def test_pages_of_every_origin_may_ask_by_post(sqlite_hub: Hub, sandbox: bool) -> None:
    client = Client(sqlite_hub, sandbox=sandbox)
    form = "application/x-www-form-urlencoded"
    sent(client, "POST", "Organization/_search", b"name=x", media_type=form, status=200, **ORIGIN)
    place = b"postal-code=49661"
    sent(client, "POST", "HealthcareService/$find-vacancies", place, media_type=form, status=200, **ORIGIN)
    sent(client, "POST", "Organization/$validate", PARAMETERS, status=200, **ORIGIN)
    sent(client, "POST", "", bundle("batch", {"method": "GET", "url": "Organization"}), status=200, **ORIGIN)


@pytest.mark.parametrize("origin", FOREIGN)
def test_pages_of_other_machines_write_nothing(client: Client, origin: str) -> None:
    etag = put(client, "a", 201).headers["etag"]
    for answer in writes(client, origin):
        assert answer.status_code == 403, answer.text
        assert answer.json()["issue"][0]["code"] == "forbidden"
        assert answer.headers["access-control-allow-origin"] == "*"
    assert client.json("/fhir/Organization")["total"] == 1
    assert client.get("/fhir/Organization/a").headers["etag"] == etag


@pytest.mark.parametrize("origin", HERE)
def test_pages_of_this_machine_write(client: Client, origin: str) -> None:
    put(client, "a", 201)
    assert [answer.status_code for answer in writes(client, origin)] == [200, 201, 201, 200, 200, 200, 204]


def test_programs_write(client: Client) -> None:
    sent(client, "POST", "Organization", organization(), status=201)


def test_the_public_server_answers_writes_of_pages_like_all_others(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    for origin in (HERE[0], FOREIGN[0]):
        sent(client, "PUT", "Organization/a", organization(id="a"), status=405, origin=origin)


def test_pages_of_other_machines_deliver_nothing_to_the_sandbox(sqlite_hub: Hub, client: Client) -> None:
    for origin in FOREIGN:
        told = {"content-type": "text/plain", "origin": origin}
        answer = client.request("POST", "/ingest/none", content=b"{}", headers=told)
        assert answer.status_code == 403, answer.text
    # Nobody has that source: what is let in is looked at.
    assert client.request("POST", "/ingest/none", content=b"{}", headers={"origin": HERE[1]}).status_code != 403
    # There, a token decides.
    public = Client(sqlite_hub).request("POST", "/ingest/none", content=b"{}", headers={"origin": FOREIGN[0]})
    assert public.status_code == 401


@pytest.mark.parametrize(
    ("sandbox", "origin", "may_write"),
    [(True, HERE[1], True), (True, FOREIGN[0], False), (True, "null", False), (False, HERE[1], False)],
)
def test_browsers_are_told_first_what_may_be_done(sqlite_hub: Hub, sandbox: bool, origin: str, may_write: bool) -> None:
    asked = {
        "origin": origin,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "content-type,prefer",
    }
    answer = Client(sqlite_hub, sandbox=sandbox).request("OPTIONS", "/fhir/Organization/a", headers=asked)
    assert answer.status_code == 204
    methods = answer.headers["access-control-allow-methods"].split(", ")
    assert ("PUT" in methods) is may_write
    assert {"GET", "POST"} <= set(methods)
    assert "*" in answer.headers["access-control-allow-headers"]


def test_options_without_a_preflight_are_the_capabilities(client: Client) -> None:
    assert client.request("OPTIONS", "/fhir", headers=ORIGIN).json()["resourceType"] == "CapabilityStatement"
