"""In which order hits stand, and how well each fits.

The score goes from 0 to 1: half of it is nearness (1 at the place asked for, 0 at the rim), three tenths freshness
(1 for what is less than a day old, a seventh less for each day), two tenths the share of what is preferred that the
offer has (all of it where nothing is).
"""

from collections.abc import Callable, Sequence

from hub.search.vacancy_query import Sort, VacancyQuery
from hub.search.vacancy_rows import BASED_ON, NEEDS, ROOMS
from hub.store.reader import Row

__all__ = ["keys", "score"]

_NEARNESS, _FRESHNESS, _PREFERENCE = 0.5, 0.3, 0.2
_DAY = 24 * 3600 * 1_000_000
_DISTRICT_KM = 50.0
"""What is far in a district, where no rim is asked for."""

Key = Callable[[Sequence[Row], float, int], float]


def keys(query: VacancyQuery, now: int) -> Key:
    """What hits are sorted by, the least first, of their rows, their distance and the first day that fits."""
    match query.sort:
        case Sort.DISTANCE:
            return lambda _rows, _kilometres, _day: 0.0
        case Sort.FRESHNESS:
            return lambda rows, _kilometres, _day: float(-rows[0][BASED_ON])
        case Sort.START:
            return lambda _rows, _kilometres, day: float(day)
        case Sort.SCORE:
            return lambda rows, kilometres, _day: -score(query, kilometres, rows[0][BASED_ON], rows, now)


def score(query: VacancyQuery, kilometres: float, based_on: int, rows: Sequence[Row], now: int) -> float:
    """How well an offer fits."""
    rim = _DISTRICT_KM if query.box is not None else query.kilometres
    near = max(1 - kilometres / rim, 0.0) if rim else 1.0
    # By whole days: asked again in an hour, what did not change is answered alike.
    fresh = min(max(1 - (now - based_on) // _DAY / 7, 0.0), 1.0)
    return _NEARNESS * near + _FRESHNESS * fresh + _PREFERENCE * _preferred(query, rows)


def _preferred(query: VacancyQuery, rows: Sequence[Row]) -> float:
    wanted = query.prefer_needs.bit_count() + (1 if query.prefer_rooms else 0)
    if not wanted:
        return 1.0
    needs = rooms = 0
    for row in rows:
        needs |= row[NEEDS]
        rooms |= row[ROOMS]
    return ((needs & query.prefer_needs).bit_count() + bool(rooms & query.prefer_rooms)) / wanted
