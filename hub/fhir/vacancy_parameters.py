"""The parameters of $find-vacancies: what is asked, as a `VacancyQuery`.

The contract is `conformance/spec/OperationDefinition-find-vacancies.json`. No patient data is accepted: every value is
a code, a number, a date or a place.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from hub.errors import Malformed, http_part
from hub.search.query_string import COUNT_DEFAULT, parse_count
from hub.search.types.near import MAX_KM, parse_circle
from hub.search.vacancy_query import Position, Sort, VacancyQuery
from hub.store.clock import day
from hub.store.vacancy_codes import ROOMS, SEXES, mask
from mappings import search_place, terminology
from mappings.errors import Issue, Rejected
from mappings.insurance_number import has_insurance_number, without_random_ids
from mappings.vacancy import State

__all__ = [
    "DAYS_MAX",
    "MONITOR",
    "ONCE",
    "REPEATABLE",
    "SINCE",
    "Told",
    "no_operator",
    "operator_id",
    "query_of",
    "told_of",
    "wrong_of",
]

Told = Mapping[str, Sequence[str]]
"""Parameters by name, each with its values, without blanks."""

MONITOR = "monitor"
"""Asks for the link that asks for news."""
SINCE = "_since"
"""Takes the cursor of that link."""
REPEATABLE = ("care-form", "need", "prefer", "room", "payer", "state")
ONCE = (
    *("near", "postal-code", "city", "district", "distance", "start", "end", "duration", "places", "care-grade", "sex"),
    *("operator", "language", "own-share", "max-age", "why-not", "_count", "_sort", "_after"),
    MONITOR,
    SINCE,
)
_NAMES = frozenset((*REPEATABLE, *ONCE))
DAYS_MAX = 366
_KM_DEFAULT = 25.0
_MARGIN = 0.25
"""Degrees around the middles of a district's postal codes."""
_PLACES_MAX = 99
_HOUR = 3_600_000_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FLOAT = r"-?\d{1,20}(?:\.\d{1,20})?(?:e-?\d{1,2})?"
_POSITION = re.compile(rf"({_FLOAT})_({_FLOAT})_(\d{{1,18}})", re.ASCII)
_BETWEEN = re.compile(r"[\s.,/\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff]+")
"""What people and their programs write between digits, seen or not."""
_AGE = re.compile(r"(\d{1,3})([hd])", re.ASCII)
_ID = re.compile(r"(?:Organization/)?([A-Za-z0-9.-]{1,64})", re.ASCII)


