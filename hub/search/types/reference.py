"""Reference search: `id`, `Type/id` or a URL (https://hl7.org/fhir/R4/search.html#reference).

What is written relative is indexed as (id, type); any other URL whole, with the type where it names one. So it does not
matter to the index under which address the server is reached. A canonical is indexed whole and without a type, whatever
its URL looks like.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_

from conformance.formats.r4_types import resource_types
from hub.search.types import token, uri
from hub.search.types.term import Asked, Bind, Columns, Extra, Parsed, Row, Term, key, merged, unescape
from hub.store.prepared import one_of

__all__ = ["IDENTIFIER", "MODIFIERS", "SORTED_BY", "TABLE", "extras", "located", "parse", "rows", "where"]

TABLE = "reference"
SORTED_BY = "target_id"
MODIFIERS = ("identifier",)
"""Besides, every type that the parameter can refer to."""
IDENTIFIER = ":identifier"

_LOCATED = re.compile(r"(.*/)?([A-Z][A-Za-z]{2,40})/([A-Za-z0-9.\-]{1,64})(?:/_history/[A-Za-z0-9.\-]{1,64})?")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_CANONICAL = frozenset(("canonical", "uri", "url"))


def located(text: str) -> tuple[str, str]:
    """(id or URL, type or blank) of a reference as it is written, without a version."""
    found = _LOCATED.fullmatch(text)
    if found is None or found[2] not in resource_types():
        return key(text), ""
    base, resource_type, resource_id = found.groups()
    return (key(f"{base}{resource_type}/{resource_id}") if base else resource_id), resource_type


def rows(kind: str, value: Any) -> Iterator[Row]:
    """(target_id, target_type) of a Reference, a canonical URL, or a resource that stands inside another."""
    if isinstance(value, str):
        if kind in _CANONICAL:
            for row in uri.rows(kind, value):
                yield (*row, "")
    elif isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str):
            if not reference.startswith("#"):
                yield located(reference)
        elif isinstance(value.get("resourceType"), str) and isinstance(value.get("id"), str):
            yield value["id"], value["resourceType"]


def extras(kind: str, value: Any) -> Iterator[Extra]:
    """What `:identifier` looks at."""
    if kind == "Reference" and isinstance(value.get("identifier"), dict):
        for row in token.rows("Identifier", value["identifier"]):
            yield token.TABLE, IDENTIFIER, row


def parse(texts: Sequence[str], asked: Asked) -> Parsed:
    """A bare id may be of any type, or of the one that the modifier names."""
    if asked.modifier == "identifier":
        return Parsed(table=token.TABLE, suffix=IDENTIFIER, terms=token.parse(texts, _plain(asked)).terms)
    terms_of = _canonicals if asked.parameter.holds and asked.parameter.holds <= _CANONICAL else _terms
    terms = [term for text in texts for term in terms_of(unescape(text), asked)]
    return Parsed(table=TABLE, terms=tuple(_typed(merged(terms, "id", "ids", "id"))))


def _plain(asked: Asked) -> Asked:
    return Asked(parameter=_Identifiers(), base=asked.base, now=asked.now, codes=asked.codes)


class _Identifiers:
    """Identifiers, as tokens."""

    targets: tuple[str, ...] = ()
    holds: frozenset[str] = frozenset(("Identifier",))
    systems: Mapping[str, Collection[str]] | None = None


def _terms(text: str, asked: Asked) -> Iterator[Term]:
    modifier, base = asked.modifier, asked.base
    if not text:
        raise ValueError(text)
    if base and text.startswith(f"{base}/"):
        text = text[len(base) + 1 :]
    target_id, target_type = located(text)
    if modifier and not target_type and _ID.fullmatch(text):
        target_id, target_type = text, modifier
    elif modifier and target_type != modifier:
        raise ValueError(text)
    if not target_type:
        yield Term("id", {"id": target_id})
        return
    yield Term("typed", {"id": target_id, "type": target_type})
    if base and "/" not in target_id:
        # The same resource, where somebody wrote it with this server's address.
        yield Term("typed", {"id": f"{base}/{target_type}/{target_id}", "type": target_type})


def _canonicals(text: str, asked: Asked) -> Iterator[Term]:
    if asked.modifier and _ID.fullmatch(text):
        text = f"{asked.modifier}/{text}"
    if not text:
        raise ValueError(text)
    yield Term("id", {"id": key(text)})
    if not asked.base:
        return
    # The same resource, where somebody wrote it with this server's address, or without it.
    target_id, target_type = located(text)
    if text.startswith(f"{asked.base}/"):
        yield Term("id", {"id": key(text[len(asked.base) + 1 :])})
    elif target_type and "/" not in target_id:
        yield Term("id", {"id": key(f"{asked.base}/{text}")})


def _typed(terms: list[Term]) -> Iterator[Term]:
    by_type: dict[str, set[str]] = {}
    for term in terms:
        if term.shape == "typed":
            by_type.setdefault(str(term.binds["type"]), set()).add(str(term.binds["id"]))
        else:
            yield term
    for target_type, ids in sorted(by_type.items()):
        yield Term("typed", {"ids": sorted(ids), "type": target_type})


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the reference table."""
    match shape:
        case "id":
            return columns["target_id"] == bind("id")
        case "ids":
            return one_of(columns["target_id"], bind("ids"))
        case _:
            return and_(one_of(columns["target_id"], bind("ids")), columns["target_type"] == bind("type"))
