"""Whether a Reference may point where its text says it points (https://hl7.org/fhir/R4/references.html)."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from conformance.formats import r4_finding, r4_types
from conformance.formats.r4_run import ElementCheck, Node, Place, Run

__all__ = ["contained_types", "entry_types", "local_references", "reference_check"]

# Type and id, alone or at the end of a URL; a search for one (Patient?identifier=…) stands in transactions.
_TYPE_AND_ID = re.compile(r"([A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#[^\s#]*)?")
_SEARCH = re.compile(r"([A-Za-z]+)\?\S+")
_AT_THE_END = re.compile(r"/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#[^\s#]*)?$")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"


def reference_check(targets: frozenset[str]) -> ElementCheck:
    """The check that a Reference names a type among the targets (none: any), by its text and by its `type`.

    Whether what it names exists is not looked at, unless it must stand in the same resource.
    """
    types = r4_types.resource_types()
    wrong_target = r4_finding.wrong_target(targets or ("Resource",))

    def check(node: Node, place: Place, run: Run) -> None:
        text = node.get("reference")
        target = ""
        if type(text) is str and text:
            relative = _TYPE_AND_ID.fullmatch(text)
            target = relative[1] if relative is not None else _target(text, place, run)
            if target and (target not in types or (targets and target not in targets)):
                run.say(wrong_target if target in types else r4_finding.wrong_reference(), place, "reference")
                return
        said = node.get("type")
        if type(said) is str:
            said = said.removeprefix(_STRUCTURE)
            if said in types:
                if (target and said != target) or (targets and said not in targets):
                    run.say(r4_finding.wrong_target([target] if target else targets), place, "type")
            elif _ABSOLUTE.match(said) is None:
                run.say(r4_finding.no_type_named(), place, "type")

    return check


def _target(text: str, place: Place, run: Run) -> str:
    """The type that a reference names which is not just type and id; empty where it names none."""
    if text[0] == "#":
        if text == "#":
            return run.container
        target = run.contained.get(text[1:])
        if target is None:
            run.say(r4_finding.dangling(), place, "reference")
        return target or ""
    if _ABSOLUTE.match(text):
        if text in run.full_urls:
            return run.full_urls[text]
        named = _AT_THE_END.search(text) if text[:4].lower() == "http" else None
        return named[1] if named is not None and named[1] in r4_types.resource_types() else ""
    searched = _SEARCH.fullmatch(text)
    if searched is None:
        run.say(r4_finding.wrong_reference(), place, "reference")
        return ""
    return searched[1]


def contained_types(node: Node) -> dict[str, str]:
    """The ids of what a resource contains, with their types."""
    found = {}
    for one in _objects(node.get("contained")):
        name, kind = one.get("id"), one.get("resourceType")
        if isinstance(name, str) and isinstance(kind, str):
            found[name] = kind
    return found


def _objects(value: Any) -> list[Node]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def entry_types(bundle: Node) -> dict[str, str]:
    """The addresses of a Bundle's entries, with the types of their resources."""
    found = {}
    for entry in _objects(bundle.get("entry")):
        url, resource = entry.get("fullUrl"), entry.get("resource")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if isinstance(url, str) and isinstance(kind, str):
            found[url] = kind
    return found


@cache
def _uri_names() -> frozenset[str]:
    """The names in JSON under which a reference to a contained resource may stand."""
    found = {"reference"}
    for type_name in r4_types.names():
        for key, (_, kind) in r4_types.json_names(type_name).items():
            if kind in ("canonical", "uri", "url"):
                found.add(key)
    return frozenset(found)


def local_references(node: Any) -> Iterator[str]:
    """The texts in a resource, what it contains included, that may refer to something contained: `#id`."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, (dict, list)):
                yield from local_references(value)
            elif isinstance(value, str) and value[:1] == "#" and key in _uri_names():
                yield value
    elif isinstance(node, list):
        for value in node:
            if isinstance(value, str):
                if value[:1] == "#":
                    yield value
            else:
                yield from local_references(value)
