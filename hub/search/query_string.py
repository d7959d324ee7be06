"""What every search reads and writes of a query string; a command that searches for places needs no more of queries."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from hub.search import refusals

__all__ = ["COUNT_DEFAULT", "COUNT_MAX", "encoded", "parse_count"]

COUNT_DEFAULT = 20
COUNT_MAX = 100
_PLAIN = re.compile(r"[A-Za-z0-9_:.$~-]*")


def parse_count(value: str) -> int:
    """A page's size, clamped to what is served at once; `Malformed` where it is no number."""
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise refusals.count_wrong(COUNT_MAX)
    return min(int(value), COUNT_MAX)


def encoded(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string; the characters that FHIR searches are full of stay readable."""
    return "&".join([f"{_quoted(name)}={_quoted(value, also=',/')}" for name, value in pairs])


def _quoted(text: str, also: str = "") -> str:
    # Most have nothing to quote, and to find that out is cheaper by far.
    return text if _PLAIN.fullmatch(text) else quote(text, safe="_:.$-" + also)
