"""Backs up an SQLite file while it is served, and restores it whole (https://www.sqlite.org/backup.html).

A read transaction holds one moment of the data from the first page to the last, however much is written meanwhile.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.backup.archive import Facts, damaged, refused, sync, written_whole
from hub.key_of_database import NAME

__all__ = ["facts", "has_data", "restore", "save"]

Progress = Callable[[int, int], None]
"""Told after each step: pages left, pages in all."""
_PAGES = 4096
"""Of one step."""


def save(database: Path, file: Path, progress: Progress = lambda _left, _all: None, *, pages: int = _PAGES) -> Facts:
    """Write a database as it is now to a new file; raises `Rejected` where the copy is not whole."""
    with written_whole(file) as part:
        with _opened(database) as source, _opened(part) as copy:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            _copy(source, copy, progress, pages)
        return facts(part)


def facts(file: Path) -> Facts:
    """What a backup says of itself; raises `Rejected` for a file that is damaged, or no backup."""
    if not file.is_file():
        raise refused("no-backup", str(file), "diese Datei gibt es nicht", "there is no such file")
    try:
        with _opened(file) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise damaged(file)
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            about = dict(connection.execute("SELECT name, value FROM about").fetchall())
    except sqlite3.DatabaseError:
        raise damaged(file) from None
    if revision is None:
        raise damaged(file)
    return Facts(revision=revision[0], key=about.get(NAME, ""))


def has_data(database: Path) -> bool:
    """Whether something stands where a backup is to be restored to."""
    return database.exists() and database.stat().st_size > 0


def restore(
    file: Path,
    database: Path,
    progress: Progress = lambda _left, _all: None,
    *,
    forget_key: bool = False,
    pages: int = _PAGES,
) -> None:
    """Put a backup in the place of a database: at every moment there is the old one, or the new one whole.

    Raises `Rejected` while a program has the old one open.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    fresh = database.with_name(f"{database.name}.restoring")
    for leftover in (fresh, fresh.with_name(f"{fresh.name}-journal")):
        leftover.unlink(missing_ok=True)
    try:
        with _opened(file) as source, _opened(fresh) as copy:
            _copy(source, copy, progress, pages)
            if forget_key:
                copy.execute("DELETE FROM about WHERE name = ?", (NAME,))
        facts(fresh)
        fresh.chmod(0o600)
        sync(fresh)
        if database.exists():
            _close(database)
        for log in ("-wal", "-shm"):
            # Of a database that is no more: it must not be taken for the new one's.
            database.with_name(database.name + log).unlink(missing_ok=True)
        fresh.replace(database)
        sync(database.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection, progress: Progress, pages: int) -> None:
    # The copy counts only once it is whole and synced: until then it needs neither.
    copy.execute("PRAGMA journal_mode=OFF")
    copy.execute("PRAGMA synchronous=OFF")
    source.backup(copy, pages=pages, progress=lambda _status, left, total: progress(left, total))
    # The copy says that it has a log beside it: as a file by itself it has none.
    copy.execute("PRAGMA journal_mode=DELETE")


def _close(database: Path) -> None:
    """Write the log of a database back into its file: that works for whoever is alone with it."""
    try:
        with _opened(database) as connection:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "wal"
    except sqlite3.DatabaseError:
        return  # What stands there is no database: it may be overwritten.
    if mode != "delete":
        raise refused(
            "database-in-use",
            str(database),
            "ein Programm hat diese Datenbank geöffnet: zuerst den Server beenden",
            "a program has this database open: stop the server first",
        )


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()
