"""Batches over HTTP: each entry an answer of its own."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.formats import fhir_xml
from hub.hub import Hub
from tests.hub.client import BASE, Client
from tests.hub.fhir.bundles import asking, bundle, errors, organization, send, statuses


def test_each_entry_is_answered_like_a_request_of_its_own(client: Client) -> None:
    send(client, bundle("batch", asking("PUT", "Organization/x", organization("A", id="x"))))
    answer = send(
        client,
        bundle(
            "batch",
            asking("POST", "Organization", organization("B")),
            asking("PUT", "Organization/x", organization("C", id="x"), ifMatch='W/"1"'),
            asking("GET", "Organization/x"),
            asking("GET", f"{BASE}/fhir/Organization/x/_history/1"),
            asking("GET", "/Organization?name=c&_count=1"),
            asking("GET", "Organization/x/_history?_count=1"),
            asking("GET", "Organization/x", ifNoneMatch='W/"2"'),
            asking("HEAD", "Organization/x"),
            asking("POST", "Organization/$validate", organization("D")),
            asking("DELETE", "Organization/x"),
        ),
    )
    assert answer["type"] == "batch-response"
    assert errors(answer) == []
    assert statuses(answer) == ["201", "200", "200", "200", "200", "200", "304", "200", "200", "204"]
    created, updated, read, vread, search, history, known, head, validated, deleted = answer["entry"]
    assert created["response"]["location"].startswith("Organization/")
    assert updated["response"]["etag"] == 'W/"2"'
    assert [one["resource"]["name"] for one in (read, vread)] == ["C", "A"]
    assert read["response"]["lastModified"] == "2026-11-22T09:00:00.000Z"
    assert (search["resource"]["total"], search["resource"]["type"]) == (1, "searchset")
    assert (history["resource"]["total"], history["resource"]["type"]) == (2, "history")
    assert all("resource" not in one for one in (known, head, deleted))
    assert validated["resource"]["resourceType"] == "OperationOutcome"


def test_what_fails_fails_alone(client: Client) -> None:
    answer = send(
        client,
        bundle(
            "batch",
            asking("GET", "Organization/never"),
            asking("PUT", "Organization/x", organization("A", id="y")),
            asking("POST", "Slot", {"resourceType": "Slot", "status": "banana"}),
            asking("GET", "Nothing"),
            asking("GET", "Organization?_sort=nothing&name:odd=x"),
            asking("PUT", "Organization/x", organization("A", id="x"), ifMatch='W/"3"'),
            asking("PATCH", "Organization/never", {"resourceType": "Parameters"}),
            asking("POST", "", bundle("batch")),
            asking("POST", "Organization", organization("A")),
        ),
    )
    assert statuses(answer) == ["404", "400", "422", "404", "400", "412", "404", "400", "201"]
    outcomes = [entry["response"].get("outcome") for entry in answer["entry"]]
    assert [outcome is None for outcome in outcomes] == [False] * 8 + [True]
    assert errors(answer) == []
    assert all(
        place.startswith(f"Bundle.entry[{position}]")
        for position, outcome in enumerate(outcomes[:-1])
        for issue in outcome["issue"]
        for place in issue["expression"]
    )
    assert client.json("/fhir/Organization")["total"] == 1


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("x", "request"),
        ({}, "request"),
        ({"request": []}, "request"),
        ({"request": {"method": "TRACE", "url": "x"}}, "request.method"),
        ({"request": {"method": "GET"}}, "request.url"),
        ({"request": {"method": "GET", "url": "http://other.example/fhir/Organization/1"}}, "request.url"),
        ({"request": {"method": "GET", "url": "Organization/%ff"}}, "request.url"),
        ({"request": {"method": "GET", "url": "/".join("abcdefghijk")}}, "request.url"),
        ({"request": {"method": "GET", "url": "Organization/1", "ifNoneMatch": 5}}, "request.ifNoneMatch"),
        ({"request": {"method": "GET", "url": "Organization/1", "ifModifiedSince": "now"}}, "request.ifModifiedSince"),
        ({"request": {"method": "POST", "url": "Organization"}, "resource": {"name": "A"}}, "resource"),
        ({"request": {"method": "POST", "url": "Organization"}, "resource": "A"}, "resource"),
        ({"request": {"method": "GET", "url": "Organization/1", "ifNonMatch": "*"}}, "request"),
        ({"request": {"method": "GET", "url": "Organization/1"}, "full_url": "urn:uuid:1"}, ""),
        (asking("PATCH", "Organization/1", {"resourceType": "Binary"}), "resource"),
        (
            asking("PATCH", "Organization/1", {"resourceType": "Binary", "contentType": "a", "data": "%"}),
            "resource.data",
        ),
    ],
)
def test_an_entry_that_asks_for_nothing_is_told_what_it_lacks(sqlite_client: Client, entry: Any, place: str) -> None:
    answer = send(sqlite_client, bundle("batch", entry, asking("POST", "Organization", organization("A"))))
    assert statuses(answer) == ["400", "201"]
    (issue,) = answer["entry"][0]["response"]["outcome"]["issue"]
    assert issue["expression"] == [f"Bundle.entry[0].{place}".rstrip(".")]
    outcome = send(sqlite_client, bundle("transaction", entry), status=400)
    assert outcome["issue"][0]["expression"] == [f"Bundle.entry[0].{place}".rstrip(".")]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b'{"resourceType":"Organization"}',
        b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Bundle","type":"searchset"}',
        b'{"resourceType":"Bundle","type":"batch","entry":{}}',
        b'{"resourceType":"Bundle","type":"batch","entry":[',
    ],
)
def test_what_is_no_batch_is_refused(sqlite_client: Client, sent: bytes) -> None:
    assert send(sqlite_client, sent, status=400)["resourceType"] == "OperationOutcome"


def test_an_empty_batch_is_answered(sqlite_client: Client) -> None:
    for kind in ("batch", "transaction"):
        answer = send(sqlite_client, {"resourceType": "Bundle", "type": kind})
        assert answer == {"resourceType": "Bundle", "type": f"{kind}-response"}


def test_a_batch_comes_in_xml_and_goes_in_xml(sqlite_client: Client) -> None:
    sent = fhir_xml.write(bundle("batch", asking("POST", "Organization", organization("Grün")), asking("GET", "Slot")))
    headers = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    response = sqlite_client.request("POST", "/fhir", content=sent, headers=headers)
    assert response.status_code == 200, response.text
    assert statuses(fhir_xml.parse(response.content)) == ["201", "200"]
    assert sqlite_client.json("/fhir/Organization")["entry"][0]["resource"]["name"] == "Grün"


def test_the_public_reads_in_a_batch_and_writes_nothing(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    answer = send(
        client,
        bundle(
            "batch",
            asking("GET", "Organization"),
            asking("POST", "Organization", organization("A")),
            asking("PUT", "Organization/x", organization("A", id="x")),
            asking("DELETE", "Organization/x"),
        ),
    )
    assert statuses(answer) == ["200", "405", "405", "405"]
    assert client.json("/fhir/Organization")["total"] == 0


_TEXTS = st.text(max_size=8) | st.sampled_from(["Organization", "Organization/x", "Organization?name=a", "$x", "GET"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_REQUESTS = st.fixed_dictionaries(
    {"method": st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]) | _VALUES, "url": _TEXTS | _VALUES},
    optional=dict.fromkeys(("ifMatch", "ifNoneMatch", "ifNoneExist", "ifModifiedSince"), _VALUES),
)
_RESOURCES = st.builds(
    lambda more: {"resourceType": "Organization", **more},
    st.dictionaries(st.sampled_from(["id", "name", "partOf", "meta", "contained", "extension"]), _VALUES, max_size=3),
)
_ENTRIES = _VALUES | st.fixed_dictionaries(
    {"request": _REQUESTS}, optional={"resource": _RESOURCES | _VALUES, "fullUrl": _TEXTS}
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["batch", "transaction"]), st.lists(_ENTRIES, max_size=3))
def test_no_entry_is_our_fault(sqlite_client: Client, kind: str, entries: list[Any]) -> None:
    response = sqlite_client.request("POST", "/fhir", json=bundle(kind, *entries))
    assert response.status_code < 500
    if response.status_code == 200:
        assert all(status < "500" for status in statuses(response.json()))
