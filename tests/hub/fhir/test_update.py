"""Updates over HTTP."""

import asyncio
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

import httpx
import pytest

from hub.errors import TooCostly
from hub.fhir.context import Context
from hub.hub import Hub
from hub.store.draft import Draft
from hub.store.reader import Reader, Transaction
from hub.store.repository import Written
from mappings.view import View
from tests.hub.client import BASE, Client
from tests.hub.fhir.resources import organization, put, sent

NUMBER = "urn:example:number"


def numbered(value: str, **more: object) -> dict[str, object]:
    return organization(identifier=[{"system": NUMBER, "value": value}], **more)


def test_an_update_creates_what_is_not_there(client: Client) -> None:
    response = put(client, "a", 201)
    assert response.headers["location"] == f"{BASE}/fhir/Organization/a/_history/1"
    assert response.headers["etag"] == 'W/"1"'


def test_an_update_makes_a_version(client: Client) -> None:
    put(client, "a", 201)
    response = put(client, "a", 200, name="Haus")
    assert response.headers["etag"] == 'W/"2"'
    assert response.json()["meta"]["versionId"] == "2"
    assert client.json("/fhir/Organization/a") == response.json()


def test_the_same_content_makes_no_version(client: Client) -> None:
    first = put(client, "a", 201)
    again = put(client, "a", 200, meta={"versionId": "9", "lastUpdated": "2020-01-01T00:00:00Z"})
    assert again.headers["etag"] == 'W/"1"'
    assert again.json() == first.json()


def test_versions_go_on_after_a_delete(client: Client) -> None:
    put(client, "a", 201)
    sent(client, "DELETE", "Organization/a", status=204)
    assert put(client, "a", 201).headers["etag"] == 'W/"3"'
    assert client.json("/fhir/Organization?_id=a")["total"] == 1


@pytest.mark.parametrize("told", [{}, {"id": "b"}, {"id": 7}, {"id": None}])
def test_an_id_other_than_the_addresss_is_refused(sqlite_client: Client, told: dict[str, object]) -> None:
    response = sent(sqlite_client, "PUT", "Organization/a", organization(**told), status=400)
    assert response.json()["issue"][0]["expression"] == ["Organization.id"]
    sqlite_client.json("/fhir/Organization/a", status=404)


def test_an_id_that_is_none_is_refused(sqlite_client: Client) -> None:
    for resource_id in ("a b", "ä", "x" * 65):
        assert (
            sent(sqlite_client, "PUT", f"Organization/{resource_id}", organization(id=resource_id)).status_code == 400
        )


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("If-Match", 'W/"2"', 200),
        ("If-Match", '"2"', 200),
        ("If-Match", 'W/"1", W/"2"', 200),
        ("If-Match", "*", 200),
        ("If-Match", 'W/"1"', 412),
        ("If-Match", 'W/"3"', 412),
        ("If-Match", 'W/"x"', 412),
        ("If-Match", "2", 200),
        ("If-Match", "1", 412),
        ("If-Match", "two", 400),
        ("If-Match", 'W/"2', 400),
        ("If-None-Match", "*", 412),
        ("If-None-Match", 'W/"2"', 412),
        ("If-None-Match", 'W/"1"', 200),
    ],
)
def test_an_update_is_made_of_the_version_that_is_known(
    sqlite_client: Client, header: str, value: str, status: int
) -> None:
    put(sqlite_client, "a", 201)
    put(sqlite_client, "a", 200, name="Haus")
    put_again = sqlite_client.request(
        "PUT",
        "/fhir/Organization/a",
        json=organization(id="a", name="Heim"),
        headers={"content-type": "application/fhir+json", header: value},
    )
    assert put_again.status_code == status, put_again.text
    assert sqlite_client.json("/fhir/Organization/a")["name"] == ("Heim" if status == 200 else "Haus")


def test_what_is_not_there_has_no_version_to_match(client: Client) -> None:
    sent(client, "PUT", "Organization/a", organization(id="a"), status=412, if_match='W/"1"')
    sent(client, "PUT", "Organization/a", organization(id="a"), status=412, if_match="*")
    sent(client, "PUT", "Organization/a", organization(id="a"), status=201, if_none_match="*")


def test_a_deletion_has_the_version_that_it_was_answered_with(client: Client) -> None:
    put(client, "a", 201)
    tag = sent(client, "DELETE", "Organization/a", status=204).headers["etag"]
    for stale in ('W/"1"', "*"):
        sent(client, "PUT", "Organization/a", organization(id="a"), status=412, if_match=stale)
    assert (
        sent(client, "PUT", "Organization/a", organization(id="a"), status=201, if_match=tag).headers["etag"] == 'W/"3"'
    )


def test_a_condition_that_nothing_meets_creates(client: Client) -> None:
    made = sent(client, "PUT", f"Organization?identifier={NUMBER}|1", numbered("1"), status=201).json()
    assert client.json(f"/fhir/Organization?identifier={NUMBER}|1")["entry"][0]["resource"] == made
    sent(client, "PUT", f"Organization?identifier={NUMBER}|2", numbered("2", id="mine"), status=201)
    client.json("/fhir/Organization/mine")


