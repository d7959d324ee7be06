"""Finds offers near a place by their vacancy: one indexed statement for the hits, one for what is shown with them."""

import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from hub.search import contents, vacancy_rows
from hub.search.ranking import keys, score
from hub.search.types.near import nearest
from hub.search.vacancy_days import first_days
from hub.search.vacancy_query import Criterion, Position, Sort, VacancyQuery
from hub.search.vacancy_rows import Shape
from hub.store.reader import Reader, Row
from hub.store.shown import Shown, Version
from hub.store.tables import Projection
from mappings import terminology
from mappings.vacancy import State

__all__ = [
    "Fitting",
    "Freshness",
    "Hit",
    "Hits",
    "InReach",
    "comers",
    "find",
    "first_day_for",
    "fitting",
    "in_reach",
    "of_comers",
    "page_of",
    "shape_of",
]

_CONFIRMED_AT = 3
"""Where a row of `versions` has what is there for offers alone."""


class Freshness(NamedTuple):
    """The times of a hit's statement, and when it ages, microseconds since 1970."""

    valid_at: int | None
    confirmed_at: int
    aging_at: int
    stale_at: int
    expires_at: int

    @property
    def based_on(self) -> int:
        """From when on the statement ages."""
        return self.confirmed_at if self.valid_at is None else self.valid_at


