"""What is in reach of a search for places: the free blocks around a place, and which of them meet what is asked for.

One row a block (`hub.store.blocks`), so that what must hold of the same places does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hub.search.types.near import box
from hub.search.vacancy_query import Criterion, VacancyQuery
from hub.store.block_rows import Rows
from hub.store.blocks import Blocks, on_sphere
from hub.store.reader import Reader
from hub.store.shown import Version
from hub.store.tables import Projection
from mappings import terminology
from mappings.gazetteer import EARTH_KM
from mappings.vacancy import State

__all__ = ["BITS", "Reach", "Surroundings"]

Flags = NDArray[np.bool_]
"""Whether it is true of each block."""
_Meant = Callable[[Flags, Flags], Flags]
"""Which blocks are meant, by whether the care form of each is asked for, and its state is."""

BITS: Mapping[Criterion, int] = {criterion: 1 << bit for bit, criterion in enumerate(Criterion)}
_DIAMETER_KM = 2 * EARTH_KM
_FARTHEST_KM = math.pi * EARTH_KM


class Reach(NamedTuple):
    """Blocks of the care forms and states that are asked for, within the distance that is asked for."""

    rows: Rows
    chords: NDArray[np.float64]
    """How far away each is: the square of the chord on a sphere of radius 1."""

    def where(self, flags: Flags) -> "Reach":
        """Those of which it is true."""
        return self.at(flags.nonzero()[0])

    def at(self, places: NDArray[np.intp]) -> "Reach":
        """Those at some places among them."""
        return Reach(self.rows.at(places), self.chords[places])

    def kilometres(self) -> list[float]:
        """How far away each is."""
        return [_DIAMETER_KM * math.asin(min(math.sqrt(chord) / 2, 1.0)) for chord in self.chords.tolist()]

    def number_within(self, kilometres: float) -> int:
        """How many lie no farther away."""
        return int(np.count_nonzero(self.chords <= _chord(kilometres)))


class Surroundings:
    """What lies around the place of a query, however far it reaches."""

    def __init__(self, reader: Reader, projection: Projection, query: VacancyQuery) -> None:
        self._read = reader.all
        # What a transaction reads may be undone: it is for itself alone.
        self._blocks = reader.blocks.get(projection.name) or Blocks(projection)
        self._known = self._blocks.follow(self._read)
        self._place = np.array(on_sphere(query.latitude, query.longitude))

    def of(self, query: VacancyQuery) -> Reach:
        """The blocks that a query about this place is about."""
        found = self._within(query, self._around(query))
        if not query.postal_codes or terminology.ambulatory().isdisjoint(query.care_forms):
            return found
        return self._with_coming(found, query, np.logical_and)

    def beside(self, query: VacancyQuery) -> Reach:
        """What is there of other care forms, in a state that is asked for, and of those asked for in other states."""
        rows = self._blocks.of_any_kind(self._read, self._known, *_rectangle(query))
        rows = rows.where(self._of_kind(query, rows, np.not_equal))
        return self._with_coming(self._within(query, rows), query, np.not_equal)

    def beyond(self, query: VacancyQuery, kilometres: float) -> Reach:
        """What a query, whose circle is wider, is about farther away than so many kilometres, without many of those
        that do not serve all needs, or have no such room. Who comes to the place does so from however far, and is none
        of it.
        """
        # Of what has to be asked for no room is known yet.
        must = {"needs": query.needs, "rooms": query.rooms if query.states == (State.SOME,) else 0}
        found = self._within(query, self._around(query, **must))
        return found.where(found.chords > _chord(kilometres))

    def _around(self, query: VacancyQuery, **must: int) -> Rows:
        """What is in the rectangle around the place; `must` are needs and rooms as `Blocks.around` takes them."""
        rectangle = _rectangle(query)
        return self._blocks.around(self._read, self._known, query.care_forms, query.states, *rectangle, **must)

    def _within(self, query: VacancyQuery, rows: Rows) -> Reach:
        """What of some rows is in reach where it stands."""
        chords = _chords(rows, self._place)
        within = chords <= _chord(query.kilometres) if query.box is None else _between(rows, *query.box[:2])
        if query.postal_codes:
            # Who says where he comes is found by that.
            within &= rows["by_area"] == 0
        return Reach(rows, chords).where(within)

    def _with_coming(self, found: Reach, query: VacancyQuery, meant: _Meant) -> Reach:
        """Also the services that come there."""
        others = self._blocks.coming(self._read, self._known, query.postal_codes)
        others = others.where(self._of_kind(query, others, meant))
        chords = np.concatenate((found.chords, _chords(others, self._place)))
        return Reach(Rows.joined((found.rows, others)), chords)

    def _of_kind(self, query: VacancyQuery, rows: Rows, meant: _Meant) -> Flags:
        """Which are of the kinds that are meant."""
        forms = self._blocks.care_forms.among(query.care_forms)[rows["care_form"]]
        return meant(forms, self._blocks.states.among(query.states)[rows["state"]])

    def shown(self, offers: Sequence[int]) -> tuple[list[Version], list[Version]]:
        """The versions of offers, in their order without those that are deleted, and of what is shown with them."""
        return self._blocks.shown(self._read, offers)

    def current(self, reach: Reach, query: VacancyQuery, now: int, *, any_day: bool = False) -> Reach:
        """Of them what has not expired, on the days that are asked for or (on `any_day`) on some; `places` are those
        asked for where no number is known.
        """
        rows = reach.rows
        first = query.today if query.start is None or any_day else query.start
        in_time = rows["ends"] >= first
        if query.start is not None and not any_day:
            in_time &= rows["starts"] <= first + query.days - 1
        current = rows["expires_at"] > now
        if query.states == (State.SOME,):
            return reach.where(in_time & current)
        states = self._blocks.states
        uncounted = ~states.among((State.SOME,))[rows["state"]]
        fits = (uncounted | in_time) & (states.among((State.UNKNOWN,))[rows["state"]] | current)
        found = reach.where(fits)
        found.rows["places"][uncounted[fits]] = query.places
        return found

    def met(self, reach: Reach, query: VacancyQuery, now: int) -> Reach:
        """Of them what meets every criterion and all needs."""
        for criterion in query.criteria:
            reach = reach.where(self._holds(criterion, reach, query, now))
        if query.needs:
            reach = reach.where(reach.rows["needs"] & query.needs == query.needs)
        return reach

    def missed(self, reach: Reach, query: VacancyQuery, now: int) -> NDArray[np.int64]:
        """The criteria that each misses, as a set of `BITS`."""
        missed = np.zeros(len(reach.rows), np.int64)
        for criterion in query.criteria:
            missed[~self._holds(criterion, reach, query, now)] |= BITS[criterion]
        return missed

    def names(self, languages: NDArray[np.int64]) -> Flags:
        """Whether each names a language."""
        return self._blocks.languages.holding(",")[languages]

    def by_state(self, reach: Reach) -> dict[str, int]:
        """How many blocks there are of each state."""
        return self._blocks.states.counted(reach.rows["state"])

    def by_care_form(self, reach: Reach) -> dict[str, int]:
        """How many blocks there are of each care form."""
        return self._blocks.care_forms.counted(reach.rows["care_form"])

    def _holds(self, criterion: Criterion, reach: Reach, query: VacancyQuery, now: int) -> Flags:
        rows = reach.rows
        found: Flags
        match criterion:
            case Criterion.CARE_GRADE:
                grades = rows["care_grades"]
                found = (grades == 0) | (grades & (1 << query.care_grade) != 0)
            case Criterion.SEX:
                sexes = rows["sexes"]
                found = (sexes == 0) | (sexes & query.sex != 0)
            case Criterion.ROOM:
                # Of what has to be asked for no room is known yet.
                found = (rows["rooms"] & query.rooms != 0) | ~self._blocks.states.among((State.SOME,))[rows["state"]]
            case Criterion.OPERATOR:
                found = rows["operator"] == query.operator
            case Criterion.LANGUAGE:
                found = self._blocks.languages.holding(f",{query.language},")[rows["languages"]]
            case Criterion.PAYER:
                found = rows["payers"] & query.payers != 0
            case Criterion.OWN_SHARE:
                shares = rows["own_share"]
                found = (shares >= 0) & (shares <= (query.own_share or 0))
            case Criterion.MAX_AGE:
                found = rows.based_on >= now - (query.max_age or 0)
            case Criterion.DISTRICT:
                assert query.district is not None
                first, last = query.district
                there = (rows["ags"] >= first) & (rows["ags"] <= last)
                # Of who says where he comes only those are in reach that come there, from wherever they are.
                found = there | (rows["by_area"] != 0)
        return found


def _rectangle(query: VacancyQuery) -> tuple[float, float, float, float]:
    """South, north, west and east of what is asked about."""
    if query.box is not None:
        return query.box
    around = box(query.latitude, query.longitude, query.kilometres)
    return around["south"], around["north"], around["west"], around["east"]


def _chords(rows: Rows, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The square of the chord from a place to each."""
    away = rows.places_on_sphere - place
    away *= away
    found: NDArray[np.float64] = away[:, 0] + away[:, 1] + away[:, 2]
    return found


def _between(rows: Rows, south: float, north: float) -> Flags:
    """Whether each is between two latitudes."""
    _, _, lowest = on_sphere(south, 0)
    _, _, highest = on_sphere(north, 0)
    height = rows.places_on_sphere[:, 2]
    found: Flags = (height >= lowest) & (height <= highest)
    return found


def _chord(kilometres: float) -> float:
    """The square of the chord that goes so far, on a sphere of radius 1."""
    return math.inf if kilometres >= _FARTHEST_KM else 4 * math.sin(kilometres / _DIAMETER_KM) ** 2
