"""HealthcareService/$find-vacancies: the offers near a place that can take somebody, nearest first.

The contract is `conformance/spec/OperationDefinition-find-vacancies.json`. No patient data is accepted: every value is
a code, a number, a date or a place.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from conformance.spec import canonical
from hub.errors import Malformed, http_part
from hub.fhir.bundle import INCLUDE, entries, matches, searchset
from hub.fhir.context import Context
from hub.fhir.form import BYTES_MAX
from hub.fhir.parameters import given, plain, posted
from hub.fhir.request import Answer, Request
from hub.search.query import COUNT_DEFAULT, encoded, parse_count
from hub.search.types.near import MAX_KM, parse_circle
from hub.search.vacancies import Freshness, Hit, Hits, VacancyQuery, find
from hub.store.clock import day, instant, micros
from hub.store.reader import Reader, Transaction
from hub.store.tables import Projection
from mappings import gazetteer, terminology
from mappings.errors import Issue
from mappings.vacancy import ZONE, State

__all__ = ["NAME", "RESOURCE", "ROUTES", "WRITES", "answer", "freshness_class", "prepare", "writes"]

NAME = "find-vacancies"
RESOURCE = "HealthcareService"
ROUTES = (
    ("GET", f"/{RESOURCE}/${NAME}"),
    ("POST", f"/{RESOURCE}/${NAME}"),
)

WRITES = False

_KM_DEFAULT = 25.0
_PLACES_MAX = 99
_RID_DIGITS = 18
_DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"
_FRESHNESS = canonical("StructureDefinition", "freshness")
_REPEATABLE = ("care-form", "state")
_ONCE = ("near", "postal-code", "distance", "start", "places", "_count", "_sort", "_after")


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A searchset: each match with distance and freshness, its Location, Organization, Schedule and Slots included."""
    if context.catch_up is not None:
        assert isinstance(reader, Transaction), "`writes` asked for one"
        context.catch_up(reader)
    pairs, sent = posted(request, most=BYTES_MAX)
    if sent is not None:
        pairs += plain(given(sent))
    search = prepare(pairs, context.repository.projection, now=context.clock(), base=request.base)
    return Answer(content=search(reader))


def writes(context: Context, _request: Request) -> bool:
    """Where FHIR is written to, what was written since is brought into the index first."""
    return context.catch_up is not None


def prepare(
    pairs: Sequence[tuple[str, str]], projection: Projection, *, now: datetime, base: str
) -> Callable[[Reader], bytes]:
    """The search that parameters ask for: given a snapshot, it finds and writes the Bundle.

    Raises `Malformed` for what cannot be asked, before anything is searched.
    """
    told = _read(pairs)
    query = _query(told, today=now.astimezone(ZONE).date(), public=projection.name == "public")

    def search(reader: Reader) -> bytes:
        return _bundle(find(reader, projection, query, now=micros(now)), told, query, base, now)

    return search


def freshness_class(freshness: Freshness, now: int) -> str:
    """Where a statement stands on the ladder: a code of CodeSystem freshness."""
    if now < freshness.aging_at:
        return "fresh"
    if now < freshness.stale_at:
        return "aging"
    return "stale" if now < freshness.expires_at else "expired"


