"""A delivery that is unlike those of its source is held, explained, and decided on by an operator."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, select

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub import cli
from hub.errors import NotFound
from hub.fetching import NotTaken
from hub.hub import Hub
from hub.ingest import large
from hub.settings import Settings
from hub.store.reader import Transaction
from hub.store.tables import source_profile, statement
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import csv_long, long_row, send
from tests.hub.test_fetching import by_http, fetcher
from tests.peers import Answer, http_peer

ROWS = 40


def day(number: int, *, free: Callable[[int], str] = lambda home: str(home % 4), kind: str = "KZP") -> bytes:
    """One export of forty homes, of the day; a fourth of them has no place."""
    as_of = f"{number:02d}.11.2026 08:00"
    return csv_long(*(long_row(f"h{home}", free=free(home), as_of=as_of, kind=kind) for home in range(ROWS)))


def learn(hub: Hub, clock: Clock, *, until: int = 7) -> None:
    for number in range(1, until + 1):
        clock.at = clock.at.replace(day=number)
        assert send(hub, "csv-long", day(number)).good
    clock.forward(days=1)


def accepting(hub: Hub) -> list[int]:
    with hub.database.reading() as connection:
        reports = connection.execute(select(statement.c.report)).scalars().all()
    return sorted(json.loads(report)["counts"]["accepting"] for report in reports)


def codes(receipt: Receipt) -> list[str]:
    return [issue.code for issue in receipt.issues]


def test_a_delivery_that_jumps_is_held_and_harms_nothing(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    before = accepting(hub)
    receipt = send(hub, "csv-long", day(8, free=lambda _home: "0"), message_id="m8")
    assert receipt.held
    assert not receipt.good
    assert (receipt.records, receipt.taken, receipt.set_aside, receipt.rejected) == (ROWS, 0, ROWS, 0)
    assert codes(receipt)[0] == "drift"
    assert "drift-change" in codes(receipt)
    assert accepting(hub) == before
    assert [kept.id for kept in hub.pipeline.held()] == [receipt.delivery]
    assert hub.pipeline.held("json") == []


def test_a_feed_says_that_what_it_brought_is_held_until_that_is_decided(hub: Hub, clock: Clock, tmp_path: Path) -> None:
    learn(hub, clock)
    with http_peer(lambda _path, _headers: Answer(200, day(8, free=lambda _home: "0"))) as peer:
        one = fetcher(hub, tmp_path, heim=by_http(peer))
        feed = one.feeds.named("heim")
        (taken,) = one.run(feed)
    number = taken.receipt.delivery
    assert one.state(feed).not_taken == NotTaken(delivery=number, held=True)
    hub.pipeline.release(number)
    assert one.state(feed).not_taken is None


@pytest.mark.parametrize("month", ["11", "03"])
def test_twelve_homes_that_are_all_full_at_once_are_held_however_old_their_statements(
    hub: Hub, clock: Clock, month: str
) -> None:
    """Of twelve homes a fifth has no place, now one, now another; then none has one."""

    def export(day: int, full: range) -> bytes:
        rows = (
            long_row(f"h{home}", free="0" if home in full else "2", as_of=f"{day:02d}.{month}.2026 08:00")
            for home in range(12)
        )
        return csv_long(*rows)

    for number, full in enumerate((range(2), range(3, 6), range(2, 4), range(5), range(8, 9), range(4, 6)), 1):
        clock.at = clock.at.replace(day=number)
        assert send(hub, "csv-long", export(number, full)).good
    clock.forward(days=1)
    receipt = send(hub, "csv-long", export(7, range(12)))
    assert receipt.held
    assert "drift-numbers" in codes(receipt)


def test_the_same_message_gets_the_same_receipt_until_somebody_decides(sqlite_hub: Hub, clock: Clock) -> None:
    learn(sqlite_hub, clock)
    body = day(8, free=lambda _home: "0")
    first = send(sqlite_hub, "csv-long", body, message_id="m8")
    again = send(sqlite_hub, "csv-long", body, message_id="m8")
    assert (again.delivery, again.held, again.duplicate) == (first.delivery, True, True)
    sqlite_hub.pipeline.release(first.delivery)
    told = send(sqlite_hub, "csv-long", body, message_id="m8")
    assert (told.delivery, told.held, told.duplicate, told.taken) == (first.delivery, False, True, ROWS)


def test_a_released_delivery_is_applied_once_and_teaches(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    held = send(hub, "csv-long", day(8, free=lambda _home: "0"))
    receipt = hub.pipeline.release(held.delivery)
    assert receipt.good
    assert not receipt.held
    assert receipt.taken == ROWS
    assert accepting(hub) == [0] * ROWS
    with pytest.raises(NotFound):
        hub.pipeline.release(held.delivery)
    clock.forward(days=1)
    assert send(hub, "csv-long", day(9, free=lambda _home: "0")).good


def test_a_refused_delivery_teaches_nothing(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    before = accepting(hub)
    held = send(hub, "csv-long", day(8, free=lambda _home: "0"), message_id="m8")
    receipt = hub.pipeline.refuse(held.delivery)
    assert (receipt.rejected, receipt.set_aside, receipt.held) == (ROWS, 0, False)
    assert codes(receipt)[0] == "drift-refused"
    assert hub.pipeline.held() == []
    assert accepting(hub) == before
    assert send(hub, "csv-long", day(8, free=lambda _home: "0"), message_id="m8").rejected == ROWS
    with pytest.raises(NotFound):
        hub.pipeline.refuse(held.delivery)
    clock.forward(days=1)
    assert send(hub, "csv-long", day(9, free=lambda _home: "0")).held


def test_a_newer_delivery_is_not_undone_by_one_that_is_released_later(sqlite_hub: Hub, clock: Clock) -> None:
    learn(sqlite_hub, clock)
    held = send(sqlite_hub, "csv-long", day(8, free=lambda _home: "0"))
    clock.forward(days=1)
    assert send(sqlite_hub, "csv-long", day(9)).good
    before = accepting(sqlite_hub)
    assert sqlite_hub.pipeline.release(held.delivery).superseded == ROWS
    assert accepting(sqlite_hub) == before


def test_running_again_neither_releases_nor_is_judged(sqlite_hub: Hub, clock: Clock) -> None:
    learn(sqlite_hub, clock)
    held = send(sqlite_hub, "csv-long", day(8, free=lambda _home: "0"))
    assert sqlite_hub.pipeline.rerun() == []
    assert sqlite_hub.pipeline.discard() == 0
    assert [kept.id for kept in sqlite_hub.pipeline.held()] == [held.delivery]


def test_first_deliveries_and_pushes_of_few_are_not_judged(sqlite_hub: Hub, clock: Clock) -> None:
    assert send(sqlite_hub, "csv-long", day(1)).good
    clock.forward(days=1)
    assert send(sqlite_hub, "csv-long", day(2, free=lambda _home: "0")).good
    few = csv_long(*(long_row(f"h{home}", free="0", as_of="03.11.2026 08:00") for home in range(4)))
    learn(sqlite_hub, clock)
    assert send(sqlite_hub, "csv-long", few).good


def test_a_source_without_a_stranger_costs_no_profile(sqlite_hub: Hub) -> None:
    few = csv_long(*(long_row(f"h{home}") for home in range(4)))
    assert send(sqlite_hub, "csv-long", few).good
    with sqlite_hub.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(source_profile)).scalar() == 0


def test_one_source_teaches_no_other(sqlite_hub: Hub, clock: Clock) -> None:
    learn(sqlite_hub, clock)
    homes = [
        {"id": f"h{home}", "name": f"Haus {home}", "postalCode": "49661", "city": "Cloppenburg"}
        | {"offers": [{"careForm": "kurzzeitpflege", "free": 0, "validAt": "2026-11-08T08:00:00+01:00"}]}
        for home in range(ROWS)
    ]
    assert send(sqlite_hub, "json", json.dumps({"facilities": homes}).encode()).good


def test_nothing_that_a_sender_wrote_is_in_a_profile(sqlite_hub: Hub, clock: Clock) -> None:
    learn(sqlite_hub, clock)
    with sqlite_hub.database.reading() as connection:
        content = bytes(connection.execute(select(source_profile.c.content)).scalar_one())
    told = zlib.decompress(content).decode()
    assert "column rows.Frei" in told
    for value in ("Cloppenburg", "49661", "h12", "510322019", "KZP", "Bewohner"):
        assert value not in told


def test_the_answer_by_http_is_202(sqlite_hub: Hub, clock: Clock) -> None:
    learn(sqlite_hub, clock)
    client = Client(sqlite_hub)
    token = sqlite_hub.sources.make_token("csv-long", sqlite_hub.clock())
    body = day(8, free=lambda _home: "0")
    told = client.request("POST", "/ingest/csv-long", content=body, headers={"Authorization": f"Bearer {token}"})
    assert told.status_code == 202
    assert told.json()["held"] is True
    assert told.json()["issues"][0]["code"] == "drift"


def test_an_operator_sees_why_and_decides(
    sqlite_hub: Hub, sqlite_settings: Settings, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    learn(sqlite_hub, clock)
    number = send(sqlite_hub, "csv-long", day(8, free=lambda _home: "0")).delivery
    second = send(sqlite_hub, "csv-long", day(8, kind="TP")).delivery
    drift = ("drift", "--database", sqlite_settings.database)
    assert cli.main([*drift, "--language", "en"]) == 1
    told = capsys.readouterr().out
    assert f"{number} · csv-long" in told
    assert "share of offers that go from free to 0: expected by earlier deliveries 0 %, found 100 % (30/30)" in told
    assert cli.main([*drift, "--language", "de", "accept", str(number)]) == 0
    assert "30 geändert, 10 unverändert" in capsys.readouterr().out
    assert cli.main([*drift, "--language", "de", "refuse", str(second)]) == 0
    assert "40 abgelehnt" in capsys.readouterr().out
    assert cli.main([*drift, "--language", "de"]) == 0
    assert "nichts wird zurückgehalten" in capsys.readouterr().out
    assert cli.main([*drift, "--language", "en", "accept", str(number)]) == 2
    assert f"the delivery {number} is not held" in capsys.readouterr().err


def test_the_same_content_is_held_once_by_whatever_door_it_comes(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    body = day(8, free=lambda _home: "0")
    first = send(hub, "csv-long", body)
    for message_id in (None, "another"):
        again = send(hub, "csv-long", body, message_id=message_id)
        assert (again.delivery, again.held, again.duplicate) == (first.delivery, True, True)
    assert [kept.id for kept in hub.pipeline.held()] == [first.delivery]
    hub.pipeline.refuse(first.delivery)
    assert send(hub, "csv-long", body).delivery > first.delivery


def test_the_same_content_at_the_same_moment_is_held_once(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    body = day(8, free=lambda _home: "0")
    entered, leave = Event(), Event()

    def stand_still(_transaction: Transaction) -> None:
        entered.set()
        leave.wait(10)

    # What comes while one writes is written together.
    blocked = hub.writer.submit(stand_still)
    entered.wait(10)
    both = [
        hub.pipeline.submit(Delivery(source="csv-long", body=body, received_at=hub.clock(), message_id=message_id))
        for message_id in ("one", "other")
    ]
    leave.set()
    blocked.result()
    first, second = (one.result() for one in both)
    assert (second.delivery, second.held, second.duplicate) == (first.delivery, True, True)
    assert [kept.id for kept in hub.pipeline.held()] == [first.delivery]


def test_what_newer_ones_overtook_teaches_nothing_when_it_is_accepted(hub: Hub, clock: Clock) -> None:
    learn(hub, clock)
    held = send(hub, "csv-long", day(8, free=lambda _home: "0"))
    clock.forward(days=1)
    assert send(hub, "csv-long", day(9)).good
    receipt = hub.pipeline.release(held.delivery)
    assert (receipt.superseded, receipt.applied) == (ROWS, 0)
    assert "drift-not-learnt" in codes(receipt)
    clock.forward(days=1)
    assert send(hub, "csv-long", day(10, free=lambda _home: "0")).held


def test_a_large_delivery_is_held_once_and_teaches_only_what_stands(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "LARGE", 10)
    learn(hub, clock)
    body = day(8, free=lambda _home: "0")
    held = send(hub, "csv-long", body)
    again = send(hub, "csv-long", body)
    assert (held.held, again.delivery, again.duplicate) == (True, held.delivery, True)
    clock.forward(days=1)
    assert send(hub, "csv-long", day(9)).good
    receipt = hub.pipeline.release(held.delivery)
    assert (receipt.superseded, codes(receipt).count("drift-not-learnt")) == (ROWS, 1)
    clock.forward(days=1)
    other = send(hub, "csv-long", day(10, free=lambda _home: "0"))
    assert other.held
    assert "drift-not-learnt" not in codes(hub.pipeline.release(other.delivery))
    clock.forward(days=1)
    assert send(hub, "csv-long", day(11, free=lambda _home: "0")).good
