"""Reference search: `id`, `Type/id` or a URL (https://hl7.org/fhir/R4/search.html#reference)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement

from hub.search.types.term import Bind, Term, unescape
from hub.store.tables import Projection

__all__ = ["TABLE", "parse", "rows", "where"]

TABLE = "reference"


def rows(value: Any) -> Iterator[tuple[str]]:
    """The reference as it is written."""
    if isinstance(value, dict) and isinstance(value.get("reference"), str):
        yield (value["reference"],)


def parse(text: str, targets: tuple[str, ...] = (), base: str = "") -> Term:
    """A bare id may be of any of the parameter's target types; a URL of this server is read like `Type/id`."""
    reference = unescape(text).removeprefix(f"{base}/")
    if "/" not in reference:
        return Term("any", {"targets": [f"{target}/{reference}" for target in targets]})
    return Term("any", {"targets": [reference]})


def where(tables: Projection, shape: str, bind: Bind) -> ColumnElement[bool]:  # noqa: ARG001 - one shape
    """The condition on the reference table."""
    return tables.reference.c.target.in_(bind("targets"))
