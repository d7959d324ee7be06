"""Read and vread over HTTP."""

import sqlite3
from typing import Any

import pytest
from sqlalchemy import text

from hub.hub import Hub
from hub.store.database import Database
from hub.store.reader import Reader
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.fhir.resources import FHIR_JSON, put, sent


@pytest.fixture
def client(hub: Hub) -> Client:
    return of_two_versions(hub)


@pytest.fixture
def sqlite_client(sqlite_hub: Hub) -> Client:
    return of_two_versions(sqlite_hub)


def of_two_versions(hub: Hub) -> Client:
    """A sandbox with an organization of two versions, the second made at 09:00:01.5."""
    client = Client(hub, sandbox=True)
    put(client, "a", 201)
    assert isinstance(hub.clock, Clock)
    hub.clock.forward(seconds=1.5)
    put(client, "a", name="Haus")
    return client


def test_a_read_tells_version_and_time(client: Client) -> None:
    response = sent(client, "GET", "Organization/a", status=200)
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["last-modified"] == "Sun, 22 Nov 2026 09:00:01 GMT"
    assert response.headers["content-type"].startswith(FHIR_JSON)
    assert response.json()["meta"] == {"versionId": "2", "lastUpdated": "2026-11-22T09:00:01.500Z"}


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("If-None-Match", 'W/"2"', 304),
        ("If-None-Match", '"2"', 304),
        ("If-None-Match", 'W/"1", W/"2"', 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", 'W/"1"', 200),
        ("If-None-Match", 'W/"22"', 200),
        ("If-None-Match", "2", 304),
        ("If-None-Match", "1, 2", 304),
        ("If-None-Match", "1", 200),
        ("If-None-Match", 'W/"2', 200),
        ("If-Modified-Since", "Sun, 22 Nov 2026 09:00:01 GMT", 304),
        ("If-Modified-Since", "Mon, 23 Nov 2026 09:00:00 GMT", 304),
        ("If-Modified-Since", "Sun, 22 Nov 2026 09:00:00 GMT", 200),
        ("If-Modified-Since", "Monday, 23-Nov-26 09:00:00 GMT", 304),
        ("If-Modified-Since", "Mon Nov 23 09:00:00 2026", 304),
        ("If-Modified-Since", "yesterday", 200),
        ("If-Modified-Since", "Mon Nov 23 09:00:00 2026, Sun, 22 Nov 2026 09:00:00 GMT", 200),
    ],
)
def test_what_the_client_has_is_not_sent_again(sqlite_client: Client, header: str, value: str, status: int) -> None:
    response = sqlite_client.get("/fhir/Organization/a", headers={header: value})
    assert response.status_code == status
    assert response.headers["etag"] == 'W/"2"'
    assert (response.content == b"") == (status == 304)


def test_a_version_counts_before_a_time(sqlite_client: Client) -> None:
    headers = {"If-None-Match": 'W/"1"', "If-Modified-Since": "Mon, 23 Nov 2026 09:00:00 GMT"}
    assert sqlite_client.get("/fhir/Organization/a", headers=headers).status_code == 200


def test_every_version_can_be_read(client: Client) -> None:
    assert client.json("/fhir/Organization/a/_history/1")["name"] == "Pflegewerk Test"
    assert client.json("/fhir/Organization/a/_history/2")["name"] == "Haus"
    for version in ("0", "3", "x", "99999999999999999999"):
        client.json(f"/fhir/Organization/a/_history/{version}", status=404)


def test_what_was_deleted_is_gone_and_its_versions_stay(client: Client) -> None:
    sent(client, "DELETE", "Organization/a", status=204)
    assert client.json("/fhir/Organization/a", status=410)["issue"][0]["code"] == "deleted"
    client.json("/fhir/Organization/a/_history/3", status=410)
    assert client.json("/fhir/Organization/a/_history/1")["name"] == "Pflegewerk Test"


