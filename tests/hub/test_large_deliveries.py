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


def test_what_is_unreadable_far_behind_is_told_and_leaves_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.ingest.arrival._BROKEN_MAX", 3)
    rows = [long_row(f"h{number}") for number in range(20)] + ["zu;wenig"] * 5
    receipt = send(hub, "csv-long", csv_long(*rows), message_id="m")
    assert [issue.code for issue in receipt.issues] == ["too-many-broken"]
    assert receipt.rejected == 1
    assert parts(hub) == [("rejected", 0, 0)]
    assert offers(hub) == 0
    assert send(hub, "csv-long", csv_long(*rows), message_id="m").to_json() == {**receipt.to_json(), "duplicate": True}
    with hub.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(delivery_part)).scalar_one() == 0


def test_two_that_finish_one_delivery_write_each_part_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job that resumes comes in between two parts of whoever takes it in, and the other way round."""
    resumed: list[Any] = []
    done_by_sender: list[int] = []

    def progress(done: int, _of: int) -> None:
        done_by_sender.append(done)
        if done == 2:
            resumed.extend(hub.pipeline.resume())

    body = Delivery(source="csv-long", body=table(), received_at=hub.clock())
    receipt = hub.pipeline.receive(body, progress)
    assert done_by_sender == [1, 2, 5]
    assert [one.to_json() for one in resumed] == [receipt.to_json()]
    assert (receipt.records, receipt.taken, receipt.applied) == (ROWS, ROWS, ROWS)
    assert parts(hub) == [("done", 5, 5)]


def test_a_part_that_is_written_at_the_second_try_is_told_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = lost_once(monkeypatch)
    receipt = send(hub, "csv-long", table(bad=7))
    assert next(calls) > 5, "the control: something was lost"
    assert (receipt.records, receipt.taken, receipt.set_aside, receipt.applied) == (ROWS, ROWS - 1, 1, ROWS - 1)
    assert [issue.severity for issue in receipt.issues].count("error") == 1
    assert len(receipt.issues) == ROWS + 1


def test_a_small_one_that_is_written_at_the_second_try_is_told_once(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = lost_once(monkeypatch, after=0)
    receipt = send(hub, "csv-long", table(3))
    assert next(calls) == 2, "the control: it was lost once"
    assert (receipt.records, receipt.taken, receipt.applied, receipt.versions) == (3, 3, 3, receipt.versions)
    assert [list(result.offers.values()) for result in receipt.results] == [["applied"]] * 3


def lost_once(monkeypatch: pytest.MonkeyPatch, *, after: int = 2) -> Iterator[int]:
    """After some calls, what was written is lost to somebody else once, as if both had written the same."""
    from sqlalchemy.exc import IntegrityError

    real, calls = Reconciler.reconcile, iter(range(10_000))

    def reconcile(*arguments: Any, **named: Any) -> Any:
        effects = real(*arguments, **named)
        if next(calls) == after:
            raise IntegrityError("", None, Exception())
        return effects

    monkeypatch.setattr(Reconciler, "reconcile", reconcile)
    return calls


def test_more_large_deliveries_than_have_room_are_to_come_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    from hub.ingest.pipeline import _LARGE_AT_ONCE

    go_on = Event()
    waiting = [
        hub.pipeline.submit(
            Delivery(source="csv-long", body=table(), received_at=hub.clock()), lambda *_: go_on.wait(30) and None
        )
        for _ in range(_LARGE_AT_ONCE)
    ]
    with pytest.raises(Retriable) as refused:
        send(hub, "csv-long", table())
    assert refused.value.issues[0].code == "busy"
    go_on.set()
    assert all(one.result().records == ROWS for one in waiting)
    assert send(hub, "csv-long", table()).records == ROWS
