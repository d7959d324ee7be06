"""Token search: codes, codings, identifiers, booleans (https://hl7.org/fhir/R4/search.html#token)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_

from hub.search.types.term import Bind, Term, first_unescaped_bar, unescape
from hub.store.tables import Projection

__all__ = ["TABLE", "parse", "rows", "where"]

TABLE = "token"


def rows(value: Any) -> Iterator[tuple[str, str]]:
    """(code, system) of every coding or identifier in an element."""
    if isinstance(value, bool):
        yield ("true" if value else "false", "")
    elif isinstance(value, str):
        yield (value, "")
    elif isinstance(value, dict) and "coding" in value:
        for coding in value["coding"]:
            yield from rows(coding)
    elif isinstance(value, dict):
        code = value.get("code", value.get("value"))
        if code is not None:
            yield (code, value.get("system", ""))


def parse(text: str) -> Term:
    """`code`, `system|code`, `|code` (no system) or `system|`."""
    bar = first_unescaped_bar(text)
    if bar < 0:
        return Term("code", {"code": unescape(text)})
    system, code = unescape(text[:bar]), unescape(text[bar + 1 :])
    if not code:
        return Term("system", {"system": system})
    return Term("system-and-code", {"system": system, "code": code})


def where(tables: Projection, shape: str, bind: Bind) -> ColumnElement[bool]:
    """The condition on the token table for a term of this shape."""
    table = tables.token
    if shape == "code":
        return table.c.code == bind("code")
    if shape == "system":
        return table.c.system == bind("system")
    return and_(table.c.code == bind("code"), table.c.system == bind("system"))
