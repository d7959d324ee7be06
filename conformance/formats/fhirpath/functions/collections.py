"""Functions on collections: existence, subsetting, combining, navigation
(https://hl7.org/fhirpath/N1/#existence, https://hl7.org/fhirpath/N1/#subsetting,
https://hl7.org/fhirpath/N1/#combining, https://hl7.org/fhirpath/N1/#tree-navigation)."""

from collections.abc import Callable, Mapping

from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.part import BOOLEAN, Function
from conformance.formats.fhirpath.values import distinct, identity, single, singular

__all__ = ["FUNCTIONS"]

Arguments = list[list[Node]]


def _count(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    return [Node("System.Integer", len(nodes))]


def _quantified(over: Callable[[list[bool]], bool], *, wanted: bool) -> Function:
    def apply(_: Context, nodes: list[Node], __: Arguments) -> bool:
        return over([singular([node], "System.Boolean") is wanted for node in nodes])

    return Function(apply, result=BOOLEAN)


def _subset(evaluation: Context, nodes: list[Node], arguments: Arguments) -> bool:
    evaluation.spend(len(nodes) + len(arguments[0]))
    return {identity(one, evaluation) for one in nodes} <= {identity(one, evaluation) for one in arguments[0]}


def _superset(evaluation: Context, nodes: list[Node], arguments: Arguments) -> bool:
    return _subset(evaluation, arguments[0], [nodes])


def _distinct(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
    return distinct(nodes, evaluation)


def _is_distinct(evaluation: Context, nodes: list[Node], _: Arguments) -> bool:
    return len(distinct(nodes, evaluation)) == len(nodes)


def _single(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    node = single(nodes)
    return [] if node is None else [node]


def _first(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    return nodes[:1]


def _last(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    return nodes[-1:]


def _tail(_: Context, nodes: list[Node], __: Arguments) -> list[Node]:
    return nodes[1:]


def _skip(_: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    number = singular(arguments[0], "System.Integer")
    return nodes if number is None else nodes[max(number, 0) :]


def _take(_: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    number = singular(arguments[0], "System.Integer")
    return [] if number is None else nodes[: max(number, 0)]


def _intersect(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    wanted = {identity(one, evaluation) for one in arguments[0]}
    return [one for one in distinct(nodes, evaluation) if identity(one, evaluation) in wanted]


def _exclude(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    evaluation.spend(len(nodes))
    unwanted = {identity(one, evaluation) for one in arguments[0]}
    return [one for one in nodes if identity(one, evaluation) not in unwanted]


def _union(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    return distinct([*nodes, *arguments[0]], evaluation)


def _combine(evaluation: Context, nodes: list[Node], arguments: Arguments) -> list[Node]:
    evaluation.spend(len(nodes) + len(arguments[0]))
    return [*nodes, *arguments[0]]


def _children(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
    found = []
    for node in nodes:
        children = node.children()
        evaluation.spend(len(children) + 1)
        found += children
    return found


def _descendants(evaluation: Context, nodes: list[Node], _: Arguments) -> list[Node]:
    found: list[Node] = []
    level = nodes
    while level := _children(evaluation, level, []):
        found += level
    return found


FUNCTIONS: Mapping[str, Function] = {
    "count": Function(_count, result=frozenset({"System.Integer"})),
    "allTrue": _quantified(all, wanted=True),
    "anyTrue": _quantified(any, wanted=True),
    "allFalse": _quantified(all, wanted=False),
    "anyFalse": _quantified(any, wanted=False),
    "subsetOf": Function(_subset, 1, 1, BOOLEAN),
    "supersetOf": Function(_superset, 1, 1, BOOLEAN),
    "distinct": Function(_distinct, result="input"),
    "isDistinct": Function(_is_distinct, result=BOOLEAN),
    "single": Function(_single, result="input"),
    "first": Function(_first, result="input"),
    "last": Function(_last, result="input"),
    "tail": Function(_tail, result="input"),
    "skip": Function(_skip, 1, 1, "input"),
    "take": Function(_take, 1, 1, "input"),
    "intersect": Function(_intersect, 1, 1, "input"),
    "exclude": Function(_exclude, 1, 1, "input"),
    "union": Function(_union, 1, 1),
    "combine": Function(_combine, 1, 1),
    "children": Function(_children),
    "descendants": Function(_descendants),
}
