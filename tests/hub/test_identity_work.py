"""The work list: by command and, in the sandbox alone, over HTTP."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub import cli
from hub.hub import Hub
from hub.identity_work import IdentityWork
from hub.settings import Settings
from mappings.errors import Rejected
from mappings.vacancy import Address
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.test_identity import home, homes, organization, tell, told

WHY = ("--who", "Koordination", "--why", "am Telefon bestätigt")


def two_alike(hub: Hub) -> None:
    tell(hub, "amtlich", told())
    tell(hub, "export", told("export", of=home("export", iks=())))


@pytest.fixture
def url(sqlite_settings: Settings) -> str:
    """A database with two homes that look alike."""
    hub = Hub.open(sqlite_settings, clock=Clock())
    two_alike(hub)
    hub.close()
    return sqlite_settings.database


def run(url: str, *arguments: str) -> int:
    return cli.main(["identity", "--database", url, "--language", "en", *arguments])


def test_proposals_stand_side_by_side_with_every_reason(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url) == 0
    shown = capsys.readouterr().out
    assert "Seniorenzentrum Lindenhof Cloppenburg" in shown
    assert "Lange Str. 3, 49661 Cloppenburg" in shown
    assert "the same address (+30), the same name (+30), the same phone number (+25)" in shown
    assert "1 of 1 proposals" in shown
    assert run(url, "--language", "de") == 0
    assert "dieselbe Adresse (+30)" in capsys.readouterr().out


def test_a_person_confirms_explains_and_takes_back(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = organization()[:8], "export:export-1"
    assert run(url, "confirm", one, other, *WHY) == 0
    assert "decided, number 1" in capsys.readouterr().out
    assert run(url) == 0
    assert "Nothing to decide." in capsys.readouterr().out
    assert run(url, "explain", one) == 0
    shown = capsys.readouterr().out
    assert "one facility: " in shown
    assert "Koordination: am Telefon bestätigt" in shown
    assert run(url, "split", one, *WHY) == 0
    assert "stands for itself" in capsys.readouterr().out
    assert run(url, "undo", "2", *WHY) == 0
    assert run(url, "explain", one) == 0
    assert "one facility: " in capsys.readouterr().out
    assert run(url, "decisions", "--json") == 0
    log = orjson.loads(capsys.readouterr().out)["decisions"]
    assert [(each["verdict"], each["stands"]) for each in log] == [
        ("undone", False),
        ("different", False),
        ("same", True),
    ]


def test_wrong_usage_says_what_would_be_right(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(url, "explain", "nobody") == 2
    assert "unknown; expected the Organization's id" in capsys.readouterr().err
    assert run(url, "merge", "amtlich:amtlich-1", organization(), *WHY) == 2
    assert "the same facility twice" in capsys.readouterr().err
    assert run(url, "undo", "77", *WHY) == 2
    assert "no such decision" in capsys.readouterr().err
    for wrong in (("confirm", "x"), ("merge", "amtlich:amtlich-1", "export:export-1")):
        with pytest.raises(SystemExit):
            run(url, *wrong)
    run(url, "refuse", "amtlich:amtlich-1", "export:export-1", *WHY)
    capsys.readouterr()
    assert run(url, "confirm", "amtlich:amtlich-1", "export:export-1", *WHY) == 2
    assert "do not wait for a decision" in capsys.readouterr().err


def post(client: Client, action: str, **told: Any) -> Any:
    return client.request("POST", f"/identity/{action}", json={"who": "Koordination", "why": "angerufen", **told})


def test_the_api_lists_decides_and_undoes(hub: Hub) -> None:
    two_alike(hub)
    client = Client(hub, sandbox=True)
    (proposal,) = client.json("/identity/proposals")["proposals"]
    ids = [one["id"] for one in proposal["facilities"]]
    answer = post(client, "confirm", facilities=ids)
    assert answer.status_code == 200, answer.text
    assert len(homes(hub)) == 1
    assert {one["source"] for one in client.json(f"/identity/facilities/{ids[0]}")["members"]} == {"amtlich", "export"}
    assert post(client, "undo", decision=answer.json()["decisions"][0]).status_code == 200
    assert len(homes(hub)) == 2
    assert [one["verdict"] for one in client.json("/identity/decisions")["decisions"]] == ["undone", "same"]


def test_the_api_is_in_the_sandbox_alone(hub: Hub) -> None:
    two_alike(hub)
    client = Client(hub)
    assert client.get("/identity/proposals").status_code == 404
    assert post(client, "merge", facilities=[organization(), organization("export")]).status_code == 404
    assert len(homes(hub)) == 2


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"json": {"facilities": ["x", "y"], "who": "a", "why": "b"}}, 404),
        ({"json": {"facilities": ["x"], "who": "a", "why": "b"}}, 400),
        ({"json": {"facilities": "x", "who": "a", "why": "b"}}, 400),
        ({"json": {"facilities": ["x", "y"], "who": "a", "why": ""}}, 400),
        ({"json": []}, 400),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"json": {}, "headers": {"Origin": "https://elsewhere.example"}}, 403),
    ],
)
def test_a_wrong_request_is_answered_with_an_outcome(sqlite_hub: Hub, arguments: dict[str, Any], status: int) -> None:
    answer = Client(sqlite_hub, sandbox=True).request("POST", "/identity/merge", **arguments)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_what_is_not_there_is_named(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub, sandbox=True)
    assert client.get("/identity/nothing").status_code == 404
    assert client.get("/identity/merge").status_code == 405
    assert client.request("DELETE", "/identity/proposals").status_code == 405


def test_a_reason_is_a_sentence(sqlite_hub: Hub, tmp_path: Path) -> None:
    work = IdentityWork(sqlite_hub.database, sqlite_hub.identity, lambda: NOW)
    for why in ("", "x" * 501, "a\x00b"):
        with pytest.raises(Rejected, match="sentence"):
            work.act("undo", ["1"], who="a", why=why)


def test_who_falls_out_of_a_merge_is_told(sqlite_hub: Hub) -> None:
    for source, number in (("amtlich", "1"), ("export", "1"), ("amtlich", "2"), ("export", "2")):
        where = home(source, key=f"{source}-{number}", iks=(f"51032000{number}",), contacts=())
        street = Address(street="Ring", house_number=number, postal_code="49661")
        tell(sqlite_hub, source, told(source, of=replace(where, address=street)))
    assert len(homes(sqlite_hub)) == 2
    work = IdentityWork(sqlite_hub.database, sqlite_hub.identity, lambda: NOW)
    found = work.act("merge", ["amtlich:amtlich-1", "export:export-2"], who="a", why="b")
    standing = {f"{one['source']}:{one['key']}": one["joined"] for one in found["facilities"]}
    assert standing["amtlich:amtlich-1"] == standing["export:export-2"] is not None
    assert standing["amtlich:amtlich-2"] is standing["export:export-1"] is None, "one of its source is there already"
    work.act("undo", [str(found["decisions"][0])], who="a", why="b")
    assert len(homes(sqlite_hub)) == 2
