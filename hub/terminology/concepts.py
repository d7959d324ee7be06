"""A code system as what can be asked of it: its concepts, their names, and which is a kind of which
(https://hl7.org/fhir/R4/codesystem.html).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["CodeSystem", "Concept", "Designation", "Property", "designations_of", "in_language"]

_CONCEPT_PROPERTIES = "http://hl7.org/fhir/concept-properties#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Designation:
    """Another name of a concept, as the resource has it."""

    value: str
    language: str
    tree: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a concept: `element` is the name of its JSON element, `valueCode` for example."""

    code: str
    element: str
    value: Any

    def text(self) -> str:
        """The value as filters compare it."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, Mapping):
            return str(self.value.get("code", ""))
        return str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A code with its meaning. `parents` are those of the hierarchy, `kinds_of` those that it is a kind of."""

    code: str
    display: str
    definition: str
    designations: tuple[Designation, ...]
    properties: tuple[Property, ...]
    parents: tuple[str, ...]
    kinds_of: tuple[str, ...]
    inactive: bool
    abstract: bool


class CodeSystem:
    """A CodeSystem resource, indexed by code."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.url: str = tree.get("url", "")
        self.version: str = tree.get("version", "")
        self.value_set: str = tree.get("valueSet", "")
        self.name: str = tree.get("name") or tree.get("title") or self.url
        self.language: str = tree.get("language", "en")
        self.content: str = tree.get("content", "complete")
        self.declared: Mapping[str, Mapping[str, Any]] = {
            each["code"]: each for each in tree.get("property", ()) if "code" in each
        }
        self.concepts: Mapping[str, Concept] = _concepts(tree, self.declared)
        self._children = _reversed(self.concepts, "parents")
        self._kinds = _reversed(self.concepts, "kinds_of")
        # Absent, nobody has said that case may differ.
        self._folded = {} if tree.get("caseSensitive", True) else {code.casefold(): code for code in self.concepts}

    def concept(self, code: str) -> Concept | None:
        """The concept of a code; case does not matter where the code system says so."""
        return self.concepts.get(code) or self.concepts.get(self._folded.get(code.casefold(), ""))

    def children(self, code: str) -> tuple[str, ...]:
        """The codes that stand directly below one."""
        return self._children.get(code, ())

    def above(self, code: str) -> tuple[str, ...]:
        """The code and all that it is a kind of, itself first."""
        return _reached(code, lambda one: self.concepts[one].kinds_of)

    def below(self, code: str) -> tuple[str, ...]:
        """The code and all its kinds, itself first."""
        return _reached(code, lambda one: self._kinds.get(one, ()))

    def label(self, concept: Concept, languages: Sequence[str]) -> str:
        """What a concept is called, in the first of the languages that has a name for it."""
        return in_language(concept.display, self.language, concept.designations, languages)


def designations_of(tree: Mapping[str, Any]) -> tuple[Designation, ...]:
    """The designations of a concept, of a code system or of a value set."""
    return tuple(
        Designation(value=each["value"], language=each.get("language", ""), tree=each)
        for each in tree.get("designation", ())
        if "value" in each
    )


def in_language(display: str, written_in: str, designations: Sequence[Designation], languages: Sequence[str]) -> str:
    """The name in the first language that there is one in, else the display."""
    for language in languages:
        if display and _base(written_in) == language:
            return display
        for designation in designations:
            if _base(designation.language) == language:
                return designation.value
    return display


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _concepts(tree: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]]) -> dict[str, Concept]:
    # R4's own code systems nest kinds without saying hierarchyMeaning.
    is_a = tree.get("hierarchyMeaning", "is-a") == "is-a"
    meanings = {
        code: uri.removeprefix(_CONCEPT_PROPERTIES)
        for code, each in declared.items()
        if (uri := each.get("uri", "")).startswith(_CONCEPT_PROPERTIES)
    }
    trees: dict[str, Mapping[str, Any]] = {}
    parents: dict[str, dict[str, None]] = {}
    wider: dict[str, dict[str, None]] = {}
    for one, parent in _nested(tree.get("concept", ()), None):
        trees.setdefault(one["code"], one)
        if parent is not None:
            parents.setdefault(one["code"], {})[parent] = None
    properties = {code: _properties(one) for code, one in trees.items()}
    for code, told in properties.items():
        for each in told:
            meaning, other = meanings.get(each.code, each.code), each.text()
            if other not in trees:
                continue
            if meaning == "parent":
                parents.setdefault(code, {})[other] = None
            elif meaning == "child":
                parents.setdefault(other, {})[code] = None
            elif meaning == "subsumedBy":
                wider.setdefault(code, {})[other] = None
    return {
        code: _concept(
            one,
            properties[code],
            tuple(parents.get(code, ())),
            tuple({**(parents.get(code, {}) if is_a else {}), **wider.get(code, {})}),
            meanings,
        )
        for code, one in trees.items()
    }


def _nested(
    concepts: Sequence[Mapping[str, Any]], parent: str | None
) -> Iterator[tuple[Mapping[str, Any], str | None]]:
    for one in concepts:
        # A code may be missing with a reason in its place: an extension.
        if "code" in one:
            yield one, parent
            yield from _nested(one.get("concept", ()), one["code"])


def _concept(
    one: Mapping[str, Any],
    properties: tuple[Property, ...],
    parents: tuple[str, ...],
    kinds_of: tuple[str, ...],
    meanings: Mapping[str, str],
) -> Concept:
    meant = {(meanings.get(each.code, each.code), each.text()) for each in properties}
    return Concept(
        code=one["code"],
        display=one.get("display", ""),
        definition=one.get("definition", ""),
        designations=designations_of(one),
        properties=properties,
        parents=parents,
        kinds_of=kinds_of,
        # "deprecated" codes can still be used (https://hl7.org/fhir/R4/codesystem-concept-properties.html).
        inactive=not meant.isdisjoint({("inactive", "true"), ("status", "retired"), ("status", "inactive")}),
        abstract=not meant.isdisjoint({("notSelectable", "true"), ("abstract", "true")}),
    )


def _properties(one: Mapping[str, Any]) -> tuple[Property, ...]:
    return tuple(
        Property(code=each["code"], element=element, value=value)
        for each in one.get("property", ())
        if "code" in each
        for element, value in each.items()
        if element.startswith("value")
    )


def _reversed(concepts: Mapping[str, Concept], member: str) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, concept in concepts.items():
        for other in getattr(concept, member):
            found.setdefault(other, []).append(code)
    return {code: tuple(others) for code, others in found.items()}


def _reached(code: str, onward: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    found = {code: None}
    waiting = [code]
    for one in waiting:
        for other in onward(one):
            if other not in found:
                found[other] = None
                waiting.append(other)
    return tuple(found)
