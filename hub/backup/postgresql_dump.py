"""Backs up and restores a PostgreSQL database by its own programs, pg_dump, pg_restore and psql
(https://www.postgresql.org/docs/current/app-pgdump.html).

A dump is one snapshot, taken while others write; a restore is one transaction.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NoReturn

from sqlalchemy.engine import make_url

from hub.backup.archive import Facts, damaged, refused, written_whole
from hub.key_of_database import NAME

__all__ = ["facts", "has_data", "restore", "save"]

_PIECE = 1 << 20
_GOING_SECONDS = 2.0
_COPY = re.compile(r"^COPY public\.(\w+) \(([^)]*)\) FROM stdin;$")


def save(url: str, file: Path) -> Facts:
    """Write a database as it is now to a new file in pg_dump's custom format."""
    with written_whole(file) as part:
        _run(
            url,
            "pg_dump",
            "--format=custom",
            "--schema=public",
            "--no-owner",
            "--no-privileges",
            f"--file={part}",
            "--dbname",
        )
        return facts(part)


def facts(file: Path) -> Facts:
    """What a backup says of itself; raises `Rejected` for a file that is damaged, or no backup."""
    if not file.is_file():
        raise refused("no-backup", str(file), "diese Datei gibt es nicht", "there is no such file")
    restore_program = _program("pg_restore")
    # All of it is unpacked once: what cannot be read is known before anything is touched.
    whole = subprocess.run([restore_program, "--file=/dev/null", str(file)], capture_output=True, check=False)
    if whole.returncode != 0:
        raise damaged(file)
    told = subprocess.run(
        [restore_program, "--data-only", "--table=about", "--table=alembic_version", "--file=-", str(file)],
        capture_output=True,
        check=False,
    )
    rows = _rows(told.stdout.decode("utf-8", "replace"))
    revision = [row["version_num"] for row in rows if "version_num" in row]
    about = {row["name"]: row["value"] for row in rows if row.keys() == {"name", "value"}}
    if told.returncode != 0 or len(revision) != 1:
        raise damaged(file)
    return Facts(revision=revision[0], key=about.get(NAME, ""))


def has_data(url: str) -> bool:
    """Whether something stands where a backup is to be restored to."""
    return _asked(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") != "0"


def restore(file: Path, url: str, *, forget_key: bool = False) -> None:
    """Put a backup in the place of all that is in a database, in one transaction: it is there whole, or the old is.

    Raises `Rejected` while a program is connected to the database.
    """
    if not _is_alone(url):
        raise refused(
            "database-in-use",
            "--database",
            "ein Programm ist mit dieser Datenbank verbunden: zuerst den Server beenden",
            "a program is connected to this database: stop the server first",
        )
    command = [_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    unpack = [_program("pg_restore"), "--schema=public", "--no-owner", "--no-privileges", "--file=-", str(file)]
    with (
        subprocess.Popen(
            [*command, f"--dbname={_without_password(url)}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(url),
        ) as target,
        subprocess.Popen(unpack, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source,
    ):
        assert target.stdin is not None
        assert target.stderr is not None
        assert source.stdout is not None
        try:
            # Whoever is connected and idle must not hold this up for ever.
            target.stdin.write(
                b"SET lock_timeout = '10s';\nBEGIN;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"
            )
            _pass_on(source.stdout, target.stdin)
            if source.wait() == 0:
                if forget_key:
                    target.stdin.write(b"DELETE FROM public.about WHERE name = '%b';\n" % NAME.encode())
                target.stdin.write(b"COMMIT;\n")
        except BrokenPipeError:
            source.kill()
        # Without a COMMIT everything is undone when psql ends.
        told = target.communicate()[1].decode("utf-8", "replace")
    if target.returncode != 0 or source.returncode != 0:
        _failed("psql", told)


_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)


def _is_alone(url: str) -> bool:
    """Whether nobody else is connected; who has just gone is still told of for a moment."""
    until = time.monotonic() + _GOING_SECONDS
    while _asked(url, _OTHERS) != "0":
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _asked(url: str, question: str) -> str:
    return _run(url, "psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={question}", "--dbname")


def _pass_on(source: IO[bytes], target: IO[bytes]) -> None:
    while piece := source.read(_PIECE):
        target.write(piece)


def _run(url: str, name: str, *arguments: str) -> str:
    """What a program says; the last of its arguments takes the database's URL."""
    *others, last = arguments
    done = subprocess.run(
        [_program(name), *others, f"{last}={_without_password(url)}"],
        env=_environment(url),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        _failed(name, done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "replace").strip()


def _without_password(url: str) -> str:
    """The URL as libpq reads it; what stands on a command line is seen by everybody on the machine."""
    parsed = make_url(url).set(drivername="postgresql", password=None)
    return parsed.difference_update_query(["password"]).render_as_string(hide_password=False)


def _environment(url: str) -> Mapping[str, str]:
    parsed = make_url(url)
    password = parsed.password or parsed.query.get("password")
    return {**os.environ, "LC_MESSAGES": "C"} | ({"PGPASSWORD": str(password)} if password else {})


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise refused(
            "no-program",
            name,
            "dieses Programm fehlt auf diesem Rechner: das Paket postgresql-client in der Version des Servers "
            "installieren",
            "this program is missing on this machine: install the package postgresql-client of the server's version",
        )
    return found


def _rows(told: str) -> list[dict[str, str]]:
    """The rows of the tables that a plain dump fills by COPY."""
    rows: list[dict[str, str]] = []
    columns: list[str] | None = None
    for line in told.splitlines():
        if columns is None:
            if begins := _COPY.match(line):
                columns = [name.strip() for name in begins[2].split(",")]
        elif line == "\\.":
            columns = None
        else:
            rows.append(dict(zip(columns, line.split("\t"), strict=False)))
    return rows


def _failed(name: str, told: str) -> NoReturn:
    """What a program of PostgreSQL complained of: its first error, which names no data."""
    reason = next((line.strip() for line in told.splitlines() if "error" in line.lower()), "?")[:300]
    raise refused(
        "program-failed",
        name,
        f"ist gescheitert, und nichts wurde geändert: {reason}",
        f"failed, and nothing was changed: {reason}",
    )
