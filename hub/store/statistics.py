"""What PostgreSQL knows of its tables, by which it plans
(https://www.postgresql.org/docs/current/planner-stats.html)."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from hub.store.database import Database
from hub.store.tables import metadata

__all__ = ["learn", "unknown"]

_UNKNOWN = text(
    "SELECT relname FROM pg_stat_user_tables WHERE schemaname = current_schema() "
    "AND last_analyze IS NULL AND last_autoanalyze IS NULL AND pg_relation_size(relid) > 0 ORDER BY relname"
)


def learn(database: Database) -> None:
    """Has PostgreSQL look at our tables with rows that it has never looked at.

    It does so by itself within a minute of many writes; until then a chain of five `_has` takes it seconds among two
    hundred resources, and is refused. SQLite plans by its indexes alone.
    """
    if database.dialect == "postgresql":
        with database.writing() as connection:
            if tables := unknown(connection):
                connection.execute(text(f"ANALYZE {', '.join(tables)}"))


def unknown(connection: Connection) -> Sequence[str]:
    """Our tables with rows that PostgreSQL has never looked at."""
    return [name for name in connection.execute(_UNKNOWN).scalars() if name in metadata.tables]
