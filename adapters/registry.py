"""Finds the adapters: every module of `adapters.inbound`, by its `FORMAT`."""

import importlib
import pkgutil
from functools import cache

from adapters import inbound
from adapters.base import Adapter

__all__ = ["adapter", "formats"]


@cache
def _modules() -> dict[str, Adapter]:
    found: dict[str, Adapter] = {}
    for info in pkgutil.iter_modules(inbound.__path__):
        module: Adapter = importlib.import_module(f"{inbound.__name__}.{info.name}")
        found[module.FORMAT] = module
    return found


def formats() -> tuple[str, ...]:
    """The names of all wire formats that can be taken in."""
    return tuple(sorted(_modules()))


def adapter(name: str) -> Adapter:
    """The adapter of a wire format; KeyError for a format that does not exist."""
    return _modules()[name]
