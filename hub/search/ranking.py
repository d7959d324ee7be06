"""In which order hits stand, and how well each fits.

The score goes from 0 to 1: half of it is nearness (1 at the place asked for, 0 at the rim), three tenths freshness
(1 for what is less than a day old, a seventh less for each day), two tenths the share of what is preferred that the
offer has (all of it where nothing is).
"""

from collections.abc import Callable
from typing import NamedTuple

from hub.search.vacancy_query import Sort, VacancyQuery

__all__ = ["Said", "key", "score"]

_NEARNESS, _FRESHNESS, _PREFERENCE = 0.5, 0.3, 0.2
_DAY = 24 * 3600 * 1_000_000
_DISTRICT_KM = 50.0
"""What is far in a district, where no rim is asked for."""


class Said(NamedTuple):
    """What ranks an offer: from when on its statement ages (microseconds since 1970), and of the blocks that fit all
    needs that they serve and all rooms that there are (bit masks)."""

    based_on: int
    needs: int
    rooms: int


Key = Callable[[float, Said, int], float]


def key(query: VacancyQuery, now: int) -> Key:
    """What hits are sorted by, the least first, of their distance, what is said of them and the first day that fits."""
    match query.sort:
        case Sort.DISTANCE:
            return lambda _kilometres, _said, _day: 0.0
        case Sort.FRESHNESS:
            return lambda _kilometres, said, _day: float(-said.based_on)
        case Sort.START:
            return lambda _kilometres, _said, day: float(day)
        case Sort.SCORE:
            return lambda kilometres, said, _day: -score(query, kilometres, said, now)


def score(query: VacancyQuery, kilometres: float, said: Said, now: int) -> float:
    """How well an offer fits."""
    rim = _DISTRICT_KM if query.box is not None else query.kilometres
    near = max(1 - kilometres / rim, 0.0) if rim else 1.0
    # By whole days: asked again in an hour, what did not change is answered alike.
    fresh = min(max(1 - (now - said.based_on) // _DAY / 7, 0.0), 1.0)
    return _NEARNESS * near + _FRESHNESS * fresh + _PREFERENCE * _preferred(query, said)


def _preferred(query: VacancyQuery, said: Said) -> float:
    wanted = query.prefer_needs.bit_count() + (1 if query.prefer_rooms else 0)
    if not wanted:
        return 1.0
    return ((said.needs & query.prefer_needs).bit_count() + bool(said.rooms & query.prefer_rooms)) / wanted
