"""Where an extension may stand (https://hl7.org/fhir/R4/defining-extensions.html#context)."""

from collections.abc import Iterable, Iterator

from conformance.formats import fhirpath, r4_types
from conformance.formats.fhirpath import Node
from conformance.formats.fhirpath.model import ancestors
from conformance.formats.profiles.run import Run

__all__ = ["stands_right"]


def stands_right(extension: Node, contexts: Iterable[tuple[str, str]], run: Run) -> bool:
    """Whether it stands where its definition allows it; what stands alone does."""
    holder = extension.parent
    allowed = list(contexts)
    if holder is None or not allowed:
        return True
    names: frozenset[str] | None = None
    for kind, expression in allowed:
        if kind == "element" and expression == "Element":
            return True
        if kind == "extension":
            if holder.type == "Extension" and expression.partition("#")[0] == _url(holder):
                return True
        elif kind == "fhirpath":
            if _is_selected(holder, expression, run):
                return True
        else:
            if names is None:
                names = frozenset(_names(holder))
            if expression.replace("[x]", "") in names:
                return True
    return False


def _url(node: Node) -> str:
    url = node.value.get("url") if isinstance(node.value, dict) else None
    return url if isinstance(url, str) else ""


def _names(node: Node) -> Iterator[str]:
    """What the element can be called: by its types, and by its path from each of the elements it stands in."""
    at: Node | None = node
    below = ""
    while at is not None:
        for name in ancestors(at.type):
            yield f"{name}{below}"
        if at.parent is None or at.name is None:
            return
        known = r4_types.json_names(at.parent.type).get(at.name)
        below = f".{known[0].name.removesuffix('[x]') if known is not None else at.name}{below}"
        at = at.parent


def _is_selected(node: Node, expression: str, run: Run) -> bool:
    top = node
    while top.parent is not None and not (isinstance(top.value, dict) and "resourceType" in top.value):
        top = top.parent
    try:
        evaluation = run.evaluation(top)
        found = fhirpath.compile(expression, of=top.type).nodes_in(evaluation)
        run.evaluated(evaluation)
    except (fhirpath.NotFhirPath, fhirpath.CannotEvaluate):
        # What cannot be told is not held against the sender.
        return True
    return any(one.path == node.path for one in found)
