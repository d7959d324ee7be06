"""The numbers that rows of a table get next, for who has to know them before he writes the rows."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import text

from hub.store.prepared import Prepared
from hub.store.reader import Transaction

__all__ = ["next_serials"]

_SQLITE = Prepared(text("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = :name"))


def next_serials(transaction: Transaction, table: str, most: int, column: str = "id") -> Sequence[int]:
    """So many numbers that no row of the table has or had; on SQLite who asks writes them before anybody asks again."""
    if most == 0:
        return ()
    if transaction.dialect == "sqlite":
        # Whoever writes is alone; rows that were deleted are never numbered again.
        (row,) = transaction.all(_SQLITE, {"name": table})
        return range(row[0], row[0] + most)
    return [number for (number,) in transaction.all(_postgresql(table, column), {"most": most})]


@cache
def _postgresql(table: str, column: str) -> Prepared:
    return Prepared(
        text(f"SELECT nextval('{table}_{column}_seq') FROM generate_series(1, CAST(:most AS integer))")  # noqa: S608 - a table of ours
    )
