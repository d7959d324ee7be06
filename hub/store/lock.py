"""One writer of a source at a time, and one of resources.

SQLite has one writer anyway; on PostgreSQL an advisory lock is held until the transaction ends
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from hub.store.prepared import Prepared
from hub.store.reader import Transaction

__all__ = ["lock", "take_turn"]

_TURN = Prepared(text("SELECT pg_advisory_xact_lock(4243)"))


def lock(connection: Connection, sources: Iterable[str]) -> None:
    """Wait until nobody else writes for these sources; what is read after this is not changed by others."""
    if connection.dialect.name == "postgresql":
        for source in sorted(set(sources)):
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:source))"), {"source": source})


def take_turn(transaction: Transaction) -> None:
    """Wait until nobody else writes resources.

    Versions are then committed in the order of their times: who reads the history since the last one misses none.
    """
    if transaction.dialect == "postgresql":
        transaction.run(_TURN)
