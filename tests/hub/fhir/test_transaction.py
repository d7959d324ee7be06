"""Transactions over HTTP."""

import base64
from typing import Any

import orjson
import pytest

from hub.hub import Hub
from hub.publishing import Publisher
from tests.hub.client import BASE, Client
from tests.hub.fhir.bundles import asking, bundle, errors, location_id, organization, send, statuses

A, B = "urn:uuid:00000000-0000-4000-8000-00000000000a", "urn:uuid:00000000-0000-4000-8000-00000000000b"
NUMBER = "urn:example:number"


def numbered(value: str) -> list[dict[str, str]]:
    return [{"system": NUMBER, "value": value}]


def find(client: Client, query: str) -> list[Any]:
    return [entry["resource"] for entry in client.matches(f"/fhir/{query}")]


def places(outcome: Any) -> list[str]:
    return [place for issue in outcome["issue"] for place in issue.get("expression", ())]


def test_references_become_the_ids_that_the_server_gives(client: Client) -> None:
    child = organization(
        "Haus",
        partOf={"reference": A},
        text={
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{A}">über uns</a></div>',
        },
        extension=[{"url": "urn:example:e", "valueUri": A}, {"url": "urn:example:f", "valueString": A}],
    )
    answer = send(
        client,
        bundle(
            "transaction",
            asking("POST", "Organization", child, full_url=B),
            asking("POST", "Organization", organization("Träger"), full_url=A),
        ),
    )
    assert answer["type"] == "transaction-response"
    assert errors(answer) == []
    assert [entry["response"]["status"] for entry in answer["entry"]] == ["201 Created", "201 Created"]
    assert [entry["response"]["etag"] for entry in answer["entry"]] == ['W/"1"', 'W/"1"']
    home, operator = (location_id(entry) for entry in answer["entry"])
    stored = client.json(f"/fhir/Organization/{home}")
    assert stored["partOf"] == {"reference": f"Organization/{operator}"}
    assert f'<a href="Organization/{operator}">' in stored["text"]["div"]
    assert [list(one.values())[1] for one in stored["extension"]] == [f"Organization/{operator}", A]
    assert [one["id"] for one in find(client, f"Organization?partof={operator}")] == [home]


def test_numbers_are_kept_to_the_last_zero(client: Client) -> None:
    body = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"%s","resource":'
        b'{"resourceType":"Location","position":{"longitude":8.0500,"latitude":52.10}%s},'
        b'"request":{"method":"POST","url":"Location"}}]}'
    )
    for full_url, more in (
        (b"http://other.example/x", b""),
        (A.encode(), b',"partOf":{"reference":"%s"}' % A.encode()),
    ):
        answer = send(client, body % (full_url, more))
        told = client.get(f"/fhir/Location/{location_id(answer['entry'][0])}").content
        assert b'"longitude":8.0500,"latitude":52.10' in told


def test_entries_run_by_their_method_whatever_their_order(client: Client) -> None:
    send(client, bundle("transaction", asking("PUT", "Organization/gone", organization("Alt", id="gone"))))
    answer = send(
        client,
        bundle(
            "transaction",
            asking("GET", "Organization?name=neu"),
            asking("GET", "Organization/put"),
            asking("HEAD", "Organization/put"),
            asking("GET", "Organization/put/_history/1"),
            asking("GET", "Organization/put/_history"),
            asking("GET", "metadata"),
            asking("PUT", "Organization/put", organization("Neu", id="put")),
            asking("POST", "Organization", organization("Neu")),
            asking("DELETE", "Organization/gone"),
        ),
    )
    assert statuses(answer) == ["200", "200", "200", "200", "200", "200", "201", "201", "204"]
    search, read, head, vread, history, metadata, *_ = answer["entry"]
    assert search["resource"]["total"] == 2
    assert read["resource"]["id"] == vread["resource"]["id"] == "put"
    assert read["fullUrl"] == f"{BASE}/fhir/Organization/put"
    assert "resource" not in head
    assert head["response"]["etag"] == 'W/"1"'
    assert history["resource"]["type"] == "history"
    assert metadata["resource"]["resourceType"] == "CapabilityStatement"
    assert client.get("/fhir/Organization/gone").status_code == 410


