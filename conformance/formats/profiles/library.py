"""The definitions that a profile and those it names are made of, each read once
(https://hl7.org/fhir/R4/profiling.html#resources)."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final

from conformance.formats import r4_types
from conformance.formats.profiles import said
from conformance.formats.profiles.definition import CORE, Definition, NotAProfile, Rules, plain
from conformance.formats.r4_finding import Said

__all__ = ["CodesIn", "Library", "Resolve", "Roots"]

Resolve = Callable[[str], Mapping[str, Any] | None]
"""The canonical of a profile → its StructureDefinition, where it is known."""

CodesIn = Callable[[str], frozenset[tuple[str, str]] | None]
"""The canonical of a value set → system and code of its members; None where they are not known."""

_LONGEST_CHAIN: Final = 20
_MOST_SHAPES: Final = 5_000
_MOST_ELEMENTS: Final = 50_000
"""Of all definitions that one profile is made of."""
_MOST_VALUE_SETS: Final = 100


class Roots:
    """What a profile and those it is based on say, the most special first."""

    def __init__(self, definition: Definition, rules: tuple[Rules, ...], problems: tuple[Said, ...]) -> None:
        self.definition = definition
        self.rules = rules
        self.problems = problems
        """What cannot be checked of it."""
        self.elements: dict[str, Any] = {}
        """The whole of it as an element, by its type."""

    @cached_property
    def named(self) -> tuple[Rules, ...]:
        """The rules with, for an extension, the URL that all its instances have."""
        if self.definition.type != "Extension":
            return self.rules
        url = Rules(profile=self.definition.url)
        url.child("url").fixed = (self.definition.url,)
        return (*self.rules, url)


class Library:
    """What was read so far. Threads may share it: at worst one thing is read twice."""

    def __init__(self) -> None:
        self._roots: dict[str, Roots | Said] = {}
        self._codes: dict[str, frozenset[tuple[str, str]] | None] = {}
        self._urls: dict[str, Rules] = {}
        self._left = _MOST_ELEMENTS
        self.shapes: dict[tuple[object, ...], Any] = {}

    def add(self, definition: Definition, resolve: Resolve) -> Roots:
        """Takes a definition that has been read already."""
        found = self._roots.get(definition.url)
        if not isinstance(found, Roots):
            found = self._roots[definition.url] = self._rooted(definition, resolve)
        return found

    def roots(self, canonical: str, resolve: Resolve) -> Roots | Said:
        """What a profile says, or why that is not to be had."""
        found = self._roots.get(canonical)
        if found is None:
            found = self._roots[canonical] = self._read(canonical, resolve)
        return found

    def type_of(self, canonical: str, resolve: Resolve) -> str | None:
        """The type that a profile is for; None where it is not known."""
        name = plain(canonical.partition("|")[0])
        if name in r4_types.names():
            return name
        found = self.roots(canonical, resolve)
        return found.definition.type if isinstance(found, Roots) else None

    def codes(self, value_set: str, codes_in: CodesIn) -> frozenset[tuple[str, str]] | None:
        """The members of a value set; None where they are not known."""
        if value_set not in self._codes:
            few = len(self._codes) < _MOST_VALUE_SETS
            self._codes[value_set] = _codes(value_set, codes_in) if few else None
        return self._codes[value_set]

    def extension_of(self, canonical: str) -> Rules:
        """What is known of an extension by its URL alone."""
        found = self._urls.get(canonical)
        if found is None:
            found = self._urls[canonical] = Rules(profile=canonical)
            found.child("url").fixed = (canonical.partition("|")[0],)
        return found

    def keep(self, key: tuple[object, ...], shape: Any) -> None:
        """Keeps a shape that has been made; there are many only where a definition is made to harm."""
        if len(self.shapes) >= _MOST_SHAPES:
            self.shapes.clear()
        self.shapes[key] = shape

    def _read(self, canonical: str, resolve: Resolve) -> Roots | Said:
        try:
            definition = self._definition(canonical, resolve)
        except NotAProfile as error:
            return said.unreadable(canonical, str(error))
        return said.unknown(canonical) if definition is None else self._rooted(definition, resolve)

    def _definition(self, canonical: str, resolve: Resolve) -> Definition | None:
        if self._left <= 0:
            raise NotAProfile(f"more than {_MOST_ELEMENTS} elements together")
        structure = resolve(canonical)
        if structure is None:
            return None
        definition = Definition(structure)
        self._left -= definition.size + 1
        return definition

    def _rooted(self, definition: Definition, resolve: Resolve) -> Roots:
        rules = [definition.root]
        problems: list[Said] = []
        seen = {definition.url}
        current = definition
        while not current.is_whole and current.base and not _is_core(current.base):
            url = current.base
            if url.partition("|")[0] in seen or len(seen) > _LONGEST_CHAIN:
                problems.append(said.unreadable(definition.url, "baseDefinition"))
                break
            seen.add(url.partition("|")[0])
            try:
                base = self._definition(url, resolve)
            except NotAProfile as error:
                problems.append(said.unreadable(url, str(error)))
                break
            if base is None:
                problems.append(said.unknown(url))
                break
            current = base
            rules.append(current.root)
        return Roots(definition, tuple(rules), tuple(problems))


def _codes(value_set: str, codes_in: CodesIn) -> frozenset[tuple[str, str]] | None:
    core = r4_types.codes(value_set.partition("|")[0])
    if core is not None:
        return frozenset((system, code) for system, listed in core.items() for code in listed)
    return codes_in(value_set)


def _is_core(url: str) -> bool:
    url = url.partition("|")[0]
    return url.startswith(CORE) and plain(url) in r4_types.names()
