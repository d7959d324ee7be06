"""What is said of a search that cannot be run as it is asked (https://hl7.org/fhir/R4/search.html#errors)."""

import re
from collections.abc import Iterable

from conformance.formats.alike import meant
from hub.errors import Malformed, http_part
from mappings.errors import Issue

__all__ = [
    "bad_value",
    "count_wrong",
    "include_of_another",
    "include_of_texts",
    "include_unknown",
    "modifier_unknown",
    "no_named_query",
    "not_common",
    "not_supported",
    "page_unknown",
    "sort_unknown",
    "too_many",
    "unknown_codes",
    "unknown_parameter",
    "unknown_type",
    "wrong_result_parameter",
]

_LISTED = 80
_EXPECTED = {
    "date": (
        "ein Datum wie 2026-12-01 oder 2026-12-01T08:00:00Z, davor auch eq, ne, lt, le, gt, ge, sa, eb, ap",
        "a date such as 2026-12-01 or 2026-12-01T08:00:00Z, with eq, ne, lt, le, gt, ge, sa, eb, ap before it",
    ),
    "number": (
        "eine Zahl wie 100, 5.40 oder 1e2, davor auch eq, ne, lt, le, gt, ge, sa, eb, ap",
        "a number such as 100, 5.40 or 1e2, with eq, ne, lt, le, gt, ge, sa, eb, ap before it",
    ),
    "quantity": (
        "Zahl, Zahl|System|Code oder Zahl||Code, davor auch eq, ne, lt, le, gt, ge, sa, eb, ap",
        "number, number|system|code or number||code, with eq, ne, lt, le, gt, ge, sa, eb, ap before it",
    ),
    "special": (
        "Breite|Länge|Umkreis|km, zum Beispiel 52.27|8.05|25|km, bis 1000 km",
        "latitude|longitude|distance|km, for example 52.27|8.05|25|km, up to 1000 km",
    ),
    "reference": ("Id, Typ/Id oder URL", "id, type/id or URL"),
    "string": ("ein Text mit einem Buchstaben oder einer Ziffer", "a text with a letter or a digit"),
    "token": ("Code, System|Code oder |Code", "code, system|code or |code"),
    "uri": ("eine URI", "a URI"),
}


_NUMBER = re.compile(r"\d{6}")


def _named(name: str) -> str:
    """What a client calls a parameter, as a sentence repeats it: nothing with a number that may be somebody's."""
    return name[:60] if name.isprintable() and not _NUMBER.search(name) else "?"


def unknown_parameter(resource_type: str, name: str, known: Iterable[str]) -> Issue:
    """A parameter that there is not; what is known is listed."""
    listed = ", ".join(sorted(known)[:_LISTED])
    told = _named(name)
    return Issue(
        code="unknown-parameter",
        fhir_code="not-supported",
        severity="warning",
        place="http",
        text_de=f"„{told}“ ist kein Suchparameter von {resource_type}; bekannt: {listed}",
        text_en=f"'{told}' is not a search parameter of {resource_type}; known: {listed}",
    )


def unknown_type(resource_type: str, name: str, known: Iterable[str]) -> Issue:
    """A parameter that names a type that there is not."""
    types = sorted(known)
    told, of = _named(name), _named(resource_type)
    meant_de, meant_en = meant(resource_type, types)
    if not meant_en:
        listed = ", ".join(types)
        all_de, all_en = "GET metadata nennt alle", "GET metadata lists all"
        meant_de = f"; es gibt: {listed}" if len(types) <= _LISTED else f"; {all_de}"
        meant_en = f"; there are: {listed}" if len(types) <= _LISTED else f"; {all_en}"
    return Issue(
        code="unknown-type",
        fhir_code="not-supported",
        severity="warning",
        place="http",
        text_de=f"„{told}“: „{of}“ ist kein Typ, der hier gesucht wird{meant_de}",
        text_en=f"'{told}': '{of}' is no type that is searched here{meant_en}",
    )


