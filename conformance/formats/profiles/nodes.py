"""The places in a resource that profiles speak of: their expressions, and the ways between them
(https://hl7.org/fhir/R4/fhirpath.html)."""

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.formats import r4_types
from conformance.formats.fhirpath import Node
from conformance.formats.fhirpath.model import by_key, ways
from conformance.formats.fhirpath.node import collect, root

__all__ = ["Link", "children", "expression", "linked", "places"]

Link = tuple[Any, str, int | None]
"""The link above (None: the resource itself), a name in its JSON, and an index."""


def children(node: Node, name: str) -> list[Node]:
    """The elements of this name; a choice is named without its `[x]`."""
    holder = node.value if isinstance(node.value, dict) else node.extra
    found: list[Node] = []
    if isinstance(holder, dict):
        for way in ways(node.type).get(name, ()):
            if way.key in holder or way.under in holder:
                collect(node, holder, way, found)
    return found


def expression(node: Node, step: str = "") -> str:
    """FHIRPath of a place, or of a step below it."""
    steps = [step] if step else []
    at: Node | None = node
    while at is not None:
        name = at.type
        if at.parent is not None and at.name is not None:
            name = _step(at.parent.type, at.name, at.type)
        steps.append(name if at.index is None else f"{name}[{at.index}]")
        at = at.parent
    return ".".join(reversed(steps))


def _step(above: str, key: str, type_name: str) -> str:
    known = r4_types.json_names(above).get(key)
    if known is not None and known[0].is_choice:
        return f"{known[0].name[:-3]}.ofType({type_name})"
    return key


def places(resource: Mapping[str, Any]) -> tuple[list[Link], list[Link | None]]:
    """Where extensions stand that a definition may be known of, and the resources that claim profiles."""
    extensions: list[Link] = []
    claiming: list[Link | None] = []
    _look(resource, None, extensions, claiming)
    return extensions, claiming


_EXTENSIONS = frozenset({"extension", "modifierExtension"})


def _look(node: Mapping[str, Any], link: Link | None, extensions: list[Link], claiming: list[Link | None]) -> None:
    if "resourceType" in node and isinstance(meta := node.get("meta"), dict) and "profile" in meta:
        claiming.append(link)
    for key, value in node.items():
        kind = type(value)
        if kind is list:
            is_extension = key in _EXTENSIONS
            for index, one in enumerate(value):
                if type(one) is dict:
                    below = (link, key, index)
                    # Inside an extension, names that are no URLs are its own.
                    if is_extension and isinstance(url := one.get("url"), str) and ":" in url:
                        extensions.append(below)
                    _look(one, below, extensions, claiming)
        elif kind is dict:
            _look(value, (link, key, None), extensions, claiming)


def linked(resource: Mapping[str, Any], link: Link | None) -> Node | None:
    """The node that a link leads to; None where R4 knows no such element."""
    node: Node | None = root(resource)
    for key, index in reversed(list(_steps(link))):
        node = None if node is None else _down(node, key, index)
    return node


def _steps(link: Link | None) -> Iterator[tuple[str, int | None]]:
    while link is not None:
        yield link[1], link[2]
        link = link[0]


def _down(node: Node, key: str, index: int | None) -> Node | None:
    name = key.removeprefix("_")
    way = by_key(node.type).get(name)
    holder = node.value if isinstance(node.value, dict) else node.extra
    if way is None or not isinstance(holder, dict):
        return None
    # The one item in a list of its own, so that a list of thousands is not read for each of them.
    one = {each: _only(holder.get(each), index) for each in (way.key, way.under) if each is not None}
    found: list[Node] = []
    collect(node, {each: value for each, value in one.items() if value is not None}, way, found)
    if len(found) != 1:
        return None
    return Node(found[0].type, found[0].value, node, name, index, found[0].extra)


def _only(value: Any, index: int | None) -> Any:
    if index is None:
        return value
    return [value[index]] if isinstance(value, list) and index < len(value) and value[index] is not None else None
