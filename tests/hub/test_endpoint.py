"""POST /ingest/{source}: who may send, what is refused, and the receipt that answers."""

import gzip
from collections.abc import AsyncIterator

import pytest

from hub.hub import Hub
from hub.receiving import _BYTES_MAX
from tests.hub.client import Client
from tests.hub.deliveries import csv_long, long_row

PATH = "/ingest/csv-long"
BODY = csv_long(long_row("a"))


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.sources.make_token("csv-long", hub.clock())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_delivery_is_answered_with_its_receipt(hub: Hub, token: str) -> None:
    response = Client(hub).request("POST", PATH, content=BODY, headers=bearer(token))
    assert response.status_code == 200
    receipt = response.json()
    assert receipt["offers"] == {"applied": 1, "unchanged": 0, "superseded": 0}
    assert receipt["records"]["taken"] == 1
    assert Client(hub).json("/fhir/HealthcareService")["total"] == 1


def test_nobody_else_may_send(hub: Hub, token: str) -> None:
    client = Client(hub)
    foreign = hub.sources.make_token("json", hub.clock())
    answers = [
        client.request("POST", path, content=BODY, headers=headers)
        for path, headers in (
            (PATH, {}),
            (PATH, bearer("")),
            (PATH, bearer("pf_wrong")),
            (PATH, bearer(foreign)),
            (PATH, {"Authorization": f"Basic {token}"}),
            ("/ingest/nobody", bearer(token)),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["resourceType"] == "OperationOutcome"
    assert "Bearer" in answers[0].headers["www-authenticate"]
    assert client.json("/fhir/HealthcareService")["total"] == 0


def test_the_body_of_a_stranger_is_not_read(hub: Hub) -> None:
    read: list[bool] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield BODY

    assert Client(hub).request("POST", PATH, content=body()).status_code == 401
    assert read == []


def test_the_sandbox_asks_for_no_token(hub: Hub) -> None:
    client = Client(hub, sandbox=True)
    assert client.request("POST", PATH, content=BODY).status_code == 200
    assert client.request("POST", "/ingest/nobody", content=BODY).status_code == 404


def test_a_rejected_delivery_is_a_422_with_its_receipt(hub: Hub, token: str) -> None:
    response = Client(hub).request("POST", PATH, content=b"a;b\r\n1;2\r\n", headers=bearer(token))
    assert response.status_code == 422
    assert response.json()["records"]["rejected"] == 1
    assert {"de", "en"} == response.json()["issues"][0]["text"].keys()


def test_the_same_key_gives_the_same_answer(hub: Hub, token: str) -> None:
    headers = {**bearer(token), "Idempotency-Key": "k-1"}
    first, again = (Client(hub).request("POST", PATH, content=BODY, headers=headers).json() for _ in range(2))
    assert again.pop("duplicate") is True
    assert first.pop("duplicate") is False
    assert again == first
    other = Client(hub).request("POST", PATH, content=csv_long(long_row("b")), headers=headers)
    assert (other.status_code, other.json()["issue"][0]["code"]) == (422, "duplicate")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Idempotency-Key": "x" * 201}, 400), ({"Idempotency-Key": ""}, 400), ({"Content-Encoding": "br"}, 415)],
)
def test_what_is_not_taken_says_so(hub: Hub, token: str, headers: dict[str, str], status: int) -> None:
    response = Client(hub).request("POST", PATH, content=BODY, headers={**bearer(token), **headers})
    assert response.status_code == status
    assert response.json()["resourceType"] == "OperationOutcome"


def test_gzip_is_unpacked(hub: Hub, token: str) -> None:
    headers = {**bearer(token), "Content-Encoding": "gzip"}
    response = Client(hub).request("POST", PATH, content=gzip.compress(BODY), headers=headers)
    assert (response.status_code, response.json()["records"]["taken"]) == (200, 1)


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(BODY)[:-4], gzip.compress(BODY) + b"more"])
def test_what_is_not_all_gzip_is_refused(hub: Hub, token: str, body: bytes) -> None:
    headers = {**bearer(token), "Content-Encoding": "gzip"}
    response = Client(hub).request("POST", PATH, content=body, headers=headers)
    assert (response.status_code, response.json()["issue"][0]["code"]) == (400, "structure")


def test_a_bomb_of_gzip_is_refused(sqlite_hub: Hub) -> None:
    bomb = gzip.compress(b"x" * (_BYTES_MAX + 1))
    response = Client(sqlite_hub, sandbox=True).request(
        "POST", PATH, content=bomb, headers={"Content-Encoding": "gzip"}
    )
    assert (len(bomb) < 50_000, response.status_code) == (True, 413)


def test_too_large_a_body_is_refused(sqlite_hub: Hub) -> None:
    response = Client(sqlite_hub, sandbox=True).request("POST", PATH, content=b"x" * (_BYTES_MAX + 1))
    assert (response.status_code, response.json()["issue"][0]["code"]) == (413, "too-long")


def test_tokens_are_stored_as_hashes(hub: Hub, token: str) -> None:
    from tests.hub.deliveries import everything_stored

    assert token.encode() not in everything_stored(hub)
    assert token.startswith("pf_")


def test_where_every_record_is_set_aside_nothing_was_taken_and_the_status_says_so(hub: Hub, token: str) -> None:
    bad = csv_long(long_row("a", free="viele"), long_row("b", free="viele"))
    client, headers = Client(hub), bearer(token)
    response = client.request("POST", PATH, content=bad, headers=headers)
    told = response.json()
    assert (response.status_code, told["records"]["setAside"], told["resend"]["how"]) == (422, 2, "corrected")
    spoken = client.request("POST", PATH, content=bad, headers={**headers, "Accept": "application/fhir+json"})
    assert spoken.status_code == 422
    assert "error" in {issue["severity"] for issue in spoken.json()["issue"]}
    mixed = csv_long(long_row("a"), long_row("b", free="viele"))
    assert client.request("POST", PATH, content=mixed, headers=headers).status_code == 200


def test_a_delivery_without_a_record_is_warned_of(hub: Hub) -> None:
    response = Client(hub, sandbox=True).request("POST", "/ingest/json", content=b'{"facilities": []}')
    assert response.status_code == 200
    assert [(one["severity"], one["code"]) for one in response.json()["issues"]] == [("warning", "empty-delivery")]


def test_a_number_of_no_delivery_of_the_source_is_named_so(hub: Hub, token: str) -> None:
    told = Client(hub).json("/ingest/csv-long/deliveries/7", status=404, headers=bearer(token))
    assert "no delivery of this number" in told["issue"][0]["details"]["text"]