def test_one_entry_that_fails_undoes_all(client: Client) -> None:
    send(client, bundle("transaction", asking("PUT", "Organization/kept", organization("Alt", id="kept"))))
    outcome = send(
        client,
        bundle(
            "transaction",
            asking("DELETE", "Organization/kept"),
            asking("POST", "Organization", organization("Neu")),
            asking("POST", "Location", {"resourceType": "Location", "status": "banana"}),
            asking("POST", "Slot", {"resourceType": "Slot", "status": "free"}),
        ),
        status=422,
    )
    assert outcome["resourceType"] == "OperationOutcome"
    assert "Bundle.entry[2].resource.status" in places(outcome)
    assert any(place.startswith("Bundle.entry[3].resource") for place in places(outcome))
    assert [one["name"] for one in find(client, "Organization")] == ["Alt"]


def test_what_is_asked_last_undoes_what_was_written(client: Client) -> None:
    outcome = send(
        client,
        bundle(
            "transaction",
            asking("POST", "Organization", organization("Neu")),
            asking("GET", "Organization/never"),
        ),
        status=404,
    )
    assert places(outcome) == ["Bundle.entry[1]"]
    assert find(client, "Organization") == []


@pytest.mark.parametrize(
    "entries",
    [
        [asking("PUT", "Organization/x", organization("A", id="x")), asking("DELETE", "Organization/x")],
        [asking("PUT", "Organization/x", organization(name, id="x")) for name in "AB"],
        [
            asking("PUT", "Organization/x", organization("A", id="x")),
            asking("PUT", f"Organization?identifier={NUMBER}|1", organization("B", identifier=numbered("1"))),
        ],
        [asking("DELETE", "Organization/x"), asking("DELETE", f"Organization?identifier={NUMBER}|1")],
    ],
)
def test_one_resource_twice_is_refused(sqlite_client: Client, entries: list[Any]) -> None:
    resource = organization("Haus", id="x", identifier=numbered("1"))
    send(sqlite_client, bundle("transaction", asking("PUT", "Organization/x", resource)))
    outcome = send(sqlite_client, bundle("transaction", *entries), status=400)
    assert outcome["issue"][0]["code"] == "duplicate"


def test_a_full_url_twice_is_refused(sqlite_client: Client) -> None:
    entries = [asking("POST", "Organization", organization(name), full_url=A) for name in "AB"]
    outcome = send(sqlite_client, bundle("transaction", *entries), status=400)
    assert places(outcome) == ["Bundle.entry[1].fullUrl"]


def test_a_conditional_create_uses_what_is_there(client: Client) -> None:
    create = asking(
        "POST",
        "Organization",
        organization("Träger", identifier=numbered("1")),
        full_url=A,
        ifNoneExist=f"identifier={NUMBER}|1",
    )
    again = create | {"fullUrl": B}
    child = asking("POST", "Organization", organization("Haus", partOf={"reference": B}))
    first = send(client, bundle("transaction", create, again, child))
    assert statuses(first) == ["201", "200", "201"]
    operator = location_id(first["entry"][0])
    second = send(client, bundle("transaction", child, create, again))
    assert statuses(second) == ["201", "200", "200"]
    assert [location_id(entry) for entry in second["entry"][1:]] == [operator, operator]
    assert len(find(client, f"Organization?partof={operator}")) == 2
    assert len(find(client, "Organization")) == 3


def test_a_conditional_create_sees_what_the_transaction_deleted(client: Client) -> None:
    create = asking(
        "POST", "Organization", organization("A", identifier=numbered("1")), ifNoneExist=f"identifier={NUMBER}|1"
    )
    (entry,) = send(client, bundle("transaction", create))["entry"]
    delete = asking("DELETE", f"Organization?identifier={NUMBER}|1")
    answer = send(client, bundle("transaction", create, delete))
    assert statuses(answer) == ["201", "204"]
    assert location_id(answer["entry"][0]) != location_id(entry)


