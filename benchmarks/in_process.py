"""What $find-vacancies costs in the process itself: no HTTP, CPU time alone."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hub.fhir.vacancy_search import prepare
from hub.purpose import time_shift
from hub.search.read_ahead import read_ahead
from hub.store.database import Database
from hub.store.tables import PUBLIC

__all__ = ["Asker"]


class Asker:
    """Asks one database, in the public view, at one moment; `elsewhere` tells CPU seconds that others spend for it."""

    def __init__(
        self, url: str, questions: Sequence[Mapping[str, Any]], elsewhere: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._database = Database(url)
        read_ahead(self._database, PUBLIC)
        self._now = datetime.now(UTC) + time_shift(self._database)
        self._questions = [[(name, str(value)) for name, value in question.items()] for question in questions]
        self._elsewhere = elsewhere

    def answers(self) -> list[bytes]:
        """The Bundles of all questions."""
        return [self._answer(pairs) for pairs in self._questions]

    def microseconds(self) -> tuple[float, float]:
        """CPU time a question, here and elsewhere, of asking all once."""
        here, there = time.process_time(), self._elsewhere()
        for pairs in self._questions:
            self._answer(pairs)
        number = len(self._questions) / 1e6
        return (time.process_time() - here) / number, (self._elsewhere() - there) / number

    def close(self) -> None:
        """No connection stays."""
        self._database.close()

    def _answer(self, pairs: Sequence[tuple[str, str]]) -> bytes:
        search = prepare(pairs, PUBLIC, now=self._now, base="http://127.0.0.1/fhir")
        with self._database.snapshot() as reader:
            return search(reader)
