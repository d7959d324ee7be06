"""Readiness: what keeps a process from being sent requests, in one word each, and 503."""

import shutil
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from hub.health import Readiness
from hub.hub import Hub
from hub.job_runs import JobRuns
from tests.conftest import Clock
from tests.hub.client import Client

READY = {"database": "ok", "schema": "ok", "index": "ok", "jobs": "ok", "disk": "ok"}


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def checks(client: Client, *, status: int) -> Any:
    return client.json("/health/ready", status=status)["checks"]


@pytest.fixture
def client(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("hub.health._LOOK_AGAIN_SECONDS", 0.0)
    return Client(hub)


def test_an_open_hub_is_ready(client: Client) -> None:
    assert client.json("/health/ready") == {"status": "ready", "checks": READY}
    assert client.json("/health/live") == {"status": "alive"}


def test_a_job_that_has_not_run_for_long_is_late(hub: Hub, client: Client, clock: Clock) -> None:
    clock.forward(minutes=6)
    assert checks(client, status=200) == READY
    clock.forward(minutes=2)
    assert checks(client, status=503) == {**READY, "jobs": "late"}
    runs = JobRuns(hub.database, clock)
    for name in ("expire", "resume"):
        runs.note(name)
        assert checks(client, status=503)["jobs"] == "late"
    runs.note("region")
    assert checks(client, status=200) == READY


def test_another_schema_is_not_ready(hub: Hub, client: Client) -> None:
    with hub.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert checks(client, status=503) == {**READY, "schema": "other"}


def test_a_running_index_is_not_ready(hub: Hub, client: Client) -> None:
    with hub.database.writing() as connection:
        connection.execute(text("UPDATE about SET value = 'x' WHERE name = 'search_parameters'"))
    assert checks(client, status=503) == {**READY, "index": "running"}


def test_a_full_disk_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Disk(1 << 40, 1 << 40, 1 << 20))
    assert checks(client, status=503) == {**READY, "disk": "full"}


def test_somebody_who_writes_for_long_does_not_make_it_unready(hub: Hub, client: Client) -> None:
    with hub.database.writing() as connection:
        connection.execute(text("UPDATE about SET value = value"))
        assert checks(client, status=200) == READY


def test_a_database_that_cannot_be_written_is_not_ready(
    hub: Hub, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(hub.database), "is_writable", lambda _self: False)
    assert checks(client, status=503) == {**READY, "database": "read-only"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_gone_is_told_without_its_name(hub: Hub, client: Client) -> None:
    assert hub.database.path is not None
    hub.database.path.rename(hub.database.path.with_name("elsewhere.db"))
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not-ready", "checks": {"database": "unreachable"}}


def test_the_answer_stands_for_a_second(hub: Hub, clock: Clock) -> None:
    looked = []
    readiness = Readiness(
        database=hub.database,
        indexing=hub.indexing,
        jobs=(),
        runs=JobRuns(hub.database, clock),
        folder=hub.settings.folder,
        clock=lambda: looked.append(1) or clock(),  # type: ignore[func-returns-value]
    )
    for _ in range(50):
        assert readiness.checks() == READY
    assert len(looked) == 2
