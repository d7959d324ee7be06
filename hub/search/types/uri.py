"""URI search: the whole, or what stands above or below it (https://hl7.org/fhir/R4/search.html#uri)."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.search.types.term import AFTER_ALL, Asked, Bind, Columns, Extra, Parsed, Row, Term, key, merged, unescape
from hub.store.prepared import one_of

__all__ = ["MODIFIERS", "SORTED_BY", "TABLE", "extras", "parse", "rows", "where"]

TABLE = "uri"
SORTED_BY = "uri"
MODIFIERS = ("below", "above")


def rows(kind: str, value: Any) -> Iterator[Row]:
    """The URI; a canonical with a version also without it, so that both find it."""
    if isinstance(value, str) and value:
        yield (key(value),)
        if kind == "canonical":
            url, bar, _ = value.partition("|")
            if bar and url:
                yield (key(url),)


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - URIs have none
    """Nothing."""
    return iter(())


def parse(texts: Sequence[str], asked: Asked) -> Parsed:
    """URIs, case and all; with `:below` all that begin with one, with `:above` all that one begins with.

    "The :above and :below modifiers only apply to URLs, and not URNs": a URN is looked for as a whole.
    """
    terms: list[Term] = []
    for text in map(unescape, texts):
        if not text:
            raise ValueError(text)
        if text[:4].lower() == "urn:":
            terms.append(Term("uri", {"uri": key(text)}))
        elif asked.modifier == "below":
            terms.append(Term("below", {"low": key(text), "high": key(text) + AFTER_ALL}))
        elif asked.modifier == "above":
            terms += (Term("uri", {"uri": key(one)}) for one in _above(text))
        else:
            terms.append(Term("uri", {"uri": key(text)}))
    return Parsed(table=TABLE, terms=tuple(merged(terms, "uri", "uris", "uri")))


def _above(text: str) -> Iterator[str]:
    """The URI and all its parents, each with and without the slash at its end."""
    yield text
    scheme = text.find("://")
    first, at = (scheme + 2 if scheme >= 0 else 0), len(text)
    while (at := text.rfind("/", 0, at)) > first:
        yield text[: at + 1]
        yield text[:at]


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the column of the URI table."""
    column = columns["uri"]
    match shape:
        case "uri":
            return column == bind("uri")
        case "uris":
            return one_of(column, bind("uris"))
        case _:
            return and_(column >= bind("low"), column < bind("high"))
