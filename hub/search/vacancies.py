"""Finds offers near a place by their vacancy: memory says which fit, the database what is shown of a page of them."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hub.search import contents
from hub.search.offers import NEVER, Offers
from hub.search.ranking import Said, key, score
from hub.search.reach import Reach, Surroundings
from hub.search.vacancy_days import Stay
from hub.search.vacancy_query import Position, Sort, VacancyQuery
from hub.store.block_rows import NOT_SAID, Rows
from hub.store.blocks import Blocks
from hub.store.reader import Reader
from hub.store.shown import Shown
from hub.store.tables import Projection

__all__ = ["Fitting", "Freshness", "Hit", "Hits", "find", "fitting", "page_of", "taking"]


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
    shown: Shown
    kilometres: float
    freshness: Freshness
    score: float
    position: Position


class Fitting(NamedTuple):
    """Every offer that fits, in order; and where and among what it was looked for."""

    positions: Sequence[Position]
    said: Mapping[int, Said]
    """What ranks each, by rid, where that was asked for."""
    rows: Rows
    """At least one block of each, and of some that do not fit, in any order."""
    surroundings: Surroundings
    reach: Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A page of hits in order; `more` says that another follows.

    `members` are shown with them: their Locations, Organizations, Schedules and Slots.
    """

    hits: Sequence[Hit]
    members: Sequence[Shown]
    fitting: Fitting
    """All that fit."""
    more: bool

    @property
    def total(self) -> int:
        """How many fit."""
        return len(self.fitting.positions)


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
    page, more = _page(query, there.positions, only)
    shown = _shown(reader, projection, query, page, there, now)
    if shown is None:
        there = _here(reader, projection, there)
        page, more = _page(query, there.positions, only)
        shown = _shown(reader, projection, query, page, there, now)
        assert shown is not None, "a snapshot does not change"
    return Hits(hits=shown[0], members=shown[1], fitting=there, more=more)


def _page(
    query: VacancyQuery, positions: Sequence[Position], only: Collection[int] | None
) -> tuple[Sequence[Position], bool]:
    if only is not None:
        return [position for position in positions if position[2] in only], False
    start = 0 if query.after is None else bisect_right(positions, query.after)
    return positions[start : start + query.count], 0 < query.count < len(positions) - start


def _here(reader: Reader, projection: Projection, there: Fitting) -> Fitting:
    """Of those that fit, what this snapshot has: memory may know newer ones."""
    known = contents.known(reader, projection, [rid for _, _, rid in there.positions])
    gone = [rid for _, _, rid in there.positions if rid not in known]
    return there._replace(
        positions=[position for position in there.positions if position[2] in known],
        reach=there.reach.where(np.isin(there.reach.rows["rid"], gone, invert=True)),
    )


def fitting(reader: Reader, projection: Projection, query: VacancyQuery, *, now: int) -> Fitting:
    """Every offer that fits."""
    surroundings = Surroundings(reader, projection, query)
    reach = surroundings.of(query)
    if query.sort is not Sort.DISTANCE or query.prefer_needs or query.prefer_rooms:
        found = surroundings.met(surroundings.current(reach, query, now), query, now)
        positions, said = _ranked(found, query, now)
        return Fitting(positions, said, found.rows, surroundings, reach)
    found = taking(surroundings, reach, query, now)
    nearest = zip(found.kilometres(), found.rows["rid"].tolist(), strict=True)
    positions = sorted([(0.0, kilometres, rid) for kilometres, rid in nearest])
    return Fitting(positions, {}, found.rows, surroundings, reach)


def taking(surroundings: Surroundings, reach: Reach, query: VacancyQuery, now: int) -> Reach:
    """One block each of the offers in reach that can take whom the query is for."""
    found = surroundings.met(surroundings.current(reach, query, now), query, now)
    offers = Offers(found.rows)
    if not query.counts:
        return found.at(offers.first)
    return found.at(offers.first[offers.take(Stay.of(query))])


def _ranked(found: Reach, query: VacancyQuery, now: int) -> tuple[list[Position], dict[int, Said]]:
    offers = Offers(found.rows)
    if not len(offers):
        return [], {}
    days = offers.first_days(Stay.of(query))
    told = zip(
        offers.heads.based_on.tolist(),
        np.bitwise_or.reduceat(found.rows["needs"], offers.first).tolist(),
        np.bitwise_or.reduceat(found.rows["rooms"], offers.first).tolist(),
        strict=True,
    )
    said = dict(zip(offers.heads["rid"].tolist(), map(Said._make, told), strict=True))
    kilometres = found.at(offers.first).kilometres()
    of = key(query, now)
    positions = [
        (of(away, said[rid], day), away, rid)
        for (rid, away, day) in zip(said, kilometres, days.tolist(), strict=True)
        if day != NEVER
    ]
    return sorted(positions), said


def _shown(
    reader: Reader, projection: Projection, query: VacancyQuery, page: Sequence[Position], there: Fitting, now: int
) -> tuple[Sequence[Hit], Sequence[Shown]] | None:
    """The hits, and what is shown with them; None where this snapshot has not all of them."""
    if not page:
        return (), ()
    rids = [rid for _, _, rid in page]
    offers, members = there.surroundings.shown(rids)
    shown = contents.by_version(reader, projection, [*offers, *members])
    if len(shown) < len(page) + len(members):
        # Memory knows newer versions than this snapshot: what it has itself, it can show.
        offers, members = Blocks(projection).shown(reader.all, rids)
        if len(offers) < len(page):
            return None
        shown = contents.by_version(reader, projection, [*offers, *members])
    places = {rid: place for place, rid in enumerate(there.rows["rid"].tolist())}
    rows = there.rows.at(np.array([places[rid] for _, _, rid in page], np.intp))
    times = zip(*(rows[name].tolist() for name in Freshness._fields), strict=True)
    hits = []
    for position, one, told in zip(page, shown[: len(page)], times, strict=True):
        freshness = Freshness(None if told[0] == NOT_SAID else told[0], *told[1:])
        ranked_by = there.said.get(position[2]) or Said(freshness.based_on, 0, 0)
        ranked = score(query, position[1], ranked_by, now)
        hits.append(Hit(position[2], one, position[1], freshness, ranked, position))
    return hits, shown[len(hits) :]
