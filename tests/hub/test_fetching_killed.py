"""However a process that fetches ends, what was dropped is taken once, and another process goes on."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.hub import Hub
from hub.settings import Settings
from hub.store.tables import delivery as deliveries
from tests.hub.deliveries import csv_long, long_row
from tests.hub.test_commands import free_port

FILES = 300
KILLS = 15
ROOT = Path(__file__).parents[2]

_CHILD = """
import sys
from pathlib import Path
from hub.hub import Hub
from hub.settings import Settings
hub = Hub.open(Settings(database=sys.argv[1], folder=Path(sys.argv[2])))
(feed,) = hub.fetcher.feeds
with hub.database.writing() as connection:  # the round that was killed is not waited for
    connection.exec_driver_sql("UPDATE feed SET claimed_until = 0")
print("begins", flush=True)
hub.fetcher.run(feed)
"""


def settled(folder: Path) -> Counter[str]:
    """How often each dropped file lies in `done/` or where it was dropped."""
    names = [path.name for path in folder.glob("*.csv")]
    names += [path.name.split("-", 1)[1] for path in (folder / "done").glob("*.csv")]
    return Counter(names)


def dropped(tmp_path: Path, files: int, *, every: str) -> Path:
    folder = tmp_path / "eingang"
    folder.mkdir()
    (tmp_path / "feeds").mkdir(exist_ok=True)
    (tmp_path / "feeds/heim.yaml").write_text(
        f"{{source: csv-long, transport: drop_folder, address: '{folder}', every: {every}, options: {{settle: 0}}}}"
    )
    for number in range(files):
        (folder / f"{number}.csv").write_bytes(csv_long(long_row(f"h{number}", as_of="")))
    return folder


@pytest.mark.long
def test_dropped_files_are_taken_once_through_kills(database_url: str, tmp_path: Path) -> None:
    folder = dropped(tmp_path, FILES, every="1m")
    draw = random.Random(0)
    kills = 0
    while any(folder.glob("*.csv")):
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD, database_url, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"begins\n"
            if kills < KILLS:
                time.sleep(draw.uniform(0.02, 0.4))
                child.kill()
                kills += 1
    assert kills == KILLS
    assert settled(folder) == Counter({f"{number}.csv": 1 for number in range(FILES)})
    assert len(list((folder / "done").glob("*.receipt.json"))) == FILES
    hub = Hub.open(Settings(database=database_url, folder=tmp_path))
    with hub.database.reading() as connection:
        taken = connection.execute(select(deliveries.c.id, deliveries.c.status)).all()
    hub.close()
    assert Counter(row.status for row in taken) == {"done": FILES}
    in_names = {int(path.name.split("-")[0]) for path in (folder / "done").glob("*.csv")}
    assert in_names == {row.id for row in taken}


@pytest.mark.long
def test_where_one_of_two_workers_is_killed_the_other_fetches(tmp_path: Path) -> None:
    folder = dropped(tmp_path, 20, every="5s")
    url = f"sqlite:///{tmp_path / 'platzfrei.db'}"
    arguments = ["serve", "--database", url, "--port", str(free_port()), "--workers", "2"]
    with subprocess.Popen([sys.executable, "-m", "hub.cli", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL) as server:
        try:
            _until(lambda: len(list((folder / "done").glob("*.csv"))) == 20)
            leader = _holder(tmp_path / "platzfrei.db-leader")
            assert leader != server.pid
            os.kill(leader, signal.SIGKILL)
            for number in range(20, 40):
                (folder / f"{number}.csv").write_bytes(csv_long(long_row(f"h{number}", as_of="")))
            _until(lambda: len(list((folder / "done").glob("*.csv"))) == 40)
            assert _holder(tmp_path / "platzfrei.db-leader") != leader
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    assert settled(folder) == Counter({f"{number}.csv": 1 for number in range(40)})


def _holder(path: Path) -> int:
    """The process that holds the lock on a file (https://man7.org/linux/man-pages/man5/proc_locks.5.html)."""
    inode = path.stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        if re.search(rf":{inode} ", line) and "FLOCK" in line:
            return int(line.split()[4])
    raise AssertionError("nobody leads")


def _until(done: object, *, seconds: float = 60) -> None:
    assert callable(done)
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.1)
