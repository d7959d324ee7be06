"""Malformed deliveries as they happen, format by format: each module here exports `FORMAT`, `OPTIONS` and `CASES`, and
`SOURCE` where what is wrong is seen only when a map reads the records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Malformed"]


@dataclass(frozen=True)
class Malformed:
    """One delivery with one fault, and what the first issue says of it; `text_en` is a part of its English text."""

    name: str
    body: bytes
    code: str
    place: str
    text_en: str
    options: Mapping[str, Any] | None = None
