"""Where a reference leads, and to what type, as far as its text alone says it
(https://hl7.org/fhir/R4/references.html#literal)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from conformance.formats import r4_types
from conformance.formats.fhirpath.context import Context
from conformance.formats.fhirpath.node import Node, root

__all__ = ["contained_in", "enclosing", "outermost", "resolved", "target_type"]

_LITERAL = re.compile(r"(?:https?://.+/)?([A-Z][A-Za-z]{1,60})/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]{1,60})\?")


def target_type(reference: Any, contained: Callable[[str], Mapping[str, Any] | None]) -> str | None:
    """The resource type that a Reference (or the text of one) points to; `contained` finds what `#…` means."""
    said = reference.get("type") if isinstance(reference, dict) else None
    text = reference.get("reference") if isinstance(reference, dict) else reference
    if isinstance(text, str):
        if text.startswith("#"):
            found = contained(text)
            name = None if found is None else found.get("resourceType")
            return name if isinstance(name, str) else None
        match = _LITERAL.fullmatch(text) or _CONDITIONAL.match(text)
        if match and match[1] in r4_types.resource_types():
            return match[1]
    return said if isinstance(said, str) and said in r4_types.resource_types() else None


def contained_in(resource: Mapping[str, Any]) -> dict[str, tuple[int | None, Mapping[str, Any]]]:
    """What references within the resource may say, `#` and the id → where it is contained, and what; `#` is the
    resource itself."""
    several = resource.get("contained")
    found: dict[str, tuple[int | None, Mapping[str, Any]]] = {"#": (None, resource)}
    for place, one in enumerate(several if isinstance(several, list) else ()):
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            found.setdefault(f"#{one['id']}", (place, one))
    return found


def enclosing(node: Node) -> Node:
    """The resource that a node stands in: `%resource`."""
    while node.parent is not None and not (isinstance(node.value, Mapping) and "resourceType" in node.value):
        node = node.parent
    return node


def outermost(node: Node) -> Node:
    """The same, or the resource that this one is contained in: `%rootResource`."""
    found = enclosing(node)
    while found.name == "contained" and found.parent is not None:
        found = enclosing(found.parent)
    return found


def resolved(node: Node, evaluation: Context) -> Node | None:
    """The resource that a reference points to; where nobody has it, a bare one of the type that the text says."""
    text = node.value.get("reference") if isinstance(node.value, dict) else node.value
    if isinstance(text, str) and text.startswith("#"):
        holder = outermost(node if node.parent is not None else evaluation.origin)
        found = evaluation.contained(holder, contained_in).get(text)
        if found is None:
            return None
        place, resource = found
        return holder if place is None else Node(root(resource).type, resource, holder, "contained", place)
    if isinstance(text, str) and evaluation.resolver is not None:
        known = evaluation.resolver(text)
        if known is not None:
            return root(known)
    type_name = target_type(node.value, lambda _: None)
    return None if type_name is None else Node(type_name, {"resourceType": type_name})
