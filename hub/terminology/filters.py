"""The filters of a value set: which concepts of a code system they let through
(https://hl7.org/fhir/R4/valueset-filter-operator.html).
"""

from collections.abc import Callable, Mapping
from typing import Any

from hub.errors import Invalid
from hub.terminology.concepts import CodeSystem, Concept
from hub.terminology.pattern import NotPattern, Pattern
from mappings.errors import Issue

__all__ = ["Passes", "passes"]

Passes = Callable[[Concept], bool]

_PLACE = "ValueSet.compose.include.filter"
_HIERARCHY = ("concept", "code")
_DEFINED: Mapping[str, Callable[[CodeSystem, Concept], tuple[str, ...]]] = {
    "code": lambda _, concept: (concept.code,),
    "concept": lambda _, concept: (concept.code,),
    "display": lambda _, concept: (concept.display,) if concept.display else (),
    "definition": lambda _, concept: (concept.definition,) if concept.definition else (),
    "parent": lambda _, concept: concept.parents,
    "child": lambda system, concept: system.children(concept.code),
    "inactive": lambda _, concept: ("true" if concept.inactive else "false",),
    "notSelectable": lambda _, concept: ("true" if concept.abstract else "false",),
}
"""What every code system has, whether it declares it or not."""


def passes(system: CodeSystem, declared: Mapping[str, Any], spend: Callable[[int], None]) -> Passes:
    """The test that one filter of a value set makes; `Invalid` where it asks what the code system does not have."""
    name, operator, value = (declared.get(each, "") for each in ("property", "op", "value"))
    spend(1 + len(value) // 10)
    if operator in ("is-a", "descendent-of", "is-not-a", "generalizes"):
        return _by_hierarchy(system, name, operator, value)
    values = _values(system, name)
    if operator == "=":
        return lambda concept: value in values(concept)
    if operator in ("in", "not-in"):
        listed = frozenset(part.strip() for part in value.split(","))
        wanted = operator == "in"
        return lambda concept: (not listed.isdisjoint(values(concept))) is wanted
    if operator == "exists":
        if value not in ("true", "false"):
            raise _wrong("value", "exists: erwartet wird true oder false", "exists: expected true or false")
        return lambda concept: bool(values(concept)) is (value == "true")
    if operator == "regex":
        pattern = _pattern(value)
        return lambda concept: any(pattern.matches(each, spend) for each in values(concept))
    raise _wrong("op", "diesen Operator gibt es in R4 nicht", "R4 has no such operator", "code-invalid")


def _by_hierarchy(system: CodeSystem, name: str, operator: str, value: str) -> Passes:
    if name not in _HIERARCHY:
        raise _wrong("property", f"{operator} geht nur mit concept", f"{operator} goes with concept only")
    start = system.concept(value)
    if start is None:
        raise _wrong(
            "value",
            f"{operator}: diesen Code hat das Codesystem {system.name} nicht",
            f"{operator}: the code system {system.name} has no such code",
            "code-invalid",
        )
    if operator == "generalizes":
        wider = frozenset(system.above(start.code))
        return lambda concept: concept.code in wider
    narrower = frozenset(system.below(start.code))
    if operator == "is-a":
        return lambda concept: concept.code in narrower
    if operator == "is-not-a":
        return lambda concept: concept.code not in narrower
    return lambda concept: concept.code in narrower and concept.code != start.code


def _values(system: CodeSystem, name: str) -> Callable[[Concept], tuple[str, ...]]:
    if name in system.declared and name not in ("parent", "child", "inactive", "notSelectable"):
        return lambda concept: tuple(each.text() for each in concept.properties if each.code == name)
    if name in _DEFINED:
        defined = _DEFINED[name]
        return lambda concept: defined(system, concept)
    known = ", ".join(sorted({*_DEFINED, *system.declared}))
    raise _wrong(
        "property",
        f"diese Eigenschaft hat das Codesystem {system.name} nicht; bekannt: {known}",
        f"the code system {system.name} has no such property; known: {known}",
    )


def _pattern(value: str) -> Pattern:
    try:
        return Pattern(value)
    except NotPattern as error:
        raise _wrong(
            "value",
            f"kein lesbarer regulärer Ausdruck, Zeichen {error.position + 1}",
            f"not a regular expression that can be read: {error}",
        ) from error


def _wrong(element: str, text_de: str, text_en: str, fhir_code: str = "value") -> Invalid:
    return Invalid(
        Issue(
            code="value-set-filter", fhir_code=fhir_code, place=f"{_PLACE}.{element}", text_de=text_de, text_en=text_en
        )
    )