@pytest.mark.parametrize("resource_id", ["b", "a%00", "a%20", "x" * 65, "%F0%9F%8F%A0"])
def test_what_is_not_there_is_not_found(client: Client, resource_id: str) -> None:
    assert client.get(f"/fhir/Organization/{resource_id}").status_code in (400, 404)
    assert client.get(f"/fhir/Organization/{resource_id}/_history/1").status_code in (400, 404)


def test_head_tells_the_same_without_content(client: Client) -> None:
    response = client.request("HEAD", "/fhir/Organization/a")
    assert (response.status_code, response.content, response.headers["etag"]) == (200, b"", 'W/"2"')


@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("_elements=name", {"resourceType", "id", "meta", "name"}),
        ("_elements=alias,%20active", {"resourceType", "id", "meta", "active"}),
        ("_summary=true", {"resourceType", "id", "meta", "name", "active"}),
        ("_summary=text", {"resourceType", "id", "meta"}),
        ("_summary=false", {"resourceType", "id", "meta", "name", "active", "telecom"}),
        ("_summary=&_elements=", {"resourceType", "id", "meta", "name", "active", "telecom"}),
        ("colour=red", {"resourceType", "id", "meta", "name", "active", "telecom"}),
    ],
)
def test_a_part_is_read_where_a_part_is_asked_for(sqlite_client: Client, query: str, members: set[str]) -> None:
    put(sqlite_client, "a", active=True, telecom=[{"system": "phone", "value": "04471 555-0"}])
    shown = sqlite_client.json(f"/fhir/Organization/a?{query}")
    assert shown.keys() == members
    assert ("tag" in shown["meta"]) == ("telecom" not in members)


def test_a_summary_that_there_is_not_is_the_whole_or_refused(sqlite_client: Client) -> None:
    whole = sqlite_client.get("/fhir/Organization/a")
    strict = {"Prefer": "handling=strict"}
    assert sqlite_client.get("/fhir/Organization/a?_summary=some").content == whole.content
    assert sqlite_client.get("/fhir/Organization/a?_summary=", headers=strict).content == whole.content
    assert sqlite_client.get("/fhir/Organization/a?_summary=some", headers=strict).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"), [("Organization/a", 200), ("Organization/a?_summary=true", 200), ("Organization/b", 404)]
)
def test_a_read_is_one_statement_and_begins_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    sent(client, "GET", path, status=status)
    statements: list[object] = []
    first, everything = Reader.first, Reader.all

    def counted_first(self: Reader, *told: Any) -> Any:
        statements.append(told)
        return first(self, *told)

    def counted_all(self: Reader, *told: Any) -> Any:
        statements.append(told)
        return everything(self, *told)

    monkeypatch.setattr(Reader, "first", counted_first)
    monkeypatch.setattr(Reader, "all", counted_all)
    monkeypatch.setattr(Database, "snapshot", None)
    sent(client, "GET", path, status=status)
    assert len(statements) == 1


def test_a_read_outlives_its_connection(client: Client, hub: Hub) -> None:
    sent(client, "GET", "Organization/a", status=200)
    assert isinstance(hub.clock, Clock)
    hub.clock.forward(seconds=10)  # what is due is looked for anew, by the first statement
    lost = hub.database._idle[-1]
    if hub.database.dialect == "postgresql":
        with hub.database.session() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid != pg_backend_pid() AND state = 'idle'"
                )
            )
    else:
        lost.execute = broken
    sent(client, "GET", "Organization/a", status=200)
    assert lost not in hub.database._idle
    sent(client, "GET", "Organization/a", status=200)


def test_a_read_that_fails_by_itself_is_tried_once(hub: Hub) -> None:
    tried = []
    idle = max(1, len(hub.database._idle))

    def failing(_reader: Reader) -> None:
        tried.append(1)
        raise IndexError

    for times in (1, 2):
        with pytest.raises(IndexError):
            hub.database.once(failing)
        assert len(tried) == times
        assert len(hub.database._idle) == idle, "its connection is there for the next"


def broken(*_told: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")
