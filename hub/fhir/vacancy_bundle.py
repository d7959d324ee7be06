"""What $find-vacancies answers: hits with distance and freshness, what belongs to them, and why no more fit."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from itertools import repeat

from conformance.spec import canonical
from hub.fhir.bundle import INCLUDE, entries, matches, outcome_entry, searchset
from hub.fhir.news import Link, pairs_of
from hub.fhir.vacancy_parameters import MONITOR, SINCE, Told
from hub.fhir.why_not_entry import why_not_outcome
from hub.search.query_string import encoded
from hub.search.vacancies import Freshness, Hit, Hits
from hub.search.vacancy_query import VacancyQuery
from hub.search.why_not import WhyNot
from hub.store.clock import instant, micros
from hub.store.shown import address

__all__ = ["bundle", "freshness_class", "hit_entries", "url_of"]

_PATH = "HealthcareService/$find-vacancies"
_DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"
_FRESHNESS = canonical("StructureDefinition", "freshness")


def bundle(
    found: Hits,
    still_free: Mapping[str, float],
    why: WhyNot | None,
    told: Told,
    query: VacancyQuery,
    base: str,
    now: datetime,
    monitor: Link | None,
) -> bytes:
    """A page of hits as a searchset, with the links that go on from it."""
    shown = hit_entries(found, still_free, base, now)
    if why is not None:
        shown.append(outcome_entry(why_not_outcome(why, told, _PATH)))
    here = url_of(told, query, base)
    links = [("self", here if query.after is None else f"{here}&_after={told['_after'][0]}")]
    if found.more:
        key, kilometres, rid = found.hits[-1].position
        links.append(("next", f"{here}&_after={key!r}_{kilometres!r}_{rid}"))
    if monitor is not None:
        shown += monitor.entries
        links += monitor.links
    return searchset(shown, total=found.total, links=links)


def hit_entries(found: Hits, still_free: Mapping[str, float], base: str, now: datetime) -> list[bytes]:
    """What was found as entries of a Bundle, in pieces."""
    at = micros(now)
    told = (still_free.get(address(hit.shown)[1]) for hit in found.hits) if still_free else repeat(None)
    searches = [_match(hit, chance, at) for hit, chance in zip(found.hits, told, strict=False)]
    shown = matches(base, [hit.shown for hit in found.hits], searches)
    return shown + entries(base, found.members, INCLUDE)


def url_of(told: Told, query: VacancyQuery, base: str) -> str:
    """The URL of the search, without what goes on from an answer of it."""
    used = [pair for pair in pairs_of(told) if pair[0] not in ("_count", "_after", SINCE, MONITOR)]
    return f"{base}/{_PATH}?{encoded([*used, ('_count', str(query.count))])}"


def freshness_class(freshness: Freshness, now: int) -> str:
    """Where a statement stands on the ladder: a code of CodeSystem freshness."""
    if now < freshness.aging_at:
        return "fresh"
    if now < freshness.stale_at:
        return "aging"
    return "stale" if now < freshness.expires_at else "expired"


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
