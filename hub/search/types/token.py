"""Token search: codes, codings, identifiers, booleans (https://hl7.org/fhir/R4/search.html#token)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.search.types import string
from hub.search.types.term import (
    AFTER_ALL,
    Asked,
    Bind,
    Columns,
    Extra,
    Parsed,
    Row,
    Term,
    first_unescaped_bar,
    key,
    merged,
    split_unescaped,
    unescape,
)
from hub.store.prepared import one_of

__all__ = ["MODIFIERS", "OF_TYPE", "SORTED_BY", "TABLE", "TEXT", "extras", "parse", "rows", "where"]

TABLE = "token"
SORTED_BY = "code"
MODIFIERS = ("not", "text", "in", "not-in", "below", "above", "of-type")
TEXT = ":text"
OF_TYPE = ":of-type"

_WITHOUT_SYSTEM = frozenset(("code", "boolean", "string", "uri", "id", "ContactPoint", "canonical", "markdown"))
_WITHOUT_CASE = frozenset(("string", "ContactPoint", "markdown"))
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+\-]+/[A-Za-z0-9!#$&^_.+\-]+")


def rows(kind: str, value: Any) -> Iterator[Row]:
    """(code, system) of every coding or identifier in an element; blank where it has none."""
    if isinstance(value, str):
        yield key(value.casefold() if kind in _WITHOUT_CASE else value), ""
    elif isinstance(value, bool):
        yield ("true" if value else "false"), ""
    elif isinstance(value, int | Decimal):
        yield str(value), ""
    elif isinstance(value, dict):
        if kind == "CodeableConcept":
            for coding in value.get("coding", ()):
                yield _pair(coding, "code")
        elif kind == "Coding":
            yield _pair(value, "code")
        elif kind == "Identifier":
            yield _pair(value, "value")
        elif kind == "ContactPoint" and isinstance(value.get("value"), str):
            yield key(value["value"].casefold()), ""


def _pair(value: dict[str, Any], name: str) -> Row:
    return key(value.get(name, "")), key(value.get("system", ""))


def extras(kind: str, value: Any) -> Iterator[Extra]:
    """What `:text` and `:of-type` look at: the words of a concept, and an identifier with its type."""
    if kind == "CodeableConcept":
        yield from _texts(value.get("text"), *(coding.get("display") for coding in value.get("coding", ())))
    elif kind == "Coding":
        yield from _texts(value.get("display"))
    elif kind == "Identifier" and isinstance(value.get("type"), dict):
        yield from _texts(value["type"].get("text"))
        for coding in value["type"].get("coding", ()):
            code = f"{coding.get('code', '')}|{value.get('value', '')}"
            yield TABLE, OF_TYPE, (key(code), key(coding.get("system", "")))


def _texts(*texts: str | None) -> Iterator[Extra]:
    for text in texts:
        if text:
            for row in string.rows("string", text):
                yield string.TABLE, TEXT, row


def parse(texts: Sequence[str], asked: Asked) -> Parsed:
    """`code`, `system|code`, `|code` (no system) or `system|`, and what the modifiers make of them."""
    modifier = asked.modifier
    if modifier == "text":
        begun = string.parse(texts, asked)
        return Parsed(table=string.TABLE, suffix=TEXT, terms=begun.terms)
    if modifier == "of-type":
        return Parsed(table=TABLE, suffix=OF_TYPE, terms=_joined(_of_type(text) for text in texts))
    negated = modifier in ("not", "not-in")
    if modifier in ("in", "not-in"):
        pairs = (pair for text in texts for pair in _members(unescape(text), asked))
        return Parsed(table=TABLE, terms=_joined(_term(system, code, asked) for system, code in pairs), negated=negated)
    if modifier in ("below", "above"):
        return Parsed(table=TABLE, terms=_joined(term for text in texts for term in _kinds(text, asked)))
    terms = _joined(_term(*_parted(text), asked) for text in texts)
    return Parsed(table=TABLE, terms=terms, negated=negated)


def _members(value_set: str, asked: Asked) -> Iterable[tuple[str, str]]:
    """The codes of a value set: "if the server can treat the reference as a literal URL, it does"."""
    if asked.base and value_set.startswith(f"{asked.base}/"):
        try:
            return asked.codes.of(value_set[len(asked.base) + 1 :])
        except KeyError:
            pass
    return asked.codes.of(value_set)


def _parted(text: str) -> tuple[str | None, str]:
    bar = first_unescaped_bar(text)
    if bar < 0:
        return None, unescape(text)
    return unescape(text[:bar]), unescape(text[bar + 1 :])


def _term(system: str | None, code: str, asked: Asked) -> Term:
    holds = asked.parameter.holds
    if holds and holds <= _WITHOUT_CASE:
        code = code.casefold()
    if holds and holds <= _WITHOUT_SYSTEM and system is not None:
        known = asked.parameter.systems
        if known is not None and system in known:
            # The system of a `code` is implied: it is that of its binding.
            if not code:
                return Term("system", {"system": ""})
            system = None
    if system is None:
        # Where no value has a system, saying so lets the index go on in the order of its rows.
        return Term("pair", {"system": "", "code": key(code)}) if holds and holds <= _WITHOUT_SYSTEM else _code(code)
    if not code:
        return Term("system", {"system": key(system)})
    return Term("pair", {"system": key(system), "code": key(code)})


def _code(code: str) -> Term:
    return Term("code", {"code": key(code)})


def _of_type(text: str) -> Term:
    parts = split_unescaped(text, "|")
    if len(parts) != 3 or not all(parts):
        raise ValueError(text)
    system, code, value = (unescape(part) for part in parts)
    return Term("pair", {"system": key(system), "code": key(f"{code}|{value}")})


def _kinds(text: str, asked: Asked) -> Iterator[Term]:
    system, code = _parted(text)
    if not system:
        yield from _media_types(text, asked)
        return
    found = asked.codes.below(system, code) if asked.modifier == "below" else asked.codes.above(system, code)
    for one in found:
        yield _term(system, one, asked)


def _media_types(text: str, asked: Asked) -> Iterator[Term]:
    """A MIME type, and the same with parameters (https://hl7.org/fhir/R4/search.html#mimetype)."""
    holds = asked.parameter.holds
    if asked.modifier != "below" or not holds or not holds <= _WITHOUT_SYSTEM or not _MEDIA_TYPE.fullmatch(text):
        raise ValueError(text)
    yield Term("pair", {"system": "", "code": key(text)})
    yield Term("begins", {"low": key(f"{text};"), "high": key(f"{text};") + AFTER_ALL})


def _joined(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Few terms: the codes of one system are one list."""
    found = list(terms)
    if len(found) < 2:
        return tuple(found)
    plain = [term for term in found if term.shape != "pair"]
    joined = merged(plain, "code", "codes", "code")
    by_system: dict[object, set[str]] = {}
    for term in found:
        if term.shape == "pair":
            by_system.setdefault(term.binds["system"], set()).add(str(term.binds["code"]))
    for system, codes in sorted(by_system.items(), key=lambda one: str(one[0])):
        if len(codes) == 1:
            joined.append(Term("pair", {"system": system, "code": codes.pop()}))
        else:
            joined.append(Term("pairs", {"system": system, "codes": sorted(codes)}))
    return tuple(joined)


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the token table."""
    code, system = columns["code"], columns["system"]
    match shape:
        case "code":
            return code == bind("code")
        case "codes":
            return one_of(code, bind("codes"))
        case "system":
            return and_(system == bind("system"), code >= "")
        case "begins":
            return and_(system == "", code >= bind("low"), code < bind("high"))
        case "pairs":
            return and_(one_of(code, bind("codes")), system == bind("system"))
        case _:
            return and_(code == bind("code"), system == bind("system"))
