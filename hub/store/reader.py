"""What reads and writes of one snapshot or transaction go through: prepared statements on the driver's connection."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from hub.store.prepared import Prepared

__all__ = ["Reader", "Row", "Transaction"]

Row = tuple[Any, ...]
_NOTHING: Mapping[str, Any] = {}


class Reader:
    """One snapshot of the data, as long as its `Database.snapshot` lasts."""

    __slots__ = ("_driver", "dialect")

    def __init__(self, driver: Any, dialect: str) -> None:
        self._driver = driver
        self.dialect = dialect

    def all(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> list[Row]:
        """Every row, columns by position."""
        rows: list[Row] = self._driver.execute(*statement.call(self.dialect, binds)).fetchall()
        return rows

    def first(self, statement: Prepared, binds: Mapping[str, Any] = _NOTHING) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._driver.execute(*statement.call(self.dialect, binds)).fetchone()
        return row


class Transaction(Reader):
    """What is written in one transaction; reads see it."""

    __slots__ = ("_after", "connection")

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.connection.driver_connection, connection.dialect.name)
        self.connection = connection
        self._after: list[Callable[[], object]] = []

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
    def savepoint(self) -> Iterator[None]:
        """Undoes what is done inside where it raises, and nothing before."""
        waiting = len(self._after)
        self._driver.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._driver.execute("ROLLBACK TO SAVEPOINT part")
            self._driver.execute("RELEASE SAVEPOINT part")
            del self._after[waiting:]
            raise
        self._driver.execute("RELEASE SAVEPOINT part")

    def after_commit(self, act: Callable[[], object]) -> None:
        """Has something done once all is durable; dropped where it is undone."""
        self._after.append(act)

    def committed(self) -> None:
        """What `Database.transaction` says when all is durable."""
        for act in self._after:
            act()
