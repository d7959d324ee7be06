"""A source map's `options:`, piece by piece; what is wrong with them is an issue for whoever keeps the map."""

from collections.abc import Iterable
from typing import Any

from adapters.base import Options
from mappings.errors import Rejected, wrong_map

__all__ = ["only", "refused", "section", "text", "texts"]

_ALL = "options"


def only(options: Options, known: Iterable[str], place: str = _ALL) -> None:
    """Raises `Rejected` for a name that is none of the known ones."""
    strange = sorted(options.keys() - set(known))
    if strange:
        names = ", ".join(sorted(known))
        raise refused(f"{place}.{strange[0]}", f"eines von {names}", f"one of {names}")


def text(options: Options, name: str) -> str | None:
    """A text, None where the map does not say it; raises `Rejected` for anything else."""
    found = options.get(name)
    if name in options and not isinstance(found, str):
        raise refused(f"{_ALL}.{name}", "ein Text", "a text")
    return found


def texts(options: Options, name: str, place: str = _ALL, *, required: bool = False) -> tuple[str, ...]:
    """A list of different texts that are not blank; raises `Rejected` for anything else, and for none if required."""
    found = options.get(name, [])
    listed = isinstance(found, list) and all(isinstance(each, str) and each.strip() for each in found)
    if not listed or len(set(found)) < len(found) or (required and not found):
        raise refused(f"{place}.{name}", "eine Liste von Texten, jeder einmal", "a list of texts, each once,")
    return tuple(found)


def section(options: Options, name: str, *, required: bool = False) -> Options:
    """A mapping; raises `Rejected` for anything else, and for an empty one if required."""
    found: Any = options.get(name, {})
    if not isinstance(found, dict) or (required and not found):
        raise refused(f"{_ALL}.{name}", "eine Zuordnung (Schlüssel: Wert)", "a mapping (key: value)")
    return found


def refused(place: str, expected_de: str, expected_en: str) -> Rejected:
    """The refusal of an option."""
    return Rejected(wrong_map(place, expected_de, expected_en))
