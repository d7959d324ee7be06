"""Finds the adapters: every module of `adapters.inbound`, and every encoder of `adapters.outbound`, by its `FORMAT`."""

import importlib
import pkgutil
from collections.abc import Collection
from functools import cache

from adapters import inbound, outbound
from adapters.base import Adapter, Encoder, NamesFields, Options

__all__ = ["adapter", "check", "encoder", "exports", "formats"]


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


def check(name: str, options: Options, names: Collection[str]) -> None:
    """Raises `Rejected` for options that a format does not have, and where they rule out that a record ever has one of
    the fields that a map reads (`SourceMap.names`)."""
    module = adapter(name)
    module.check(options)
    if isinstance(module, NamesFields):
        module.check_names(options, names)


@cache
def _encoders() -> dict[str, Encoder]:
    found: dict[str, Encoder] = {}
    for info in pkgutil.iter_modules(outbound.__path__):
        module: Encoder = importlib.import_module(f"{outbound.__name__}.{info.name}")
        found[module.FORMAT] = module
    return found


def exports() -> tuple[str, ...]:
    """The names of all formats that can be written."""
    return tuple(sorted(_encoders()))


def encoder(name: str) -> Encoder:
    """The encoder of a format; KeyError for a format that does not exist."""
    return _encoders()[name]
