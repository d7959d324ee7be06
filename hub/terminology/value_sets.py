"""A value set as what can be asked of it: whether a code is in it, and which codes are
(https://hl7.org/fhir/R4/valueset.html#compositions).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from hub.errors import Invalid
from hub.terminology.concepts import CodeSystem, Concept, Designation, designations_of, in_language
from hub.terminology.definitions import Definitions, Unknown
from hub.terminology.filters import Passes, passes
from mappings.errors import Issue

__all__ = ["Member", "ValueSet"]

_IMPORTS_MAX = 20
_IMPORT_STEPS = 100
"""Work that an import stands for, next to looking at one code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A code of a value set: `display` and `designations` are the value set's own, if it has any."""

    system: str
    code: str
    concept: Concept | None = None
    code_system: CodeSystem | None = None
    display: str = ""
    designations: tuple[Designation, ...] = ()
    inactive: bool = False
    abstract: bool = False

    def label(self, languages: Sequence[str]) -> str:
        """What the code is called in the first of the languages that has a name for it; the value set's word counts."""
        written_in = self.code_system.language if self.code_system else "en"
        display = self.display or (self.concept.display if self.concept else "")
        return in_language(display, written_in, self.all_designations(), languages)

    def all_designations(self) -> tuple[Designation, ...]:
        """The designations of the value set and of the code system."""
        return (*self.designations, *(self.concept.designations if self.concept else ()))

    def names(self) -> frozenset[str]:
        """Every display that is right for the code."""
        displays = (self.display, self.concept.display if self.concept else "")
        return frozenset(name for name in (*displays, *(each.value for each in self.all_designations())) if name)


class _Part(Protocol):
    def members(self) -> Iterator[Member]: ...

    def candidates(self, code: str) -> Iterator[Member]:
        """The members with a code, of whatever system."""
        ...


class ValueSet:
    """A ValueSet resource. What it does not know here (`Unknown`) is said when it is needed, not before."""

    def __init__(self, tree: Mapping[str, Any], definitions: Definitions, above: tuple[str, ...] = ()) -> None:
        self.tree = tree
        self.url: str = tree.get("url", "")
        self._definitions = definitions
        self._above = (*above, self.url)

    def members(self) -> Iterator[Member]:
        """The codes in the order of the definition, each once."""
        seen: set[tuple[str, str]] = set()
        for part in self._included:
            for member in part.members():
                self._definitions.spend(1)
                key = (member.system, member.code)
                if key not in seen and not self._kept_out(member):
                    seen.add(key)
                    yield member

    def member(self, system: str, code: str) -> Member | None:
        """The member that a code of a system is."""
        return next((each for each in self.candidates(code) if each.system == system), None)

    def candidates(self, code: str) -> Iterator[Member]:
        """The members with a code, of whatever system."""
        for part in self._included:
            self._definitions.spend(1)
            yield from (each for each in part.candidates(code) if not self._kept_out(each))

    def _kept_out(self, member: Member) -> bool:
        if member.inactive and self._active_only:
            return True
        for part in self._excluded:
            self._definitions.spend(1)
            if any(each.system == member.system for each in part.candidates(member.code)):
                return True
        return False

    @cached_property
    def _active_only(self) -> bool:
        return self.tree.get("compose", {}).get("inactive") is False

    @cached_property
    def _included(self) -> tuple[_Part, ...]:
        compose, expansion = self.tree.get("compose"), self.tree.get("expansion")
        if compose is None:
            return (_Expanded(expansion, self._definitions),) if expansion else ()
        try:
            return tuple(self._part(each) for each in compose.get("include", ()))
        except Unknown:
            # Whoever expanded it knew the code system.
            if expansion is None or not _is_whole(expansion):
                raise
            return (_Expanded(expansion, self._definitions),)

    @cached_property
    def _excluded(self) -> tuple[_Part, ...]:
        return tuple(self._part(each) for each in self.tree.get("compose", {}).get("exclude", ()))

    def _part(self, declared: Mapping[str, Any]) -> _Part:
        self._definitions.spend(1)
        imported: list[_Part] = [self._import(canonical) for canonical in declared.get("valueSet", ()) if canonical]
        if "system" in declared:
            return _both([_of_system(declared, self._definitions), *imported])
        if not imported:
            raise Invalid(
                Issue(
                    code="value-set-part",
                    fhir_code="invariant",
                    place="ValueSet.compose.include",
                    text_de="erwartet wird system oder valueSet",
                    text_en="expected system or valueSet",
                )
            )
        return _both(imported)

    def _import(self, canonical: str) -> "ValueSet":
        self._definitions.spend(_IMPORT_STEPS)
        tree = self._definitions.tree("ValueSet", canonical)
        if tree.get("url", "") in self._above or len(self._above) > _IMPORTS_MAX:
            raise Invalid(
                Issue(
                    code="value-set-imports",
                    fhir_code="processing",
                    place="ValueSet.compose.include.valueSet",
                    text_de=f"ein Value Set darf sich nicht selbst einschließen; höchstens {_IMPORTS_MAX} ineinander",
                    text_en=f"a value set must not import itself, and at most {_IMPORTS_MAX} one inside another",
                )
            )
        return ValueSet(tree, self._definitions, self._above)


