"""Creates over HTTP."""

import orjson
import pytest

from tests.hub.client import BASE, Client
from tests.hub.fhir.resources import organization, sent

NUMBER = "urn:example:number"


def test_a_create_tells_where_the_resource_is(client: Client) -> None:
    response = sent(client, "POST", "Organization", organization(id="mine"), status=201)
    made = response.json()
    assert made["id"] != "mine"
    assert response.headers["location"] == f"{BASE}/fhir/Organization/{made['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"] == "Sun, 22 Nov 2026 09:00:00 GMT"
    assert client.json(f"/fhir/Organization/{made['id']}") == made


def test_version_and_time_are_the_servers(client: Client) -> None:
    meta = {"versionId": "7", "lastUpdated": "2020-01-01T00:00:00Z", "tag": [{"system": NUMBER, "code": "x"}]}
    made = sent(client, "POST", "Organization", organization(meta=meta), status=201).json()
    assert made["meta"] == {"versionId": "1", "lastUpdated": "2026-11-22T09:00:00.000Z", "tag": meta["tag"]}


def test_content_comes_back_to_the_last_decimal_zero(client: Client) -> None:
    text = (
        b'{ "resourceType" : "Location", "position": {"longitude": 8.050, "latitude": 52.0},\n "name": "a\\u00e4/\\/", '
        b'"text": {"status": "generated", "div": "<div xmlns=\\"http://www.w3.org/1999/xhtml\\">  a &lt; b </div>"}}'
    )
    response = sent(client, "POST", "Location", text, status=201)
    content = client.get(response.headers["location"].removeprefix(BASE)).content
    assert b'"longitude":8.050,"latitude":52.0' in content
    assert orjson.loads(content)["text"] == orjson.loads(text)["text"]
    assert orjson.loads(content)["name"] == "aä//"


def test_xml_is_taken_too(client: Client) -> None:
    body = (
        b'<Location xmlns="http://hl7.org/fhir"><name value="Haus"/>'
        b'<position><longitude value="8.050"/><latitude value="52.0"/></position></Location>'
    )
    made = sent(client, "POST", "Location", body, status=201, media_type="application/fhir+xml")
    assert b'"longitude":8.050,"latitude":52.0' in made.content


@pytest.mark.parametrize(
    ("prefer", "status", "starts"),
    [
        ("return=minimal", 201, b""),
        ("return=representation", 201, b'{"resourceType":"Organization"'),
        ("return=OperationOutcome", 201, b'{"resourceType":"OperationOutcome"'),
        ("respond-async, return=minimal", 201, b""),
        ("return=everything", 201, b'{"resourceType":"Organization"'),
    ],
)
def test_the_answer_is_what_is_preferred(sqlite_client: Client, prefer: str, status: int, starts: bytes) -> None:
    response = sent(sqlite_client, "POST", "Organization", organization(), status=status, prefer=prefer)
    assert response.content.startswith(starts)
    assert (response.content == b"") == (starts == b"")
    applied = response.headers.get("preference-applied")
    assert applied is None if prefer == "return=everything" else applied in prefer
    assert response.headers["location"]


def test_what_is_there_already_is_not_created_again(client: Client) -> None:
    body = organization(identifier=[{"system": NUMBER, "value": "1"}])
    criteria = f"identifier={NUMBER}|1"
    first = sent(client, "POST", "Organization", body, status=201, if_none_exist=criteria)
    for written in (criteria, f"?{criteria}", f"Organization?{criteria}"):
        again = sent(client, "POST", "Organization", body, status=200, if_none_exist=written)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["etag"] == first.headers["etag"]
        assert again.json() == first.json()
    assert client.json(f"/fhir/Organization?{criteria}")["total"] == 1


def test_criteria_in_the_address_are_conditions_too(client: Client) -> None:
    body = organization(identifier=[{"system": NUMBER, "value": "1"}])
    address = f"Organization?identifier={NUMBER}%7C1&_format=json"
    first = sent(client, "POST", address, body, status=201)
    assert sent(client, "POST", address, body, status=200).json() == first.json()
    sent(client, "POST", f"Organization?identifier={NUMBER}%7C1&colour=red", body, status=400)
    sent(client, "POST", "Organization?colour=red", body, status=400, prefer="handling=strict")
    assert client.json("/fhir/Organization?_summary=count")["total"] == 1
    for nothing in ("colour=red", "_format=json&_pretty=true"):
        sent(client, "POST", f"Organization?{nothing}", body, status=201)


def test_several_that_are_there_already_are_refused(client: Client) -> None:
    body = organization(identifier=[{"system": NUMBER, "value": "1"}])
    for _ in range(2):
        sent(client, "POST", "Organization", body, status=201)
    response = sent(client, "POST", "Organization", body, status=412, if_none_exist=f"identifier={NUMBER}|1")
    assert response.json()["issue"][0]["code"] == "multiple-matches"


@pytest.mark.parametrize("criteria", ["", "colour=red", "_count=1", "?", "%"])
def test_conditions_that_select_nothing_are_refused(sqlite_client: Client, criteria: str) -> None:
    assert sent(sqlite_client, "POST", "Organization", organization(), if_none_exist=criteria).status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "required"),
        (b"{", 400, "structure"),
        (b"[]", 400, "structure"),
        (b"null", 400, "structure"),
        (b'"Organization"', 400, "structure"),
        (b"{}", 400, "structure"),
        (b'{"resourceType":1}', 400, "structure"),
        (b'{"resourceType":"Nothing"}', 400, "structure"),
        (b'{"resourceType":"Resource"}', 400, "structure"),
        (b'{"resourceType":"Location"}', 400, "invalid"),
        (b'{"resourceType":"Organization","name":NaN}', 400, "structure"),
        (b'{"resourceType":"Organization","name":"\\ud800"}', 400, "structure"),
        (b'{"resourceType":"Organization"}', 422, "invariant"),
        (b'{"resourceType":"Organization","name":7}', 422, None),
        (b'{"resourceType":"Organization","name":"x","meta":[]}', 422, None),
        (b'{"resourceType":"Organization","name":"x","meta":null}', 422, None),
        (b'{"resourceType":"Organization","name":"x","colour":"red"}', 422, None),
    ],
)
def test_what_is_no_valid_resource_is_refused(
    sqlite_client: Client, body: bytes, status: int, code: str | None
) -> None:
    outcome = sent(sqlite_client, "POST", "Organization", body, status=status).json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert code is None or outcome["issue"][0]["code"] == code
    assert sqlite_client.json("/fhir/Organization?_summary=count")["total"] == 0


def test_all_findings_come_at_once(sqlite_client: Client) -> None:
    body = organization(active="yes", telecom=[{"system": "pigeon", "value": "x"}])
    outcome = sent(sqlite_client, "POST", "Organization", body, status=422).json()
    places = {place for issue in outcome["issue"] for place in issue["expression"]}
    assert {"Organization.active", "Organization.telecom[0].system"} <= places


@pytest.mark.parametrize("media_type", ["text/plain", "application/pdf", "application/x-www-form-urlencoded"])
def test_other_formats_are_refused(sqlite_client: Client, media_type: str) -> None:
    sent(sqlite_client, "POST", "Organization", organization(), status=415, media_type=media_type)


def test_a_byte_order_mark_is_no_content(sqlite_client: Client) -> None:
    sent(sqlite_client, "POST", "Organization", b"\xef\xbb\xbf" + orjson.dumps(organization()), status=201)
