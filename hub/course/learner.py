"""Learns once a day how likely reported places are still free; in whichever process leads."""

from collections.abc import Callable
from datetime import datetime, timedelta

from hub.course.learnt import keep, learnt_at
from hub.course.runs import runs
from hub.course.still_free import Model, fit
from hub.store.clock import micros, moment
from hub.store.database import Database
from hub.store.reader import Reader
from hub.store.writer import Writer
from mappings.source_map import Ladder

__all__ = ["Learner"]

_EVERY = timedelta(days=1)


class Learner:
    """`ladder_of` says how long the word of a source counts."""

    def __init__(
        self, database: Database, writer: Writer, *, ladder_of: Callable[[str], Ladder], clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._writer = writer
        self._ladder_of = ladder_of
        self._clock = clock

    def learn_if_due(self) -> bool:
        """Learn where that was a day ago, or never; whether it was done."""
        with self._database.snapshot() as reader:
            last = learnt_at(reader)
        if last is not None and self._clock() - moment(last) < _EVERY:
            return False
        self.learn()
        return True

    def learn(self) -> Model:
        """Learn from all that is recorded, and keep that in the place of what was learnt before."""
        now = micros(self._clock())
        with self._database.reading() as connection:
            # It may take longer than a request's snapshot lasts.
            reader = Reader(connection.connection.driver_connection, self._database.dialect)
            model = fit(runs(reader), now=now, ladder_of=self._ladder_of)
        self._writer.submit(lambda transaction: keep(transaction, model, at=now), limited=False).result()
        return model
