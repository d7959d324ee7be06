"""Whether a Coding or CodeableConcept is in the value set to which R4 binds it as required
(https://hl7.org/fhir/R4/terminologies.html#required)."""

from collections.abc import Iterable, Mapping
from typing import Any

from conformance.formats import r4_finding
from conformance.formats.r4_run import ElementCheck, Node, Place, Run

__all__ = ["coding_check", "concept_check"]


def coding_check(value_set: str, allowed: Mapping[str, Iterable[str]]) -> ElementCheck:
    """The check that a Coding is one of the value set's, whose codes are given by their systems."""
    said = r4_finding.not_in_value_set(value_set, allowed)
    codes = _pairs(allowed)

    def check(node: Node, place: Place, run: Run) -> None:
        if not _is_in(node, codes) and ("code" in node or "extension" not in node):
            run.say(said, place)

    return check


def concept_check(value_set: str, allowed: Mapping[str, Iterable[str]]) -> ElementCheck:
    """The check that one coding of a CodeableConcept is of the value set; text alone is enough."""
    said = r4_finding.not_in_value_set(value_set, allowed)
    codes = _pairs(allowed)

    def check(node: Node, place: Place, run: Run) -> None:
        codings = node.get("coding")
        if type(codings) is list and not any(_is_in(one, codes) for one in codings):
            run.say(said, place)

    return check


def _pairs(allowed: Mapping[str, Iterable[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((system, code) for system, listed in allowed.items() for code in listed)


def _is_in(coding: Any, codes: frozenset[tuple[str, str]]) -> bool:
    if type(coding) is not dict:
        return False
    system, code = coding.get("system"), coding.get("code")
    return isinstance(system, str) and isinstance(code, str) and (system, code) in codes
