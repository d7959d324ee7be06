"""One writer of a source at a time.

SQLite has one writer anyway; on PostgreSQL an advisory lock is held until the transaction ends
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
"""

from collections.abc import Iterable

from sqlalchemy import Connection, text

__all__ = ["lock"]


def lock(connection: Connection, sources: Iterable[str]) -> None:
    """Wait until nobody else writes for these sources; what is read after this is not changed by others."""
    if connection.dialect.name == "postgresql":
        for source in sorted(set(sources)):
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:source))"), {"source": source})
