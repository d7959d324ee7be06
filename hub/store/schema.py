"""Brings a database to the schema this version needs, by Alembic's migrations (https://alembic.sqlalchemy.org)."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from hub.store.database import Database
from mappings.errors import Issue, Rejected
from mappings.terminology import Language

__all__ = ["HEAD", "check", "migrate", "migrations", "revision", "waiting"]

HEAD = "0015"
"""The newest migration; a test holds it to the files."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_FILE = re.compile(r"(\d{4})_\w+\.py")


def migrate(database: Database, target: str = HEAD) -> None:
    """Create or upgrade the tables; two programs that start at once do it one after the other.

    A `target` before the newest is for tests. Raises `Rejected` for a database that a newer version of this program
    has written.
    """
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(4242)"))
        found = revision(connection)
        check(found)
        if found != target:
            _upgrade(connection, target)


def revision(connection: Connection) -> str | None:
    """The migration that a database is at; None for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def check(found: str | None) -> None:
    """Raises `Rejected` for a schema that this version does not know."""
    if found is not None and found not in migrations():
        raise Rejected(
            Issue(
                code="database-newer",
                place="--database",
                text_de=f"diese Daten hat eine neuere Version von Platzfrei geschrieben (Schema {found}, diese kennt "
                f"{HEAD}): wer den Server betreibt, installiert die neuere Version",
                text_en=f"a newer version of Platzfrei has written this data (schema {found}, this one knows {HEAD}): "
                "whoever runs the server installs the newer version",
            )
        )


@cache
def migrations() -> Mapping[str, Mapping[Language, str]]:
    """Every migration in order: revision → what it brings, in one line of each language."""
    return dict(_told())


def waiting(found: str | None) -> dict[str, Mapping[Language, str]]:
    """The migrations that a database still needs; all of them where it has no tables."""
    return {number: told for number, told in migrations().items() if found is None or number > found}


def _told() -> Iterator[tuple[str, Mapping[Language, str]]]:
    for path in sorted((_MIGRATIONS / "versions").iterdir()):
        if named := _FILE.fullmatch(path.name):
            # Read, not imported: a migration brings Alembic along.
            tree = ast.parse(path.read_bytes())
            english = ast.get_docstring(tree) or ""
            yield named[1], {"de": _german(tree), "en": english.partition("\n")[0]}


def _german(tree: ast.Module) -> str:
    """What a migration says as `GERMAN`."""
    texts = (one.value for one in tree.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "GERMAN")
    return str(ast.literal_eval(next(texts)))


def _upgrade(connection: Connection, target: str) -> None:
    # Alembic takes most of a second to import: only when there is something to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, target)
