"""The work list of phantoms, from what sources say to what the office decides; by command and by HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest

from hub import cli
from hub.course.phantoms import Kind, Phantom
from hub.course.run import Run
from hub.hub import Hub
from hub.phantom_work import PhantomWork
from hub.store.clock import micros
from mappings.errors import Rejected
from mappings.identity import resource_id
from mappings.vacancy import State
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.region import SOURCE, report, tell

DAYS = 45
WHY = {"who": "Koordination", "why": "am Telefon bestätigt"}
LIAR = resource_id(SOURCE, "HealthcareService", "liar/kurzzeitpflege-solitaer")


def say(hub: Hub, *, liar: bool = True, days: int = DAYS) -> None:
    """Thirty homes that say something every day; one of them may say every day that two places are free."""
    rng = Random(5)
    free = {f"home-{number}": 1 for number in range(30)}
    for day in range(days):
        at = NOW - timedelta(days=days - day)
        for key in free:
            free[key] = min(max(free[key] + rng.choice((-1, 0, 1)), 0), 3)
        told = {**free, "liar": 2} if liar else free
        tell(hub, *(report(key, free=number, valid_at=at) for key, number in told.items()), received_at=at)


def work(hub: Hub) -> PhantomWork:
    return PhantomWork(hub.database, hub.clock)


def test_a_home_that_never_moves_is_on_the_list_with_its_evidence(hub: Hub) -> None:
    say(hub)
    (one,) = work(hub).found()["phantoms"]
    assert (one["kind"], one["source"], one["offer"], one["facility"]) == ("unmoved", SOURCE, LIAR, "Haus liar")
    assert one["figures"]["places"] == 2
    assert one["text"]["de"].startswith(
        "Haus liar (Kurzzeitpflege, solitär) meldet seit 44 Tagen unverändert 2 freie Plätze; vergleichbare Angebote "
    )
    assert one["chance"] >= 1e-6
    assert work(hub).found(source=SOURCE)["phantoms"] == [one]
    assert work(hub).found(source="csv-long")["phantoms"] == []


def test_without_it_the_list_is_empty(hub: Hub) -> None:
    say(hub, liar=False)
    assert work(hub).found()["phantoms"] == []
    assert work(hub).decisions(most=9) == {"decisions": []}


class Found:
    """What is found, in the place of all that is reckoned."""

    def __init__(self) -> None:
        self.weight = 7.0
        self.since = micros(NOW - timedelta(days=41))

    def __call__(self, runs: Iterator[Run], *, at: int) -> list[Phantom]:
        return [
            Phantom(
                kind=Kind.UNMOVED,
                source=SOURCE,
                offer=LIAR,
                care_form="kurzzeitpflege-solitaer",
                since=self.since,
                weight=self.weight,
                chance=1e-9,
                figures={"days": 41, "places": 2, "expected": self.weight, "others_days": 6},
                offers=(LIAR,),
            )
        ]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    made = Found()
    monkeypatch.setattr("hub.phantom_work.phantoms", made)
    return made


@pytest.mark.parametrize(("action", "verdict"), [("dismiss", "dismissed"), ("confirm", "confirmed")])
def test_what_is_decided_does_not_come_back_on_the_same_evidence(
    hub: Hub, clock: Clock, found: Found, action: str, verdict: str
) -> None:
    (one,) = work(hub).found()["phantoms"]
    assert one["decided"] is None
    told = work(hub).act(action, one["id"], **WHY)
    assert told["phantom"]["text"] == one["text"]
    assert work(hub).found()["phantoms"] == []
    (kept,) = work(hub).decisions(most=9)["decisions"]
    assert (kept["verdict"], kept["at"], kept["why"]) == (verdict, "2026-11-22T09:00:00.000Z", WHY["why"])
    assert kept["phantom"]["text"] == one["text"]
    clock.forward(days=20)
    found.weight = 13.9
    assert work(hub).found()["phantoms"] == [], "more of the same, but not twice as much"
    (listed,) = work(hub).found(decided=True)["phantoms"]
    assert listed["decided"]["verdict"] == verdict


@pytest.mark.parametrize("grown", [True, False])
def test_it_comes_back_with_twice_the_evidence_or_with_new(hub: Hub, clock: Clock, found: Found, grown: bool) -> None:
    (one,) = work(hub).found()["phantoms"]
    work(hub).act("dismiss", one["id"], **WHY)
    clock.forward(days=50)
    if grown:
        found.weight = 14.0
    else:
        found.since = micros(NOW + timedelta(days=1))
    (again,) = work(hub).found()["phantoms"]
    assert again["id"] == one["id"]
    assert again["decided"]["why"] == WHY["why"]
    work(hub).act("confirm", one["id"], **WHY)
    assert work(hub).found()["phantoms"] == [], "the newest decision counts"


def test_without_who_and_why_nothing_is_decided(sqlite_hub: Hub, found: Found) -> None:
    (one,) = work(sqlite_hub).found()["phantoms"]
    for told in ({"who": "", "why": "x"}, {"who": "x", "why": " "}, {"who": "x", "why": "x" * 501}):
        with pytest.raises(Rejected, match="sentence"):
            work(sqlite_hub).act("dismiss", one["id"], **told)
    assert work(sqlite_hub).decisions(most=9) == {"decisions": []}


def command(url: str, *arguments: str) -> int:
    return cli.main(["phantoms", "--database", url, "--language", "en", *arguments])


def test_the_command_lists_and_decides(sqlite_hub: Hub, found: Found, capsys: pytest.CaptureFixture[str]) -> None:
    url = sqlite_hub.settings.database
    tell(sqlite_hub, report("liar"))
    assert command(url) == 0
    shown = capsys.readouterr().out
    assert "Haus liar (Short-term care, dedicated places) has reported" in shown
    assert "has reported 2 free places for 41 days without a change" in shown
    assert "To ask: are these places still free" in shown
    assert command(url, "--language", "de", "--source", "csv-long") == 0
    assert capsys.readouterr().out == "nichts gefunden\n"
    assert command(url, "--json") == 0
    (one,) = orjson.loads(capsys.readouterr().out)
    assert command(url, "dismiss", one["id"], "--why", "two rooms wait for repair", "--who", "office") == 0
    assert capsys.readouterr().out == "decided, number 1\n"
    assert command(url) == 0
    assert capsys.readouterr().out == "nothing found\n"
    found.weight *= 2
    assert command(url) == 0
    assert "dismissed on 20" in capsys.readouterr().out
    assert command(url, "decisions") == 0
    assert "dismissed  office: two rooms wait for repair" in capsys.readouterr().out


def test_wrong_usage_says_what_would_be_right(
    sqlite_hub: Hub, found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    url = sqlite_hub.settings.database
    for wrong in (("dismiss",), ("list", "x"), ("confirm", "x")):
        with pytest.raises(SystemExit):
            command(url, *wrong)
    capsys.readouterr()
    assert command(url, "confirm", "00000000", "--why", "x") == 2
    assert "expected an id of the list" in capsys.readouterr().err
    assert command(url, "--source", "nobody") == 2


def post(client: Client, action: str, **told: Any) -> Any:
    return client.request("POST", f"/phantoms/{action}", json={**WHY, **told})


def test_the_api_lists_and_decides_in_the_sandbox_alone(hub: Hub, found: Found) -> None:
    client = Client(hub, sandbox=True)
    (one,) = client.json("/phantoms/found")["phantoms"]
    assert client.json("/phantoms/found?source=other")["phantoms"] == []
    assert post(Client(hub), "dismiss", phantom=one["id"]).status_code == 404
    answer = post(client, "dismiss", phantom=one["id"])
    assert answer.status_code == 200, answer.text
    assert client.json("/phantoms/found")["phantoms"] == []
    assert [one["verdict"] for one in client.json("/phantoms/decisions")["decisions"]] == ["dismissed"]


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status"),
    [
        ("POST", "dismiss", {"json": {**WHY, "phantom": "00000000"}}, 404),
        ("POST", "dismiss", {"json": {**WHY, "phantom": 7}}, 400),
        ("POST", "dismiss", {"json": {"phantom": "00000000"}}, 400),
        ("POST", "dismiss", {"json": []}, 400),
        ("POST", "dismiss", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "dismiss", {"json": {}, "headers": {"Origin": "https://elsewhere.example"}}, 403),
        ("GET", "dismiss", {}, 405),
        ("DELETE", "found", {}, 405),
        ("GET", "nothing", {}, 404),
    ],
)
def test_a_wrong_request_is_answered_with_an_outcome(
    sqlite_hub: Hub, method: str, path: str, arguments: dict[str, Any], status: int
) -> None:
    answer = Client(sqlite_hub, sandbox=True).request(method, f"/phantoms/{path}", **arguments)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_no_state_is_made_up_for_what_has_no_number(sqlite_hub: Hub) -> None:
    """A source that says only that something is free cannot be held against others who say how much."""
    at = NOW - timedelta(days=1)
    tell(sqlite_hub, report("silent", free=None, state=State.SOME, valid_at=at))
    assert work(sqlite_hub).found()["phantoms"] == []