class _Expanded:
    """The codes of an expansion that came with the value set."""

    def __init__(self, expansion: Mapping[str, Any], definitions: Definitions) -> None:
        self._definitions = definitions
        self._contained: dict[tuple[str, str], Mapping[str, Any]] = {
            (each.get("system", ""), each["code"]): each
            for each in _flat(expansion.get("contains", ()))
            if "code" in each
        }

    def members(self) -> Iterator[Member]:
        return (self._member(system, each) for (system, _), each in self._contained.items())

    def candidates(self, code: str) -> Iterator[Member]:
        self._definitions.spend(len(self._contained))
        return (self._member(system, each) for (system, other), each in self._contained.items() if other == code)

    def _member(self, system: str, each: Mapping[str, Any]) -> Member:
        return Member(
            system=system,
            code=each["code"],
            display=each.get("display", ""),
            designations=designations_of(each),
            inactive=each.get("inactive", False),
            abstract=each.get("abstract", False),
        )


class _Listed:
    """Codes of a system that the value set names one by one. The system need not be known here."""

    def __init__(self, declared: Mapping[str, Any], definitions: Definitions) -> None:
        self._system: str = declared["system"]
        self._concepts: dict[str, Mapping[str, Any]] = {
            each["code"]: each for each in declared["concept"] if "code" in each
        }
        definitions.spend(len(self._concepts))
        try:
            self._known: CodeSystem | None = definitions.code_system(self._system, declared.get("version"))
        except Unknown:
            self._known = None

    def members(self) -> Iterator[Member]:
        return (self._member(each) for each in self._concepts.values())

    def candidates(self, code: str) -> Iterator[Member]:
        concept = self._known.concept(code) if self._known else None
        each = self._concepts.get(code) or (self._concepts.get(concept.code) if concept else None)
        if each is not None:
            yield self._member(each)

    def _member(self, each: Mapping[str, Any]) -> Member:
        concept = self._known.concept(each["code"]) if self._known else None
        return Member(
            system=self._system,
            code=each["code"],
            concept=concept,
            code_system=self._known,
            display=each.get("display", ""),
            designations=designations_of(each),
            inactive=concept is not None and concept.inactive,
            abstract=concept is not None and concept.abstract,
        )


class _Filtered:
    """All codes of a system, or those that every filter lets through."""

    def __init__(self, declared: Mapping[str, Any], definitions: Definitions) -> None:
        self._url: str = declared["system"]
        self._definitions = definitions
        self._system = definitions.code_system(self._url, declared.get("version"))
        filters = declared.get("filter", ())
        definitions.spend(len(filters) * len(self._system.concepts))
        self._tests: list[Passes] = [passes(self._system, each, definitions.spend) for each in filters]

    def members(self) -> Iterator[Member]:
        return (self._member(concept) for concept in self._system.concepts.values() if self._passes(concept))

    def candidates(self, code: str) -> Iterator[Member]:
        concept = self._system.concept(code)
        if concept is not None and self._passes(concept):
            yield self._member(concept)

    def _passes(self, concept: Concept) -> bool:
        self._definitions.spend(len(self._tests))
        return all(test(concept) for test in self._tests)

    def _member(self, concept: Concept) -> Member:
        return Member(
            system=self._url,
            code=concept.code,
            concept=concept,
            code_system=self._system,
            inactive=concept.inactive,
            abstract=concept.abstract,
        )


class _Both:
    """What is in every one of several parts."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._first, *self._others = parts

    def members(self) -> Iterator[Member]:
        return (each for each in self._first.members() if self._in_others(each))

    def candidates(self, code: str) -> Iterator[Member]:
        return (each for each in self._first.candidates(code) if self._in_others(each))

    def _in_others(self, member: Member) -> bool:
        return all(
            any(each.system == member.system for each in other.candidates(member.code)) for other in self._others
        )


def _of_system(declared: Mapping[str, Any], definitions: Definitions) -> _Part:
    if declared.get("concept"):
        return _Listed(declared, definitions)
    return _Filtered(declared, definitions)


def _both(parts: list[_Part]) -> _Part:
    return parts[0] if len(parts) == 1 else _Both(parts)


def _flat(contains: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for each in contains:
        yield each
        yield from _flat(each.get("contains", ()))


def _is_whole(expansion: Mapping[str, Any]) -> bool:
    listed = sum(1 for _ in _flat(expansion.get("contains", ())))
    return bool(expansion.get("total", listed) <= listed) and not expansion.get("offset")