def bad_value(name: str, kind: str, modifier: str = "", components: Iterable[tuple[str, str]] = ()) -> Malformed:
    """A value that cannot be; `components` are expression and type of each component of a composite."""
    expected_de, expected_en = _EXPECTED.get(kind, (f"ein Wert der Art {kind}", f"a value of type {kind}"))
    if kind == "composite":
        parts = [(expression, *_EXPECTED[one]) for expression, one in components]
        listed_de = " $ ".join(f"{expression} ({said})" for expression, said, _ in parts)
        listed_en = " $ ".join(f"{expression} ({said})" for expression, _, said in parts)
        expected_de = f"für jeden Bestandteil ein Wert, getrennt durch $: {listed_de}"
        expected_en = f"a value for each component, separated by $: {listed_en}"
    if modifier == "missing":
        expected_de, expected_en = "true oder false", "true or false"
    elif modifier == "of-type":
        expected_de, expected_en = "System|Code|Wert", "system|code|value"
    elif modifier in ("above", "below") and kind == "token":
        expected_de, expected_en = "System|Code", "system|code"
        if modifier == "below":
            expected_de, expected_en = f"{expected_de} oder ein MIME-Typ", f"{expected_en} or a MIME type"
    return Malformed(
        Issue(
            code="parameter-value",
            fhir_code="value",
            place=http_part(name),
            text_de=f"{name}: erwartet wird {expected_de}",
            text_en=f"{name}: expected {expected_en}",
        )
    )


def modifier_unknown(code: str, allowed: Iterable[str]) -> Malformed:
    """A modifier that the type of the parameter does not allow."""
    listed = ", ".join(f":{one}" for one in list(allowed)[:_LISTED])
    none_de, none_en = "keine", "none"
    return Malformed(
        Issue(
            code="modifier-unknown",
            fhir_code="not-supported",
            place=http_part(code),
            text_de=f"{code}: hier mögliche Modifier nach „:“: {listed or none_de}",
            text_en=f"{code}: modifiers possible here: {listed or none_en}",
        )
    )


def unknown_codes(name: str) -> Malformed:
    """A value set, code system or code of which terminology knows nothing."""
    return Malformed(
        Issue(
            code="codes-unknown",
            fhir_code="not-found",
            place=http_part(name),
            text_de=f"{name}: dieses ValueSet, CodeSystem oder diesen Code kennt der Server nicht; "
            "erwartet wird eine URL, die ValueSet/$expand oder CodeSystem/$lookup kennt",
            text_en=f"{name}: the server does not know this ValueSet, CodeSystem or code; "
            "expected a URL that ValueSet/$expand or CodeSystem/$lookup knows",
        )
    )


def not_common(name: str, types: Iterable[str]) -> Malformed:
    """A parameter that only some of the types asked for have (https://hl7.org/fhir/R4/http.html#search)."""
    listed = ", ".join(sorted(types))
    return Malformed(
        Issue(
            code="parameter-not-common",
            fhir_code="not-supported",
            place=http_part(name),
            text_de=f"{name}: erwartet wird ein Suchparameter aller Typen in _type; ihn haben nur: {listed}",
            text_en=f"{name}: expected a search parameter of all types in _type; only these have it: {listed}",
        )
    )


def not_supported(name: str) -> Malformed:
    """A parameter of FHIR's that is not there."""
    return Malformed(
        Issue(
            code="parameter-not-supported",
            fhir_code="not-supported",
            place=http_part(name),
            text_de=f"{name}: eine Volltextsuche gibt es nicht; es gibt :contains bei Texten und :text bei Codes",
            text_en=f"{name}: there is no full-text search; there are :contains for strings and :text for codes",
        )
    )