def test_a_conditional_update_updates_the_one_that_matches(client: Client) -> None:
    update = asking("PUT", f"Organization?identifier={NUMBER}|1", organization("A", identifier=numbered("1")))
    assert statuses(send(client, bundle("transaction", update))) == ["201"]
    update["resource"]["name"] = "B"
    assert statuses(send(client, bundle("transaction", update))) == ["200"]
    assert [one["name"] for one in find(client, "Organization")] == ["B"]
    send(client, bundle("transaction", asking("POST", "Organization", organization("C", identifier=numbered("1")))))
    outcome = send(client, bundle("transaction", update), status=412)
    assert places(outcome) == ["Bundle.entry[0]"]


def test_a_stale_version_undoes_all(client: Client) -> None:
    write = asking("PUT", "Organization/x", organization("A", id="x"))
    send(client, bundle("transaction", write))
    other = asking("POST", "Organization", organization("Neu"))
    for stale in (
        asking("PUT", "Organization/x", organization("B", id="x"), ifMatch='W/"7"'),
        asking("DELETE", "Organization/x", ifMatch='W/"7"'),
    ):
        outcome = send(client, bundle("transaction", other, stale), status=412)
        assert places(outcome) == ["Bundle.entry[1].request"]
    assert [one["name"] for one in find(client, "Organization")] == ["A"]
    fresh = asking("PUT", "Organization/x", organization("B", id="x"), ifMatch='W/"1"')
    (entry,) = send(client, bundle("transaction", fresh))["entry"]
    assert entry["response"]["etag"] == 'W/"2"'


def test_a_conditional_reference_names_the_one_that_matches(client: Client) -> None:
    operator = asking("POST", "Organization", organization("Träger", identifier=numbered("1")))
    child = asking(
        "POST", "Organization", organization("Haus", partOf={"reference": f"Organization?identifier={NUMBER}|1"})
    )
    place = {
        "resourceType": "Location",
        "name": "Ort",
        "managingOrganization": {"reference": f"Organization?identifier={NUMBER}|1"},
    }
    outcome = send(client, bundle("transaction", child), status=412)
    assert places(outcome) == ["Bundle.entry[0].resource.partOf.reference"]
    # What the transaction itself writes counts.
    answer = send(client, bundle("transaction", child, operator))
    parent = location_id(answer["entry"][1])
    assert [one["partOf"]["reference"] for one in find(client, "Organization?name=haus")] == [f"Organization/{parent}"]
    assert {one["meta"]["versionId"] for one in find(client, "Organization")} == {"1"}
    answer = send(client, bundle("transaction", asking("POST", "Location", place)))
    assert len(find(client, f"Location?organization={parent}")) == 1
    send(client, bundle("transaction", operator))
    outcome = send(client, bundle("transaction", child), status=412)
    assert outcome["issue"][0]["code"] == "multiple-matches"


def test_a_reference_into_the_void_is_refused(client: Client) -> None:
    send(client, bundle("transaction", asking("PUT", "Organization/gone", organization("A", id="gone"))))
    for target in ("Organization/never", f"{BASE}/fhir/Organization/never", A, "Organization/gone"):
        outcome = send(
            client,
            bundle(
                "transaction",
                asking("DELETE", "Organization/gone"),
                asking("POST", "Organization", organization("B", partOf={"reference": target})),
            ),
            status=422,
        )
        assert places(outcome) == ["Bundle.entry[1].resource.partOf.reference"]
        assert outcome["issue"][0]["code"] == "not-found"
    there = organization("B", partOf={"reference": "Organization/gone"})
    elsewhere = organization("C", partOf={"reference": "http://other.example/fhir/Organization/1"})
    send(client, bundle("transaction", *(asking("POST", "Organization", one) for one in (there, elsewhere))))


