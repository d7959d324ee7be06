"""A search parameter that is added while the hub runs: refused, learnt, indexed, found, watched."""

import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.cli import main
from hub.hub import Hub
from hub.search.types.string import _PUNCTUATION
from hub.settings import Settings
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.region import report, tell

NICKNAME: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "id": "nickname",
    "url": "https://vendor.example/SearchParameter/nickname",
    "name": "Nickname",
    "status": "active",
    "description": "What the neighbours call it.",
    "code": "nickname",
    "base": ["Organization"],
    "type": "string",
    "expression": "Organization.extension('https://vendor.example/nickname').value",
}
HOME: dict[str, Any] = {
    "resourceType": "Organization",
    "id": "home",
    "name": "Haus am Moor",
    "extension": [{"url": "https://vendor.example/nickname", "valueString": "Moorhof"}],
}


def put(client: Client, resource: dict[str, Any]) -> Any:
    path = f"/fhir/{resource['resourceType']}/{resource['id']}"
    return client.request("PUT", path, json=resource)


def until_indexed(client: Client) -> None:
    for _ in range(200):
        told = {one["name"]: one for one in client.json("/fhir/SearchParameter/$index-status")["parameter"]}
        if told["running"]["valueBoolean"] is False:
            return
        time.sleep(0.05)
    raise AssertionError("the indexing does not end")


def test_an_added_parameter_finds_what_was_there_before(hub: Hub) -> None:
    client = Client(hub, sandbox=True)
    assert put(client, HOME).status_code == 201
    strict = {"Prefer": "handling=strict"}
    assert client.get("/fhir/Organization?nickname=moor", headers=strict).status_code == 400
    assert put(client, NICKNAME).status_code == 201
    until_indexed(client)
    assert client.json("/fhir/Organization?nickname=moor", headers=strict)["total"] == 1
    assert put(client, {**HOME, "id": "other"}).status_code == 201
    assert client.json("/fhir/Organization?nickname:exact=Moorhof", headers=strict)["total"] == 2
    told = client.json("/fhir/metadata")["rest"][0]["resource"]
    (organization,) = [one for one in told if one["type"] == "Organization"]
    assert "nickname" in [one["name"] for one in organization["searchParam"]]


def test_two_that_are_added_one_after_the_other_are_both_found(hub: Hub) -> None:
    client = Client(hub, sandbox=True)
    assert put(client, HOME).status_code == 201
    for name in ("nickname", "petname"):
        added = {**NICKNAME, "id": name, "code": name, "url": f"https://vendor.example/{name}"}
        assert put(client, added).status_code == 201
    until_indexed(client)
    strict = {"Prefer": "handling=strict"}
    for name in ("nickname", "petname"):
        assert client.json(f"/fhir/Organization?{name}=moor", headers=strict)["total"] == 1


def test_another_process_learns_of_it(hub: Hub, database_url: str, tmp_path: Path, clock: Clock) -> None:
    other = Hub.open(Settings(database=database_url, folder=tmp_path), clock=clock)
    other.indexing.watch()
    try:
        client = Client(hub, sandbox=True)
        assert put(client, HOME).status_code == 201
        assert put(client, NICKNAME).status_code == 201
        elsewhere = Client(other, sandbox=True)
        until_indexed(elsewhere)
        time.sleep(1.2)
        assert elsewhere.json("/fhir/Organization?nickname=moor", headers={"Prefer": "handling=strict"})["total"] == 1
    finally:
        other.close()


@pytest.mark.parametrize(
    "change",
    [
        {"expression": "Organization.nothing.of.this"},
        {"expression": "Organization.name ("},
        {"code": "name"},
        {"type": "special"},
        {"base": ["Nothing"]},
    ],
)
def test_one_that_cannot_be_searched_by_is_refused(sqlite_hub: Hub, change: dict[str, Any]) -> None:
    response = put(Client(sqlite_hub, sandbox=True), {**NICKNAME, **change})
    assert response.status_code == 422, response.text
    assert response.json()["issue"][0]["details"]["text"]


def test_the_state_of_a_statement_can_be_searched(hub: Hub) -> None:
    """Ours: a file in `conformance/spec/`, over an extension."""
    tell(hub, report("moor", free=2), report("bruch", free=0))
    client = Client(hub)
    assert client.json("/fhir/Schedule?vacancy-state=some")["total"] == 1
    assert client.json("/fhir/Schedule?vacancy-state=none,some")["total"] == 2


def test_an_operator_adds_one_by_a_command(
    sqlite_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = ["--database", sqlite_settings.database, "--language", "en"]
    assert main(["search-parameters", *database]) == 0
    assert "none was added here" in capsys.readouterr().out
    path = tmp_path / "nickname.json"
    path.write_bytes(orjson.dumps(NICKNAME))
    assert main(["search-parameters", "add", str(path), *database]) == 0
    assert NICKNAME["url"] in capsys.readouterr().out
    hub = Hub.open(sqlite_settings)
    try:
        assert (
            Client(hub).get("/fhir/Organization?nickname=x", headers={"Prefer": "handling=strict"}).status_code == 200
        )
    finally:
        hub.close()
    path.write_bytes(orjson.dumps({**NICKNAME, "status": "valid"}))
    assert main(["search-parameters", "add", str(path), *database]) == 2
    assert "SearchParameter.status" in capsys.readouterr().err


def test_a_version_that_reads_texts_otherwise_says_that_it_indexes_anew_and_does(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as before:
        before.setattr("hub.search.types.string._PUNCTUATION", re.compile("(?!)"))
        before.setattr("hub.search.registry._ROWS_OF", "2")
        hub = Hub.open(sqlite_settings)
        tell(hub, report("st.-marien", free=2))
        before.setattr("hub.search.types.string._PUNCTUATION", _PUNCTUATION)
        assert Client(hub).json("/fhir/Organization?name=haus st marien")["total"] == 0
        hub.close()
    caplog.clear()
    hub = Hub.open(sqlite_settings)
    try:
        assert "resources are indexed anew" in caplog.text
        assert Client(hub).json("/fhir/Organization?name=haus st marien")["total"] == 1
    finally:
        hub.close()
    caplog.clear()
    Hub.open(sqlite_settings).close()
    assert caplog.text == ""
