"""Malformed deliveries as they happen, a module a format: each with the first issue that must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Malformed"]


@dataclass(frozen=True)
class Malformed:
    """One fault; `text_en` is a part of the issue's English text, `options` those of the module where None."""

    name: str
    body: bytes
    code: str
    place: str
    text_en: str
    options: Mapping[str, Any] | None = None
