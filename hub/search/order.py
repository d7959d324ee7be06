"""The order of what a search finds, and where in it a page ends (https://hl7.org/fhir/R4/search.html#sort).

Every order ends in the row of the resource, so that it is total. What has no value for a key comes last, whichever way
the key goes. Of several values the smallest counts, descending the largest.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key, lru_cache
from hashlib import blake2b
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import orjson

from hub.search.types import date, near, number, quantity, reference, string, token, uri

__all__ = [
    "COLUMNS",
    "SORTED_BY",
    "By",
    "Key",
    "Position",
    "after",
    "by",
    "compared",
    "cursor",
    "position",
    "sorted_rows",
]

Values = tuple[Any, ...]
Position = tuple[Values, int]
"""The values of a resource for each key, None where it has none, and its rid."""

COLUMNS = MappingProxyType({"id": "id", "updated": "updated"})
"""The keys that the table of resources itself has."""
SORTED_BY = MappingProxyType(
    {module.TABLE: module.SORTED_BY for module in (date, near, number, quantity, reference, string, token, uri)}
)
_CURSOR_MAX = 4000


@dataclass(frozen=True, slots=True)
class By:
    """What of a key decides the SQL: an index table or one of `COLUMNS`, and which way it goes."""

    table: str
    descending: bool = False
    single: bool = False

    @property
    def is_column(self) -> bool:
        """Whether every resource has exactly one value of it."""
        return self.table in COLUMNS


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an order; its binds are the parameter's number, and the point that distances are from."""

    by: By
    binds: Mapping[str, object] = field(default_factory=dict)


def compared(keys: Sequence[By], left: Position, right: Position) -> int:
    """Which of two comes first."""
    for key, one, other in zip(keys, left[0], right[0], strict=True):
        if one == other:
            continue
        if one is None or other is None:
            return 1 if one is None else -1
        return (1 if one > other else -1) * (-1 if key.descending else 1)
    return (left[1] > right[1]) - (left[1] < right[1])


def sorted_rows(keys: Sequence[By], rows: list[Position]) -> list[Position]:
    """The rows in order."""
    rows.sort(key=itemgetter(1))
    for place in reversed(range(len(keys))):
        present = [row for row in rows if row[0][place] is not None]
        missing = [row for row in rows if row[0][place] is None]
        # Sorting is stable; reversed it must stay so.
        present.sort(key=itemgetter(0) if len(keys) == 1 else _value_at(place), reverse=keys[place].descending)
        rows = present + missing
    return rows


def _value_at(place: int) -> Callable[[Position], Any]:
    return lambda row: row[0][place]


def after(keys: Sequence[By], rows: list[Position], start: Position | None) -> list[Position]:
    """Those of rows in order that stand behind a position."""
    if start is None:
        return rows
    if not keys:
        return [row for row in rows if row[1] > start[1]]
    return [row for row in rows if compared(keys, row, start) > 0]


def by(keys: Sequence[By]) -> Callable[[Position], Any]:
    """What `sorted` and `merge` sort by."""

    def compare(left: Position, right: Position) -> int:
        return compared(keys, left, right)

    return cmp_to_key(compare)


def cursor(keys: Sequence[By], at: Position) -> str:
    """A position as a link carries it."""
    told = orjson.dumps([_signature(tuple(keys)), *at[0], at[1]])
    return urlsafe_b64encode(told).rstrip(b"=").decode()


def position(keys: Sequence[By], text: str) -> Position:
    """The position in a link; ValueError where it is of another order, or none at all."""
    if len(text) > _CURSOR_MAX or not text.isascii():
        raise ValueError(text)
    try:
        told = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise ValueError(text) from None
    if not isinstance(told, list) or len(told) != len(keys) + 2 or told[0] != _signature(tuple(keys)):
        raise ValueError(text)
    *values, rid = told[1:]
    if type(rid) is not int or not 0 <= rid < 1 << 62:
        raise ValueError(text)
    for by, value in zip(keys, values, strict=True):
        if value is None and not by.is_column:
            continue
        if by.table in ("date", "updated"):
            fits = type(value) is int and abs(value) < 1 << 62
        elif by.table in ("number", "quantity", "position"):
            fits = type(value) in (int, float) and abs(value) < 1.8e308
        else:
            fits = isinstance(value, str) and "\0" not in value and bool(value.encode() or True)
        if not fits:
            raise ValueError(text)
    return tuple(values), rid


@lru_cache(maxsize=256)
def _signature(keys: tuple[By, ...]) -> str:
    told = ",".join(f"{by.table}{'-' if by.descending else ''}" for by in keys)
    return blake2b(told.encode(), digest_size=3).hexdigest()