def _read(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        if name in ("_format", "_pretty"):
            continue
        if name not in _REPEATABLE and name not in _ONCE:
            known = ", ".join(sorted(name for name in (*_REPEATABLE, *_ONCE) if name != "_after"))
            raise _wrong(
                name[:40],
                f"kein Parameter von $find-vacancies; bekannt: {known}",
                f"not a parameter of $find-vacancies; known: {known}",
                "not-supported",
            )
        told[name] += [part.strip() for part in value.split(",")] if name in _REPEATABLE else [value.strip()]
    for name in _ONCE:
        if len(told.get(name, ())) > 1:
            raise _wrong(name, "darf nur einmal stehen", "may be given only once")
    return {name: [value for value in values if value] for name, values in told.items() if any(values)}


def _query(told: Mapping[str, list[str]], *, today: date, public: bool) -> VacancyQuery:
    latitude, longitude, kilometres = _circle(told)
    start = _start(told, today)
    return VacancyQuery(
        latitude=latitude,
        longitude=longitude,
        kilometres=kilometres,
        care_forms=_care_forms(told.get("care-form", [])),
        states=_states(told.get("state", [])),
        today=day(today),
        start=day(start) if start else None,
        places=_places(told, public=public),
        count=parse_count(told["_count"][0]) if "_count" in told else COUNT_DEFAULT,
        after=_after(told),
    )


def _circle(told: Mapping[str, list[str]]) -> tuple[float, float, float]:
    if ("near" in told) == ("postal-code" in told):
        raise _wrong(
            "near",
            "erwartet wird ein Ort: entweder near=Breite|Länge|Umkreis|km oder postal-code=PLZ mit distance=km",
            "expected one place: either near=latitude|longitude|distance|km or postal-code=PLZ with distance=km",
            "required",
        )
    if "near" in told:
        if "distance" in told:
            raise _wrong(
                "distance", "near nennt den Umkreis schon selbst", "near states the distance itself", "business-rule"
            )
        try:
            return parse_circle(told["near"][0])
        except ValueError:
            raise _wrong(
                "near",
                f"erwartet wird Breite|Länge|Umkreis|km, zum Beispiel 52.27|8.05|25|km, bis {MAX_KM:.0f} km",
                f"expected latitude|longitude|distance|km, for example 52.27|8.05|25|km, up to {MAX_KM:.0f} km",
            ) from None
    postal_code = told["postal-code"][0]
    point = gazetteer.point(postal_code) if re.fullmatch(r"\d{5}", postal_code, re.ASCII) else None
    if point is None:
        raise _wrong(
            "postal-code",
            "diese Postleitzahl gibt es nicht; erwartet werden fünf Ziffern wie 49661",
            "there is no such postal code; expected five digits such as 49661",
        )
    return point.latitude, point.longitude, _kilometres(told)


def _kilometres(told: Mapping[str, list[str]]) -> float:
    if "distance" not in told:
        return _KM_DEFAULT
    written = told["distance"][0]
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", written, re.ASCII) or not 0 < float(written) <= MAX_KM:
        raise _wrong(
            "distance",
            f"erwartet werden Kilometer als Zahl über 0 bis {MAX_KM:.0f}, zum Beispiel 25 oder 7.5",
            f"expected kilometres as a number above 0 up to {MAX_KM:.0f}, for example 25 or 7.5",
        )
    return float(written)


def _care_forms(codes: list[str]) -> tuple[str, ...]:
    known = terminology.codes("care-form")
    for code in codes:
        if code not in known:
            listed = ", ".join(sorted(known))
            raise _wrong("care-form", f"erwartet wird eine von: {listed}", f"expected one of: {listed}", "code-invalid")
    return tuple(sorted({narrower for code in codes for narrower in terminology.descendants(code)} or known))


def _states(codes: list[str]) -> tuple[State, ...]:
    known = [state.value for state in State]
    for code in codes:
        if code not in known:
            listed = ", ".join(known)
            raise _wrong("state", f"erwartet wird eine von: {listed}", f"expected one of: {listed}", "code-invalid")
    return tuple(sorted({State(code) for code in codes})) or (State.SOME,)


def _start(told: Mapping[str, list[str]], today: date) -> date | None:
    if "start" not in told:
        return None
    written = told["start"][0]
    try:
        start = datetime.strptime(written, "%Y-%m-%d").date() if len(written) == 10 else None  # noqa: DTZ007 - a day
    except ValueError:
        start = None
    if start is None or start < today or start.year > 2099:
        raise _wrong(
            "start",
            f"erwartet wird ein Tag von heute ({today}) an, zum Beispiel {today}",
            f"expected a day from today ({today}) on, for example {today}",
        )
    return start


def _places(told: Mapping[str, list[str]], *, public: bool) -> int:
    most = 2 if public else _PLACES_MAX
    written = told.get("places", ["1"])[0]
    if re.fullmatch(r"\d{1,2}", written, re.ASCII) and 1 <= int(written) <= most:
        return int(written)
    because_de = because_en = ""
    if public:
        because_de = (
            "; öffentlich steht nur da, ob 0, 1, 2 oder mehr Plätze frei sind, damit niemand auf Bewohner schließt"
        )
        because_en = "; the public sees 0, 1, 2 or more free places only, so that nobody infers residents from them"
    raise _wrong(
        "places",
        f"erwartet wird eine ganze Zahl von 1 bis {most}{because_de}",
        f"expected a whole number from 1 to {most}{because_en}",
        "business-rule" if public and written.isascii() and written.isdigit() else "value",
    )


def _after(told: Mapping[str, list[str]]) -> tuple[float, int] | None:
    if told.get("_sort", ["distance"]) != ["distance"]:
        raise _wrong("_sort", "möglich ist distance", "possible: distance", "not-supported")
    if "_after" not in told:
        return None
    try:
        kilometres, _, rid = told["_after"][0].partition("_")
        if len(rid) > _RID_DIGITS:
            raise ValueError(rid)
        return float(kilometres), int(rid)
    except ValueError:
        raise _wrong(
            "_after", "dem Link „next“ unverändert folgen", "follow the 'next' link unchanged", "value"
        ) from None


def _wrong(name: str, text_de: str, text_en: str, fhir_code: str = "value") -> Malformed:
    return Malformed(
        Issue(
            code=f"find-vacancies-{name}" if name in (*_ONCE, *_REPEATABLE) else "unknown-parameter",
            fhir_code=fhir_code,
            place=http_part(name) if name in (*_ONCE, *_REPEATABLE) else "http",
            text_de=f"{name}: {text_de}",
            text_en=f"{name}: {text_en}",
        )
    )


def _bundle(found: Hits, told: Mapping[str, list[str]], query: VacancyQuery, base: str, now: datetime) -> bytes:
    at = micros(now)
    shown = matches(base, [hit.shown for hit in found.hits], [_match(hit, query.kilometres, at) for hit in found.hits])
    shown += entries(base, found.members, INCLUDE)
    used = [(name, value) for name, values in told.items() if name not in ("_count", "_after") for value in values]
    here = f"{base}/{RESOURCE}/${NAME}?{encoded([*used, ('_count', str(query.count))])}"
    links = [("self", here if query.after is None else f"{here}&_after={told['_after'][0]}")]
    if found.more:
        last = found.hits[-1]
        links.append(("next", f"{here}&_after={last.kilometres!r}_{last.rid}"))
    return searchset(shown, total=found.total, links=links)


def _match(hit: Hit, radius: float, now: int) -> bytes:
    freshness = hit.freshness
    told = f',{{"url":"confirmedAt","valueDateTime":"{instant(freshness.confirmed_at)}"}}'
    told += f',{{"url":"expiresAt","valueDateTime":"{instant(freshness.expires_at)}"}}'
    if freshness.valid_at is not None:
        told = f',{{"url":"validAt","valueDateTime":"{instant(freshness.valid_at)}"}}{told}'
    # 1 at the place asked for, 0 at the rim of the circle.
    score = max(1 - hit.kilometres / radius, 0) if radius else 1
    aged = freshness_class(freshness, now)
    return (
        f'{{"extension":[{{"url":"{_DISTANCE}","valueDistance":{{"value":{hit.kilometres:.3f},"unit":"km",'
        f'"system":"http://unitsofmeasure.org","code":"km"}}}},'
        f'{{"url":"{_FRESHNESS}","extension":[{{"url":"class","valueCode":"{aged}"}}{told}]}}],'
        f'"mode":"match","score":{score:.4f}}}'
    ).encode()
