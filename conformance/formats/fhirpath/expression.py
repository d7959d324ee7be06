"""A FHIRPath expression, compiled once and evaluated on any resource (https://hl7.org/fhirpath/N1/)."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from conformance.formats import r4_types
from conformance.formats.fhirpath.compiler import compiled
from conformance.formats.fhirpath.context import Context, Resolver
from conformance.formats.fhirpath.errors import NotFhirPath
from conformance.formats.fhirpath.extraction import short_way
from conformance.formats.fhirpath.node import Node, root
from conformance.formats.fhirpath.parser import parse
from conformance.formats.fhirpath.part import truth_of

__all__ = ["Expression", "compile"]


class Expression:
    """An expression for a focus of one type. Holds nothing of what it is evaluated on: threads may share it.

    All evaluations raise `CannotEvaluate` where the standard asks for an error, and `TooCostly`. `now` is what `now()`
    and `today()` say; `resolver` gives the resources that `resolve()` asks for: without one, references lead to bare
    resources of the type that their text says, and to contained ones.
    """

    __slots__ = ("_nodes", "_truth", "_values", "of", "text")

    def __init__(self, text: str, of: str) -> None:
        if of not in r4_types.names():
            raise NotFhirPath(f"'{of}' is no type of FHIR R4", 0)
        syntax = parse(text)
        part = compiled(syntax, of)
        self.text = text
        self.of = of
        self._nodes = part.nodes
        self._truth = truth_of(part)
        self._values = short_way(syntax, of)

    def nodes(
        self, resource: Mapping[str, Any], *, now: datetime | None = None, resolver: Resolver | None = None
    ) -> list[Node]:
        """What the expression finds in the resource."""
        return self.nodes_of(root(resource), now=now, resolver=resolver)

    def nodes_of(self, node: Node, *, now: datetime | None = None, resolver: Resolver | None = None) -> list[Node]:
        """What the expression finds, seen from the node."""
        return self.nodes_in(Context(node, now, resolver))

    def nodes_in(self, evaluation: Context) -> list[Node]:
        """`nodes_of` in an evaluation of the caller's, so that several together may spend no more than `left`."""
        return list(self._nodes(evaluation))

    def holds(self, node: Node, *, now: datetime | None = None, resolver: Resolver | None = None) -> bool:
        """Whether the invariant is kept at the node: no result keeps it too."""
        return self.holds_in(Context(node, now, resolver))

    def holds_in(self, evaluation: Context) -> bool:
        """`holds` in an evaluation of the caller's."""
        return self._truth(evaluation) is not False

    def values(self, resource: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """The types and values that `nodes` finds, of a resource that is of the type `of`; in no promised order."""
        if self._values is not None:
            return self._values(resource)
        return [(node.type, node.value) for node in self.nodes(resource) if node.value is not None]

    def __repr__(self) -> str:
        return f"Expression({self.text!r}, of={self.of!r})"


@lru_cache(maxsize=4096)
def compile(expression: str, *, of: str) -> Expression:  # noqa: A001 - as in `re.compile`
    """The expression for a focus of the type `of`: a resource type, `Resource`, a data type, or the path of a backbone
    element. Raises `NotFhirPath`."""
    return Expression(expression, of)
