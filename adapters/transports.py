"""Finds the transports that fetch: every module of `adapters.transport` that has a `TRANSPORT`."""

import importlib
import pkgutil
from functools import cache
from typing import Any

from adapters import transport
from adapters.feed import Transport

__all__ = ["named", "names"]


@cache
def _modules() -> dict[str, Transport]:
    found: dict[str, Transport] = {}
    for info in pkgutil.iter_modules(transport.__path__):
        module: Any = importlib.import_module(f"{transport.__name__}.{info.name}")
        # What listens is a transport, too, and no feed leads to it.
        if hasattr(module, "TRANSPORT"):
            found[module.TRANSPORT] = module
    return found


def names() -> tuple[str, ...]:
    """The names of all transports that fetch."""
    return tuple(sorted(_modules()))


def named(name: str) -> Transport:
    """The transport of a name; KeyError for one that does not exist."""
    return _modules()[name]