class Hit(NamedTuple):
    """An offer that fits; `score` from 0 to 1 (`ranking.score`)."""

    rid: int
    version: int
    shown: Shown
    kilometres: float
    freshness: Freshness
    score: float
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A page of hits in order; `more` says that another follows.

    `members` are shown with them: their Locations, Organizations, Schedules and Slots.
    """

    hits: Sequence[Hit]
    members: Sequence[Shown]
    fitting: Sequence[Position]
    """Where every offer that fits stands."""
    more: bool

    @property
    def total(self) -> int:
        """How many fit."""
        return len(self.fitting)


class Fitting(NamedTuple):
    """Where every offer that fits stands, in order; and the rows of those, where they were needed for it."""

    positions: Sequence[Position]
    rows: Mapping[int, Sequence[Row]]


class InReach(NamedTuple):
    """The rows of offers in reach by rid, and how far away each is."""

    kilometres: Mapping[int, float]
    rows: Mapping[int, Sequence[Row]]


def find(reader: Reader, projection: Projection, query: VacancyQuery, *, now: int) -> Hits:
    """The page of offers that fit; none whose statement has expired by `now`."""
    return page_of(reader, projection, query, fitting(reader, projection, query, now=now), now=now)


def page_of(
    reader: Reader,
    projection: Projection,
    query: VacancyQuery,
    there: Fitting,
    *,
    now: int,
    only: Collection[int] | None = None,
) -> Hits:
    """The page of those that fit, or those of the rows `only`."""
    positions = there.positions
    if only is None:
        start = 0 if query.after is None else bisect_right(positions, query.after)
        page, more = positions[start : start + query.count], 0 < query.count < len(positions) - start
    else:
        page, more = [position for position in positions if position[2] in only], False
    hits, members = _shown(reader, projection, query, page, there.rows, now)
    return Hits(hits=hits, members=members, fitting=positions, more=more)


def fitting(reader: Reader, projection: Projection, query: VacancyQuery, *, now: int) -> Fitting:
    """Every offer that fits."""
    shape = shape_of(projection, query)
    ranked = query.sort is not Sort.DISTANCE or bool(query.prefer_needs or query.prefer_rooms)
    if not ranked:
        shape = replace(shape, columns="days" if query.counts or shape.with_areas else "position")
    if shape.columns == "position":
        found = reader.all(vacancy_rows.rows(shape), vacancy_rows.binds(query, now))
        near = nearest(query.latitude, query.longitude, query.kilometres, found)
        return Fitting([(0.0, kilometres, rid) for kilometres, rid in near], {})
    reach = in_reach(reader, query, shape, now, comers(reader, projection, query) if shape.with_areas else ())
    first_day = first_day_for(query)
    days = {rid: day for rid, rows in reach.rows.items() if (day := first_day(rows)) is not None}
    key = keys(query, now)
    positions = sorted(
        (key(reach.rows[rid], reach.kilometres[rid], day), reach.kilometres[rid], rid) for rid, day in days.items()
    )
    return Fitting(positions, reach.rows)


def first_day_for(query: VacancyQuery) -> Callable[[Sequence[Row]], int | None]:
    """Tells of the rows of an offer the first day on which it can take whom the query is for."""
    return first_days(
        start=query.today if query.start is None else query.start,
        exact=query.start is not None,
        days=query.days,
        places=query.places,
    )


def shape_of(projection: Projection, query: VacancyQuery, *, near_misses: bool = False) -> Shape:
    """The statement of a query."""
    return Shape(
        view=projection.name,
        criteria=query.criteria,
        with_needs=query.needs != 0,
        only_free=query.states == (State.SOME,),
        with_start=query.start is not None and not near_misses,
        near_misses=near_misses,
        with_areas=bool(query.postal_codes) and not terminology.ambulatory().isdisjoint(query.care_forms),
    )


def in_reach(reader: Reader, query: VacancyQuery, shape: Shape, now: int, coming: Sequence[int]) -> InReach:
    """All rows of a shape with days around the place, and of those services that are `coming` there (`comers`)."""
    told = vacancy_rows.binds(query, now)
    if shape.near_misses:
        told["from_day"] = query.today
    rows = reader.all(vacancy_rows.rows(shape), told)
    kilometres = {rid: away for away, rid in nearest(query.latitude, query.longitude, query.kilometres, rows)}
    if shape.with_areas and coming:
        others = reader.all(vacancy_rows.rows(of_comers(shape)), {**told, "comers": coming})
        kilometres |= {rid: away for away, rid in nearest(query.latitude, query.longitude, math.inf, others)}
        rows = [*rows, *others]
    by_offer: dict[int, list[Row]] = {}
    for row in rows:
        if row[0] in kilometres:
            by_offer.setdefault(row[0], []).append(row)
    return InReach(kilometres, by_offer)


def of_comers(shape: Shape) -> Shape:
    """The same of services that come, wherever they are themselves."""
    criteria = tuple(criterion for criterion in shape.criteria if criterion is not Criterion.DISTRICT)
    return replace(shape, by_area=True, criteria=criteria)


def comers(reader: Reader, projection: Projection, query: VacancyQuery) -> list[int]:
    """The rows of the services that say that they come to the postal codes of a query."""
    codes = {"postal_codes": list(query.postal_codes)}
    return [rid for (rid,) in reader.all(vacancy_rows.comers(projection.name), codes)] if query.postal_codes else []


def _shown(
    reader: Reader,
    projection: Projection,
    query: VacancyQuery,
    page: Sequence[Position],
    rows: Mapping[int, Sequence[Row]],
    now: int,
) -> tuple[Sequence[Hit], Sequence[Shown]]:
    """The hits, and what is shown with them."""
    if not page:
        return (), ()
    stated: dict[int, Row] = {}
    members: dict[Version, None] = {}
    for row in reader.all(vacancy_rows.versions(projection.name), {"rids": [rid for _, _, rid in page]}):
        if row[_CONFIRMED_AT] is None:
            members[row[:2]] = None
        else:
            stated[row[0]] = row
    offers = [stated[rid] for _, _, rid in page]
    shown = contents.by_version(reader, projection, [*(row[:2] for row in offers), *members])
    hits = []
    for position, one, row in zip(page, shown, offers, strict=False):
        freshness = Freshness._make(row[2:])
        _, kilometres, rid = position
        hits.append(
            Hit(
                rid,
                row[1],
                one,
                kilometres,
                freshness,
                score(query, kilometres, freshness.based_on, rows.get(rid, ()), now),
                position,
            )
        )
    return hits, shown[len(hits) :]
