"""Characters that XML writes otherwise, or not at all."""

import re

__all__ = ["SPECIAL", "escaped"]

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
SPECIAL = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')


def escaped(found: re.Match[str]) -> str:
    """What stands for a character that was found; raises `ValueError` for one that XML does not allow."""
    if found[0] not in _ESCAPED:
        raise ValueError("a character that XML does not allow")
    return _ESCAPED[found[0]]
