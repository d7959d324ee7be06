"""A PostgreSQL database that the tests of a run take in turn: each finds it as a hub that was just opened leaves it.

A database of its own for each test would cost more than most tests take.
"""

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

__all__ = ["SharedDatabase"]

_KEEP = """
DO $$ DECLARE name text; BEGIN
  CREATE SCHEMA kept;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
  END LOOP;
  CREATE TABLE kept.sequences AS SELECT sequencename, coalesce(last_value, 0) AS last FROM pg_sequences
    WHERE schemaname = 'public';
END $$
"""
_PUT_BACK = """
DO $$ DECLARE name text; last bigint; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('DELETE FROM public.%1$I', name);
    EXECUTE format('INSERT INTO public.%1$I SELECT * FROM kept.%1$I', name);
  END LOOP;
  FOR name, last IN SELECT * FROM kept.sequences LOOP
    PERFORM setval(format('public.%I', name), greatest(last, 1), last > 0);
  END LOOP;
END $$
"""


class SharedDatabase:
    """The database at a URL, as it is now."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._run(_KEEP)

    def put_back(self) -> None:
        """Undo all that happened since; who is still connected is thrown out."""
        self._run(_PUT_BACK)

    def _run(self, block: str) -> None:
        engine: Engine = create_engine(
            self.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(block))
