"""What can be told of a search parameter's expression without evaluating it: for which types it is, at which keys of a
resource it begins, which types its values can have (https://hl7.org/fhir/R4/searchparameter.html).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from conformance.formats.r4_types import Element, codes, element_types, json_names, names, resource_types

__all__ = ["Outline", "outline", "parts_for"]

_STEP = re.compile(r"([A-Za-z][A-Za-z0-9]*)(\(.*\))?")
_SINGLE_ROW = frozenset(
    [
        "Coding",
        "Identifier",
        "ContactPoint",
        "Reference",
        "boolean",
        "code",
        "date",
        "dateTime",
        "id",
        "instant",
        "integer",
        "decimal",
        "string",
        "uri",
        "Period",
        "markdown",
        "positiveInt",
        "unsignedInt",
        "Location.position",
    ]
)
"""Types of which one value makes one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """`keys` is None where an expression can begin anywhere, `types` is empty where they cannot be told.

    `single` says that a resource has one value at most. `systems` are those that the bindings of its codes imply.
    """

    keys: frozenset[str] | None
    types: frozenset[str]
    single: bool
    systems: Mapping[str, Collection[str]] | None


def parts_for(expression: str, resource_type: str) -> list[str]:
    """The alternatives of an expression that can have values in resources of a type."""
    return [
        part for part in _split(expression, "|") if _begin(part) in (None, resource_type, "Resource", "DomainResource")
    ]


def outline(parts: list[str], resource_type: str) -> Outline:
    """What can be told of the alternatives of an expression."""
    keys: set[str] | None = set()
    types: set[str] = set()
    systems: dict[str, Collection[str]] = {}
    known, single = True, len(parts) == 1
    for part in parts:
        path = _path(part, resource_type)
        if path.first is None:
            keys = None
        elif keys is not None:
            keys |= path.first
        known = known and bool(path.types)
        types |= path.types
        single = single and path.single
        for binding in path.bindings:
            systems.update(codes(binding) or {})
    return Outline(
        keys=None if keys is None else frozenset(keys),
        types=frozenset(types) if known else frozenset(),
        single=single and known and types <= _SINGLE_ROW,
        systems=systems or None,
    )


def _split(text: str, separator: str) -> Iterator[str]:
    """The parts between separators that stand outside brackets and quotes."""
    depth, quoted, start = 0, False, 0
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == separator and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def _begin(part: str) -> str | None:
    """The resource type that a path begins with."""
    found = re.match(r"[(\s]*([A-Z][A-Za-z]+)\b", part)
    name = found[1] if found else None
    return name if name in resource_types() or name in ("Resource", "DomainResource") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    first: frozenset[str] | None = None
    types: frozenset[str] = frozenset()
    single: bool = False
    bindings: frozenset[str] = frozenset()


def _path(part: str, resource_type: str) -> _Path:
    """Follows a path as long as it goes from element to element."""
    part, cast = _without_cast(part)
    steps = list(_split(part, "."))
    if _begin(steps[0]) == steps[0]:
        steps = steps[1:]
    elif _begin(steps[0]) is not None:
        return _Path()
    types, first, single, bindings = frozenset((resource_type,)), None, True, frozenset[str]()
    for number, step in enumerate(steps):
        found = _STEP.fullmatch(step)
        if found is None:
            return _Path(first=first)
        name, call = found.groups()
        if call is None:
            elements = [(owner, element) for owner in types if (element := _element(owner, name)) is not None]
            if number == 0:
                first = frozenset(key for owner, element in elements for key in _keys(owner, element)) or None
            types = frozenset(one for _, element in elements for one in element.types)
            single = single and all(not element.repeats for _, element in elements)
            bindings = frozenset(element.binding for _, element in elements if element.binding)
            if not types:
                return _Path(first=first)
        elif name in ("as", "ofType"):
            types = types & _cast(call.strip("()"))
        elif name == "extension" and number == 0:
            return _Path(first=frozenset(("extension",)))
        elif name != "where":
            return _Path(first=first)
    if cast:
        types = types & _cast(cast)
    return _Path(first=first, types=types, single=single, bindings=bindings)


def _without_cast(part: str) -> tuple[str, str]:
    """`(Patient.deceased as dateTime)` is `Patient.deceased` and `dateTime`."""
    while part.startswith("(") and part.endswith(")"):
        part = part[1:-1].strip()
    path, _, cast = part.partition(" as ")
    return path.strip(), cast.strip()


def _cast(name: str) -> frozenset[str]:
    lower = name[:1].lower() + name[1:]
    return frozenset(one for one in (name, lower) if one in names())


def _element(owner: str, name: str) -> Element | None:
    if owner not in names():
        return None
    elements = element_types(owner)
    return elements.get(name) or elements.get(f"{name}[x]")


def _keys(owner: str, element: Element) -> list[str]:
    return [key for key, (one, _) in json_names(owner).items() if one is element]
