"""One check of one resource against profiles: what was found, and what it may still cost."""

from typing import Final

from conformance.formats.fhirpath import Node
from conformance.formats.fhirpath.context import MOST_VISITS
from conformance.formats.fhirpath.context import Context as Evaluation
from conformance.formats.profiles.library import CodesIn, Library, Resolve, Roots
from conformance.formats.profiles.nodes import expression
from conformance.formats.r4_finding import Finding, Said

__all__ = ["Costly", "Enough", "Run"]

_MOST_FINDINGS: Final = 200
_MOST_STEPS: Final = 200_000


class Enough(Exception):
    """Ends a check that has found so much that more helps nobody."""


class Costly(Exception):
    """Ends a check that costs more than any profile that is meant."""


class Run:
    """One check; of one thread, and thrown away after it."""

    __slots__ = ("_steps", "_visits", "active", "codes_in", "errors", "found", "library", "resolve", "seen")

    def __init__(self, library: Library, resolve: Resolve, codes_in: CodesIn) -> None:
        self.library = library
        self.resolve = resolve
        self.codes_in = codes_in
        self.found: list[Finding] = []
        self.seen: set[tuple[str, str, str]] = set()
        self.errors = 0
        self.active: set[tuple[int, str]] = set()
        """The values that are being held against a profile, so that none is inside itself."""
        self._steps = _MOST_STEPS
        self._visits = MOST_VISITS

    def say(self, told: Said, node: Node, step: str = "") -> None:
        """Notes a finding at the place, or a step below it, once. Raises `Enough`."""
        finding = told.at(expression(node, step))
        name = (finding.key, finding.expression, finding.text_en)
        if name in self.seen:
            return
        if len(self.found) >= _MOST_FINDINGS:
            raise Enough
        self.seen.add(name)
        self.errors += finding.severity == "error"
        self.found.append(finding)

    def spend(self, steps: int = 1) -> None:
        """Counts work. Raises `Costly`."""
        self._steps -= steps
        if self._steps < 0:
            raise Costly

    def evaluation(self, node: Node) -> Evaluation:
        """What an expression is evaluated in; hand it to `evaluated` after that. Raises `Costly`."""
        if self._visits <= 0:
            raise Costly
        return Evaluation(node, None, None, left=self._visits)

    def evaluated(self, evaluation: Evaluation) -> None:
        self._visits = evaluation.left - 1

    def apart(self) -> "Run":
        """A check of a part that is an experiment: what it finds is its own, what it costs is not."""
        run = Run(self.library, self.resolve, self.codes_in)
        run.active, run._steps, run._visits = self.active, self._steps, self._visits
        return run

    def joined(self, part: "Run") -> None:
        """Counts what a part has cost."""
        self._steps, self._visits = part._steps, part._visits

    def roots(self, canonical: str) -> Roots | Said:
        return self.library.roots(canonical, self.resolve)

    def codes(self, value_set: str) -> frozenset[tuple[str, str]] | None:
        return self.library.codes(value_set, self.codes_in)

    def type_of(self, canonical: str) -> str | None:
        return self.library.type_of(canonical, self.resolve)