def test_a_condition_that_one_meets_updates(client: Client) -> None:
    put(client, "a", 201, identifier=[{"system": NUMBER, "value": "1"}])
    query = f"Organization?identifier={NUMBER}|1"
    response = sent(client, "PUT", query, numbered("1", name="Haus"), status=200)
    assert response.headers["location"] == f"{BASE}/fhir/Organization/a/_history/2"
    sent(client, "PUT", query, numbered("1", name="Heim", id="a"), status=200, if_match='W/"2"')
    sent(client, "PUT", query, numbered("1", name="Haus"), status=412, if_match='W/"2"')
    sent(client, "PUT", query, numbered("1", id="b"), status=400)


def test_a_condition_that_several_meet_is_refused(client: Client) -> None:
    for resource_id in ("a", "b"):
        put(client, resource_id, 201, identifier=[{"system": NUMBER, "value": "1"}])
    sent(client, "PUT", f"Organization?identifier={NUMBER}|1", numbered("1"), status=412)


def test_a_condition_does_not_overwrite_what_does_not_meet_it(client: Client) -> None:
    put(client, "a", 201)
    query = f"Organization?identifier={NUMBER}|1"
    outcome = sent(client, "PUT", query, numbered("1", id="a"), status=409).json()
    assert outcome["issue"][0]["code"] == "conflict"
    sent(client, "DELETE", "Organization/a", status=204)
    assert sent(client, "PUT", query, numbered("1", id="a"), status=201).headers["etag"] == 'W/"3"'


def test_no_condition_is_refused(sqlite_client: Client) -> None:
    sent(sqlite_client, "PUT", "Organization", organization(), status=400)
    sent(sqlite_client, "PUT", "Organization?colour=red", organization(), status=400)


def test_an_invalid_update_changes_nothing(client: Client) -> None:
    put(client, "a", 201)
    put(client, "a", 422, active="yes")
    assert client.json("/fhir/Organization/a")["meta"]["versionId"] == "1"


def put_together(client: Client, hub: Hub, asked: Iterable[tuple[str, dict[str, object]]]) -> list[httpx.Response]:
    """The answers to updates that the writer finds waiting all at once."""
    hold = threading.Event()
    joined: list[object] = []
    join = hub.writer.join

    def counted(*args: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = join(*args, **more)
        joined.append(future)
        return future

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=client.app), base_url=BASE) as opened:
            waiting = [
                asyncio.create_task(
                    opened.put(
                        f"/fhir/Organization/{resource_id}",
                        json=organization(**{"id": resource_id, **more}),
                        headers={"content-type": "application/fhir+json"},
                    )
                )
                for resource_id, more in asked
            ]
            # Who is refused before it is written never waits for the writer.
            while len(joined) + sum(task.done() for task in waiting) < len(waiting):
                await asyncio.sleep(0.01)
            hold.set()
            return await asyncio.gather(*waiting)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hub.writer, "join", counted)
        hub.writer.submit(lambda _transaction: hold.wait(60), limited=False)
        return asyncio.run(run())


def test_updates_that_come_together_are_answered_each_for_itself(
    client: Client, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(client, "a", 201)
    stores: list[int] = []
    repository = hub.repositories[View.PROFESSIONAL]
    store = repository.store

    def counted(transaction: Transaction, drafts: Iterable[Draft], **more: Any) -> Written:
        stores.append(1)
        return store(transaction, drafts, **more)

    monkeypatch.setattr(repository, "store", counted)
    asked: list[tuple[str, dict[str, object]]] = [
        ("a", {"name": "Haus"}),
        ("b", {"name": "Heim"}),
        ("a", {"active": "yes"}),
        ("a", {"name": "Hof"}),
        ("c", {"id": "d"}),
        ("a", {"name": "Hof"}),
        ("b", {"name": "Heim", "active": False}),
    ]
    told = [(answer.status_code, answer.headers.get("etag")) for answer in put_together(client, hub, asked)]
    assert told == [
        (200, 'W/"2"'),
        (201, 'W/"1"'),
        (422, None),
        (200, 'W/"3"'),
        (400, None),
        (200, 'W/"3"'),
        (200, 'W/"2"'),
    ]
    assert len(stores) == 3  # as often as one of them was written, not once each
    history = client.json("/fhir/Organization/a/_history")["entry"]
    assert [entry["resource"].get("name") for entry in history][:2] == ["Hof", "Haus"]


def test_an_update_that_took_the_time_of_all_takes_none_of_them_with_it(
    client: Client, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def late_once(_context: Context, _reader: Reader, tree: Mapping[str, Any], _issues: object) -> None:
        tries.append(tree["id"])
        if len(tries) == 1:
            raise TooCostly

    monkeypatch.setattr("hub.fhir.storing.refuse_invalid", late_once)
    told = put_together(client, hub, [("a", {}), ("b", {})])
    assert [answer.status_code for answer in told] == [201, 201]
    assert tries == ["a", "a", "b"]


def test_the_public_view_is_not_written(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    for method, path in (("POST", "Organization"), ("PUT", "Organization/a"), ("PUT", "Organization?name=a")):
        sent(client, method, path, organization(id="a"), status=405)
    sent(client, "DELETE", "Organization/a", status=405)
    sent(client, "PATCH", "Organization/a", [], status=405, media_type="application/json-patch+json")
