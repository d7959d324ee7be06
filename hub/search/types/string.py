"""String search: begins with, whatever the case, the accents and the punctuation
(https://hl7.org/fhir/R4/search.html#string)."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.search.types.term import AFTER_ALL, Asked, Bind, Columns, Extra, Parsed, Row, Term, key, unescape

__all__ = ["MODIFIERS", "SORTED_BY", "TABLE", "extras", "folded", "parse", "rows", "where"]

TABLE = "string"
SORTED_BY = "folded"
MODIFIERS = ("exact", "contains")

_INDEXED = 300
"""Characters that are searched: PostgreSQL's B-tree refuses entries over 2.7 kB."""
_PARTS = {
    "HumanName": ("family", "given", "prefix", "suffix", "text"),
    "Address": ("line", "city", "district", "state", "country", "postalCode", "text"),
    "CodeableConcept": ("text",),
    "Coding": ("display",),
    "ContactPoint": ("value",),
    "Identifier": ("value",),
    "Annotation": ("text",),
}


_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
"""What is a letter of its own, and written without its stroke by whoever has no such key."""


_PUNCTUATION = re.compile("[!-#%-*,-/:;?@[-\\]_{}\xa1\xa7\xab\xb6\xb7\xbb\xbf\u2010-\u2027\u2030-\u205e\u3001-\u3011]")
"""What parts words, and nobody types alike: St. Marien, St Marien; Müller-Stift, Müller Stift."""


def folded(text: str) -> str:
    """The text without case, accents, strokes, punctuation and doubled spaces; ß is ss."""
    text = text.casefold()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS))
        # What is decomposed may have a case again.
        text = "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()
    if "\0" in text:
        text = text.replace("\0", "")
    return " ".join(_PUNCTUATION.sub(" ", text).split())[:_INDEXED]


def rows(kind: str, value: Any) -> Iterator[Row]:
    """(folded, exact) of a string, and of each part of a name or an address."""
    if isinstance(value, str):
        yield from _row(value)
    elif isinstance(value, dict):
        for part in _PARTS.get(kind, ()):
            told = value.get(part)
            for each in told if isinstance(told, list) else (told,):
                if isinstance(each, str):
                    yield from _row(each)


def _row(text: str) -> Iterator[Row]:
    # What is punctuation alone is there, and found by all of it.
    if text and not text.isspace():
        yield folded(text), key(text)


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - strings have none
    """Nothing."""
    return iter(())


def parse(texts: Sequence[str], asked: Asked) -> Parsed:
    """Beginnings; with `:exact` whole texts, with `:contains` parts of them."""
    return Parsed(table=TABLE, terms=tuple(_term(unescape(text), asked.modifier) for text in texts))


def _term(text: str, modifier: str) -> Term:
    if modifier == "exact":
        return Term("exact", {"folded": folded(text), "exact": key(text)})
    sought = folded(text)
    if not sought:
        raise ValueError(text)  # else everything would begin with it
    if modifier == "contains":
        # What LIKE reads as more than itself (%, _ and \) is punctuation, and no longer there.
        return Term("contains", {"pattern": f"%{sought}%"})
    return Term("begins", {"low": sought, "high": sought + AFTER_ALL})


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the columns of the string table."""
    if shape == "exact":
        return and_(columns["folded"] == bind("folded"), columns["exact"] == bind("exact"))
    if shape == "contains":
        return columns["folded"].like(bind("pattern"))
    return and_(columns["folded"] >= bind("low"), columns["folded"] < bind("high"))
