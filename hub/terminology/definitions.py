"""Where the definition of a code system, value set or concept map is found by its canonical URL: ours, R4's, or what is
stored in the server (https://hl7.org/fhir/R4/references.html#canonical).

Ours and R4's come first: nothing that is stored changes what their codes mean.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from conformance import spec
from hub.errors import Invalid
from hub.terminology import r4
from hub.terminology.concepts import CodeSystem
from mappings import terminology
from mappings.errors import Issue

__all__ = ["Definitions", "Find", "Unknown", "nothing_stored", "parted"]

Find = Callable[[str, str, str | None], Mapping[str, Any] | None]
"""(resource type, canonical URL, version or None) → the resource that is stored, or None."""

_STEPS_MAX = 200_000
"""A step is about two microseconds, so that no question takes much longer than half a second."""
_STEPS_TO_INDEX = 3
"""For each concept of a code system that is stored."""


class Unknown(KeyError):
    """There is no definition with this canonical URL (and version) here; `known` names versions that there are."""

    def __init__(self, kind: str, url: str, version: str | None = None, *, known: str = "") -> None:
        super().__init__(url)
        self.kind = kind
        self.url = url
        self.version = version
        self.known = known


def nothing_stored(_kind: str, _url: str, _version: str | None) -> None:
    """The `Find` of a server that stores nothing."""


def parted(canonical: str) -> tuple[str, str | None]:
    """URL and version of a canonical: `http://…|4.0.1`."""
    url, _, version = canonical.partition("|")
    return url, version or None


class Definitions:
    """The definitions that one question is answered from, and the steps it may still take."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._left = _STEPS_MAX
        self._trees: dict[tuple[str, str, str | None], Mapping[str, Any]] = {}
        self._systems: dict[tuple[str, str | None], CodeSystem] = {}

    def spend(self, steps: int) -> None:
        """Counts work; `Invalid` (too-costly) when the question has cost all it may."""
        self._left -= steps
        if self._left < 0:
            raise Invalid(
                Issue(
                    code="terminology-too-costly",
                    fhir_code="too-costly",
                    place="ValueSet.compose",
                    text_de="das kostet mehr, als eine Anfrage darf; weniger oder einfachere Filter helfen",
                    text_en="working this out costs more than a request may; fewer or simpler filters help",
                )
            )

    def tree(self, kind: str, canonical: str, version: str | None = None) -> Mapping[str, Any]:
        """The resource with a canonical URL; `Unknown` where there is none."""
        url, stated = parted(canonical)
        key = (kind, url, version or stated)
        if key not in self._trees:
            self._trees[key] = self._found(*key)
        return self._trees[key]

    def code_system(self, canonical: str, version: str | None = None) -> CodeSystem:
        """The code system with a canonical URL; `Unknown` where there is none, or none with its codes."""
        key = (canonical, version)
        if key not in self._systems:
            tree = self.tree("CodeSystem", canonical, version)
            if tree.get("content") == "not-present":
                raise Unknown("CodeSystem", parted(canonical)[0], version)
            shipped = tree is _shipped("CodeSystem", parted(canonical)[0])
            self._systems[key] = _shipped_system(tree["url"]) if shipped else CodeSystem(tree)
            self.spend(1 if shipped else _STEPS_TO_INDEX * len(self._systems[key].concepts))
        return self._systems[key]

    def concept_maps(self) -> tuple[Mapping[str, Any], ...]:
        """The concept maps to look in where none is named: those that are shipped."""
        return tuple(_concept_maps().values())

    def _found(self, kind: str, url: str, version: str | None) -> Mapping[str, Any]:
        shipped = _shipped(kind, url)
        if shipped is not None and version in (None, shipped.get("version")):
            return shipped
        stored = self._find(kind, url, version)
        # A supplement has other names for concepts, not the concepts.
        if stored is None or stored.get("content") == "supplement":
            raise Unknown(kind, url, version, known=shipped.get("version", "") if shipped else "")
        return stored


def _shipped(kind: str, url: str) -> Mapping[str, Any] | None:
    if kind == "ConceptMap":
        return _concept_maps().get(url)
    ours = _ours(kind).get(url)
    if ours is not None:
        return ours
    return r4.code_system(url) if kind == "CodeSystem" else r4.value_set(url)


@cache
def _ours(kind: str) -> Mapping[str, Mapping[str, Any]]:
    return {tree["url"]: tree for tree in spec.load(kind)}


@cache
def _concept_maps() -> Mapping[str, Mapping[str, Any]]:
    return {tree["url"]: tree for tree in terminology.concept_maps()}


@cache
def _shipped_system(url: str) -> CodeSystem:
    tree = _shipped("CodeSystem", url)
    assert tree is not None
    return CodeSystem(tree)
