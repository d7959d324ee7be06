"""One of many processes leads: it alone runs what runs by the clock, until it ends.

On SQLite a lock on a file beside the database, which the system gives back when its holder ends
(https://man7.org/linux/man-pages/man2/flock.2.html); on PostgreSQL an advisory lock of a session of its own
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS), so that processes of several machines
have one leader. A lock can be lost unseen: what must not happen twice is claimed by a row, too (`hub/fetching.py`).
"""

import contextlib
import fcntl
import logging
import threading
from collections.abc import Callable
from typing import IO

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from hub.store.database import Database

__all__ = ["Leader"]

_log = logging.getLogger(__name__)
_NUMBER = 4244
_NOTICED = (
    # A leader whose machine vanished without a word is noticed by the server after about half a minute.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET statement_timeout = 5000",
    "SET idle_session_timeout = 0",
)


class Leader:
    """Whether this process leads; `look` is asked about once a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: IO[str] | None = None
        self._session: Connection | None = None
        self._turn = threading.Lock()

    @property
    def leads(self) -> bool:
        """Whether it led when it looked last."""
        return self._file is not None or self._session is not None

    def look(self) -> bool:
        """Take the lead where nobody has it, and see whether it is still held; returns whether this process leads."""
        with self._turn:
            if self._database.path is not None:
                self._look_at_file()
            else:
                self._look_at_server()
            return self.leads

    def only(self, job: Callable[[], object]) -> Callable[[], None]:
        """A job that runs where the process leads, and does nothing elsewhere."""

        def led() -> None:
            if self.leads:
                job()

        return led

    def close(self) -> None:
        """Let another lead."""
        with self._turn:
            if self._file is not None:
                self._file.close()
                self._file = None
            if self._session is not None:
                # A server notices the end of a session a little later.
                with contextlib.suppress(SQLAlchemyError):
                    self._session.execute(text("SELECT pg_advisory_unlock_all()"))
                self._give_up_session()

    def _look_at_file(self) -> None:
        assert self._database.path is not None
        if self._file is not None:
            return
        path = self._database.path.with_name(f"{self._database.path.name}-leader")
        file = path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            self._file = file

    def _look_at_server(self) -> None:
        try:
            if self._session is None:
                self._session = self._taken()
            else:
                self._session.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            if self._session is not None:
                _log.warning("the lead is lost: %s", type(error).__name__)
            self._give_up_session()

    def _taken(self) -> Connection | None:
        """A session that holds the lock, None where another holds it."""
        session = self._database.session()
        try:
            if session.execute(text(f"SELECT pg_try_advisory_lock({_NUMBER})")).scalar_one():
                for setting in _NOTICED:
                    session.execute(text(setting))
                return session
        except BaseException:
            session.invalidate()
            session.close()
            raise
        session.close()
        return None

    def _give_up_session(self) -> None:
        if self._session is not None:
            # Not given back to the pool: the lock goes with the session.
            self._session.invalidate()
            self._session.close()
            self._session = None
