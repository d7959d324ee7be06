"""A database: SQLite or PostgreSQL behind one door, with the settings that make an acknowledgement durable.

SQLite: https://www.sqlite.org/wal.html, `synchronous=FULL` syncs before every commit.
PostgreSQL: https://www.postgresql.org/docs/current/runtime-config-wal.html.
"""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from mappings.errors import Issue, Rejected

__all__ = ["Database"]

SYNCHRONOUS = "FULL"
"""Of SQLite: every commit is synced before it returns; there is no setting for less."""
_PAGE_CACHE_KIB = 16_384
_BUSY_MS = 30_000


class Database:
    """Connections to read (never a write) and to write (one transaction, durable when it ends)."""

    def __init__(self, url: str) -> None:
        """Raises `Rejected` for a URL that is neither SQLite nor PostgreSQL, or a server whose commits can be lost."""
        self._url = _parsed(url)
        self.dialect = self._url.get_backend_name()
        self._writer = self._engine(writes=True)
        self._reader = self._engine(writes=False)
        if self.dialect == "postgresql":
            self._refuse_unsafe_server()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot of the data."""
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: committed and synced when the block ends, undone when it raises."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give every connection back."""
        self._reader.dispose()
        self._writer.dispose()

    def _engine(self, *, writes: bool) -> Engine:
        if self.dialect == "sqlite":
            return _sqlite(self._url, writes=writes)
        return create_engine(
            self._url,
            hide_parameters=True,  # an error's text must not carry what a statement was to write
            pool_pre_ping=True,
            pool_size=4,
            pool_timeout=5,
            isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
            connect_args={"options": "" if writes else "-c default_transaction_read_only=on"},
        )

    def _refuse_unsafe_server(self) -> None:
        with self._writer.connect() as connection:
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                value = connection.execute(text(f"SHOW {name}")).scalar_one()
                if value == "off":
                    raise Rejected(
                        Issue(
                            code="unsafe-database",
                            place=f"PostgreSQL, {name}",
                            text_de=f"{name}=off: Bestätigtes könnte verloren gehen; einschalten und neu starten",
                            text_en=f"{name}=off: what was acknowledged could be lost; switch it on and start again",
                        )
                    )


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    backend = parsed.get_backend_name() if parsed else ""
    in_memory = backend == "sqlite" and parsed is not None and parsed.database in (None, "", ":memory:")
    if parsed is None or in_memory or backend not in ("sqlite", "postgresql"):
        raise Rejected(
            Issue(
                code="database-url",
                place="--database",
                text_de="erwartet: sqlite:///DATEI oder postgresql://NUTZER@RECHNER/NAME",
                text_en="expected: sqlite:///FILE or postgresql://USER@HOST/NAME",
            )
        )
    return parsed.set(drivername="postgresql+psycopg") if backend == "postgresql" else parsed


def _sqlite(url: URL, *, writes: bool) -> Engine:
    assert url.database
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1 if writes else 4,
        max_overflow=0 if writes else 8,
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transaction handling is switched off: "begin" below decides.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        cursor.execute(f"PRAGMA cache_size=-{_PAGE_CACHE_KIB}")
        if not writes:
            cursor.execute("PRAGMA query_only=1")
        cursor.close()
        _provide_mathematics(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _provide_mathematics(connection: sqlite3.Connection) -> None:
    """Distances need functions that not every build of SQLite has."""
    try:
        connection.execute("SELECT asin(0), sqrt(0), cos(0), sin(0), radians(0)")
    except sqlite3.OperationalError:
        for name in ("asin", "sqrt", "cos", "sin", "radians"):
            connection.create_function(name, 1, getattr(math, name), deterministic=True)
