"""A stretch of time over which a source said the same of an offer."""

from dataclasses import dataclass

from mappings.vacancy import State

__all__ = ["Run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A source said the same of an offer from `since` until `until` (last said again), microseconds since 1970."""

    source: str
    offer: str
    care_form: str
    state: State
    accepting: int | None
    since: int
    until: int
    ended: int | None
    """When something else was said; None: it still stands."""
    said: int
    """In how many deliveries at least; 1: said once."""
