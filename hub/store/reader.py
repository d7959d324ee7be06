"""What reads and writes of one snapshot or transaction go through: prepared statements on the driver's connection."""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection

from hub.errors import TooCostly
from hub.store.blocks import Blocks
from hub.store.prepared import Prepared
from hub.store.shown import Kept
from mappings.errors import Issue

__all__ = ["SECONDS", "Reader", "Row", "Transaction", "Undone"]

Row = tuple[Any, ...]
_NOTHING: Mapping[str, Any] = {}
_NOTHING_KEPT: Mapping[str, Kept] = {}
_NO_BLOCKS: Mapping[str, Blocks] = {}

SECONDS = 1.5
"""What a snapshot may take, and a statement that reads in a transaction: others wait meanwhile."""
_SECONDS_OF_PART = 10.0
"""What all statements that read in one part of a transaction may take."""


class Undone(Exception):
    """The engine has undone the whole transaction by itself, as SQLite does where the disk is full.

    What was written in it before is gone, too (https://www.sqlite.org/lang_transaction.html).
    """


class Reader:
    """One snapshot of the data, as long as its `Database.snapshot` lasts. Reading raises `TooCostly` where it takes
    too long."""

    __slots__ = ("_driver", "_until", "blocks", "dialect", "kept")

    def __init__(
        self,
        driver: Any,
        dialect: str,
        *,
        until: float = float("inf"),
        kept: Mapping[str, Kept] = _NOTHING_KEPT,
        blocks: Mapping[str, Blocks] = _NO_BLOCKS,
    ) -> None:
        self._driver = driver
        self._until = until
        self.dialect = dialect
        self.kept = kept
        """What was shown of each view, by its name; nothing where what is read may be undone."""
        self.blocks = blocks
        """The free blocks of each view, by its name; none where what is read may be undone."""

    def all(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> list[Row]:
        """Every row, columns by position."""
        if time.monotonic() > self._until:
            raise _too_costly()
        try:
            rows: list[Row] = self._driver.execute(*statement.call(self.dialect, binds)).fetchall()
        except (sqlite3.OperationalError, psycopg.errors.QueryCanceled) as error:
            raise _told(error) from None
        return rows

    def first(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> Row | None:
        """The first row, or None."""
        if time.monotonic() > self._until:
            raise _too_costly()
        try:
            row: Row | None = self._driver.execute(*statement.call(self.dialect, binds)).fetchone()
        except (sqlite3.OperationalError, psycopg.errors.QueryCanceled) as error:
            raise _told(error) from None
        return row


class Transaction(Reader):
    """What is written in one transaction; reads see it."""

    __slots__ = ("_left", "after", "connection")

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.connection.driver_connection, connection.dialect.name)
        self.connection = connection
        self.after: list[Callable[[], object]] = []
        """What is to be done once all is durable."""
        self._left = float("inf")

    def all(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> list[Row]:
        """Every row, columns by position."""
        with self._in_time():
            return super().all(statement, binds)

    def first(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> Row | None:
        """The first row, or None."""
        with self._in_time():
            return super().first(statement, binds)

    def run(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> int:
        """Runs a statement; how many rows it touched."""
        touched: int = self._driver.execute(*statement.call(self.dialect, binds)).rowcount
        return touched

    def many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs a statement for each row of values."""
        if not rows:
            return
        text, given = statement.compiled(self.dialect)
        values = [{**given, **row} for row in rows] if given else rows
        self._driver.cursor().executemany(text, values)

    def many_rows(self, statement: Prepared, rows: Collection[Row]) -> None:
        """Runs a statement for each row of values, in the order in which they stand in it: the fastest way."""
        if rows:
            self._driver.cursor().executemany(statement.positional(self.dialect), rows)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A savepoint for what somebody asked for: what it reads may take only so long."""
        self._left = _SECONDS_OF_PART
        if self.dialect == "postgresql":
            self._driver.execute(f"SET LOCAL statement_timeout = {SECONDS * 1000:.0f}")
        try:
            with self.savepoint():
                yield
        finally:
            self._left = float("inf")

    @contextmanager
    def unlimited_part(self) -> Iterator[None]:
        """A savepoint for what we do ourselves, however long it reads."""
        if self.dialect == "postgresql":
            self._driver.execute("SET LOCAL statement_timeout = 0")
        with self.savepoint():
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes what is done inside where it raises, and nothing before."""
        waiting = len(self.after)
        self._driver.execute("SAVEPOINT part")
        try:
            yield
        except BaseException as error:
            if self.dialect == "sqlite" and not self._driver.in_transaction:
                raise Undone from error
            self._driver.execute("ROLLBACK TO SAVEPOINT part")
            self._driver.execute("RELEASE SAVEPOINT part")
            del self.after[waiting:]
            raise
        self._driver.execute("RELEASE SAVEPOINT part")

    def refuse_undone(self) -> None:
        """Raises `Undone` where there is nothing left to commit: a commit would succeed and say nothing."""
        if self.dialect == "sqlite" and not self._driver.in_transaction:
            raise Undone

    def after_commit(self, act: Callable[[], object]) -> None:
        """Has something done once all is durable; dropped where it is undone."""
        self.after.append(act)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        if self._left == float("inf"):
            yield
            return
        if self._left <= 0:
            raise _too_costly()
        began = time.monotonic()
        if self.dialect == "sqlite":
            self._driver.deadline = began + min(SECONDS, self._left)
        try:
            yield
        finally:
            self._left -= time.monotonic() - began
            if self.dialect == "sqlite":
                self._driver.deadline = float("inf")


def _told(error: Exception) -> Exception:
    """The error, or that it took too long."""
    too_long = isinstance(error, psycopg.errors.QueryCanceled) or str(error) == "interrupted"
    return _too_costly() if too_long else error


def _too_costly() -> TooCostly:
    return TooCostly(
        Issue(
            code="too-costly",
            fhir_code="too-costly",
            place="http",
            text_de="diese Suche dauert zu lange; enger fragen: weniger Werte, kürzere Ketten, ein Kriterium mehr",
            text_en="this search takes too long; ask for less: fewer values, shorter chains, one more criterion",
        )
    )
