"""How a process that works for long is set up."""

import gc
import sys

__all__ = ["TURN_SECONDS", "settle"]

TURN_SECONDS = 0.0005
"""Threads take turns ten times as often as Python's default: who writes waits for its turn after every statement."""
_OBJECTS = 50_000
"""New objects before the youngest are looked through for garbage: a delivery makes many at once, and keeps none."""


def settle() -> None:
    """Call it once everything is open: what is there now stays, and is not looked through for garbage again and again.

    https://docs.python.org/3/library/gc.html#gc.freeze
    """
    sys.setswitchinterval(TURN_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 50)