def test_addresses_of_another_server_become_ours(client: Client) -> None:
    other = "http://other.example/fhir"
    answer = send(
        client,
        bundle(
            "transaction",
            asking("POST", "Organization", organization("T"), full_url=f"{other}/Organization/1"),
            asking(
                "PUT",
                "Organization/2",
                organization("A", id="2", partOf={"reference": "Organization/1"}),
                full_url=f"{other}/Organization/2",
            ),
            asking("POST", "Organization", organization("B", partOf={"reference": f"{other}/Organization/2"})),
        ),
    )
    operator = location_id(answer["entry"][0])
    assert client.json("/fhir/Organization/2")["partOf"]["reference"] == f"Organization/{operator}"
    assert find(client, "Organization?name=B")[0]["partOf"]["reference"] == "Organization/2"


def test_patches_see_the_ids_of_what_is_created(client: Client) -> None:
    send(client, bundle("transaction", asking("PUT", "Organization/x", organization("A", id="x"))))
    change = [{"op": "replace", "path": "/name", "value": "B"}]
    data = base64.b64encode(orjson.dumps(change)).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
    assert statuses(send(client, bundle("transaction", asking("PATCH", "Organization/x", binary)))) == ["200"]
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Organization"},
        {"name": "name", "valueString": "partOf"},
        {"name": "value", "valueReference": {"reference": A}},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    answer = send(
        client,
        bundle(
            "transaction",
            asking("PATCH", "Organization?name=B", patch),
            asking("POST", "Organization", organization("T"), full_url=A),
        ),
    )
    assert statuses(answer) == ["200", "201"]
    stored = client.json("/fhir/Organization/x")
    assert (stored["name"], stored["meta"]["versionId"]) == ("B", "3")
    assert stored["partOf"]["reference"] == f"Organization/{location_id(answer['entry'][1])}"


def test_what_comes_back_is_what_prefer_asks_for(sqlite_client: Client) -> None:
    create = bundle("transaction", asking("POST", "Organization", organization("A")))
    (entry,) = send(sqlite_client, create)["entry"]
    assert set(entry) == {"response"}
    (entry,) = send(sqlite_client, create, prefer="return=representation")["entry"]
    assert entry["resource"]["name"] == "A"
    assert entry["fullUrl"] == f"{BASE}/fhir/Organization/{entry['resource']['id']}"
    (entry,) = send(sqlite_client, create, prefer="return=OperationOutcome")["entry"]
    assert entry["response"]["outcome"]["issue"][0]["severity"] == "information"


def test_all_resources_are_written_together(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    real = Publisher.publish

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return real(*arguments, **named)

    monkeypatch.setattr(Publisher, "publish", counted)
    client = Client(sqlite_hub, sandbox=True)
    entries = [asking("POST", "Organization", organization(f"Haus {number}")) for number in range(40)]
    assert set(statuses(send(client, bundle("transaction", *entries)))) == {"201"}
    assert calls == 1


def test_more_entries_than_are_taken_are_refused(sqlite_hub: Hub) -> None:
    for sandbox, most in ((True, 5_000), (False, 200)):
        entries = [asking("GET", "Location/x")] * (most + 1)
        outcome = send(Client(sqlite_hub, sandbox=sandbox), bundle("transaction", *entries), status=413)
        assert outcome["issue"][0]["code"] == "too-costly"


def test_the_public_reads_in_a_transaction_and_writes_nothing(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    reads = bundle("transaction", asking("GET", "Organization"), asking("GET", "metadata"))
    assert statuses(send(client, reads)) == ["200", "200"]
    for write in (
        asking("POST", "Organization", organization("A")),
        asking("PUT", "Organization/x", organization("A", id="x")),
        asking("DELETE", "Organization/x"),
        asking("PATCH", "Organization/x", {"resourceType": "Parameters"}),
    ):
        outcome = send(client, bundle("transaction", write), status=405)
        assert outcome["issue"][0]["code"] == "not-supported"
