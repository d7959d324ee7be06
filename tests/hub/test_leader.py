"""One of many processes leads; when it is killed, another does."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.leader import Leader
from hub.store.database import Database

_CHILD = """
import sys, time
from hub.leader import Leader
from hub.store.database import Database
leader = Leader(Database(sys.argv[1]))
led = None
while True:
    if leader.look() != led:
        led = leader.leads
        print("leads" if led else "follows", flush=True)
    time.sleep(0.05)
"""


def _started(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, url], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )


def test_one_leads_and_after_its_kill_another(database_url: str) -> None:
    children = [_started(database_url)]
    try:
        assert children[0].stdout is not None
        assert children[0].stdout.readline() == "leads\n"
        children.append(_started(database_url))
        assert children[1].stdout is not None
        assert children[1].stdout.readline() == "follows\n"
        children[0].kill()
        killed = time.monotonic()
        assert children[1].stdout.readline() == "leads\n"
        assert time.monotonic() - killed < 5
    finally:
        for child in children:
            child.kill()
            child.communicate()


def test_who_gives_up_the_lead_can_take_it_again(database_url: str) -> None:
    database = Database(database_url)
    one, two = Leader(database), Leader(database)
    assert one.look()
    assert one.look()
    assert not two.look()
    one.close()
    assert not one.leads
    assert two.look()
    assert not one.look()
    two.close()
    database.close()


def test_a_job_runs_only_where_the_process_leads(database_url: str) -> None:
    database = Database(database_url)
    ran: list[str] = []
    one, two = Leader(database), Leader(database)
    for leader, name in ((one, "one"), (two, "two")):
        leader.look()
        leader.only(lambda name=name: ran.append(name))()  # type: ignore[misc]
    assert ran == ["one"]
    one.close()
    two.close()
    database.close()


def test_who_loses_the_session_loses_the_lead(database_url: str) -> None:
    if not database_url.startswith("postgresql"):
        pytest.skip("a lock on a file ends with its process alone")
    database = Database(database_url)
    one, two = Leader(database), Leader(database)
    assert one.look()
    with database.session() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4244 "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
    assert two.look()
    assert not one.look()
    assert not one.look()
    two.close()
    assert one.look()
    one.close()
    database.close()
