"""Long runs of broken parts as one: a file that is broken throughout is told in a hundred findings, no more."""

from collections.abc import Iterator

from adapters.base import Broken, Record
from mappings.errors import Issue

__all__ = ["MOST_IN_A_RUN", "folded"]

MOST_IN_A_RUN = 100
"""How many broken parts in a row are told one by one."""


def folded(parts: Iterator[Record | Broken], *, between: bytes = b"") -> Iterator[Record | Broken]:
    """The same parts, but of neighbouring broken ones those beyond the first hundred as one, their bytes put together
    with `between`."""
    run = 0
    rest: list[Broken] = []
    for part in parts:
        if isinstance(part, Record):
            yield from _one(rest, between)
            run, rest = 0, []
            yield part
        elif run < MOST_IN_A_RUN:
            run += 1
            yield part
        else:
            rest.append(part)
    yield from _one(rest, between)


def _one(rest: list[Broken], between: bytes) -> Iterator[Broken]:
    if len(rest) < 2:
        yield from rest
        return
    place = f"{rest[0].place} to {rest[-1].place}"
    yield Broken(
        place=place,
        body=between.join(part.body for part in rest),
        issue=Issue(
            code="broken-run",
            place=place,
            text_de=f"… und {len(rest)} weitere unlesbare Teile in Folge. Der Absender muss sie berichtigen.",
            text_en=f"… and {len(rest)} more unreadable parts in a row. The sender must correct them.",
            fhir_code="structure",
        ),
    )
