"""What monitoring reads: right sums over processes, in a text that another program's parser reads."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from hub.hub import Hub
from hub.ingest.reconcile import Reconciler
from hub.job_runs import JobRuns
from hub.metrics.board import INTERACTIONS, Board, interaction
from hub.metrics.counting import counting
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.deliveries import csv_long, long_row, send

METRICS = "/metrics"


def samples(told: str) -> dict[tuple[str, ...], float]:
    """(name, label values …) → value, by the parser of prometheus-client."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(told)  # type: ignore[no-untyped-call]
        for sample in family.samples
    }


def test_requests_deliveries_offers_and_jobs_are_told(hub: Hub, clock: Clock) -> None:
    client = Client(hub)
    for path in ("/fhir/metadata", "/fhir/Location", "/fhir/Location", "/fhir/Location/none", "/m/none"):
        client.get(path)
    send(hub, "csv-long", csv_long(long_row("a", as_of=""), long_row("b", free="viele")))
    send(hub, "json", b"{")
    JobRuns(hub.database, clock).note("expire")
    clock.forward(hours=30)
    send(hub, "csv-long", csv_long(long_row("c", as_of="")))
    told = samples(client.get(METRICS).text)
    assert told["platzfrei_requests_total", "capabilities", "200"] == 1
    assert told["platzfrei_requests_total", "search", "200"] == 2
    assert told["platzfrei_requests_total", "read", "404"] == 1
    assert told["platzfrei_requests_total", "home", "404"] == 1
    assert told["platzfrei_request_duration_seconds_count", "search"] == 2
    assert told["platzfrei_request_duration_seconds_bucket", "search", "+Inf"] == 2
    assert told["platzfrei_request_duration_seconds_sum", "search"] > 0
    assert told["platzfrei_ledger_deliveries", "csv-long", "done"] == 2
    assert told["platzfrei_ledger_deliveries", "json", "rejected"] == 1
    assert told["platzfrei_set_aside_records", "csv-long"] == 1
    assert told["platzfrei_offers", "aging"] == 1
    assert told["platzfrei_offers", "fresh"] == 1
    assert told["platzfrei_job_last_success_timestamp_seconds", "expire"] == clock.at.timestamp() - 30 * 3600
    assert told["platzfrei_database_bytes",] > 100_000


def test_a_delivery_that_waits_is_backlog(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Reconciler, "reconcile", _dies)
        send(hub, "csv-long", csv_long(long_row("a")))
    hub.writer.submit(lambda _transaction: None).result()  # after what is kept of it
    assert samples(Client(hub).get(METRICS).text)["platzfrei_ledger_backlog", "csv-long"] == 1
    hub.pipeline.resume()
    assert ("platzfrei_ledger_backlog", "csv-long") not in samples(Client(hub).get(METRICS).text)


def _dies(*_arguments: Any, **_more: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_who_asks_through_a_proxy_is_told_nothing(sqlite_hub: Hub, header: str) -> None:
    answer = Client(sqlite_hub).get(METRICS, headers={header: "203.0.113.7"})
    assert answer.status_code == 404
    assert b"platzfrei_" not in answer.content


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("GET /fhir/metadata", "capabilities"),
        ("GET /fhir", "search"),
        ("GET /fhir/Slot", "search"),
        ("POST /fhir/Slot/_search", "search"),
        ("GET /fhir/Slot/1", "read"),
        ("HEAD /fhir/Slot/1", "read"),
        ("GET /fhir/Slot/1/_history/2", "vread"),
        ("GET /fhir/Slot/1/_history", "history"),
        ("GET /fhir/_history", "history"),
        ("GET /fhir/HealthcareService/$find-vacancies", "find-vacancies"),
        ("POST /fhir/Slot/$validate", "operation"),
        ("POST /fhir", "batch"),
        ("POST /fhir/", "batch"),
        ("POST /fhir/Slot", "create"),
        ("PUT /fhir/Slot/1", "update"),
        ("PATCH /fhir/Slot/1", "patch"),
        ("DELETE /fhir/Slot/1", "delete"),
        ("OPTIONS /fhir/Slot/1", "other"),
        ("POST /ingest/json", "ingest"),
        ("GET /m/abc", "home"),
        ("GET /health/live", "health"),
        ("GET /metrics", "other"),
        ("GET /fhirish", "other"),
        ("GET /", "other"),
        ("OPTIONS *", "other"),
    ],
)
def test_an_address_tells_the_interaction(asked: str, name: str) -> None:
    method, path = asked.split(" ")
    assert INTERACTIONS[interaction(method, path)] == name


def test_boards_of_several_processes_add_up(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hub.metrics.board import Board; "
        "board = Board(Path(sys.argv[1])); [board.count(3, 200, 0.004) for _ in range(1000)]"
    )
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    board = Board(tmp_path)
    board.count(3, 418, 20.0)
    counted = board.counted()["search"]
    assert counted.statuses == {200: 3000, 0: 1}
    assert counted.buckets == (0, 0, 3000, *([0] * 9), 1)
    assert counted.seconds == pytest.approx(32.0)


def test_counting_a_request_costs_less_than_five_microseconds() -> None:
    """The least of several rounds: what else the machine does costs more than this."""

    async def plain(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def sent(_message: Any) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": "/fhir/HealthcareService/$find-vacancies"}

    async def round_of(application: Any) -> float:
        began = time.perf_counter()
        for _ in range(2000):
            await application(scope, None, sent)
        return (time.perf_counter() - began) / 2000

    async def cost() -> float:
        counted = counting(plain, Board())
        return min([await round_of(counted) for _ in range(15)]) - min([await round_of(plain) for _ in range(15)])

    assert asyncio.run(cost()) < 5e-6
