"""Histories over HTTP."""

from typing import Any

import pytest

from conformance.formats import r4
from hub.hub import Hub
from tests.conftest import Clock
from tests.hub.client import BASE, Client
from tests.hub.fhir.resources import put, sent


@pytest.fixture
def client(hub: Hub, clock: Clock) -> Client:
    """At 10:00 a and b are made, at 11:00 b is changed, at 12:00 a is deleted, at 13:00 c is made."""
    client = Client(hub, sandbox=True)
    clock.forward(hours=1)
    put(client, "a", 201)
    put(client, "b", 201)
    clock.forward(hours=1)
    put(client, "b", name="Haus")
    clock.forward(hours=1)
    sent(client, "DELETE", "Organization/a", status=204)
    clock.forward(hours=1)
    put(client, "c", 201)
    return client


def versions(bundle: Any) -> list[str]:
    """Each version as id and number, deletions with a minus sign."""
    return [
        ("-" if entry["request"]["method"] == "DELETE" else "")
        + entry["fullUrl"].rpartition("/")[2]
        + entry["response"]["etag"].strip('W/"')
        for entry in bundle.get("entry", ())
    ]


def link(bundle: Any, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def test_a_history_tells_every_version_newest_first(client: Client) -> None:
    bundle = client.json("/fhir/Organization/_history")
    assert versions(bundle) == ["c1", "-a2", "b2", "b1", "a1"]
    assert (bundle["type"], bundle["total"]) == ("history", 5)
    assert not [finding for finding in r4.findings(bundle) if finding.severity == "error"]
    made, deleted, changed = bundle["entry"][:3]
    assert made["request"] == {"method": "PUT", "url": "Organization/c"}
    assert made["response"] == {"status": "201", "etag": 'W/"1"', "lastModified": "2026-11-22T13:00:00.000Z"}
    assert made["resource"] == client.json("/fhir/Organization/c")
    assert deleted["request"] == {"method": "DELETE", "url": "Organization/a"}
    assert "resource" not in deleted
    assert changed["request"] == {"method": "PUT", "url": "Organization/b"}
    assert changed["response"]["status"] == "200"
    assert changed["fullUrl"] == f"{BASE}/fhir/Organization/b"


def test_a_history_tells_how_each_version_was_made(hub: Hub) -> None:
    """Who replays it must not give a resource another id than it has."""
    client = Client(hub, sandbox=True)
    made = client.request("POST", "/fhir/Basic", json={"resourceType": "Basic", "code": {"text": "a"}})
    where = "/".join(made.headers["location"].split("/")[4:6])
    assert made.status_code == 201
    client.request("DELETE", f"/fhir/{where}")
    again = {"resourceType": "Basic", "id": where.partition("/")[2], "code": {"text": "b"}}
    assert client.request("PUT", f"/fhir/{where}", json=again).status_code == 201
    told = [
        (one["request"]["method"], one["response"]["status"]) for one in client.json(f"/fhir/{where}/_history")["entry"]
    ]
    assert told == [("PUT", "201"), ("DELETE", "204"), ("POST", "201")]


def test_a_resource_has_a_history_of_its_own(client: Client) -> None:
    assert versions(client.json("/fhir/Organization/b/_history")) == ["b2", "b1"]
    assert versions(client.json("/fhir/Organization/a/_history")) == ["-a2", "a1"]
    client.json("/fhir/Organization/never/_history", status=404)
    assert versions(client.json("/fhir/Location/_history")) == []


def test_the_servers_history_has_all_types(client: Client) -> None:
    location = {"resourceType": "Location", "id": "l", "name": "Haus"}
    sent(client, "PUT", "Location/l", location, status=201)
    shown = versions(client.json("/fhir/_history?_since=2026-11-22T10:00:00Z"))
    assert sorted(shown[:2]) == ["c1", "l1"]
    assert shown[2:] == ["-a2", "b2", "b1", "a1"]


NARROWED = [
    ("_since=2026-11-22T11:00:00Z", ["c1", "-a2", "b2"]),
    ("_since=2026-11-22T11:00:00.001Z", ["c1", "-a2"]),
    ("_since=2026-11-22T12:00:00%2B01:00", ["c1", "-a2", "b2"]),
    ("_since=2026-11-22T12:00:00+01:00", ["c1", "-a2", "b2"]),
    ("_since=2026-11-23", []),
    ("_since=2026", ["c1", "-a2", "b2", "b1", "a1"]),
    ("_at=2026-11-22T10:30:00Z", ["b1", "a1"]),
    ("_at=2026-11-22T11:30:00Z", ["b2", "a1"]),
    ("_at=2026-11-22T12:30:00Z", ["b2"]),
    ("_at=2026-11-22T12:00:00Z", ["-a2", "b2"]),
    ("_at=2026-11-22T09:30:00Z", []),
    ("_at=2026-11-22", ["c1", "-a2", "b2", "b1", "a1"]),
    ("_at=2026-11-23", ["c1", "b2"]),
    ("_at=ge2026-11-22T11:30:00Z", ["c1", "-a2", "b2", "a1"]),
    ("_at=le2026-11-22T11:30:00Z", ["b2", "b1", "a1"]),
    ("_at=ge2026-11-22T10:30:00Z&_at=le2026-11-22T11:30:00Z", ["b2", "b1", "a1"]),
    ("_at=2026-11-23&_since=2026-11-22T12:30:00Z", ["c1"]),
    ("_list=x&colour=red&_sort=-_id", ["c1", "-a2", "b2", "b1", "a1"]),
]


def test_a_time_narrows_a_history(client: Client) -> None:
    for query, shown in NARROWED:
        bundle = client.json(f"/fhir/Organization/_history?{query}")
        assert (query, versions(bundle), bundle["total"]) == (query, shown, len(shown))
        for resource_id in "abc":
            bundle = client.json(f"/fhir/Organization/{resource_id}/_history?{query}")
            own = [version for version in shown if version.strip("-")[0] == resource_id]
            assert (query, versions(bundle)) == (query, own)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_pages_join_to_the_whole_while_versions_are_made(client: Client, clock: Clock, count: int) -> None:
    shown: list[str] = []
    url: str | None = f"/fhir/Organization/_history?_count={count}"
    while url is not None:
        bundle = client.json(url)
        assert bundle["total"] == 5
        assert link(bundle, "self") == (f"{BASE}{url}" if url.startswith("/") else url)
        shown += versions(bundle)
        clock.forward(seconds=1)
        put(client, "b", name=f"Haus {len(shown)}")
        url = link(bundle, "next")
    assert shown == ["c1", "-a2", "b2", "b1", "a1"]


def test_many_of_one_moment_are_told_once_each(client: Client, clock: Clock) -> None:
    clock.forward(hours=1)
    for number in range(7):
        put(client, f"n{number}", 201)
    shown: list[str] = []
    url: str | None = "/fhir/Organization/_history?_since=2026-11-22T14:00:00Z&_count=3"
    while url is not None:
        bundle = client.json(url)
        shown += versions(bundle)
        url = link(bundle, "next")
    assert shown == [f"n{number}1" for number in reversed(range(7))]


def test_the_versions_of_a_resource_stay_in_order_when_the_clock_is_set_back(client: Client, clock: Clock) -> None:
    clock.forward(hours=-3)
    put(client, "c", name="Haus")
    assert versions(client.json("/fhir/Organization/c/_history")) == ["c2", "c1"]
    first = client.json("/fhir/Organization/c/_history?_count=1")
    url = link(first, "next")
    assert url is not None
    assert versions(client.json(url)) == ["c1"]


def test_what_mirrors_the_server_learns_every_change(client: Client, clock: Clock) -> None:
    mirror: dict[str, str] = {}

    def poll(since: str) -> str:
        bundle = client.json(f"/fhir/Organization/_history?_since={since}")
        for entry in reversed(bundle.get("entry", [])):
            mirror[entry["fullUrl"]] = entry.get("resource", {}).get("name", "")
        return str(bundle.get("meta", {}).get("lastUpdated", since))

    since = poll("2026-11-22")
    put(client, "d", 201, name="in the same moment")
    since = poll(since)
    sent(client, "DELETE", "Organization/c", status=204)
    clock.forward(milliseconds=0.4)
    put(client, "b", name="less than a millisecond later")
    since = poll(since)
    clock.forward(milliseconds=0.4)
    put(client, "d", name="within the same millisecond")
    poll(since)
    told = {url.rpartition("/")[2]: name for url, name in mirror.items() if name}
    assert told == {"b": "less than a millisecond later", "d": "within the same millisecond"}


def test_no_entries_are_told_where_none_are_asked_for(client: Client) -> None:
    bundle = client.json("/fhir/Organization/_history?_count=0")
    assert (bundle["total"], "entry" in bundle, link(bundle, "next")) == (5, False, None)


def test_a_page_is_clamped_and_says_so(client: Client) -> None:
    bundle = client.json("/fhir/Organization/_history?_count=1000000000")
    assert link(bundle, "self") != f"{BASE}/fhir/Organization/_history?_count=1000000000"
    assert len(bundle["entry"]) == 5


@pytest.mark.parametrize(
    "query", ["_since=yesterday", "_since=", "_at=ne2026", "_at=", "_count=x", "_after=1", "_after=1.2.3.x"]
)
def test_what_is_no_time_or_page_is_refused(client: Client, query: str) -> None:
    outcome = client.json(f"/fhir/Organization/_history?{query}", status=400)
    assert outcome["issue"][0]["expression"] == [f"http.{query.partition('=')[0]}"]


def test_the_public_history_is_the_public_views(hub: Hub, client: Client) -> None:
    public = Client(hub).json("/fhir/Organization/_history")
    for entry in public.get("entry", ()):
        assert "internal" not in str(entry)
    assert not [finding for finding in r4.findings(public) if finding.severity == "error"]
