"""A compiled piece of an expression: a closure over an evaluation, and what is known of its result beforehand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.errors import CannotEvaluate
from conformance.formats.fhirpath.model import SYSTEM
from conformance.formats.fhirpath.node import FALSE, TRUE, Node

__all__ = ["BOOLEAN", "Function", "Nodes", "Part", "Truth", "Types", "boolean", "truth_of"]

Nodes = Callable[[Context], list[Node]]
Truth = Callable[[Context], bool | None]
Types = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`truth` where the result is a Boolean; `present` where it is cheaper to say whether there is a result than which;
    `types` where the types of the result are known, at most."""

    nodes: Nodes
    truth: Truth | None = None
    present: Callable[[Context], bool] | None = None
    types: Types | None = None


class Function(NamedTuple):
    """A function whose arguments are evaluated before it is."""

    apply: Callable[[Context, list[Node], list[list[Node]]], list[Node] | bool | None]
    least: int = 0
    most: int = 0
    result: Literal["input"] | Types | None = None
    """The types of its result: those of its input, these, or who knows. A Boolean one returns a bool or None."""


BOOLEAN: Types = frozenset({"System.Boolean"})


def boolean(truth: Truth) -> Part:
    """The part whose result is this truth."""

    def nodes(evaluation: Context) -> list[Node]:
        found = truth(evaluation)
        return [] if found is None else [TRUE if found else FALSE]

    return Part(nodes=nodes, truth=truth, types=BOOLEAN)


def truth_of(part: Part) -> Truth:
    """The result as a truth: empty is None, one item that is no Boolean is true
    (https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections)."""
    if part.truth is not None:
        return part.truth
    nodes = part.nodes

    def truth(evaluation: Context) -> bool | None:
        found = nodes(evaluation)
        if not found:
            return None
        if len(found) > 1:
            raise CannotEvaluate(f"a Boolean is expected, and there are {len(found)} items")
        node = found[0]
        if SYSTEM.get(node.type) != "System.Boolean":
            return True
        return node.value if isinstance(node.value, bool) else None

    return truth
