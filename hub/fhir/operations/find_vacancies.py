"""HealthcareService/$find-vacancies: the offers near a place that can take somebody, nearest first.

The contract is `conformance/spec/OperationDefinition-find-vacancies.json`. No patient data is accepted: every value is
a code, a number, a date or a place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from itertools import repeat

from conformance.spec import canonical
from hub.course.chances import Chances
from hub.errors import TooCostly
from hub.fhir.bundle import INCLUDE, entries, matches, outcome_entry, searchset
from hub.fhir.context import Context
from hub.fhir.form import BYTES_MAX
from hub.fhir.missed_search import count_missed
from hub.fhir.news import MONITOR, RELATION, SINCE, Link, News, not_together, pairs_of, said, with_cursor
from hub.fhir.parameters import given, plain, posted
from hub.fhir.request import Answer, Request
from hub.fhir.vacancy_parameters import Told, no_operator, operator_id, query_of, told_of
from hub.fhir.why_not_entry import why_not_outcome
from hub.reports.tally import Tally
from hub.search.operators import number_of
from hub.search.query import encoded
from hub.search.seen import Seen
from hub.search.vacancies import Freshness, Hit, Hits, find, fitting
from hub.search.vacancy_query import VacancyQuery
from hub.search.why_not import FEW, WhyNot, why_not
from hub.store.clock import instant, micros
from hub.store.reader import Reader, Transaction
from hub.store.shown import address
from hub.store.tables import Projection
from mappings import gazetteer
from mappings.vacancy import ZONE

__all__ = ["NAME", "RESOURCE", "ROUTES", "WRITES", "answer", "freshness_class", "prepare", "writes"]

NAME = "find-vacancies"
RESOURCE = "HealthcareService"
ROUTES = (
    ("GET", f"/{RESOURCE}/${NAME}"),
    ("POST", f"/{RESOURCE}/${NAME}"),
)

WRITES = False

_DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"
_FRESHNESS = canonical("StructureDefinition", "freshness")


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A searchset: each match with distance and freshness, its Location, Organization, Schedule and Slots included."""
    if context.catch_up is not None:
        assert isinstance(reader, Transaction), "`writes` asked for one"
        context.catch_up(reader)
    pairs, sent = posted(request, most=BYTES_MAX)
    if sent is not None:
        pairs += plain(given(sent))
    search = prepare(
        pairs,
        context.repository.projection,
        now=context.clock(),
        base=request.base,
        tally=context.tally,
        news=context.news,
        chances=context.chances,
    )
    return Answer(content=search(reader))


