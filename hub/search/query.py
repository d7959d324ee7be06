"""A search request, parsed: what is asked for, what was left aside, and the `self` link that says so.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hub.errors import Malformed, http_part
from hub.search.parameters import SearchParameter, parameters
from hub.search.types import date
from hub.search.types.term import Term, split_unescaped, unescape
from mappings.errors import Issue

__all__ = ["COUNT_DEFAULT", "COUNT_MAX", "Condition", "Include", "Query", "encoded", "parse", "parse_count"]

COUNT_DEFAULT = 20
COUNT_MAX = 100
_VALUES_MAX = 50
_CONDITIONS_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One parameter with its values: any of them may hold; `parameter` is None for `_id` and `_lastUpdated`."""

    code: str
    parameter: SearchParameter | None
    terms: tuple[Term, ...]

    @property
    def shape(self) -> tuple[str, ...]:
        """What decides the statement, whatever the values."""
        return (self.code, *(term.shape for term in self.terms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """What else to show: the targets of one reference parameter, of one type if said."""

    parameter: SearchParameter
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed search; `used` are the parameters that count, `ignored` the names that were not understood."""

    type: str
    conditions: tuple[Condition, ...] = ()
    includes: tuple[Include, ...] = ()
    count: int = COUNT_DEFAULT
    after: int | None = None
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def self_query(self) -> str:
        """The query string of the `self` link: what was used, as it was used."""
        return encoded(self.used)


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string; the characters that FHIR searches are full of stay readable."""
    return "&".join(f"{quote(name, safe='_:.$-')}={quote(value, safe=':,.-_$/')}" for name, value in pairs)


def parse(resource_type: str, pairs: Iterable[tuple[str, str]], *, base: str = "", strict: bool = False) -> Query:
    """The query of a type on the server at `base`.

    Raises `Malformed` for a value that cannot be, and with `strict` for unknown parameters.
    """
    conditions: list[Condition] = []
    includes: list[Include] = []
    used: list[tuple[str, str]] = []
    ignored: list[str] = []
    count, after = COUNT_DEFAULT, None
    known = parameters(resource_type)
    for name, value in pairs:
        if not value or name in ("_format", "_pretty"):
            continue
        if name == "_count":
            count = parse_count(value)
            continue
        if name == "_after":
            after = _parse_after(value)
            continue
        if name == "_include":
            includes.append(_parse_include(resource_type, value))
        elif name == "_id":
            ids = [unescape(part) for part in split_unescaped(value, ",")]
            conditions.append(Condition(code=name, parameter=None, terms=(Term("any", {"ids": ids}),)))
        elif name == "_lastUpdated":
            conditions.append(Condition(code=name, parameter=None, terms=(_parse_date(name, value),)))
        elif name in known:
            conditions.append(_parse_condition(known[name], value, base))
        elif name.split(":")[0] in known:
            raise Malformed(_no_modifier(name))
        else:
            ignored.append(name)
            continue
        used.append((name, value))
    if strict and ignored:
        raise Malformed(*(unknown_parameter(resource_type, name) for name in ignored))
    if len(conditions) > _CONDITIONS_MAX:
        raise Malformed(_too_many("http", _CONDITIONS_MAX))
    return Query(
        type=resource_type,
        conditions=tuple(conditions),
        includes=tuple(includes),
        count=count,
        after=after,
        used=(*used, ("_count", str(count))),
        ignored=tuple(ignored),
    )


def unknown_parameter(resource_type: str, name: str) -> Issue:
    """What is said of a parameter that does not exist."""
    known = ", ".join(sorted((*parameters(resource_type), "_id", "_lastUpdated", "_count", "_include")))
    return Issue(
        code="unknown-parameter",
        fhir_code="not-supported",
        severity="warning",
        place="http",
        text_de=f"„{name[:60]}“ ist kein Suchparameter von {resource_type}; bekannt: {known}",
        text_en=f"'{name[:60]}' is not a search parameter of {resource_type}; known: {known}",
    )


def parse_count(value: str) -> int:
    """A page's size, clamped to what is served at once; `Malformed` where it is no number."""
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise Malformed(
            Issue(
                code="count-not-a-number",
                fhir_code="value",
                place=http_part("_count"),
                text_de=f"_count: erwartet wird eine ganze Zahl von 0 bis {COUNT_MAX}",
                text_en=f"_count: expected a whole number from 0 to {COUNT_MAX}",
            )
        )
    return min(int(value), COUNT_MAX)


def _parse_after(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise Malformed(
            Issue(
                code="page-unknown",
                fhir_code="value",
                place=http_part("_after"),
                text_de="_after: so hat der Server keine Seite benannt; dem Link „next“ unverändert folgen",
                text_en="_after: no page of this server; follow the 'next' link unchanged",
            )
        )
    return int(value)


def _parse_condition(parameter: SearchParameter, value: str, base: str) -> Condition:
    parts = split_unescaped(value, ",")
    if len(parts) > _VALUES_MAX:
        raise Malformed(_too_many(http_part(parameter.code), _VALUES_MAX))
    implementation = parameter.implementation
    arguments: tuple[Any, ...] = (parameter.targets, base) if parameter.type == "reference" else ()
    try:
        terms = tuple(implementation.parse(part, *arguments) for part in parts)
    except ValueError as error:
        raise Malformed(_bad_value(parameter.code, parameter.type)) from error
    return Condition(code=parameter.code, parameter=parameter, terms=terms)


def _parse_date(name: str, value: str) -> Term:
    try:
        return date.parse(value)
    except ValueError as error:
        raise Malformed(_bad_value(name, "date")) from error


def _parse_include(resource_type: str, value: str) -> Include:
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if source == resource_type:
        parameter = parameters(resource_type).get(code)
        if parameter is not None and parameter.type == "reference" and (not target or target in parameter.targets):
            return Include(parameter=parameter, target=target or None)
    possible = ", ".join(
        f"{resource_type}:{parameter.code}"
        for parameter in parameters(resource_type).values()
        if parameter.type == "reference"
    )
    raise Malformed(
        Issue(
            code="include-unknown",
            fhir_code="not-supported",
            place=http_part("_include"),
            text_de=f"_include: möglich sind hier {possible or 'keine'}",
            text_en=f"_include: possible here: {possible or 'none'}",
        )
    )


_EXPECTED = {
    "date": (
        "ein Datum wie 2026-12-01 oder 2026-12-01T08:00:00Z, davor auch eq, ne, lt, le, gt, ge, sa, eb",
        "a date such as 2026-12-01 or 2026-12-01T08:00:00Z, with eq, ne, lt, le, gt, ge, sa, eb before it",
    ),
    "special": (
        "Breite|Länge|Umkreis|km, zum Beispiel 52.27|8.05|25|km, bis 1000 km",
        "latitude|longitude|distance|km, for example 52.27|8.05|25|km, up to 1000 km",
    ),
}


def _bad_value(code: str, kind: str) -> Issue:
    expected_de, expected_en = _EXPECTED.get(kind, (f"ein Wert der Art {kind}", f"a value of type {kind}"))
    return Issue(
        code="parameter-value",
        fhir_code="value",
        place=http_part(code),
        text_de=f"{code}: erwartet wird {expected_de}",
        text_en=f"{code}: expected {expected_en}",
    )


def _no_modifier(name: str) -> Issue:
    code = name.split(":")[0]
    return Issue(
        code="modifier-unknown",
        fhir_code="not-supported",
        place=http_part(code),
        text_de=f"{code}: Zusätze nach „:“ werden noch nicht unterstützt; erwartet wird {code}=…",
        text_en=f"{code}: modifiers after ':' are not supported yet; expected {code}=…",
    )


def _too_many(place: str, most: int) -> Issue:
    return Issue(
        code="too-many-values",
        fhir_code="too-costly",
        place=place,
        text_de=f"zu viele Werte auf einmal; erlaubt sind {most}",
        text_en=f"too many values at once; {most} are allowed",
    )
