"""Brings a database to the schema this version needs, by Alembic's migrations (https://alembic.sqlalchemy.org)."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from hub.store.database import Database

__all__ = ["HEAD", "migrate"]

HEAD = "0003"
"""The newest migration; a test holds it to the files."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Create or upgrade the tables; two programs that start at once do it one after the other."""
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(4242)"))
        if _revision(connection) != HEAD:
            _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _upgrade(connection: Connection) -> None:
    # Alembic takes most of a second to import: only when there is something to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
