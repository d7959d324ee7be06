"""What kills the process that reads it is not read for ever, and nobody else is lost with it."""

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.hub import Hub
from hub.ingest.in_flight import CRASHES_MAX, InFlight
from hub.settings import Settings
from hub.store.tables import set_aside
from tests.hub.deliveries import csv_long, long_row, send

_CHILD = """
import os, signal, sys
from pathlib import Path
from hub.hub import Hub
from hub.settings import Settings
from mappings.source_map import SourceMap
from tests.hub.deliveries import csv_long, long_row, send

real = SourceMap.read
def read(self, fields):
    if fields["EinrichtungsID"] == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, fields)
SourceMap.read = read
hub = Hub.open(Settings(database=sys.argv[1], folder=Path(sys.argv[2])))
for key in sys.argv[3:]:
    receipt = send(hub, "csv-long", csv_long(long_row(key)))
    wrong = ",".join(issue.code for issue in receipt.issues if issue.severity == "error")
    print(receipt.applied, receipt.rejected, wrong, flush=True)
hub.close()
"""


def child(database: str, folder: Path, *keys: str) -> tuple[int, list[str]]:
    """How a process ended that took in a delivery for each key, and what it was told of each."""
    told = subprocess.run(
        [sys.executable, "-c", _CHILD, database, str(folder), *keys],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    return told.returncode, told.stdout.splitlines()


def test_a_delivery_that_kills_is_quarantined_after_three_crashes_until_an_operator_takes_it_back(
    database_url: str, tmp_path: Path
) -> None:
    for number in range(CRASHES_MAX):
        status, told = child(database_url, tmp_path, f"good{number}", "poison")
        assert status == -signal.SIGKILL
        assert told == ["1 0 "]
    status, told = child(database_url, tmp_path, "poison", "good", "poison")
    assert (status, told) == (0, ["0 1 quarantined", "1 0 ", "0 1 quarantined"])
    assert list(tmp_path.glob("*.in-flight")) == []
    mended = Hub.open(Settings(database=database_url, folder=tmp_path))
    with mended.database.reading() as connection:
        assert len(connection.execute(select(set_aside.c.content)).all()) == 1, "an operator finds it"
    assert mended.pipeline.rerun("csv-long") == []
    with mended.database.reading() as connection:
        assert connection.execute(select(set_aside.c.content)).all() == []
    assert send(mended, "csv-long", csv_long(long_row("poison"))).taken == 1
    mended.close()


def test_what_is_read_to_its_end_is_no_suspect_any_more(hub: Hub, tmp_path: Path) -> None:
    body = csv_long(long_row("a"))
    digest = os.urandom(32)
    for _ in range(CRASHES_MAX - 1):
        (tmp_path / f"{os.urandom(4).hex()}.in-flight").write_bytes(b"+" + digest.hex().encode() + b"\n+cut")
    again = InFlight(tmp_path, hub.database)
    assert again.crashes(digest) == CRASHES_MAX - 1
    with hub.database.transaction() as transaction:
        again.clear(transaction, [digest])
    assert InFlight(tmp_path, hub.database).crashes(digest) == 0
    assert send(hub, "csv-long", body).applied == 1


def test_a_process_that_lives_is_not_counted(hub: Hub, tmp_path: Path) -> None:
    digest = os.urandom(32)
    mine = InFlight(tmp_path, hub.database)
    mine.begin(digest)
    assert InFlight(tmp_path, hub.database).crashes(digest) == 0
    mine.end(digest)
    mine.close()


@pytest.mark.parametrize("journal", [b"", b"\n", b"+zz\n", b"\xff\xfe\n", b"-" + b"0" * 64 + b"\n", b"+" + b"0" * 63])
def test_a_journal_that_was_cut_counts_nothing(journal: bytes, sqlite_hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "x.in-flight").write_bytes(journal)
    assert InFlight(tmp_path, sqlite_hub.database).crashes(bytes(32)) == 0
    assert not (tmp_path / "x.in-flight").exists()


def test_a_hub_that_closes_leaves_no_journal(sqlite_settings: Settings) -> None:
    hub = Hub.open(sqlite_settings)
    send(hub, "csv-long", csv_long(long_row("a")))
    hub.close()
    assert list(sqlite_settings.folder.glob("*.in-flight")) == []


def test_several_that_start_at_once_count_a_death_once(hub: Hub, tmp_path: Path) -> None:
    digest = os.urandom(32)
    for round_ in range(20):
        (tmp_path / f"{round_}.in-flight").write_bytes(b"+" + digest.hex().encode() + b"\n")
        with ThreadPoolExecutor(4) as starting:
            list(starting.map(lambda _: InFlight(tmp_path, hub.database), range(4)))
        assert InFlight(tmp_path, hub.database).crashes(digest) == round_ + 1


def test_a_full_disk_fails_nothing_here_and_counts_nobody(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, digest, other = InFlight(tmp_path, hub.database), os.urandom(32), os.urandom(32)
    journal.begin(other)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        journal.begin(digest)
        journal.end(digest)
    journal.end(other)
    (file,) = tmp_path.glob("*.in-flight")
    assert file.read_bytes() == b"", "all have ended"
    journal.close()
