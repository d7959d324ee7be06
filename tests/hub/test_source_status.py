"""A vendor sees how its source stands, and no other's; counts, codes and places, and no values."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub import cli
from hub.commands.status_text import render
from hub.hub import Hub
from hub.source_status import SourceStatus, source_status
from hub.store.tables import delivery as deliveries
from mappings.terminology import Language
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import CANARIES, PATIENT, adt, csv_long, long_row, planted, send
from tests.hub.test_drift import day, learn
from tests.hub.test_fetching import by_http, etagged, fetcher
from tests.peers import Answer, http_peer


def status(hub: Hub, name: str = "csv-long") -> dict[str, Any]:
    with hub.database.reading() as connection:
        return source_status(connection, hub.sources.named(name), hub.fetcher.states(name), hub.clock()).to_json()


def test_a_source_that_was_never_heard_of(hub: Hub) -> None:
    assert status(hub) == {
        "source": "csv-long",
        "at": "2026-11-22T09:00:00.000Z",
        "lastDelivery": None,
        "nextDue": None,
        "overdue": False,
        "offers": {"known": 0, "fresh": 0, "aging": 0, "stale": 0, "expired": 0},
        "setAside": {"records": 0, "reasons": []},
        "rejected": {"deliveries": 0, "reasons": []},
        "held": {"deliveries": 0, "numbers": []},
        "feeds": [],
    }


def test_offers_are_counted_on_each_step_of_the_ladder(hub: Hub, clock: Clock) -> None:
    # Of the days since: expired after 7, stale after 3, aging after 1 (the source's ladder).
    for key, as_of in (("a", "14.11."), ("b", "17.11."), ("c", "20.11."), ("d", "22.11.")):
        send(hub, "csv-long", csv_long(long_row(key, as_of=f"{as_of}2026 08:00")))
    told = status(hub)
    ladder = hub.sources.named("csv-long").ladder
    assert (ladder.fresh.days, ladder.aging.days, ladder.stale.days) == (1, 3, 7)
    assert told["offers"] == {"known": 4, "fresh": 1, "aging": 1, "stale": 1, "expired": 1}
    # Three offers of which nobody speaks any more do not make a source overdue that was heard of just now.
    assert (told["nextDue"], told["overdue"]) == ("2026-11-23T09:00:00.000Z", False)
    hub.pipeline.expire()
    assert status(hub)["offers"] == told["offers"]
    clock.forward(days=8)
    assert status(hub)["offers"] == {"known": 4, "fresh": 0, "aging": 0, "stale": 0, "expired": 4}
    assert status(hub)["overdue"]


def test_what_says_nothing_puts_off_no_due_time(hub: Hub, clock: Clock) -> None:
    send(hub, "csv-long", csv_long(long_row("a")))
    clock.forward(hours=20)
    assert send(hub, "csv-long", b"nothing that is a table").rejected
    assert send(hub, "csv-long", csv_long(long_row("a", free="viele"))).set_aside
    assert status(hub)["nextDue"] == "2026-11-23T09:00:00.000Z"
    hub.pipeline.rerun()
    assert status(hub)["nextDue"] == "2026-11-23T09:00:00.000Z"


@pytest.mark.parametrize(
    ("language", "stands"),
    [("de", ["zurückgehalten", "kommt gerade an", "angenommen"]), ("en", ["held", "arriving", "received"])],
)
def test_however_the_last_delivery_stands_it_is_told(sqlite_hub: Hub, language: Language, stands: list[str]) -> None:
    send(sqlite_hub, "csv-long", csv_long(long_row("a")))
    for one, expected in zip(("held", "arriving", "received"), stands, strict=True):
        with sqlite_hub.database.writing() as connection:
            connection.execute(update(deliveries).values(status=one))
        with sqlite_hub.database.reading() as connection:
            told = source_status(connection, sqlite_hub.sources.named("csv-long"), [], sqlite_hub.clock())
        assert f", {expected}" in render(told, language)


def test_what_is_held_is_told_also_when_good_ones_followed(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    held = send(hub, "csv-long", day(8, free=lambda _home: "0"))
    assert held.held
    clock.forward(days=1)
    assert send(hub, "csv-long", day(9)).good
    told = status(hub)
    assert told["lastDelivery"]["status"] == "done"
    assert told["held"] == {"deliveries": 1, "numbers": [held.delivery]}
    with hub.database.reading() as connection:
        shown = render(source_status(connection, hub.sources.named("csv-long"), [], clock()), "de")
    assert f"zurückgehalten, nichts davon gilt: 1 Lieferung ({held.delivery})" in shown
    assert "platzfrei drift --source csv-long" in shown


def test_of_a_place_only_the_number_of_the_record_is_left_out(hub: Hub) -> None:
    message = adt("A01", 1, PATIENT, "PV1|1|I|KZP1^101^9||||||||||||||||4711081500")
    send(hub, "kis-adt", message.encode())
    (reason,) = status(hub, "kis-adt")["setAside"]["reasons"]
    assert (reason["code"], reason["place"]) == ("bed-not-declared", "message #, PV1-3.3")
    assert reason["text"] == {"de": "Bett nicht in der Quellenkarte", "en": "Bed not declared"}


def test_a_heartbeat_makes_an_offer_fresh_again(hub: Hub, clock: Clock) -> None:
    body = csv_long(long_row("a", as_of=""))
    send(hub, "csv-long", body)
    clock.forward(hours=30)
    assert (status(hub)["offers"]["aging"], status(hub)["overdue"]) == (1, True)
    send(hub, "csv-long", body)
    assert (status(hub)["offers"]["fresh"], status(hub)["overdue"]) == (1, False)
    assert status(hub)["nextDue"] == "2026-11-24T15:00:00.000Z"


def test_the_last_delivery_and_why_records_were_not_taken(hub: Hub) -> None:
    send(hub, "csv-long", b"nothing that is a table")
    rows = [
        long_row("a", as_of=""),
        long_row("b", free="viele"),
        long_row("c", free="Canaria"),
        long_row("d", kind="X"),
    ]
    receipt = send(hub, "csv-long", csv_long(*rows))
    told = status(hub)
    assert told["lastDelivery"] == {
        "delivery": receipt.delivery,
        "receivedAt": "2026-11-22T09:00:00.000Z",
        "status": "done",
        "records": {"received": 4, "taken": 1, "leftOut": 0, "setAside": 3, "rejected": 0},
        "offers": {"applied": 1, "unchanged": 0, "superseded": 0},
    }
    assert told["setAside"]["records"] == 3
    assert {(one["place"], one["count"]) for one in told["setAside"]["reasons"]} == {
        ("line #, column Frei", 2),
        ("line #, column Angebot", 1),
    }
    assert told["rejected"]["deliveries"] == 1
    (reason,) = told["rejected"]["reasons"]
    assert reason["count"] == 1


def test_nothing_of_a_patient_is_told(hub: Hub) -> None:
    sources = set()
    for name, body in planted():
        send(hub, name, body)
        sources.add(name)
    told = json.dumps([status(hub, name) for name in sources], ensure_ascii=False)
    assert "setAside" in told
    assert [canary for canary in CANARIES if canary in told] == []


def test_a_source_with_a_feed_is_due_when_the_feed_is(hub: Hub, tmp_path: Path) -> None:
    with http_peer(etagged) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer))
        feed = one.feeds.named("heim")
        with hub.database.reading() as connection:
            source_map = hub.sources.named("csv-long")
            never = source_status(connection, source_map, one.states("csv-long"), hub.clock())
        assert never.overdue
        one.run(feed)
        with hub.database.reading() as connection:
            told = source_status(connection, source_map, one.states("csv-long"), hub.clock()).to_json()
    assert (told["nextDue"], told["overdue"]) == ("2026-11-22T09:15:00.000Z", False)
    assert told["feeds"] == [
        {
            "name": "heim",
            "everySeconds": 900,
            "lastAttempt": "2026-11-22T09:00:00.000Z",
            "lastSuccess": "2026-11-22T09:00:00.000Z",
            "runningSince": None,
            "nextDue": "2026-11-22T09:15:00.000Z",
            "failures": 0,
            "codes": [],
        }
    ]


def test_a_source_whose_feed_runs_is_not_overdue(hub: Hub, tmp_path: Path, clock: Clock) -> None:
    told: list[SourceStatus] = []

    def meanwhile(delivery: Delivery) -> Receipt:
        source_map = hub.sources.named("csv-long")
        with hub.database.reading() as connection:
            told.append(source_status(connection, source_map, one.states("csv-long"), hub.clock()))
        return hub.pipeline.receive(delivery)

    with http_peer(lambda _path, _headers: Answer(200, csv_long(long_row("a", as_of="")))) as peer:
        one = fetcher(hub, tmp_path, meanwhile, heim=by_http(peer))
        feed = one.feeds.named("heim")
        one.run(feed)
        clock.forward(hours=1)
        one.run(feed, again=True)
    for status, attempted_at in zip(told, ("09:00", "10:00"), strict=True):
        assert not status.overdue
        (of_feed,) = status.to_json()["feeds"]
        assert of_feed["runningSince"] == f"2026-11-22T{attempted_at}:00.000Z"
        assert of_feed["nextDue"] is status.to_json()["nextDue"] is None
        assert "überfällig" not in render(status, "de")
        assert "running since" in render(status, "en")


def test_a_source_sees_its_own_alone(hub: Hub) -> None:
    mine = send(hub, "csv-long", csv_long(long_row("a", as_of="")))
    token, other = (hub.sources.make_token(name, hub.clock()) for name in ("csv-long", "json"))
    client = Client(hub)

    def asked(path: str, shown: str | None) -> Any:
        return client.get(path, headers={"Authorization": f"Bearer {shown}"} if shown else {})

    assert asked("/ingest/csv-long/status", token).json()["offers"]["known"] == 1
    assert asked(f"/ingest/csv-long/deliveries/{mine.delivery}", token).json() == {**mine.to_json(), "status": "done"}
    assert asked("/ingest/json/status", other).json()["offers"]["known"] == 0
    for path in ("/ingest/csv-long/status", f"/ingest/csv-long/deliveries/{mine.delivery}", "/ingest/nobody/status"):
        assert asked(path, other).status_code == 401
        assert asked(path, None).status_code == 401
    foreign = asked(f"/ingest/json/deliveries/{mine.delivery}", other)
    unknown = asked("/ingest/json/deliveries/999999", other)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


def test_in_the_sandbox_nobody_needs_a_token(hub: Hub) -> None:
    client = Client(hub, sandbox=True)
    told = client.request("POST", "/ingest/csv-long", content=csv_long(long_row("a", as_of=""))).json()
    assert client.json(f"/ingest/csv-long/deliveries/{told['delivery']}") == {**told, "status": "done"}
    assert client.json("/ingest/csv-long/status")["lastDelivery"]["delivery"] == told["delivery"]
    assert client.get("/ingest/nobody/status").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/ingest/csv-long", 405),
        ("POST", "/ingest/csv-long/status", 405),
        ("DELETE", "/ingest/csv-long/deliveries/1", 405),
        ("GET", "/ingest/csv-long/weather", 404),
        ("GET", "/ingest/csv-long/deliveries", 404),
        ("GET", "/ingest/csv-long/deliveries/x", 404),
        ("GET", "/ingest/csv-long/deliveries/²", 404),
        ("GET", "/ingest/csv-long/deliveries/-1", 404),
        ("GET", "/ingest/csv-long/deliveries/" + "9" * 5000, 404),
        ("GET", "/ingest/csv-long/deliveries/1/2", 404),
    ],
)
def test_other_addresses_are_refused(sqlite_hub: Hub, method: str, path: str, expected: int) -> None:
    response = Client(sqlite_hub, sandbox=True).request(method, path)
    assert response.status_code == expected
    assert response.json()["resourceType"] == "OperationOutcome"
    assert "Send again" not in response.text


def test_a_delivery_that_is_not_finished_says_so(hub: Hub) -> None:
    mine = send(hub, "csv-long", csv_long(long_row("a", as_of="")))
    with hub.database.writing() as connection:
        connection.execute(update(deliveries).values(status="received", receipt=None))
    told = Client(hub, sandbox=True).json(f"/ingest/csv-long/deliveries/{mine.delivery}")
    assert told["status"] == "received"
    assert status(hub)["lastDelivery"]["status"] == "received"


def test_the_command_tells_it_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'platzfrei.db'}"
    path = tmp_path / "x.csv"
    path.write_bytes(csv_long(long_row("a", as_of=""), long_row("b", free="viele")))
    cli.main(["ingest", "--database", url, "--source", "csv-long", str(path)])
    capsys.readouterr()
    assert cli.main(["sources", "status", "--database", url, "--language", "en"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("csv-long · ")
    assert "last delivery: " in told
    assert "number 1, done, 1 taken, 1 set aside" in told
    assert "offers 1: 1 fresh" in told
    assert "1× Value of a field unreadable [unreadable]: line #, column Frei" in told
    assert "platzfrei ingest --aside --source csv-long" in told
    assert cli.main(["sources", "status", "json", "--database", url, "--language", "de"]) == 0
    assert "letzte Lieferung: noch keine" in capsys.readouterr().out
    assert cli.main(["sources", "status", "csv-long", "--json", "--database", url]) == 0
    assert json.loads(capsys.readouterr().out)["offers"]["fresh"] == 1
    assert cli.main(["sources", "status", "nobody", "--database", url]) == 2
