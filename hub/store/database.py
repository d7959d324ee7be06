"""A database: SQLite or PostgreSQL behind one door, with the settings that make an acknowledgement durable.

SQLite: https://www.sqlite.org/wal.html, `synchronous=FULL` syncs before every commit.
PostgreSQL: https://www.postgresql.org/docs/current/runtime-config-wal.html.
"""

import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from hub.store.blocks import Blocks
from hub.store.reader import SECONDS, Reader, Transaction
from hub.store.shown import Kept
from hub.store.tables import VIEWS
from mappings.errors import Issue, Rejected

__all__ = ["LOST_RACES", "UNAVAILABLE", "Database"]

T = TypeVar("T")

LOST_RACES = (
    exc.IntegrityError,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.UniqueViolation,
    sqlite3.IntegrityError,
)
"""What is raised where another process writes the same thing: once more, and it is seen."""

UNAVAILABLE = (exc.OperationalError, exc.TimeoutError, psycopg.OperationalError, sqlite3.OperationalError)
"""What is raised where the database does not answer just now. The texts carry a statement's values: never log them."""


SYNCHRONOUS = "FULL"
"""Of SQLite: every commit is synced before it returns; there is no setting for less."""
_PAGE_CACHE_KIB = 16_384
_PAGE_CACHE_OF_READER_KIB = 8_192
"""The file is not mapped: a mapping goes with every commit of somebody else, and is filled page by page again."""
_CHECKPOINT_PAGES = 4000
"""Of the log before it is written back: a page that changes often is written back once."""
_PREPARED = 512
_STEPS = 20_000
"""Of SQLite's machine between two looks at the clock: about a millisecond."""
_READ_ONLY = "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
_BUSY_MS = 30_000


class Database:
    """Connections to read (never a write) and to write (one transaction, durable when it ends)."""

    def __init__(self, url: str) -> None:
        """Raises `Rejected` for a URL that is neither SQLite nor PostgreSQL, or a server whose commits can be lost."""
        self._url = _parsed(url)
        self.dialect = self._url.get_backend_name()
        self._writer = self._engine(writes=True)
        self._reader = self._engine(writes=False)
        self._idle: deque[Any] = deque()
        self._keep_nothing()
        if self.dialect == "postgresql":
            self._refuse_unsafe_server()

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database."""
        return Path(self._url.database) if self.dialect == "sqlite" and self._url.database else None

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

    def session(self) -> Connection:
        """A connection whose statements are each a transaction of its own: for what a session holds, as a lock."""
        return self._writer.connect().execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """One snapshot of the data, for prepared statements: what a request reads."""
        driver = self._begun()
        try:
            yield self._reads(driver)
            driver.execute("COMMIT")
        except BaseException as error:
            if isinstance(error, UNAVAILABLE):
                self._forget(driver)
            else:
                self._return(driver)
            raise
        self._idle.append(driver)

    def once(self, work: Callable[[Reader], T]) -> T:
        """What comes of work that reads by one statement: that is a snapshot by itself, and nothing begins or ends.

        Work whose connection a server has closed meanwhile is done again.
        """
        try:
            driver = self._idle.pop()
        except IndexError:
            return self._done(self._connect(), work)
        with suppress(*UNAVAILABLE):
            return self._done(driver, work)
        return self._done(self._connect(), work)

    def _done(self, driver: Any, work: Callable[[Reader], T]) -> T:
        try:
            result = work(self._reads(driver))
        except UNAVAILABLE:
            self._forget(driver)
            raise
        except BaseException:
            self._idle.append(driver)
            raise
        self._idle.append(driver)
        return result

    def _reads(self, driver: Any) -> Reader:
        until = time.monotonic() + SECONDS
        if self.dialect == "sqlite":
            driver.deadline = until
        return Reader(driver, self.dialect, until=until, kept=self._kept, blocks=self._blocks)

    def _begun(self) -> Any:
        """A connection in a transaction of its own; those that a server closed meanwhile are let go."""
        while self._idle:
            try:
                driver = self._idle.pop()
                driver.execute("BEGIN")
            except IndexError:
                break
            except UNAVAILABLE:
                self._forget(driver)
            else:
                return driver
        driver = self._connect()
        driver.execute("BEGIN")
        return driver

    def _return(self, driver: Any) -> None:
        if self.dialect == "sqlite":
            driver.deadline = float("inf")
        driver.execute("ROLLBACK")
        self._idle.append(driver)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction, for prepared statements: committed and synced when the block ends, undone when it raises."""
        with self.writing() as connection:
            transaction = Transaction(connection)
            yield transaction
            transaction.refuse_undone()

    def _connect(self) -> Any:
        """A connection of the driver's own that decides itself when its transactions begin."""
        driver = self._reader.raw_connection()
        connection = driver.driver_connection
        driver.detach()
        if isinstance(connection, psycopg.Connection):
            connection.rollback()
            connection.set_autocommit(True)
            connection.execute(f"SET statement_timeout = {SECONDS * 1000:.0f}")
        return connection

    def _forget(self, driver: Any) -> None:
        """What answers no more; those that lie idle were connected to the same server.

        Nor is anything kept that was read there: a server that takes its place may never have had its last commits.
        """
        self._keep_nothing()
        driver.close()
        self.close_idle()

    def _keep_nothing(self) -> None:
        self._kept = {view: Kept() for view in VIEWS}
        self._blocks = {view: Blocks(projection) for view, projection in VIEWS.items()}

    def close_idle(self) -> None:
        """Closes the connections to read that nobody uses just now: each keeps pages that it has read."""
        while self._idle:
            with suppress(IndexError):  # another thread has taken the last
                self._idle.pop().close()

    def is_writable(self) -> bool:
        """Whether something could be written now; raises what the database raises where it does not answer."""
        if self.path is not None:
            return _is_writable(self.path)
        with self._reader.connect() as connection:
            return not connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one()

    def close(self) -> None:
        """Give every connection back."""
        self.close_idle()
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
            connect_args={"options": "" if writes else _READ_ONLY},
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
        connect_args={
            "check_same_thread": False,
            "timeout": _BUSY_MS / 1000,
            "cached_statements": _PREPARED,
            "factory": _Connection,
        },
    )

    @event.listens_for(engine, "connect")
    def settle(connection: _Connection, _record: Any) -> None:
        # The driver's own transaction handling is switched off: "begin" below decides.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        cursor.execute(f"PRAGMA cache_size=-{_PAGE_CACHE_KIB if writes else _PAGE_CACHE_OF_READER_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        if not writes:
            cursor.execute("PRAGMA query_only=1")
        connection.set_progress_handler(connection.late, _STEPS)
        cursor.close()
        _provide_mathematics(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _is_writable(path: Path) -> bool:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return True  # Somebody writes just now.
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            return False
        raise
    finally:
        connection.close()
    return True


class _Connection(sqlite3.Connection):
    """A connection that gives up what takes too long."""

    deadline = float("inf")

    def late(self) -> bool:
        """Whether the deadline has passed: SQLite asks now and then, and stops where it has."""
        return time.monotonic() > self.deadline


def _provide_mathematics(connection: sqlite3.Connection) -> None:
    """Distances need functions that not every build of SQLite has."""
    try:
        connection.execute("SELECT asin(0), sqrt(0), cos(0), sin(0), radians(0)")
    except sqlite3.OperationalError:
        for name in ("asin", "sqrt", "cos", "sin", "radians"):
            connection.create_function(name, 1, getattr(math, name), deterministic=True)
