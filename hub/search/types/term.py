"""A value of a search, parsed: what statement it needs (its shape) and what goes into it (its binds).

Searches of one shape share one prepared statement, so a request builds no SQL.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter

__all__ = ["Bind", "Term", "first_unescaped_bar", "split_unescaped", "unescape"]

Bind = Callable[[str], BindParameter[Any]]
"""Makes the bind parameter of a term's value, by the value's name."""


@dataclass(frozen=True, slots=True)
class Term:
    """One value of a search parameter; `shape` and the names of `binds` decide the SQL, the values do not."""

    shape: str
    binds: Mapping[str, object]


_UNESCAPED_BAR = re.compile(r"(?<!\\)(?:\\\\)*\|")


def first_unescaped_bar(text: str) -> int:
    """Where the first `|` stands that is not escaped, or -1."""
    found = _UNESCAPED_BAR.search(text)
    return found.end() - 1 if found else -1


def split_unescaped(text: str, separator: str) -> list[str]:
    r"""The parts between separators that are not escaped by `\`; escapes stay in the parts.

    https://hl7.org/fhir/R4/search.html#escaping
    """
    parts, part, escaped = [], "", False
    for character in text:
        if character == separator and not escaped:
            parts.append(part)
            part = ""
        else:
            part += character
        escaped = character == "\\" and not escaped
    return [*parts, part]


def unescape(text: str) -> str:
    r"""The text with `\,`, `\|`, `\$` and `\\` resolved."""
    return re.sub(r"\\([,|$\\])", r"\1", text)
