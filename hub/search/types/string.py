"""String search: begins with, whatever the case and the accents (https://hl7.org/fhir/R4/search.html#string)."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.search.types.term import Bind, Term, unescape
from hub.store.tables import Projection

__all__ = ["TABLE", "folded", "parse", "rows", "where"]

TABLE = "string"

_INDEXED = 400
"""Characters kept for the index: PostgreSQL's B-tree refuses entries over 2.7 kB."""
_AFTER_ALL = "\U0010ffff"


def folded(text: str) -> str:
    """The text without case, accents and doubled spaces; ß is ss."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(bare.split())[:_INDEXED]


def rows(value: Any) -> Iterator[tuple[str]]:
    """The folded text."""
    if isinstance(value, str) and (text := folded(value)):
        yield (text,)


def parse(text: str) -> Term:
    """A beginning."""
    begin = folded(unescape(text))
    return Term("begins", {"low": begin, "high": begin + _AFTER_ALL})


def where(tables: Projection, shape: str, bind: Bind) -> ColumnElement[bool]:  # noqa: ARG001 - one shape
    """The condition on the string table."""
    column = tables.string.c.folded
    return and_(column >= bind("low"), column < bind("high"))