def no_named_query() -> Malformed:
    """A query by its name: R4 says that a server refuses one that it does not know."""
    return Malformed(
        Issue(
            code="query-unknown",
            fhir_code="not-supported",
            place=http_part("_query"),
            text_de="_query: benannte Abfragen gibt es hier keine; gesucht wird mit Suchparametern",
            text_en="_query: there are no named queries here; searches use search parameters",
        )
    )


def sort_unknown(known: Iterable[str]) -> Malformed:
    """A key that cannot be sorted by."""
    listed = ", ".join(sorted(known)[:_LISTED])
    return Malformed(
        Issue(
            code="sort-unknown",
            fhir_code="not-supported",
            place=http_part("_sort"),
            text_de=f"_sort: hier kann sortiert werden nach {listed}; nach near nur, wo near gefragt ist",
            text_en=f"_sort: possible here: {listed}; near only where near is asked for",
        )
    )


def include_unknown(name: str, possible: Iterable[str]) -> Malformed:
    """A reference that cannot be included."""
    listed = ", ".join(sorted(possible)[:_LISTED])
    none_de, none_en = "keine", "none"
    return Malformed(
        Issue(
            code="include-unknown",
            fhir_code="not-supported",
            place=http_part(name),
            text_de=f"{name}: erwartet wird Typ:Parameter oder Typ:Parameter:Zieltyp; möglich: {listed or none_de}",
            text_en=f"{name}: expected type:parameter or type:parameter:target; possible: {listed or none_en}",
        )
    )


def include_of_another(name: str, types: Iterable[str]) -> Issue:
    """References to what is not searched."""
    listed = ", ".join(list(types)[:_LISTED])
    told = name.partition(":")[0]
    return Issue(
        code="include-of-another",
        fhir_code="not-supported",
        severity="warning",
        place=http_part(told),
        text_de=f"{told}: gesucht wird {listed}; der dritte Teil nennt einen anderen Typ, auf den verwiesen wird",
        text_en=f"{told}: {listed} is searched; the third part names another type to refer to",
    )


def include_of_texts() -> Malformed:
    """Texts alone come without what is included (https://hl7.org/fhir/R4/search.html#summary)."""
    return Malformed(
        Issue(
            code="include-of-texts",
            fhir_code="not-supported",
            place=http_part("_summary"),
            text_de="_summary=text geht nicht mit _include oder _revinclude zusammen; eines davon weglassen",
            text_en="_summary=text does not go with _include or _revinclude; leave one of them out",
        )
    )


def page_unknown() -> Malformed:
    """A page that this search does not have."""
    return Malformed(
        Issue(
            code="page-unknown",
            fhir_code="value",
            place=http_part("_after"),
            text_de="_after: so hat der Server keine Seite dieser Suche benannt; dem Link „next“ unverändert folgen",
            text_en="_after: no page of this search; follow the 'next' link unchanged",
        )
    )


def wrong_result_parameter(name: str, possible: str) -> Malformed:
    """A parameter of the result with a value that it does not have."""
    return Malformed(
        Issue(
            code="result-parameter",
            fhir_code="value",
            place=http_part(name),
            text_de=f"{name}: erwartet wird {possible}",
            text_en=f"{name}: expected {possible}",
        )
    )


def too_many(place: str, most: int, text_de: str = "Werte", text_en: str = "values") -> Malformed:
    """A search that would cost too much."""
    return Malformed(
        Issue(
            code="too-many-values",
            fhir_code="too-costly",
            place=place,
            text_de=f"zu viele {text_de} auf einmal; erlaubt sind {most}",
            text_en=f"too many {text_en} at once; {most} are allowed",
        )
    )


def count_wrong(most: int) -> Malformed:
    """A page's size that is no number."""
    return Malformed(
        Issue(
            code="count-not-a-number",
            fhir_code="value",
            place=http_part("_count"),
            text_de=f"_count: erwartet wird eine ganze Zahl von 0 bis {most}",
            text_en=f"_count: expected a whole number from 0 to {most}",
        )
    )
