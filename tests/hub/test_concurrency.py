"""Several writers at once: nothing is lost and nothing counts twice (O1, O2)."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from hub.hub import Hub
from hub.ingest.wards import Wards
from hub.store.tables import delivery, statement
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.deliveries import adt, csv_long, long_row, send
from tests.hub.test_reconcile import FIND, shown


def at_once(*works: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


def test_the_same_message_many_times_at_once_counts_once(hub: Hub) -> None:
    body = csv_long(long_row("a"))
    receipts = at_once(*(lambda: send(hub, "csv-long", body, message_id="m").to_json() for _ in range(8)))
    assert len({str({**receipt, "duplicate": None}) for receipt in receipts if isinstance(receipt, dict)}) == 1
    with hub.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(delivery)).scalar_one() == 1


def test_shuffled_reports_by_many_writers_end_in_the_newest(hub: Hub) -> None:
    draw = random.Random(3)
    minutes = list(range(24))
    draw.shuffle(minutes)

    def tell(minute: int) -> object:
        row = long_row("a", kind="KZP", free=str(minute), as_of=f"22.11.2026 08:{minute:02}")
        return send(hub, "csv-long", csv_long(row))

    for start in range(0, len(minutes), 6):
        at_once(*((lambda minute=minute: tell(minute)) for minute in minutes[start : start + 6]))
    assert shown(hub)["accepting"] == max(minutes)


def test_two_messages_of_a_ward_at_once_are_both_in_its_census(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ward = hub.sources.named("kis-adt").wards[0]
    barrier = threading.Barrier(2)
    real = Wards.reports

    def meeting(*arguments: object, **named: object) -> object:
        # Where the two could meet between reading and writing, they would.
        told = real(*arguments, **named)  # type: ignore[arg-type]
        try:
            barrier.wait(timeout=0.5)
        except threading.BrokenBarrierError:
            barrier.reset()
        return told

    monkeypatch.setattr(Wards, "reports", meeting)

    def free(number: int) -> object:
        room, _, bed = ward.beds[number].partition("/")
        return send(hub, "kis-adt", adt("A20", number, f"NPU|{ward.ward}^{room}^{bed}|U").encode())

    at_once(lambda: free(0), lambda: free(1))
    with hub.database.reading() as connection:
        (report,) = connection.execute(select(statement.c.report)).scalars()
    assert b'"accepting":2' in bytes(report)


def test_a_report_that_comes_while_others_expire_stays(hub: Hub, clock: Clock) -> None:
    send(hub, "csv-long", csv_long(*(long_row(f"h{number}") for number in range(20))))
    clock.forward(days=8)
    fresh = (NOW + timedelta(days=8)).strftime("%d.%m.%Y 09:30")
    body = csv_long(*(long_row(f"h{number}", as_of=fresh) for number in range(20)))
    at_once(hub.pipeline.expire, lambda: send(hub, "csv-long", body), hub.pipeline.expire)
    hub.pipeline.expire()
    assert len(Client(hub).matches(FIND)) == 20
