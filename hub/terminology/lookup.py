"""What is known of one code, and how two codes lie to each other
(https://hl7.org/fhir/R4/codesystem-operation-lookup.html, https://hl7.org/fhir/R4/codesystem-operation-subsumes.html).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from conformance.formats.alike import meant
from hub.errors import NotFound
from hub.terminology import parameters
from hub.terminology.concepts import CodeSystem, Concept, Designation
from mappings.errors import Issue

__all__ = ["described", "known_concept", "subsumption"]

_DESIGNATION_PARTS = {"language": "valueCode", "use": "valueCoding", "value": "valueString"}


def described(
    system: CodeSystem, concept: Concept, *, properties: Sequence[str], languages: Sequence[str]
) -> dict[str, Any]:
    """A Parameters resource: names, designations and properties of a concept; of `properties` those, else all."""
    display = system.label(concept, languages) or concept.code
    return parameters.resource(
        parameters.part("name", valueString=system.name),
        *([parameters.part("version", valueString=system.version)] if system.version else []),
        parameters.part("display", valueString=display),
        *(_designation(each) for each in concept.designations if _is_asked(each, properties)),
        *(
            parameters.part("property", parameters.part("code", valueCode=code), parameters.part("value", **value))
            for code, value in _properties(system, concept)
            if not properties or code in properties
        ),
    )


def known_concept(system: CodeSystem, code: str) -> Concept:
    """The concept of a code; `NotFound` where the code system has none."""
    concept = system.concept(code)
    if concept is None:
        said_de, said_en = meant(code, system.concepts)
        raise NotFound(
            Issue(
                code="unknown-code",
                fhir_code="not-found",
                place="http.code",
                text_de=f"diesen Code hat das Codesystem {system.name} nicht{said_de}; {_listing_de(system)}",
                text_en=f"the code system {system.name} has no such code{said_en}; {_listing_en(system)}",
            )
        )
    return concept


def _listing_de(system: CodeSystem) -> str:
    if system.value_set:
        return f"alle nennt GET ValueSet/$expand?url={system.value_set}"
    return f"alle nennt POST ValueSet/$expand mit einem ValueSet, dessen compose.include.system {system.url} ist"


def _listing_en(system: CodeSystem) -> str:
    if system.value_set:
        return f"GET ValueSet/$expand?url={system.value_set} lists all"
    return f"POST ValueSet/$expand with a ValueSet whose compose.include.system is {system.url} lists all"


def subsumption(system: CodeSystem, one: Concept, other: Concept) -> str:
    """How the first code lies to the second: a code of CodeSystem concept-subsumption-outcome."""
    if one.code == other.code:
        return "equivalent"
    if one.code in system.above(other.code):
        return "subsumes"
    return "subsumed-by" if other.code in system.above(one.code) else "not-subsumed"


def _is_asked(designation: Designation, properties: Sequence[str]) -> bool:
    if not properties or "designation" in properties:
        return True
    return any(name == f"lang.{designation.language}" for name in properties)


def _designation(designation: Designation) -> dict[str, Any]:
    parts = (
        parameters.part(name, **{element: designation.tree[name]})
        for name, element in _DESIGNATION_PARTS.items()
        if name in designation.tree
    )
    return parameters.part("designation", *parts)


def _properties(system: CodeSystem, concept: Concept) -> Iterator[tuple[str, dict[str, Any]]]:
    if concept.definition:
        yield "definition", {"valueString": concept.definition}
    for code in concept.parents:
        yield "parent", {"valueCode": code}
    for code in system.children(concept.code):
        yield "child", {"valueCode": code}
    said = {each.code for each in concept.properties}
    if "inactive" not in said:
        yield "inactive", {"valueBoolean": concept.inactive}
    for each in concept.properties:
        if each.code not in ("parent", "child"):
            yield each.code, {each.element: each.value}
