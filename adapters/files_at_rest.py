"""Which files of a folder are complete, as far as that can be seen from outside: nobody writes them any more."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TypeVar

from adapters.feed import Feed, chosen, wrong

__all__ = ["FILES_MAX", "SETTLE", "at_rest", "pattern", "settle", "wanted"]

_Mark = TypeVar("_Mark")
FILES_MAX = 1000
"""Of one round; the next takes the others."""
SETTLE = 5
"""Seconds for which a file must not change before it is taken, unless the feed says otherwise."""
_UNFINISHED = (".tmp", ".part", ".filepart", ".partial", ".crdownload", ".swp", "~")


def wanted(name: str, told: str) -> bool:
    """Whether a file's name fits the pattern, and is not one that programs give to what they still write."""
    return fnmatchcase(name, told) and not name.startswith(".") and not name.lower().endswith(_UNFINISHED)


def at_rest(before: Mapping[str, _Mark], now: Mapping[str, _Mark]) -> list[str]:
    """Files that were the same at both looks."""
    return [name for name, mark in now.items() if before.get(name) == mark]


def pattern(feed: Feed) -> str:
    """The option `pattern`; raises `Rejected` for one that leads out of the folder."""
    told = str(feed.options.get("pattern", "*"))
    if not told or "/" in told or told.startswith("."):
        raise wrong("options.pattern", "ein Muster für Dateinamen wie *.csv", "a pattern of file names like *.csv")
    return told


def settle(feed: Feed) -> int:
    """The option `settle`, in seconds."""
    return chosen(feed, "settle", SETTLE, least=0, most=60)