def told_of(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The parameters as they were sent; `Malformed` for one that is none, or stands twice, or tells of a patient."""
    told, wrong = _sent(pairs)
    if wrong:
        raise Malformed(*wrong)
    return told


def _sent(pairs: Sequence[tuple[str, str]]) -> tuple[dict[str, list[str]], list[Issue]]:
    """The parameters as they were sent, and what is wrong with them as such; `Malformed` if any tells of a patient."""
    told: dict[str, list[str]] = defaultdict(list)
    wrong: list[Issue] = []
    for name, value in pairs:
        if name in ("_format", "_pretty"):
            continue
        known = name in _NAMES
        # A cursor is letters and digits as they come; one that was not made here is refused and told to nobody.
        if (name != SINCE and _tells_of_a_person(value)) or (not known and _tells_of_a_person(name)):
            raise Malformed(
                Issue(
                    code="patient-data",
                    fhir_code="security",
                    place="http",
                    text_de="In der Anfrage steht, was eine Versichertennummer sein kann; sie ist nicht bearbeitet und "
                    "nicht gespeichert. Bitte ohne Angaben zur Person suchen.",
                    text_en="The request contains what may be a health insurance number; it was not stored and not "
                    "processed. Please search without anything about a person.",
                )
            )
        if known:
            told[name] += [part.strip() for part in value.split(",")] if name in REPEATABLE else [value.strip()]
        elif not wrong:
            wrong.append(_unknown())
    wrong += [
        _finding(name, "erwartet wird true oder false", "expected true or false")
        for name in ("why-not", MONITOR)
        if not {"true", "false", ""}.issuperset(told.get(name, ()))
    ]
    wrong += [
        _finding(name, "darf nur einmal stehen", "may be given only once")
        for name in ONCE
        if len(told.get(name, ())) > 1
    ]
    found = {name: [value for value in values if value] for name, values in told.items() if any(values)}
    if "near" in found and found["near"][0].count("|") == 1:
        # So that the answer, and its record, say how far was looked.
        found["near"] = [f"{found['near'][0]}|{_KM_DEFAULT:.0f}|km"]
    return found, wrong


def _unknown() -> Issue:
    """That there are parameters that are none, however many: they are not named, nobody knows what their names tell."""
    names = ", ".join(sorted(_NAMES - {"_after", SINCE}))
    return Issue(
        code="unknown-parameter",
        fhir_code="not-supported",
        place="http",
        text_de=f"ein Parameter der Anfrage ist keiner von $find-vacancies; bekannt: {names}",
        text_en=f"a parameter of the request is none of $find-vacancies; known: {names}",
    )


def _tells_of_a_person(text: str) -> bool:
    return has_insurance_number(text) or has_insurance_number(_BETWEEN.sub("", without_random_ids(text)))


def query_of(told: Told, *, today: date, public: bool) -> VacancyQuery:
    """The query; `Malformed` for what cannot be asked. `operator` is left to who can look it up."""
    care_forms = _care_forms(told)
    start, days = _stay(told, today)
    prefer_needs, prefer_rooms = _preferred(told)
    return VacancyQuery(
        **_place(told, care_forms),
        care_forms=care_forms,
        states=_states(told),
        today=day(today),
        start=day(start) if start else None,
        days=days,
        places=_places(told, public=public),
        needs=_needs(told) if "need" in told else 0,
        care_grade=_care_grade(told),
        sex=_sex(told) if "sex" in told else 0,
        rooms=_rooms(told) if "room" in told else 0,
        operator=0 if "operator" in told else None,
        language=_language(told),
        payers=_payers(told) if "payer" in told else 0,
        own_share=_own_share(told),
        max_age=_max_age(told),
        prefer_needs=prefer_needs,
        prefer_rooms=prefer_rooms,
        sort=_sort(told),
        count=_count(told) if "_count" in told else COUNT_DEFAULT,
        after=_after(told),
    )


def wrong_of(pairs: Sequence[tuple[str, str]], *, today: date, public: bool) -> list[Issue]:
    """All that `told_of`, `query_of` and `operator_id` refuse, at most once a parameter: what each says alone, and what
    contradicts others where all of these can be read. `Malformed` if any tells of a patient: then of nothing else.
    """
    told, sent = _sent(pairs)
    wrong = {issue.place: issue for issue in sent}

    def read(by: Callable[[Told], object], *names: str) -> None:
        if wrong.keys().isdisjoint(map(http_part, names)):
            try:
                by({name: told[name] for name in names if name in told})
            except Malformed as malformed:
                wrong.update((issue.place, issue) for issue in malformed.issues)

    def read_day(name: str) -> None:
        read(lambda told: _day(told, name, today), name)

    def read_place(*names: str) -> None:
        read(lambda told: _place(told, ()), *names)

    for names in (("near",), ("postal-code",), ("city", "district")):
        if not told.keys().isdisjoint(names):
            read_place(*names)
    read(_known_city, "city")
    read(_kilometres, "distance")
    read_place("near", "postal-code", "city", "district")
    read_place("near", "postal-code", "city", "district", "distance")
    read_day("start")
    read_day("end")
    read(_duration, "duration")
    read(_one_end, "end", "duration")
    read(lambda told: _stay(told, today), "start", "end", "duration")
    read(lambda told: _places(told, public=public), "places")
    for name, by in _ALONE.items():
        if name in told:
            read(by, name)
    return list(wrong.values())


def operator_id(told: Told) -> str | None:
    """The id of the Organization that is to run an offer."""
    if "operator" not in told:
        return None
    match = _ID.fullmatch(told["operator"][0])
    if match is None:
        raise no_operator()
    return match[1]


def no_operator() -> Malformed:
    """That no such operator is known."""
    return _wrong(
        "operator",
        "erwartet wird ein bekannter Träger: operator=Organization/<id>, wie in Organization.partOf eines Treffers",
        "expected an operator that is known: operator=Organization/<id>, as in Organization.partOf of a hit",
        "not-found",
    )


def _place(told: Told, care_forms: Sequence[str]) -> dict[str, Any]:
    """Where to look, as fields of the query."""
    near = _near(told)
    others = told.keys() & {"postal-code", "city", "district"}
    if near is not None and not others and terminology.ambulatory().isdisjoint(care_forms):
        return {"latitude": near[0], "longitude": near[1], "kilometres": near[2]}
    try:
        place = search_place.resolve(
            postal_code=_one(told, "postal-code"),
            city=_one(told, "city"),
            district=_one(told, "district"),
            near=near[:2] if near else None,
        )
    except Rejected as rejected:
        (issue,) = rejected.issues
        if issue.code == "place-missing":
            raise _wrong(
                "near",
                "erwartet wird ein Ort: postal-code=PLZ oder city=Ort mit distance=km, near=Breite|Länge|Umkreis|km "
                "oder district=Landkreis",
                "expected one place: postal-code=PLZ or city=town with distance=km, "
                "near=latitude|longitude|distance|km, or district=Landkreis",
                "required",
            ) from None
        raise _wrong(issue.place, issue.text_de, issue.text_en, issue.fhir_code) from None
    found: dict[str, Any] = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "postal_codes": tuple(map(int, place.postal_codes)),
    }
    if place.box is None:
        return {**found, "kilometres": near[2] if near else _kilometres(told)}
    if "distance" in told:
        raise _wrong(
            "distance",
            "ein Landkreis hat keinen Umkreis; mit Umkreis: city=Ort oder postal-code=PLZ",
            "a district has no circle around it; with a distance: city=town or postal-code=PLZ",
            "business-rule",
        )
    written, box = _one(told, "district"), place.box
    is_municipality = re.fullmatch(r"\d{8}", written, re.ASCII)
    first = int(written) if is_municipality else int(place.ags) * 1000
    return {
        **found,
        "kilometres": math.inf,
        # Homes stand where the middle of their postal code is not.
        "box": (box.south - _MARGIN, box.north + _MARGIN, box.west - _MARGIN, box.east + _MARGIN),
        "district": (first, first if is_municipality else first + 999),
    }


def _near(told: Told) -> tuple[float, float, float] | None:
    if "near" not in told:
        return None
    if "distance" in told:
        raise _wrong(
            "distance",
            "neben near steht der Umkreis in near selbst: near=Breite|Länge|Umkreis|km",
            "beside near the distance stands in near itself: near=latitude|longitude|distance|km",
            "business-rule",
        )
    try:
        return parse_circle(told["near"][0])
    except ValueError:
        raise _wrong(
            "near",
            f"erwartet wird Breite|Länge|Umkreis|km, zum Beispiel 52.27|8.05|25|km, bis {MAX_KM:.0f} km",
            f"expected latitude|longitude|distance|km, for example 52.27|8.05|25|km, up to {MAX_KM:.0f} km",
        ) from None


def _known_city(told: Told) -> None:
    """Raises `Malformed` for a town that nobody knows, in whatever district."""
    try:
        if "city" in told:
            _place(told, ())
    except Malformed as malformed:
        if malformed.issues[0].fhir_code != "multiple-matches":
            raise


def _one(told: Told, name: str) -> str:
    return told[name][0] if name in told else ""


def _kilometres(told: Told) -> float:
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


def _codes(told: Told, name: str, known: Collection[str]) -> Sequence[str]:
    """The codes of a parameter, each once."""
    if name not in told:
        return ()
    codes = tuple(dict.fromkeys(told[name]))
    if any(code not in known for code in codes):
        listed = ", ".join(sorted(known))
        raise _wrong(name, f"erwartet wird eine von: {listed}", f"expected one of: {listed}", "code-invalid")
    return codes


def _care_forms(told: Told) -> tuple[str, ...]:
    return _narrower(tuple(_codes(told, "care-form", terminology.codes("care-form"))))


@lru_cache(maxsize=4096)
def _narrower(care_forms: tuple[str, ...]) -> tuple[str, ...]:
    """Those and what they comprise, in order; all where none is asked for."""
    narrower = {one for form in care_forms for one in terminology.descendants(form)}
    return tuple(sorted(narrower or terminology.codes("care-form")))


def _states(told: Told) -> tuple[State, ...]:
    if "state" not in told:
        return (State.SOME,)
    return tuple(sorted({State(code) for code in _codes(told, "state", [state.value for state in State])}))


def _stay(told: Told, today: date) -> tuple[date | None, int]:
    """The first day, None for any, and for how many days in a row."""
    start, end = _day(told, "start", today), _day(told, "end", today)
    duration = _duration(told)
    _one_end(told)
    if end is None:
        return start, duration or 1
    first = start or today
    days = (end - first).days + 1
    if not 1 <= days <= DAYS_MAX:
        raise _wrong(
            "end",
            f"erwartet wird ein Tag von {first} (start) bis {first + timedelta(days=DAYS_MAX - 1)}",
            f"expected a day from {first} (start) to {first + timedelta(days=DAYS_MAX - 1)}",
            "business-rule",
        )
    return first, days


def _duration(told: Told) -> int | None:
    return _number(told, "duration", 1, DAYS_MAX)


def _one_end(told: Told) -> None:
    """Raises `Malformed` where the end of a stay is told in two ways."""
    if "end" in told and "duration" in told:
        raise _wrong("duration", "end nennt das Ende schon", "end states the end already", "business-rule")


def _day(told: Told, name: str, today: date) -> date | None:
    if name not in told:
        return None
    written = told[name][0]
    try:
        value = date.fromisoformat(written) if _DAY.fullmatch(written) else None
    except ValueError:
        value = None
    if value is None or value < today or value.year > 2099:
        raise _wrong(
            name,
            f"erwartet wird ein Tag von heute ({today}) an, zum Beispiel {today}",
            f"expected a day from today ({today}) on, for example {today}",
        )
    return value


def _number(told: Told, name: str, least: int, most: int) -> int | None:
    if name not in told:
        return None
    written = told[name][0]
    if not re.fullmatch(r"\d{1,6}", written, re.ASCII) or not least <= int(written) <= most:
        raise _wrong(
            name,
            f"erwartet wird eine ganze Zahl von {least} bis {most}",
            f"expected a whole number from {least} to {most}",
        )
    return int(written)


def _needs(told: Told) -> int:
    return mask("need", _codes(told, "need", terminology.codes("need")))


def _care_grade(told: Told) -> int:
    return _number(told, "care-grade", 1, 5) or 0


def _sex(told: Told) -> int:
    return sum(SEXES[code] for code in _codes(told, "sex", SEXES))


def _rooms(told: Told) -> int:
    return sum(ROOMS[code] for code in _codes(told, "room", ROOMS))


def _payers(told: Told) -> int:
    return mask("payer", _codes(told, "payer", terminology.codes("payer")))


def _language(told: Told) -> str:
    if "language" not in told:
        return ""
    written = told["language"][0]
    if not re.fullmatch("[a-z]{2,3}", written, re.ASCII):
        raise _wrong(
            "language",
            "erwartet wird eine Sprache nach BCP 47 wie tr, ru oder pl",
            "expected a language of BCP 47 such as tr, ru or pl",
            "code-invalid",
        )
    return written


def _own_share(told: Told) -> int | None:
    if "own-share" not in told:
        return None
    written = told["own-share"][0]
    if not re.fullmatch(r"\d{1,5}(\.\d{1,2})?", written, re.ASCII):
        raise _wrong(
            "own-share",
            "erwartet werden Euro im Monat als Zahl, zum Beispiel 2500",
            "expected euros a month as a number, for example 2500",
        )
    return math.ceil(round(float(written) * 100, 3))


def _max_age(told: Told) -> int | None:
    if "max-age" not in told:
        return None
    match = _AGE.fullmatch(told["max-age"][0])
    if match is None or int(match[1]) == 0:
        raise _wrong(
            "max-age",
            "erwartet werden Stunden oder Tage wie 24h oder 3d",
            "expected hours or days such as 24h or 3d",
        )
    return int(match[1]) * (_HOUR if match[2] == "h" else 24 * _HOUR)


def _preferred(told: Told) -> tuple[int, int]:
    """What is wished for, and no condition: needs, and rooms."""
    if "prefer" not in told:
        return 0, 0
    needs = terminology.codes("need")
    codes = _codes(told, "prefer", [*needs, *ROOMS])
    return mask("need", [code for code in codes if code in needs]), sum(ROOMS[code] for code in codes if code in ROOMS)


def _places(told: Told, *, public: bool) -> int:
    most = 2 if public else _PLACES_MAX
    written = told["places"][0] if "places" in told else "1"
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


def _sort(told: Told) -> Sort:
    if "_sort" not in told:
        return Sort.DISTANCE
    return Sort(_codes(told, "_sort", [one.value for one in Sort])[0])


def _count(told: Told) -> int:
    return parse_count(told["_count"][0])


def _after(told: Told) -> Position | None:
    if "_after" not in told:
        return None
    match = _POSITION.fullmatch(told["_after"][0])
    if match is None:
        raise _wrong("_after", "dem Link „next“ unverändert folgen", "follow the 'next' link unchanged", "value")
    return float(match[1]), float(match[2]), int(match[3])


_ALONE: Mapping[str, Callable[[Told], object]] = {
    "care-form": _care_forms,
    "state": _states,
    "need": _needs,
    "prefer": _preferred,
    "care-grade": _care_grade,
    "sex": _sex,
    "room": _rooms,
    "operator": operator_id,
    "language": _language,
    "payer": _payers,
    "own-share": _own_share,
    "max-age": _max_age,
    "_sort": _sort,
    "_count": _count,
    "_after": _after,
}
"""What reads a parameter that says the same whatever stands beside it."""


def _wrong(name: str, text_de: str, text_en: str, fhir_code: str = "value") -> Malformed:
    return Malformed(_finding(name, text_de, text_en, fhir_code))


def _finding(name: str, text_de: str, text_en: str, fhir_code: str = "value") -> Issue:
    return Issue(
        code=f"find-vacancies-{name}",
        fhir_code=fhir_code,
        place=http_part(name),
        text_de=f"{name}: {text_de}",
        text_en=f"{name}: {text_en}",
    )
