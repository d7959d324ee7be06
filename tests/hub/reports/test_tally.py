"""Searches that found nothing are counted without waiting for the database, and by nothing that tells of a person."""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

import pytest
from sqlalchemy import select

from hub.app import application
from hub.hub import Hub
from hub.reports import tally
from hub.reports.tally import Tally
from hub.store.tables import search_tally
from tests.conftest import Clock

CLOPPENBURG = (52.85, 8.05)


def rows(hub: Hub) -> list[tuple[object, ...]]:
    with hub.database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(search_tally).order_by(*search_tally.primary_key))]


def test_what_two_processes_counted_adds_up(hub: Hub, clock: Clock) -> None:
    other = Tally(hub.writer, clock)
    for _ in range(3):
        hub.tally.missed(*CLOPPENBURG, care_forms=["kurzzeitpflege"], needs=["dialyse", "demenz"])
    other.missed(*CLOPPENBURG, care_forms=("kurzzeitpflege",), needs=("demenz", "dialyse", "demenz"))
    other.missed_in("03460", care_forms=(), needs=())
    assert rows(hub) == []
    for one in (hub.tally, other, hub.tally):
        one.close()
    assert rows(hub) == [
        (20779, "03453", "Cloppenburg", "kurzzeitpflege", "demenz dialyse", 4),
        (20779, "03460", "", "", "", 1),
    ]
    hub.tally.missed_in("03460", care_forms=(), needs=())
    hub.tally.close()
    assert rows(hub)[1][-1] == 2


def test_the_day_is_that_of_berlin(hub: Hub, clock: Clock) -> None:
    clock.forward(hours=13, minutes=59)  # 23:59 in Berlin
    hub.tally.missed(*CLOPPENBURG, care_forms=(), needs=())
    clock.forward(minutes=1)
    hub.tally.missed(*CLOPPENBURG, care_forms=(), needs=())
    hub.tally.close()
    assert [row[0] for row in rows(hub)] == [20779, 20780]


def test_what_cannot_be_written_now_is_written_later(sqlite_hub: Hub) -> None:
    with sqlite_hub.database.writing() as connection:
        search_tally.drop(connection)
    sqlite_hub.tally.missed(*CLOPPENBURG, care_forms=(), needs=())
    done = sqlite_hub.tally.flush()
    assert done is not None
    assert done.exception() is not None
    with sqlite_hub.database.writing() as connection:
        search_tally.create(connection)
    sqlite_hub.tally.close()
    assert [row[-1] for row in rows(sqlite_hub)] == [1]
    assert sqlite_hub.tally.flush() is None


def test_whoever_asks_for_every_combination_fills_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "_IN_MEMORY", 3)
    monkeypatch.setattr(tally, "_IN_DAY", 4)
    for round_ in range(2):
        for number in range(10):
            hub.tally.missed(*CLOPPENBURG, care_forms=(f"form-{round_}-{number}",), needs=())
        hub.tally.close()
    kept = rows(hub)
    assert len(kept) <= 5
    assert sum(int(str(row[-1])) for row in kept) == 20


def test_a_place_outside_germany_is_nowhere(hub: Hub) -> None:
    hub.tally.missed(48.85, 2.35, care_forms=(), needs=())
    hub.tally.close()
    assert rows(hub)[0][1:3] == ("", "")


def test_a_server_writes_what_it_counted_when_it_ends(hub: Hub) -> None:
    served = application(hub)
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        if told:
            hub.tally.missed(*CLOPPENBURG, care_forms=(), needs=())
            assert rows(hub) == []
        return {"type": "lifespan.shutdown" if told else "lifespan.startup"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])

    asyncio.run(served({"type": "lifespan", "state": {}}, receive, send))  # type: ignore[arg-type]
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert [row[-1] for row in rows(hub)] == [1]


def test_a_search_that_counts_waits_for_no_database(sqlite_hub: Hub) -> None:
    hub = sqlite_hub
    hub.tally.missed(*CLOPPENBURG, care_forms=(), needs=())  # the table of places is read once
    with hub.database.writing():
        began = time.perf_counter()
        for _ in range(200):
            hub.tally.missed(*CLOPPENBURG, care_forms=("hospiz",), needs=("dialyse",))
        took = time.perf_counter() - began
    assert took / 200 < 0.0005
