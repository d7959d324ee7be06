"""A place in a resource with its type: what paths lead to, and what functions work on
(https://hl7.org/fhirpath/N1/#using-fhirpath)."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, Final

from conformance.formats import r4_types
from conformance.formats.fhirpath.model import SYSTEM, Way, by_key

__all__ = ["FALSE", "TRUE", "Node", "collect", "root"]


class Node:
    """A value, its FHIR or System type, and where it stands. Never changed once it is made."""

    __slots__ = ("extra", "index", "name", "parent", "type", "value")

    def __init__(
        self,
        type_name: str,
        value: Any,
        parent: "Node | None" = None,
        name: str | None = None,
        index: int | None = None,
        extra: Any = None,
    ) -> None:
        self.type = type_name
        self.value = value
        """The JSON value; None where a primitive has only extensions."""
        self.parent = parent
        self.name = name
        self.index = index
        self.extra = extra
        """What stands beside a primitive under its name with an underscore."""

    @property
    def key(self) -> str | int | None:
        """The last step of the path: the place in the list, or the JSON name; None of a root."""
        return self.name if self.index is None else self.index

    @property
    def path(self) -> tuple[str | int, ...]:
        """The JSON names and places that lead here from the root."""
        steps: list[str | int] = []
        node: Node | None = self
        while node is not None and node.name is not None:
            if node.index is not None:
                steps.append(node.index)
            steps.append(node.name)
            node = node.parent
        return tuple(reversed(steps))

    @property
    def extensions(self) -> tuple[Mapping[str, Any], ...]:
        """The extensions of the element, of a primitive too."""
        holder = self.value if isinstance(self.value, dict) else self.extra
        found = holder.get("extension") if isinstance(holder, dict) else None
        return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()

    def children(self) -> list["Node"]:
        """All elements that are there, in the order of the JSON."""
        found: list[Node] = []
        holder = self.value if isinstance(self.value, dict) else self.extra
        if isinstance(holder, dict):
            known = by_key(self.type)
            for key in holder:
                way = known.get(key)
                if way is None and key[:1] == "_" and key[1:] not in holder:
                    way = known.get(key[1:])
                if way is not None:
                    collect(self, holder, way, found)
        return found

    def __repr__(self) -> str:
        # Not the value, which may be a patient's.
        return f"Node({self.type}, {self.path})"


TRUE: Final = Node("System.Boolean", True)
FALSE: Final = Node("System.Boolean", False)


def root(resource: Mapping[str, Any]) -> Node:
    """The node of a resource as a whole."""
    return Node(_resource_type(resource) or "Resource", resource)


def collect(parent: Node, holder: Mapping[str, Any], way: Way, found: list[Node]) -> None:
    """Adds the nodes that stand in the holder under this name; what has the wrong shape is passed over."""
    key, under, type_name = way
    value = holder.get(key)
    extra = holder.get(under) if under is not None else None
    if value is None and extra is None:
        return
    if isinstance(value, list) or isinstance(extra, list):
        values = value if isinstance(value, list) else [value]
        extras = extra if isinstance(extra, list) else [extra]
        for index, (one, beside) in enumerate(zip_longest(values, extras)):
            _add(parent, key, index, type_name, one, beside, found)
    else:
        _add(parent, key, None, type_name, value, extra, found)


def _add(parent: Node, key: str, index: int | None, type_name: str, value: Any, extra: Any, found: list[Node]) -> None:
    if value is None and extra is None:
        return
    if type_name == "Resource":
        type_name = _resource_type(value) or "Resource"
    # A whole number is written without its point in JSON: 1 may be a decimal, but true is none.
    if isinstance(value, dict) == (type_name in SYSTEM) and value is not None:
        return
    found.append(Node(type_name, value, parent, key, index, extra))


def _resource_type(value: Any) -> str | None:
    name = value.get("resourceType") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) and name in r4_types.resource_types() else None
