"""Counts searches that found nothing: by day, place, care forms and needs, and by nothing else.

Counted in memory, written every minute and when the process ends: no search waits for it. What a process had counted
since is lost when it is killed.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import postgresql

from hub.store.clock import day
from hub.store.database import UNAVAILABLE
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.tables import search_tally
from hub.store.writer import Writer
from mappings import gazetteer
from mappings.vacancy import ZONE

__all__ = ["Tally"]

_log = logging.getLogger(__name__)
_IN_MEMORY, _IN_DAY = 5_000, 50_000
"""Cells: whoever asks for every combination there is must fill neither memory nor disk."""
_SECONDS = 30
_FAR_KM = 30.0
"""Further from the middle of every postal code than this lies no place in Germany."""


class _Cell(NamedTuple):
    day: int
    district: str
    municipality: str
    care_forms: str
    needs: str


class Tally:
    """One for each process; `missed` and `missed_in` may be called from any thread."""

    def __init__(self, writer: Writer, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._clock = clock
        self._counted: Counter[_Cell] = Counter()
        self._turn = threading.Lock()
        self._known = Prepared(
            select(search_tally.c.searches).where(
                *(column == bindparam(column.name) for column in search_tally.primary_key)
            )
        )
        self._of_day = Prepared(
            select(func.count()).select_from(search_tally).where(search_tally.c.day == bindparam("day"))
        )
        put = postgresql.insert(search_tally)
        self._add = Prepared(
            put.on_conflict_do_update(
                index_elements=list(search_tally.primary_key),
                set_={"searches": search_tally.c.searches + put.excluded.searches},
            )
        )

    def missed(self, latitude: float, longitude: float, *, care_forms: Iterable[str], needs: Iterable[str]) -> None:
        """A search around a point found nothing; codes of CodeSystem care-form and need, as they were asked."""
        self._count(*_municipality(round(latitude, 2), round(longitude, 2)), care_forms, needs)

    def missed_in(self, district: str, *, care_forms: Iterable[str], needs: Iterable[str]) -> None:
        """A search in a district, by the 5 digits of its AGS, found nothing."""
        self._count(district, "", care_forms, needs)

    def flush(self) -> Future[None] | None:
        """Begin to write what was counted since; None where there is nothing. What cannot be written is kept."""
        with self._turn:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return None
        done = self._writer.submit(lambda transaction: self._write(transaction, counted))
        done.add_done_callback(lambda future: self._keep(future, counted))
        return done

    def close(self) -> None:
        """Write what was counted since, and wait for it."""
        done = self.flush()
        if done is not None:
            try:
                done.result(timeout=_SECONDS)
            except (TimeoutError, *UNAVAILABLE) as error:
                _log.error("searches without a hit were not counted: %s", type(error).__name__)

    def _count(self, district: str, municipality: str, care_forms: Iterable[str], needs: Iterable[str]) -> None:
        today = day(self._clock().astimezone(ZONE).date())
        cell = _Cell(today, district, municipality, _listed(care_forms), _listed(needs))
        with self._turn:
            if cell not in self._counted and len(self._counted) >= _IN_MEMORY:
                cell = _wide(cell)
            self._counted[cell] += 1

    def _keep(self, future: "Future[None]", counted: Counter[_Cell]) -> None:
        error = future.exception()
        if error is not None:
            # Its text may carry values.
            _log.error("searches without a hit were not written yet: %s", type(error).__name__)
            with self._turn:
                self._counted.update(counted)

    def _write(self, transaction: Transaction, counted: Counter[_Cell]) -> None:
        cells: Counter[_Cell] = Counter()
        room = {one: _IN_DAY - self._rows(transaction, one) for one in {cell.day for cell in counted}}
        for cell, searches in sorted(counted.items()):
            is_new = transaction.first(self._known, cell._asdict()) is None
            if is_new and room[cell.day] <= 0:
                cells[_wide(cell)] += searches
            else:
                room[cell.day] -= is_new
                cells[cell] += searches
        transaction.many(self._add, [{**cell._asdict(), "searches": many} for cell, many in cells.items()])

    def _rows(self, transaction: Transaction, of_day: int) -> int:
        found: Any = transaction.first(self._of_day, {"day": of_day})
        return int(found[0])


@lru_cache(maxsize=4096)
def _municipality(latitude: float, longitude: float) -> tuple[str, str]:
    """District and name of the municipality around a point, blank abroad; most ask around few points."""
    place = gazetteer.nearest(latitude, longitude)
    away = gazetteer.kilometres(latitude, longitude, place.latitude, place.longitude)
    return (place.district_ags, place.name) if away <= _FAR_KM else ("", "")


def _listed(codes: Iterable[str]) -> str:
    return " ".join(sorted(set(codes)))


def _wide(cell: _Cell) -> _Cell:
    """Where there are too many to tell apart, the district and the day alone are counted."""
    return cell._replace(municipality="", care_forms="", needs="")
