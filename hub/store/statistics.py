"""What PostgreSQL knows of its tables, by which it plans
(https://www.postgresql.org/docs/current/planner-stats.html)."""

from sqlalchemy import Connection, text

from hub.store.database import Database

__all__ = ["knows_all", "learn"]

_UNKNOWN = text(
    "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' "
    "AND reltuples <= 0 AND pg_relation_size(oid) > 0"
)


def learn(database: Database) -> None:
    """Has PostgreSQL look at all tables, where it knows nothing of one that has rows.

    It does so by itself within a minute of many writes; until then a chain of five `_has` takes it seconds among two
    hundred resources, and is refused. SQLite plans by its indexes alone.
    """
    if database.dialect == "postgresql":
        with database.writing() as connection:
            if not knows_all(connection):
                connection.execute(text("ANALYZE"))


def knows_all(connection: Connection) -> bool:
    """Whether PostgreSQL has looked at every table that has rows."""
    return not connection.execute(_UNKNOWN).scalar_one()
