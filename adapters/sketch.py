"""What a sample file looks like: format, options, and its records before anybody has said what they mean.

One module in `adapters/sketches/` knows one format; it has the adapter's `FORMAT`, and `sketch(body) -> Sketch | None`.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters import registry, sketches
from mappings.reader import Fields

__all__ = ["SAMPLE", "Sketch", "Sketcher", "drafted", "sketch"]

SAMPLE = 2_000
"""So many records are enough to tell what a file is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A sample as its adapter would read it; of a table `columns` in their order, and not yet in `options`."""

    format: str
    options: Mapping[str, Any]
    records: tuple[Fields, ...]
    columns: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = field(default=())
    """What whoever reads the draft should know, in German and English."""


class Sketcher(Protocol):
    """The shape of a module in `adapters/sketches/`."""

    FORMAT: str

    def sketch(self, body: bytes) -> Sketch | None:
        """The sketch of a file of this format, None for any other."""
        ...


def drafted() -> tuple[str, ...]:
    """The formats that a sketch is made of here."""
    return tuple(sorted({info.name for info in pkgutil.iter_modules(sketches.__path__)} & set(registry.formats())))


def sketch(body: bytes) -> Sketch | None:
    """The sketch of a file by the first format that knows it; None where there is no such format here."""
    for info in sorted(pkgutil.iter_modules(sketches.__path__), key=lambda info: info.name == "csv_records"):
        module: Sketcher = importlib.import_module(f"{sketches.__name__}.{info.name}")
        if module.FORMAT in registry.formats() and (found := module.sketch(body)) is not None:
            return found
    return None
