"""One check of one resource: what was found so far, where one stands, and what the elements below must know."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.formats.r4_finding import Finding, Said

__all__ = ["ElementCheck", "Enough", "Node", "Place", "Run"]

MOST_FINDINGS: Final = 200

Node = dict[str, Any]
# Parent, name in JSON, index in an array, step in FHIRPath, type, value: what a path is made of when it is asked for.
Place = tuple[Any, str, int | None, str, str, Any]
ElementCheck = Callable[[Node, Place, "Run"], None]


class Enough(Exception):
    """Ends a check that has found so much that more helps nobody."""


class Run:
    """One check of one resource: what was found, and what the elements below must know."""

    __slots__ = (
        "contained",
        "container",
        "errors",
        "found",
        "full_urls",
        "in_contained",
        "malformed",
        "pending",
        "warnings",
    )

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.errors = 0
        self.warnings = 0
        self.container = ""
        """The type of the resource to which # refers."""
        self.contained: Mapping[str, str] = {}
        """Id → type of what it contains."""
        self.in_contained = False
        self.full_urls: Mapping[str, str] = {}
        """Address → type of the entries of the Bundle."""
        self.malformed = False
        self.pending: list[tuple[Place, tuple[str, ...]]] = []
        """The places at which rules are to be evaluated when the resource's structure is known to be right."""

    def say(self, said: Said, place: Place, step: str = "", index: int | None = None) -> None:
        """Notes a finding at the place, or at a step below it. Raises `Enough` where there are too many."""
        if said.severity == "error":
            if self.errors == MOST_FINDINGS:
                raise Enough
            self.errors += 1
        elif self.warnings == MOST_FINDINGS:
            return
        else:
            self.warnings += 1
        self.found.append(said.at(_path(place, step, index)))

    def malform(self, said: Said, place: Place, step: str = "", index: int | None = None) -> None:
        """Says that the JSON is of another kind than the type, so that no expression can be evaluated on it."""
        self.malformed = True
        self.say(said, place, step, index)


def _path(place: Place, step: str = "", index: int | None = None) -> str:
    steps = []
    if step:
        steps.append(step if index is None else f"{step}[{index}]")
    at: Place | None = place
    while at is not None:
        steps.append(at[3] if at[2] is None else f"{at[3]}[{at[2]}]")
        at = at[0]
    return ".".join(reversed(steps))
