"""Read, vread, search and capabilities over HTTP, as a FHIR client meets them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import delete

from hub.hub import Hub
from hub.purpose import remember
from hub.settings import Settings
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.region import HOUR, report, tell, three_homes


def ids(bundle: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]


def total(client: Client, query: str) -> int:
    return int(client.json(f"/fhir/{query}")["total"])


@pytest.fixture
def client(hub: Hub) -> Client:
    three_homes(hub)
    return Client(hub)


def test_read_answers_with_etag_and_last_modified(client: Client) -> None:
    (location, *_) = ids(client.json("/fhir/Location"))
    response = client.get(f"/fhir/Location/{location}")
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"] == "Sun, 22 Nov 2026 09:00:00 GMT"
    assert response.headers["content-type"] == "application/fhir+json; charset=utf-8"
    again = client.get(f"/fhir/Location/{location}", headers={"If-None-Match": 'W/"1"'})
    assert (again.status_code, again.content) == (304, b"")


def test_vread_answers_with_the_version_asked_for(hub: Hub, client: Client) -> None:
    tell(hub, report("moor", free=0, valid_at=NOW + HOUR))
    (schedule,) = ids(client.json("/fhir/Schedule?identifier=moor/kurzzeitpflege-solitaer"))
    first, second = (client.json(f"/fhir/Schedule/{schedule}/_history/{number}") for number in (1, 2))
    assert [one["meta"]["versionId"] for one in (first, second)] == ["1", "2"]
    assert client.json(f"/fhir/Schedule/{schedule}") == second != first
    for unknown in ("3", "0", "x", "99999999999999999999"):
        client.json(f"/fhir/Schedule/{schedule}/_history/{unknown}", status=404)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fhir/Location/unknown", 404, "not-found"),
        ("/fhir/Patient/1", 404, "not-found"),
        ("/fhir/Patient", 404, "not-found"),
        ("/fhir/Location/x/y/z", 404, "not-found"),
        ("/fhir/Location?near=here", 400, "value"),
        ("/fhir/Slot?start=yesterday", 400, "value"),
        ("/fhir/Slot?start:contains=2026", 400, "not-supported"),
        ("/fhir/Slot?_count=many", 400, "value"),
        ("/fhir/Slot?_after=x", 400, "value"),
        ("/fhir/Slot?_include=Slot:patient", 400, "not-supported"),
        ("/fhir/Slot?name=%ff", 400, "structure"),
    ],
)
def test_errors_are_operation_outcomes(sqlite_hub: Hub, path: str, status: int, code: str) -> None:
    outcome = Client(sqlite_hub).json(path, status=status)
    get_fhir_model_class("OperationOutcome").model_validate(outcome)
    assert outcome["issue"][0]["code"] == code


def test_the_public_writes_nothing(sqlite_hub: Hub) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in ("/fhir/Location/x", "/fhir/Location"):
            response = Client(sqlite_hub).request(method, path, json={})
            assert response.status_code == 405
            assert response.json()["issue"][0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("Location", 3),
        ("Location?name=haus", 3),
        ("Location?name=HAUS%20BRU", 1),
        ("Location?name=Moor", 0),
        ("Location?name=haus%25", 3),
        ("Location?name=ha%25us", 0),
        ("Location?status=active", 3),
        ("Location?near=52.85|8.05|1|km", 1),
        ("Location?near=52.85|8.05|20|km", 2),
        ("Location?near=52.85|8.05|20000|m", 2),
        ("Location?type=facility", 3),
        ("Organization?active=true", 4),
        ("Organization?active=false", 0),
        ("Organization?name=pflegewerk", 1),
        ("Organization?identifier=http://fhir.de/sid/arge-ik/iknr|510322019", 3),
        ("Organization?identifier=510322019", 3),
        ("Organization?identifier=http://fhir.de/sid/arge-ik/iknr|", 3),
        ("Organization?identifier=|510322019", 0),
        ("HealthcareService?service-type=kurzzeitpflege", 2),
        ("HealthcareService?service-type=https://platzfrei.org/fhir/CodeSystem/care-form|dauerpflege", 1),
        ("HealthcareService?service-type=dauerpflege,tagespflege", 2),
        ("HealthcareService?service-type=dauerpflege&service-type=tagespflege", 0),
        ("HealthcareService?active=true&name=haus", 0),
        ("Slot?status=free", 3),
        ("Slot?status=busy", 0),
        ("Slot?start=2026-11-24", 0),
        ("Slot?start=ge2026-11-23", 1),
        ("Slot?start=lt2026-11-23", 2),
        ("Slot?start=ge2026-11-22&start=lt2026-11-23", 2),
        ("Schedule?active=true", 5),
        ("Location?_lastUpdated=ge2026-11-22", 3),
        ("Location?_lastUpdated=lt2026-11-22", 0),
        ("Location?_lastUpdated=2026-11-22T09:00:00Z", 3),
        ("Location?_id=unknown", 0),
    ],
)
def test_search_counts(client: Client, query: str, count: int) -> None:
    bundle = client.json(f"/fhir/{query}")
    get_fhir_model_class("Bundle").model_validate(bundle)
    assert bundle["total"] == count
    assert len(ids(bundle)) == count


def test_search_by_reference_and_id(client: Client) -> None:
    (location,) = ids(client.json("/fhir/Location?name=haus%20heide"))
    for reference in (location, f"Location/{location}", f"http://127.0.0.1:8080/fhir/Location/{location}"):
        assert total(client, f"HealthcareService?location={reference}") == 1
    (service,) = ids(client.json(f"/fhir/HealthcareService?location={location}"))
    (schedule,) = ids(client.json(f"/fhir/Schedule?actor=HealthcareService/{service}"))
    assert total(client, f"Slot?schedule={schedule}") == 1
    assert ids(client.json(f"/fhir/Location?_id={location},unknown")) == [location]


def test_search_by_post_is_the_same(client: Client) -> None:
    by_get = client.get("/fhir/Location?name=haus&_count=2").json()
    by_post = client.request("POST", "/fhir/Location/_search", data={"name": "haus", "_count": "2"}).json()
    assert by_post == by_get
    wrong = client.request("POST", "/fhir/Location/_search", json={"name": "haus"})
    assert wrong.status_code == 415


def test_include_shows_what_is_referred_to(client: Client) -> None:
    bundle = client.json("/fhir/Slot?_include=Slot:schedule&_count=2")
    included = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "include"]
    matches = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"]
    assert {f"Schedule/{one['id']}" for one in included} == {one["schedule"]["reference"] for one in matches}
    bundle = client.json("/fhir/Schedule?_include=Schedule:actor:Location")
    assert {entry["resource"]["resourceType"] for entry in bundle["entry"]} == {"Schedule", "Location"}


def test_pages_join_to_the_whole(client: Client) -> None:
    paged: list[str] = []
    url: str | None = "/fhir/HealthcareService?active=true&_count=2"
    while url is not None:
        bundle = client.json(url)
        assert bundle["total"] == 5
        paged += ids(bundle)
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        assert links["self"].startswith("http://127.0.0.1:8080/fhir/HealthcareService?active=true&_count=2")
        url = links.get("next")
    assert paged == ids(client.json("/fhir/HealthcareService?active=true"))


def test_count_is_clamped_and_zero_gives_the_total_alone(client: Client) -> None:
    bundle = client.json("/fhir/Location?_count=1000000000")
    assert bundle["link"][0]["url"].endswith("_count=100")
    assert client.json("/fhir/Location?_count=0").keys() == {"resourceType", "type", "total", "link"}


def test_unknown_parameters_are_named_or_refused(client: Client) -> None:
    bundle = client.json("/fhir/Location?colour=red&name=haus&_count=1")
    outcome = bundle["entry"][-1]
    assert outcome["search"]["mode"] == "outcome"
    assert "colour" in outcome["resource"]["issue"][0]["details"]["text"]
    assert "colour" not in bundle["link"][0]["url"]
    refused = client.get("/fhir/Location?colour=red", headers={"Prefer": "handling=strict"})
    assert refused.status_code == 400


def test_both_views_tell_of_themselves(sqlite_hub: Hub) -> None:
    assert "sandbox" not in Client(sqlite_hub).json("/fhir/metadata")["implementation"]["description"]
    assert "sandbox" in Client(sqlite_hub, sandbox=True).json("/fhir/metadata")["implementation"]["description"]


def test_what_changed_since_is_found_by_last_updated(hub: Hub, client: Client, clock: Clock) -> None:
    clock.forward(hours=1)
    tell(hub, report("moor", free=1, valid_at=clock()))
    since = (NOW + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    assert total(client, f"Slot?_lastUpdated=gt{since}") == 1
    assert total(client, f"Location?_lastUpdated=gt{since}") == 0


@pytest.mark.parametrize(
    "path", ["Slot?status=%00", "Slot?_id=%00", "Location?name=a%00", "Slot/%00", "Slot/%00/_history/1"]
)
def test_nul_is_refused_on_both_databases(hub: Hub, path: str) -> None:
    assert Client(hub).get(f"/fhir/{path}").status_code in (400, 404)


def test_formats_that_there_are_not_are_refused(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    assert client.get("/fhir/Slot?_format=turtle").status_code == 406
    assert client.get("/fhir/Slot", headers={"Accept": "text/turtle"}).status_code == 406


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("TRACE", "/fhir/Slot"),
        ("PUT", "/ingest/json"),
        ("GET", "/ingest/json"),
        ("GET", "/nothing"),
    ],
)
def test_whatever_is_refused_is_an_operation_outcome(sqlite_hub: Hub, method: str, path: str) -> None:
    response = Client(sqlite_hub).request(method, path)
    assert response.status_code in (404, 405)
    assert response.json()["resourceType"] == "OperationOutcome"
    assert response.json()["issue"][0]["expression"] == ["http"]


def test_a_url_of_another_server_is_not_ours(client: Client) -> None:
    (location, *_) = ids(client.json("/fhir/Location"))
    assert total(client, f"HealthcareService?location=http://other.example/fhir/Location/{location}") == 0


def test_a_new_search_parameter_is_indexed_when_the_hub_opens(hub: Hub, database_url: str, tmp_path: Path) -> None:
    tell(hub, report())
    with hub.database.writing() as connection:
        for repository in hub.repositories.values():
            for table in repository.projection.indexes.values():
                connection.execute(delete(table))
    assert total(Client(hub), "Location?name=haus") == 0
    remember(hub.database, "search_parameters", "others")
    again = Hub.open(Settings(database=database_url, folder=tmp_path), clock=hub.clock)
    assert total(Client(again), "Location?name=haus") == 1
    assert len(Client(again).matches("/fhir/Slot?status=free")) == 1
    again.close()
