"""Malformed deliveries as they happen in practice, a module for each format, with the first issue that each is told.

A module says `FORMAT` and `OPTIONS` of its adapter and `CASES`; where records are wrong that the adapter reads, its
`reading` gives the issues that a record's fields have.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Malformed"]


@dataclass(frozen=True)
class Malformed:
    """A body with one fault, and what its sender is told first: code, place, and a part of the English text."""

    name: str
    body: bytes
    code: str
    place: str
    text_en: str
    options: Mapping[str, Any] | None = None
