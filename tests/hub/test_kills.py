"""Nothing acknowledged is lost, however a program ends: kill -9 at random moments, a ledger outside the process (D1).

What SIGKILL cannot show (a lost sync) is shown by the order of system calls: before each acknowledgement a sync.
"""

import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.hub import Hub
from hub.settings import Settings
from hub.store.tables import statement

_CHILD = """
import os
import sys
from hub.hub import Hub
from hub.settings import Settings
from pathlib import Path
from tests.hub.deliveries import csv_long, long_row, send

def acknowledge(number):
    os.write(1, f"acked {number}\\n".encode())

database, folder, first, early = sys.argv[1:]
hub = Hub.open(Settings(database=database, folder=Path(folder)))
hub.pipeline.resume()
for number in range(int(first), 10**9):
    body = csv_long(*(long_row(f"{number}-{part}", as_of="") for part in range(3)))
    if early == "early":
        acknowledge(number)
    receipt = send(hub, "csv-long", body, message_id=f"m-{number}")
    assert receipt.applied == 3 or receipt.duplicate
    if early != "early":
        acknowledge(number)
"""


def _run_and_kill(database: str, folder: Path, first: int, after: float, *, early: bool) -> list[int]:
    """The numbers that a child acknowledged before it was killed."""
    arguments = [sys.executable, "-c", _CHILD, database, str(folder), str(first), "early" if early else "late"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        time.sleep(after)
        child.kill()
        told = line + child.stdout.read()
    return [int(number) for number in re.findall(rb"acked (\d+)\n", told)]


def _kill_often(database: str, folder: Path, kills: int, *, early: bool = False) -> tuple[set[int], Hub]:
    draw = random.Random(0)
    acked: set[int] = set()
    for _ in range(kills):
        first = max(acked, default=-1) + 1
        # The number in flight is sent again, as a sender does that had no answer.
        acked.update(_run_and_kill(database, folder, first, draw.uniform(0.05, 0.6), early=early))
    hub = Hub.open(Settings(database=database, folder=folder))
    return acked, hub


def _stored(hub: Hub) -> dict[int, int]:
    found: dict[int, int] = {}
    with hub.database.reading() as connection:
        for report in connection.execute(select(statement.c.report)).scalars():
            number = int(json.loads(report)["facility"]["key"].split("-")[0])
            found[number] = found.get(number, 0) + 1
    return found


@pytest.mark.long
def test_nothing_acknowledged_is_lost_by_kills(database_url: str, tmp_path: Path) -> None:
    acked, hub = _kill_often(database_url, tmp_path, 50)
    stored = _stored(hub)
    hub.close()
    assert len(acked) > 200
    assert acked <= stored.keys()
    assert set(stored.values()) == {3}
    assert len(stored.keys() - acked) <= 50


@pytest.mark.long
def test_the_control_loses_what_it_acknowledged_too_early(database_url: str, tmp_path: Path) -> None:
    acked, hub = _kill_often(database_url, tmp_path, 20, early=True)
    stored = _stored(hub)
    hub.close()
    assert not acked <= stored.keys()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: the order of syncs is not shown")
@pytest.mark.parametrize(("synchronous", "synced"), [("FULL", True), ("NORMAL", False)])
def test_a_sync_comes_before_every_acknowledgement(tmp_path: Path, synchronous: str, synced: bool) -> None:
    """D4, with the control that a weaker setting is seen."""
    trace = tmp_path / "trace"
    control = f"import hub.store.database as database_; database_.SYNCHRONOUS = {synchronous!r}\n"
    child = control + _CHILD.replace("10**9", "int(first) + 5")
    database = f"sqlite:///{tmp_path / 'platzfrei.db'}"
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=fdatasync,fsync,pwrite64,write"]
    subprocess.run(
        [*command, sys.executable, "-c", child, database, str(tmp_path), "0", "late"],
        check=True,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
    )
    calls = [line.split(maxsplit=1)[1] for line in trace.read_text("utf-8", "replace").splitlines()]
    pending = False
    acknowledged = []
    for call in calls:
        if call.startswith("pwrite64("):
            pending = True
        elif call.startswith(("fdatasync(", "fsync(")):
            pending = False
        elif call.startswith('write(1, "acked'):
            acknowledged.append(not pending)
    assert len(acknowledged) == 5
    assert all(acknowledged) == synced
