"""A search for places, from its parameters to its answer: what fits, how likely it is still free, why no more fit, and
what is new since it was asked before.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec.structs import replace

from hub.course.chances import Chances
from hub.errors import Malformed, TooCostly
from hub.fhir.bundle import searchset
from hub.fhir.missed_search import count_missed
from hub.fhir.news import RELATION, News, not_together, pairs_of, said, with_cursor
from hub.fhir.vacancy_bundle import bundle, hit_entries, url_of
from hub.fhir.vacancy_parameters import MONITOR, SINCE, Told, no_operator, operator_id, query_of, told_of, wrong_of
from hub.reports.tally import Tally
from hub.search.operators import number_of
from hub.search.seen import Seen
from hub.search.vacancies import Hit, Hits, find, fitting, page_of
from hub.search.vacancy_query import VacancyQuery
from hub.search.why_not import FEW, WhyNot, why_not
from hub.store.clock import micros
from hub.store.reader import Reader
from hub.store.shown import address
from hub.store.tables import Projection
from mappings import gazetteer
from mappings.vacancy import ZONE

__all__ = ["prepare"]


def prepare(
    pairs: Sequence[tuple[str, str]],
    projection: Projection,
    *,
    now: datetime,
    base: str,
    tally: Tally | None = None,
    news: News | None = None,
    chances: Chances | None = None,
) -> Callable[[Reader], bytes]:
    """The search that parameters ask for: given a snapshot, it finds and writes the Bundle; with `news`, also what is
    new since it was asked before. The tally counts it where it finds nothing.

    Raises `Malformed` with all that cannot be asked, before anything is searched.
    """
    today, public = now.astimezone(ZONE).date(), projection.name == "public"
    try:
        told = told_of(pairs)
        asked = query_of(told, today=today, public=public)
        operator = operator_id(told)
    except Malformed:
        raise Malformed(*wrong_of(pairs, today=today, public=public)) from None
    seen = _seen(told, news, at=micros(now))

    def search(reader: Reader) -> bytes:
        query = asked
        if operator is not None:
            number = number_of(reader, projection, operator)
            if number is None:
                raise no_operator()
            query = replace(asked, operator=number)
        if news is not None and seen is not None:
            return _news_bundle(reader, projection, news, seen, told, query, base, now)
        found = find(reader, projection, query, now=micros(now))
        still_free = {} if chances is None else _still_free(reader, chances, found, query, micros(now))
        if tally is not None and not found.total:
            count_missed(tally, told, query)
        why: WhyNot | None = None
        if query.after is None and (found.total < FEW or told.get("why-not") == ["true"]):
            try:
                why = why_not(_with_postal_code(query), found.fitting, now=micros(now))
            except TooCostly:
                if "why-not" in told:
                    raise
        monitor = None
        if news is not None and query.after is None and told.get(MONITOR) == ["true"]:
            rids = [rid for _, _, rid in found.fitting.positions]
            monitor = news.link(reader, rids, pairs_of(told), url_of(told, query, base), at=micros(now))
        return bundle(found, still_free, why, told, query, base, now, monitor)

    return search


def _with_postal_code(query: VacancyQuery) -> VacancyQuery:
    """The query with the postal code of its point, by which services that come there are found."""
    if query.postal_codes:
        return query
    return replace(query, postal_codes=(int(gazetteer.nearest(query.latitude, query.longitude).postal_code),))


def _still_free(reader: Reader, chances: Chances, found: Hits, query: VacancyQuery, now: int) -> dict[str, float]:
    """How likely the places of hits are still free, by the ids of their offers, where that is told."""
    ages = {address(hit.shown)[1]: max(now - hit.freshness.based_on, 0) for hit in found.hits}
    return chances.of(reader, ages, places=query.places)


def _seen(told: Told, news: News | None, *, at: int) -> Seen | None:
    """What the client saw who asks what is new since, None for who does not."""
    if SINCE not in told:
        return None
    if news is None or "_after" in told:
        raise not_together(here=news is not None)
    return news.read(told[SINCE][0], pairs_of(told), at=at)


def _news_bundle(
    reader: Reader,
    projection: Projection,
    news: News,
    seen: Seen,
    told: Told,
    query: VacancyQuery,
    base: str,
    now: datetime,
) -> bytes:
    """The offers that came or changed since, and what became of each."""
    at, cursor, here = micros(now), told[SINCE][0], url_of(told, query, base)
    there = fitting(reader, projection, query, now=at)
    new = news.told(reader, [rid for _, _, rid in there.positions], seen, cursor, pairs_of(told), at=at)
    hits: Sequence[Hit] = ()
    shown: list[bytes] = []
    if new.shown:
        found = page_of(reader, projection, query, there, now=at, only=new.shown)
        hits, shown = found.hits, hit_entries(found, {}, base, now)
    shown += said(new, [(hit.rid, hit.shown) for hit in hits])
    links = [("self", with_cursor(here, cursor)), (RELATION, with_cursor(here, new.cursor))]
    return searchset(shown, total=len(hits), links=links)
