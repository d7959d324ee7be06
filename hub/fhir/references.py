"""Where a resource names other resources: in References, in elements of type uri, url, oid and uuid, in its narrative.

https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/references.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from typing import Any, Literal, NamedTuple

from conformance.formats import r4_types

__all__ = ["Link", "Target", "links", "renamed_in_narrative", "root_of", "target_of"]

LinkKind = Literal["reference", "uri", "narrative"]
_Trail = tuple[Any, ...]


class Link(NamedTuple):
    """A text of a resource that names something: `owner[key]`."""

    kind: LinkKind
    owner: Any
    key: str | int
    trail: _Trail

    @property
    def text(self) -> str:
        """What stands there."""
        text: str = self.owner[self.key]
        return text

    def becomes(self, text: str) -> None:
        """Write something else there."""
        self.owner[self.key] = text

    @property
    def place(self) -> str:
        """The FHIRPath of it below the resource: `.subject.reference`."""
        steps: list[str] = []
        trail: Any = self.trail
        while trail:
            trail, step = trail
            steps.append(f"[{step}]" if isinstance(step, int) else f".{step.removeprefix('_')}")
        return "".join(reversed(steps))


@dataclass(frozen=True, slots=True)
class Target:
    """What a literal reference to a resource of this server names."""

    type: str
    id: str


def links(tree: Mapping[str, Any], *, uris: bool = True) -> list[Link]:
    """Every link of a resource and of those contained in it; without `uris` its literal references alone.

    A Bundle inside is left alone: what is named there is resolved there.
    """
    found: list[Link] = []
    waiting: list[tuple[Any, str, _Trail]] = [(tree, _RESOURCE, ())]
    while waiting:
        node, type_name, trail = waiting.pop()
        if type_name == _RESOURCE:
            type_name = _type_of(node)
        if type(node) is not dict or not type_name:
            continue
        steps = _steps(type_name, uris)
        for key, value in node.items():
            step = steps.get(key)
            if step is None:
                if key[:1] != "_":
                    continue
                step = _EXTENSIONS  # those of a primitive
            kind, inside = step
            if type(value) is list:
                for position, item in enumerate(value):
                    if kind is None:
                        waiting.append((item, inside, ((trail, key), position)))
                    elif type(item) is str:
                        found.append(Link(kind, value, position, ((trail, key), position)))
            elif kind is None:
                waiting.append((value, inside, (trail, key)))
            elif type(value) is str:
                found.append(Link(kind, node, key, (trail, key)))
    return found


def target_of(text: str, base: str) -> Target | None:
    """The resource of this server that a reference names, with or without a version; None where it names none."""
    match = _LITERAL.fullmatch(text.removeprefix(f"{base}/"))
    if match is None or match[1] not in r4_types.resource_types():
        return None
    return Target(match[1], match[2])


def root_of(url: str) -> str | None:
    """What stands before `Type/id` in the address of a resource; None where it is no such address."""
    match = _ADDRESS.fullmatch(url)
    return match[1] if match and match[2] in r4_types.resource_types() else None


def renamed_in_narrative(div: str, name: Callable[[str], str | None]) -> str:
    """The narrative with the addresses in `href` and `src` that have another name now."""

    def renamed(match: re.Match[str]) -> str:
        new = name(unescape(match["url"]))
        return match[0] if new is None else f"{match['before']}{match['quote']}{escape(new)}{match['quote']}"

    return _ATTRIBUTE.sub(renamed, div)


_LITERAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ADDRESS = re.compile(r"(https?://.+)/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ATTRIBUTE = re.compile(r"""(?P<before>\s(?:href|src)\s*=\s*)(?P<quote>["'])(?P<url>[^"'<>]*+)(?P=quote)""")

_URIS = ("uri", "url", "oid", "uuid")
# A canonical is none of those: it names an artefact wherever it is.
_RESOURCE = "Resource"
_EXTENSIONS: tuple[None, str] = (None, "Element")


@cache
def _steps(type_name: str, uris: bool) -> Mapping[str, tuple[LinkKind | None, str]]:
    """JSON name → what kind of link its value is, or else the type in which there may be links."""
    found: dict[str, tuple[LinkKind | None, str]] = {}
    for key, (_, used) in r4_types.json_names(type_name).items():
        if used in _URIS:
            if uris and (type_name, key) != ("Extension", "url"):
                found[key] = ("uri", "")
        elif used == "xhtml":
            if uris:
                found[key] = ("narrative", "")
        elif (type_name, key) == ("Reference", "reference"):
            found[key] = ("reference", "")
        elif used == _RESOURCE or r4_types.named(used).kind != "primitive":
            found[key] = (None, used)
    return found


def _type_of(node: Any) -> str:
    name = node.get("resourceType") if type(node) is dict else None
    return name if type(name) is str and name in r4_types.resource_types() and name != "Bundle" else ""
