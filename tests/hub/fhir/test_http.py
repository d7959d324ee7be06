"""What HTTP itself asks of the API: formats named in forms, request ids."""

import pytest

from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.fhir.resources import put, sent

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def client(sqlite_hub: Hub) -> Client:
    return Client(sqlite_hub, sandbox=True)


def test_a_posted_form_names_the_format(client: Client) -> None:
    put(client, "a", 201)
    address = "/fhir/Organization/_search"
    told = client.request("POST", address, content="name=pflege&_format=xml", headers=FORM)
    assert told.headers["content-type"].startswith("application/fhir+xml")
    assert b"<Bundle" in told.content
    pretty = client.request("POST", address, content="name=pflege&_pretty=true", headers=FORM)
    assert b"\n" in pretty.content
    for wrong in ("_format=unsupported", "name=x&_format=text%2Fturtle"):
        assert client.request("POST", address, content=wrong, headers=FORM).status_code == 406
    missing = client.request("POST", address, content="_sort=nothing&_format=xml", headers=FORM)
    assert missing.status_code == 400
    assert b"<OperationOutcome" in missing.content


def test_a_form_that_is_too_long_is_refused(client: Client) -> None:
    form = "_format=xml&name=" + "x" * 70_000
    assert client.request("POST", "/fhir/Organization/_search", content=form, headers=FORM).status_code == 413


def test_a_search_is_asked_by_get_and_post(client: Client) -> None:
    put(client, "a", 201)
    for address in ("Organization/_search?name=pflege", "_search?_type=Organization&name=pflege"):
        assert client.json(f"/fhir/{address}") == client.request("POST", f"/fhir/{address}").json()
        assert client.json(f"/fhir/{address}")["total"] == 1


def test_a_compartment_is_searched_by_its_address(client: Client) -> None:
    owner = {"resourceType": "Patient", "id": "p"}
    sent(client, "PUT", "Patient/p", owner, status=201)
    for number in range(3):
        event = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "x"}}
        subject = {"subject": {"reference": "Patient/p"}}
        sent(client, "PUT", f"Observation/o{number}", {**event, **subject}, status=201)
    bundle = client.json("/fhir/Patient/p/Observation?_count=2")
    assert bundle["total"] == 3
    assert len(client.matches("/fhir/Patient/p/Observation?_count=2")) == 3
    assert client.request("POST", "/fhir/Patient/p/Observation/_search?_count=2").json() == bundle
    assert len(client.matches("/fhir/Patient/p/*?_count=2")) == 3
    assert client.request("POST", "/fhir/Patient/p/_search").json()["total"] == 3
    told = client.json("/fhir/metadata")["rest"][0]["compartment"]
    assert "http://hl7.org/fhir/CompartmentDefinition/patient" in told
    for nothing in ("Patient/p/Location", "Location/p/Observation", "Patient/p/Nothing", "Patient/p/_all"):
        client.json(f"/fhir/{nothing}", status=404)


@pytest.mark.parametrize(
    ("told", "echoed"),
    [("a-1", "a-1"), ("x" * 64, "x" * 64), ("x" * 65, None), (b"\xe4", None), (b"a\x7f", None), ("", None)],
)
def test_a_request_id_is_told_back(client: Client, told: str | bytes, echoed: str | None) -> None:
    for address in ("/fhir/metadata", "/fhir/Nothing"):
        assert client.get(address, headers={"X-Request-Id": told}).headers.get("x-request-id") == echoed
