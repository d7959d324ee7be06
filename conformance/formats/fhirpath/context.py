"""What an evaluation carries along: its focus, its environment, and what it may still spend."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from conformance.formats.fhirpath.errors import CannotEvaluate, TooCostly
from conformance.formats.fhirpath.node import Node

__all__ = ["MOST_VISITS", "Context", "Resolver"]

MOST_VISITS: Final = 1_000_000
"""Nodes visited in one evaluation; 100 characters of a text that is made count as one."""

Resolver = Callable[[str], Mapping[str, Any] | None]
"""The text of a reference → the resource, where the caller has it."""

Contained = dict[str, tuple[int | None, Mapping[str, Any]]]


class Context:
    """One evaluation; of one thread, and thrown away after it."""

    __slots__ = ("_contained", "_now", "index", "left", "origin", "resolver", "this", "total")

    def __init__(
        self, origin: Node, now: datetime | None, resolver: Resolver | None, *, left: int = MOST_VISITS
    ) -> None:
        self.origin = origin
        self.this: list[Node] = [origin]
        self.index: int | None = None
        self.total: list[Node] = []
        self.resolver = resolver
        self._now = now
        self.left = left
        self._contained: dict[int, Contained] = {}

    def spend(self, visits: int) -> None:
        """Counts what was visited. Raises `TooCostly`."""
        self.left -= visits
        if self.left < 0:
            raise TooCostly("more nodes visited than an evaluation may")

    def text(self, length: int) -> None:
        """Counts a text before it is made. Raises `TooCostly`."""
        self.spend(length // 100 + 1)

    def contained(self, holder: Node, look: Callable[[Mapping[str, Any]], Contained]) -> Contained:
        """What is contained in a resource, looked for once."""
        key = id(holder.value)
        if key not in self._contained:
            found = look(holder.value) if isinstance(holder.value, Mapping) else {}
            self.spend(len(found))
            self._contained[key] = found
        return self._contained[key]

    @property
    def now(self) -> datetime:
        if self._now is None:
            raise CannotEvaluate("no time was passed in")
        return self._now