def writes(context: Context, _request: Request) -> bool:
    """Where FHIR is written to, what was written since is brought into the index first."""
    return context.catch_up is not None


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

    Raises `Malformed` for what cannot be asked, before anything is searched.
    """
    told = told_of(pairs)
    asked = query_of(told, today=now.astimezone(ZONE).date(), public=projection.name == "public")
    operator = operator_id(told)
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
                why = why_not(reader, projection, _with_postal_code(query), found.fitting, now=micros(now))
            except TooCostly:
                if "why-not" in told:
                    raise
        monitor = None
        if news is not None and query.after is None and told.get(MONITOR) == ["true"]:
            rids = [rid for _, _, rid in found.fitting]
            monitor = news.link(reader, rids, pairs_of(told), _here(told, query, base), at=micros(now))
        return _bundle(found, still_free, why, told, query, base, now, monitor)

    return search


def freshness_class(freshness: Freshness, now: int) -> str:
    """Where a statement stands on the ladder: a code of CodeSystem freshness."""
    if now < freshness.aging_at:
        return "fresh"
    if now < freshness.stale_at:
        return "aging"
    return "stale" if now < freshness.expires_at else "expired"


def _with_postal_code(query: VacancyQuery) -> VacancyQuery:
    """The query with the postal code of its point, by which services that come there are found."""
    if query.postal_codes:
        return query
    return replace(query, postal_codes=(int(gazetteer.nearest(query.latitude, query.longitude).postal_code),))


def _still_free(reader: Reader, chances: Chances, found: Hits, query: VacancyQuery, now: int) -> dict[str, float]:
    """How likely the places of hits are still free, by the ids of their offers, where that is told."""
    ages = {address(hit.shown)[1]: max(now - hit.freshness.based_on, 0) for hit in found.hits}
    return chances.of(reader, ages, places=query.places)


def _bundle(
    found: Hits,
    still_free: Mapping[str, float],
    why: WhyNot | None,
    told: Told,
    query: VacancyQuery,
    base: str,
    now: datetime,
    monitor: Link | None,
) -> bytes:
    shown = _entries(found, still_free, base, now)
    if why is not None:
        shown.append(outcome_entry(why_not_outcome(why, told, f"{RESOURCE}/${NAME}")))
    here = _here(told, query, base)
    links = [("self", here if query.after is None else f"{here}&_after={told['_after'][0]}")]
    if found.more:
        key, kilometres, rid = found.hits[-1].position
        links.append(("next", f"{here}&_after={key!r}_{kilometres!r}_{rid}"))
    if monitor is not None:
        shown += monitor.entries
        links += monitor.links
    return searchset(shown, total=found.total, links=links)


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
    at, cursor, here = micros(now), told[SINCE][0], _here(told, query, base)
    there, _ = fitting(reader, projection, query, now=at)
    new = news.told(reader, [rid for _, _, rid in there], seen, cursor, pairs_of(told), at=at)
    hits: Sequence[Hit] = ()
    shown: list[bytes] = []
    if new.shown:
        found = find(reader, projection, query, now=at, only=new.shown)
        hits, shown = found.hits, _entries(found, {}, base, now)
    shown += said(new, [(hit.rid, hit.shown) for hit in hits])
    links = [("self", with_cursor(here, cursor)), (RELATION, with_cursor(here, new.cursor))]
    return searchset(shown, total=len(hits), links=links)


def _entries(found: Hits, still_free: Mapping[str, float], base: str, now: datetime) -> list[bytes]:
    """What was found as entries of a Bundle, in pieces."""
    at = micros(now)
    told = (still_free.get(address(hit.shown)[1]) for hit in found.hits) if still_free else repeat(None)
    searches = [_match(hit, chance, at) for hit, chance in zip(found.hits, told, strict=False)]
    shown = matches(base, [hit.shown for hit in found.hits], searches)
    return shown + entries(base, found.members, INCLUDE)


def _here(told: Told, query: VacancyQuery, base: str) -> str:
    """The URL of the search, without what goes on from an answer of it."""
    used = [pair for pair in pairs_of(told) if pair[0] not in ("_count", "_after", SINCE, MONITOR)]
    return f"{base}/{RESOURCE}/${NAME}?{encoded([*used, ('_count', str(query.count))])}"


def _match(hit: Hit, still_free: float | None, now: int) -> bytes:
    told = _told(hit.freshness)
    if still_free is not None:
        told += f',{{"url":"stillFree","valueDecimal":{still_free:.2f}}}'
    return (
        f'{{"extension":[{{"url":"{_DISTANCE}","valueDistance":{{"value":{hit.kilometres:.3f},"unit":"km",'
        f'"system":"http://unitsofmeasure.org","code":"km"}}}},'
        f'{{"url":"{_FRESHNESS}","extension":[{{"url":"class","valueCode":"{freshness_class(hit.freshness, now)}"}}'
        f'{told}]}}],"mode":"match","score":{hit.score:.4f}}}'
    ).encode()


@lru_cache(maxsize=4096)
def _told(freshness: Freshness) -> str:
    """The times of a statement: those of one delivery are often the same."""
    told = f',{{"url":"confirmedAt","valueDateTime":"{instant(freshness.confirmed_at)}"}}'
    told += f',{{"url":"expiresAt","valueDateTime":"{instant(freshness.expires_at)}"}}'
    if freshness.valid_at is not None:
        told = f',{{"url":"validAt","valueDateTime":"{instant(freshness.valid_at)}"}}{told}'
    return told
