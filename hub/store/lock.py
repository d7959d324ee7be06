"""One writer of resources at a time.

SQLite has one writer anyway; on PostgreSQL an advisory lock is held until the transaction ends
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
"""

from sqlalchemy import text

from hub.store.prepared import Prepared
from hub.store.reader import Transaction

__all__ = ["take_turn"]

_TURN = Prepared(text("SELECT pg_advisory_xact_lock(4243)"))


def take_turn(transaction: Transaction) -> None:
    """Wait until nobody else writes; what is read after this is not changed by others.

    Versions are then committed in the order of their times: who reads the history since the last one misses none.
    """
    if transaction.dialect == "postgresql":
        transaction.run(_TURN)
