"""The functions that evaluate an argument once per item, which is `$this` there
(https://hl7.org/fhirpath/N1/#filtering-and-projection)."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.part import Part, boolean, truth_of
from conformance.formats.fhirpath.values import identity, single, singular

__all__ = ["FUNCTIONS"]


class Iterated(NamedTuple):
    """How the function is built from its input and its arguments."""

    build: Callable[[Part, Sequence[Part]], Part]
    least: int
    most: int
    outside: tuple[int, ...] = ()
    """Which arguments are evaluated before, not per item."""


def _per_item(evaluation: Context, nodes: Sequence[Node]) -> Iterator[Node]:
    """The items, each being `$this` while it is looked at."""
    this, index = evaluation.this, evaluation.index
    evaluation.spend(len(nodes))
    for place, node in enumerate(nodes):
        evaluation.this, evaluation.index = [node], place
        yield node
    evaluation.this, evaluation.index = this, index


def _where(source: Part, bodies: Sequence[Part]) -> Part:
    nodes, criterion = source.nodes, truth_of(bodies[0])

    def where(evaluation: Context) -> list[Node]:
        return [node for node in _per_item(evaluation, nodes(evaluation)) if criterion(evaluation) is True]

    return Part(nodes=where, types=source.types)


def _exists(source: Part, bodies: Sequence[Part]) -> Part:
    where = _where(source, bodies).nodes
    return boolean(lambda evaluation: bool(where(evaluation)))


def _all(source: Part, bodies: Sequence[Part]) -> Part:
    nodes, criterion = source.nodes, truth_of(bodies[0])

    def for_all(evaluation: Context) -> bool:
        # To the last item, so that `$this` is put back.
        found = [criterion(evaluation) is True for _ in _per_item(evaluation, nodes(evaluation))]
        return all(found)

    return boolean(for_all)


def _select(source: Part, bodies: Sequence[Part]) -> Part:
    nodes, projection = source.nodes, bodies[0].nodes

    def select(evaluation: Context) -> list[Node]:
        found: list[Node] = []
        for _ in _per_item(evaluation, nodes(evaluation)):
            found += projection(evaluation)
        return found

    return Part(nodes=select, types=bodies[0].types)


def _repeat(source: Part, bodies: Sequence[Part]) -> Part:
    nodes, projection = source.nodes, bodies[0].nodes

    def repeat(evaluation: Context) -> list[Node]:
        seen: dict[Hashable, Node] = {}
        level = nodes(evaluation)
        while level:
            following: list[Node] = []
            for _ in _per_item(evaluation, level):
                for node in projection(evaluation):
                    evaluation.spend(1)
                    key = identity(node, evaluation)
                    if key not in seen:
                        seen[key] = node
                        following.append(node)
            level = following
        return list(seen.values())

    return Part(nodes=repeat)


def _aggregate(source: Part, bodies: Sequence[Part]) -> Part:
    nodes, step = source.nodes, bodies[0].nodes
    start = bodies[1].nodes if len(bodies) > 1 else _nothing

    def aggregate(evaluation: Context) -> list[Node]:
        before = evaluation.total
        items = nodes(evaluation)
        total = start(evaluation)
        for _ in _per_item(evaluation, items):
            evaluation.total = total
            total = step(evaluation)
        evaluation.total = before
        return total

    return Part(nodes=aggregate)


def _iif(source: Part, bodies: Sequence[Part]) -> Part:
    nodes, criterion = source.nodes, bodies[0].nodes
    then = bodies[1].nodes
    otherwise = bodies[2].nodes if len(bodies) > 2 else _nothing

    def choice(evaluation: Context) -> list[Node]:
        found = nodes(evaluation)
        single(found)
        this = evaluation.this
        evaluation.this = found
        holds = singular(criterion(evaluation), "System.Boolean")
        result = (then if holds else otherwise)(evaluation)
        evaluation.this = this
        return result

    return Part(nodes=choice)


def _trace(source: Part, _: Sequence[Part]) -> Part:
    # There is no log to write to: what stands in a resource is nobody's to log.
    return source


def _nothing(_: Context) -> list[Node]:
    return []


FUNCTIONS: Mapping[str, Iterated] = {
    "where": Iterated(_where, 1, 1),
    "exists": Iterated(_exists, 1, 1),
    "all": Iterated(_all, 1, 1),
    "select": Iterated(_select, 1, 1),
    "repeat": Iterated(_repeat, 1, 1),
    "aggregate": Iterated(_aggregate, 1, 2, (1,)),
    "iif": Iterated(_iif, 2, 3),
    "trace": Iterated(_trace, 1, 2, (0,)),
}
