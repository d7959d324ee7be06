"""When each job ended well last, in whichever process it ran."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from hub.store.clock import micros, moment
from hub.store.database import Database
from hub.store.tables import job as runs

__all__ = ["JobRuns"]


class JobRuns:
    """What the table `job` says."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def note(self, name: str) -> None:
        """Write down that a job ended well just now."""
        row = {"name": name, "finished_at": micros(self._clock())}
        try:
            with self._database.writing() as connection:
                connection.execute(delete(runs).where(runs.c.name == name))
                connection.execute(insert(runs), row)
        except IntegrityError:
            pass  # another process has just written down the same

    def last(self) -> Mapping[str, datetime]:
        """When each job ended well last; those that never did are not there."""
        with self._database.reading() as connection:
            return {row.name: moment(row.finished_at) for row in connection.execute(select(runs))}
