"""A large delivery is taken in parts: all of it is kept before any of it counts; what a crash leaves is finished."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select

from adapters.base import Delivery
from hub.app import application
from hub.errors import Invalid
from hub.hub import Hub
from hub.ingest import large, ledger
from hub.ingest.reconcile import Reconciler
from hub.store.tables import delivery, delivery_part, set_aside
from mappings.errors import Retriable
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import csv_long, long_row, send

ROWS = 23
"""Of a delivery here, where parts have five records and twelve are many."""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_PART", 5)
    monkeypatch.setattr(large, "LARGE", 12)


def table(rows: int = ROWS, *, bad: int | None = None, free: str = "2") -> bytes:
    return csv_long(*(long_row(f"h{number}", free="viele" if number == bad else free) for number in range(rows)))


def offers(hub: Hub) -> int:
    return int(Client(hub).json("/fhir/HealthcareService?_summary=count")["total"])


def parts(hub: Hub) -> list[tuple[str, int, int]]:
    with hub.database.reading() as connection:
        rows = connection.execute(select(delivery.c.status, delivery.c.parts, delivery.c.parts_done))
        return [(row.status, row.parts, row.parts_done) for row in rows]


class Killed(Exception):
    """In the place of what kills a process."""


def dies_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """From its so-manieth call on, writing ends as if the process had died."""
    real, calls = Reconciler.reconcile, iter(range(10_000))

    def reconcile(*arguments: Any, **named: Any) -> Any:
        if next(calls) >= call:
            raise Killed
        return real(*arguments, **named)

    monkeypatch.setattr(Reconciler, "reconcile", reconcile)


def test_all_parts_take_effect_and_one_receipt_tells_of_all(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    body = Delivery(source="csv-long", body=table(bad=7), received_at=hub.clock())
    receipt = hub.pipeline.receive(body, lambda done, of: told.append((done, of)))
    assert (receipt.records, receipt.taken, receipt.set_aside, receipt.applied) == (ROWS, ROWS - 1, 1, ROWS - 1)
    assert [issue.place for issue in receipt.issues if issue.severity == "error"] == ["line 9, column Frei"]
    assert [result.outcome for result in receipt.results].count("taken") == ROWS - 1
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert parts(hub) == [("done", 5, 5)]
    assert offers(hub) == ROWS - 1
    with hub.database.reading() as connection:
        assert connection.execute(select(set_aside.c.ordinal)).scalars().all() == [7]


def test_the_same_message_again_gets_the_same_receipt(hub: Hub) -> None:
    first = send(hub, "csv-long", table(), message_id="m")
    again = send(hub, "csv-long", table(), message_id="m")
    assert again.to_json() == {**first.to_json(), "duplicate": True}
    with pytest.raises(Invalid):
        send(hub, "csv-long", table(free="3"), message_id="m")
    assert len(parts(hub)) == 1


def test_what_a_crash_interrupts_goes_on_where_it_was(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        dies_at(patch, 2)
        with pytest.raises(Killed):
            send(hub, "csv-long", table(), message_id="m")
    assert parts(hub) == [("received", 5, 2)]
    assert offers(hub) == 10
    with pytest.raises(Retriable):
        send(hub, "csv-long", table(), message_id="m")
    (receipt,) = hub.pipeline.resume()
    assert (receipt.records, receipt.taken, receipt.applied) == (ROWS, ROWS, ROWS)
    assert parts(hub) == [("done", 5, 5)]
    assert offers(hub) == ROWS
    assert send(hub, "csv-long", table(), message_id="m").to_json() == {**receipt.to_json(), "duplicate": True}


def test_what_never_arrived_whole_never_counts_and_is_forgotten(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ledger.add_part

    def add_part(transaction: Any, number: int, ordinal: int, entries: Any) -> None:
        if ordinal == 3:
            raise Killed
        real(transaction, number, ordinal, entries)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "add_part", add_part)
        with pytest.raises(Killed):
            send(hub, "csv-long", table(), message_id="m")
    assert parts(hub) == [("arriving", 0, 0)]
    assert hub.pipeline.resume() == []
    assert offers(hub) == 0
    with pytest.raises(Retriable):
        send(hub, "csv-long", table(), message_id="m")
    clock.forward(minutes=11)
    assert send(hub, "csv-long", table(), message_id="m").applied == ROWS
    assert parts(hub) == [("done", 5, 5)]
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "add_part", add_part)
        with pytest.raises(Killed):
            send(hub, "csv-long", table())
    clock.forward(days=2)
    hub.pipeline.purge()
    assert [status for status, _, _ in parts(hub)] == ["done"]
    with hub.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(delivery_part)).scalar_one() == 5


def test_a_transaction_of_fhir_is_never_parted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    monkeypatch.setattr(large, "LARGE", 0)
    bundle = orjson.loads((Path(__file__).parents[1] / "golden/fhir_bundle/batch-with-bad-slots/in.json").read_bytes())
    receipt = send(hub, "fhir", orjson.dumps({**bundle, "type": "transaction"}))
    assert (receipt.applied, receipt.rejected) == (0, receipt.records)
    assert parts(hub) == [("rejected", 0, 0)]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = Reconciler.reconcile

    def reconcile(*arguments: Any, **named: Any) -> Any:
        import time

        time.sleep(0.1)
        return real(*arguments, **named)

    monkeypatch.setattr(Reconciler, "reconcile", reconcile)
    yield


@pytest.mark.usefixtures("slow")
def test_who_does_not_wait_is_told_where_the_receipt_will_be(hub: Hub) -> None:
    async def push() -> None:
        transport = httpx.ASGITransport(app=application(hub, sandbox=True))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            told = await client.post("/ingest/csv-long", content=table(), headers={"Prefer": "respond-async"})
            assert told.status_code == 202
            where = told.headers["location"]
            assert told.json()["receipt"] == where
            early = (await client.get(where)).json()
            assert early["status"] == "received"
            while (late := (await client.get(where)).json())["status"] != "done":
                await asyncio.sleep(0.05)
            assert late["parts"] == {"done": 5, "of": 5}
            assert late["offers"]["applied"] == ROWS
            small = await client.post("/ingest/csv-long", content=table(3), headers={"Prefer": "respond-async"})
            assert small.status_code == 200
            assert small.json()["records"]["received"] == 3

    asyncio.run(push())
