"""A value of a search, parsed: what SQL it needs (its shape) and what goes into it (its binds).

Searches of one shape share one prepared statement, so a request builds no SQL.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol

from sqlalchemy import BindParameter, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = [
    "AFTER_ALL",
    "Asked",
    "Bind",
    "Codes",
    "Columns",
    "Extra",
    "Parsed",
    "Row",
    "Term",
    "first_unescaped_bar",
    "key",
    "merged",
    "split_unescaped",
    "unescape",
    "unindexed",
]

AFTER_ALL = "\U0010ffff"
"""Sorts after whatever text goes on: what begins with `x` lies from `x` to below `x` and this."""

Bind = Callable[[str], BindParameter[Any]]
"""Makes the bind parameter of a term's value, by the value's name."""

Columns = Mapping[str, ColumnElement[Any]] | ReadOnlyColumnCollection[str, Any]
"""The columns that hold a value, by the names they have in the table of its type."""

Row = tuple[object, ...]
"""The values of one row of an index table, without the parameter's number and the rid."""

Extra = tuple[str, str, Row]
"""Index table, suffix of the parameter's number, and row, of what a modifier alone asks for."""

_KEY = 300
"""Characters that are indexed: PostgreSQL's B-tree refuses entries over 2.7 kB."""


@dataclass(frozen=True, slots=True)
class Term:
    """One alternative of a search parameter; `shape` and the names of `binds` decide the SQL, the values do not."""

    shape: str
    binds: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What is looked for: any of `terms` in an index table, under the parameter's number with a suffix."""

    table: str
    terms: tuple[Term, ...]
    suffix: str = ""
    negated: bool = False


class Codes(Protocol):
    """What terminology knows of codes; KeyError where it does not know."""

    def of(self, value_set: str) -> Iterable[tuple[str, str]]:
        """System and code of each member of a value set, named by its canonical URL or as `ValueSet/id`."""

    def below(self, system: str, code: str) -> Iterable[str]:
        """A code and all its kinds."""

    def above(self, system: str, code: str) -> Iterable[str]:
        """A code and all that it is a kind of."""


class Kind(Protocol):
    """What a type's `parse` needs to know of a parameter."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The types that its references can have; empty: all."""

    @property
    def holds(self) -> frozenset[str]:
        """The FHIR types that its values can have; empty where that cannot be told."""

    @property
    def systems(self) -> Mapping[str, Collection[str]] | None:
        """The code systems that its codes are from, where they say none themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The circumstances in which a value is parsed."""

    parameter: Kind
    modifier: str = ""
    base: str = ""
    now: datetime | None = None
    codes: Codes


class unindexed(ColumnElement[Any]):  # noqa: N801 - reads as the SQL operator that it is
    """A column that the planner may not choose an index for: another condition has a better one."""

    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(unindexed)
def _unindexed(element: unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.column, **options)


@compiles(unindexed, "sqlite")
def _unindexed_sqlite(element: unindexed, compiler: SQLCompiler, **options: Any) -> str:
    # https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_
    return f"+{compiler.process(element.column, **options)}"


_UNESCAPED_BAR = re.compile(r"(?<!\\)(?:\\\\)*\|")
_ESCAPED = re.compile(r"\\([,|$\\])")


def first_unescaped_bar(text: str) -> int:
    """Where the first `|` stands that is not escaped, or -1."""
    found = _UNESCAPED_BAR.search(text)
    return found.end() - 1 if found else -1


def split_unescaped(text: str, separator: str) -> list[str]:
    r"""The parts between separators that are not escaped by `\`; escapes stay in the parts.

    https://hl7.org/fhir/R4/search.html#escaping
    """
    if "\\" not in text:
        return text.split(separator)
    parts, part, escaped = [], "", False
    for character in text:
        if character == separator and not escaped:
            parts.append(part)
            part = ""
        else:
            part += character
        escaped = character == "\\" and not escaped
    return [*parts, part]


def unescape(text: str) -> str:
    r"""The text with `\,`, `\|`, `\$` and `\\` resolved."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def key(text: str) -> str:
    """A text as an index holds it: one that is too long is cut, and told from others by its hash."""
    if len(text) > _KEY:
        text = f"{text[: _KEY - 33]}#{blake2b(text.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
    return text.replace("\0", "") if "\0" in text else text


def merged(terms: Sequence[Term], one: str, many: str, name: str) -> list[Term]:
    """The terms, those of shape `one` as a single one of shape `many` with a list: so SQL does not grow with them."""
    found = [term for term in terms if term.shape == one]
    if len(found) < 2:
        return list(terms)
    values = sorted({str(term.binds[name]) for term in found})
    return [Term(many, {f"{name}s": values}), *(term for term in terms if term.shape != one)]
