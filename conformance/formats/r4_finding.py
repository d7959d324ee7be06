"""What the validator says of a resource: a `Finding`, in German and English, and where it is
(https://hl7.org/fhir/R4/operationoutcome.html).

No text repeats a value, nor the name of an element that FHIR does not know: both may be about a patient.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

__all__ = [
    "Finding",
    "Said",
    "Severity",
    "broken_rule",
    "dangling",
    "empty",
    "mixed_choice",
    "nested_contained",
    "no_resource",
    "no_type_named",
    "not_in_value_set",
    "not_of_type",
    "not_one",
    "not_several",
    "nothing_there",
    "null",
    "required",
    "too_many",
    "two_types",
    "unknown_element",
    "unlike_type",
    "wrong_reference",
    "wrong_target",
]

Severity = Literal["error", "warning", "information"]

_MOST_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a resource."""

    severity: Severity
    code: str
    """From FHIR's issue-type."""
    expression: str
    """FHIRPath of the place, from the name of the resource's type on."""
    key: str
    """The rule, by a stable name: the invariant's own, or `required`, `code`, `target` …"""
    text_en: str
    text_de: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A finding but for its place."""

    key: str
    code: str
    text_en: str
    text_de: str
    severity: Severity = "error"

    def at(self, expression: str) -> Finding:
        return Finding(
            severity=self.severity,
            code=self.code,
            expression=expression,
            key=self.key,
            text_en=self.text_en,
            text_de=self.text_de,
        )


def unknown_element(name: str, position: int, known: Iterable[str]) -> Said:
    """`position` counts the names of the object from 1; a known name that is alike is offered."""
    alike = get_close_matches(name[:64], [one for one in known if one[0] != "_"], n=1, cutoff=0.75)
    meant_en = f" Perhaps {alike[0]} is meant." if alike else ""
    meant_de = f" Gemeint ist vielleicht {alike[0]}." if alike else ""
    return Said(
        key="element",
        code="structure",
        text_en=f"Element {position} of this object is one that FHIR R4 does not know here.{meant_en} "
        "The sender must correct its name or leave it out.",
        text_de=f"Das {position}. Element dieses Objekts kennt FHIR R4 hier nicht.{meant_de} "
        "Der Absender muss seinen Namen berichtigen oder es weglassen.",
    )


def required(name: str) -> Said:
    return Said(
        key="required",
        code="required",
        text_en=f"{name} must be there. The sender must add it.",
        text_de=f"{name} muss es geben. Der Absender muss es ergänzen.",
    )


def empty(what_en: str, what_de: str) -> Said:
    return Said(
        key="empty",
        code="structure",
        text_en=f"{what_en} must not be empty. The sender must fill it or leave it out.",
        text_de=f"{what_de} darf nicht leer sein. Der Absender muss es füllen oder weglassen.",
    )


def not_several() -> Said:
    return Said(
        key="cardinality",
        code="structure",
        text_en="There is at most one of this element: expected is the value itself, not an array. "
        "The sender must write one value.",
        text_de="Dieses Element gibt es höchstens einmal: erwartet ist der Wert selbst, kein Array. "
        "Der Absender muss einen Wert schreiben.",
    )


def not_one() -> Said:
    return Said(
        key="cardinality",
        code="structure",
        text_en="This element may repeat: expected is an array, also for one value. The sender must write [ … ].",
        text_de="Dieses Element darf sich wiederholen: erwartet ist ein Array, auch für einen Wert. "
        "Der Absender muss [ … ] schreiben.",
    )


def not_of_type(type_name: str, expected_en: str, expected_de: str) -> Said:
    """The JSON value is of a kind that the type never has."""
    return Said(
        key="type",
        code="structure",
        text_en=f"Expected is {expected_en} ({type_name}). The sender must correct the kind of the value.",
        text_de=f"Erwartet ist {expected_de} ({type_name}). Der Absender muss die Art des Wertes berichtigen.",
    )


def unlike_type(type_name: str, expected_en: str, expected_de: str) -> Said:
    """The JSON value is of the right kind, but not written as the type is."""
    return Said(
        key="format",
        code="value",
        text_en=f"Expected is {expected_en} ({type_name}). The sender must correct the value.",
        text_de=f"Erwartet ist {expected_de} ({type_name}). Der Absender muss den Wert berichtigen.",
    )


def null() -> Said:
    return Said(
        key="null",
        code="structure",
        text_en="null stands here without need: it only keeps the place of a value whose extensions stand at the same "
        "place of the array beside it, whose name begins with _. The sender must leave it out.",
        text_de="Hier steht null ohne Not: es hält nur den Platz eines Wertes frei, dessen Erweiterungen an derselben "
        "Stelle des Arrays daneben stehen, dessen Name mit _ beginnt. Der Absender muss es weglassen.",
    )


def nothing_there() -> Said:
    """ele-1, said of an object that holds an id at most."""
    return Said(
        key="ele-1",
        code="invariant",
        text_en="An element must have a value or elements below it, beyond its id. "
        "The sender must fill it or leave it out.",
        text_de="Ein Element muss außer seiner id einen Wert oder Elemente haben. "
        "Der Absender muss es füllen oder weglassen.",
    )


def mixed_choice(names: Iterable[str]) -> Said:
    found = ", ".join(names)
    return Said(
        key="choice",
        code="structure",
        text_en=f"Of {found} only one may be there. The sender must leave the others out.",
        text_de=f"Von {found} darf nur eines dastehen. Der Absender muss die anderen weglassen.",
    )


def no_resource() -> Said:
    return Said(
        key="resource-type",
        code="structure",
        text_en="resourceType must name a resource type of FHIR R4. The sender must correct it.",
        text_de="resourceType muss einen Ressourcentyp von FHIR R4 nennen. Der Absender muss es berichtigen.",
    )


def two_types(expected: str) -> Said:
    return Said(
        key="resource-type",
        code="invalid",
        text_en=f"Expected is a resource of the type {expected}. The sender must correct resourceType or the address.",
        text_de=f"Erwartet ist eine Ressource vom Typ {expected}. "
        "Der Absender muss resourceType oder die Adresse berichtigen.",
    )


def nested_contained() -> Said:
    return Said(
        key="dom-2",
        code="invariant",
        text_en="A contained resource must not contain others. The sender must put them beside it.",
        text_de="Eine enthaltene Ressource darf keine weiteren enthalten. Der Absender muss sie daneben stellen.",
    )


def dangling() -> Said:
    """A reference to a contained resource whose container has none of that id."""
    return Said(
        key="ref-1",
        code="not-found",
        text_en="A reference with # must name the id of a resource in contained. "
        "The sender must add the resource or correct the reference.",
        text_de="Ein Verweis mit # muss die id einer Ressource in contained nennen. "
        "Der Absender muss die Ressource ergänzen oder den Verweis berichtigen.",
    )


def wrong_reference() -> Said:
    return Said(
        key="reference",
        code="value",
        text_en="Expected is a reference such as Patient/1, an absolute URL, urn:uuid:, urn:oid: or #id. "
        "The sender must correct it.",
        text_de="Erwartet ist ein Verweis wie Patient/1, eine vollständige URL, urn:uuid:, urn:oid: oder #id. "
        "Der Absender muss ihn berichtigen.",
    )


def wrong_target(targets: Iterable[str]) -> Said:
    expected = _listed(sorted(targets))
    return Said(
        key="target",
        code="structure",
        text_en=f"This may refer to one of: {expected}. The sender must correct the reference.",
        text_de=f"Hier darf verwiesen werden auf: {expected}. Der Absender muss den Verweis berichtigen.",
    )


def no_type_named() -> Said:
    return Said(
        key="target",
        code="value",
        text_en="Reference.type must name a resource type of FHIR R4. The sender must correct it.",
        text_de="Reference.type muss einen Ressourcentyp von FHIR R4 nennen. Der Absender muss es berichtigen.",
    )


def not_in_value_set(value_set: str, allowed: Mapping[str, Iterable[str]]) -> Said:
    """`allowed` are the codes by their systems."""
    expected = _listed(code for listed in allowed.values() for code in listed)
    return Said(
        key="code",
        code="code-invalid",
        text_en=f"Expected is one of: {expected} (value set {value_set}). The sender must correct the code.",
        text_de=f"Erwartet ist eines von: {expected} (Wertemenge {value_set}). Der Absender muss den Code berichtigen.",
    )


def broken_rule(key: str, human_en: str, human_de: str | None = None, *, severity: Severity = "error") -> Said:
    """An invariant of R4 that does not hold; HL7 says its rules in English only, so German may quote."""
    name = key.rpartition(":")[2]
    act_en = "should" if severity == "warning" else "must"
    act_de = "sollte" if severity == "warning" else "muss"
    return Said(
        key=key,
        code="invariant",
        severity=severity,
        text_en=f"Rule {name}: {human_en.rstrip('.')}. The sender {act_en} correct this.",
        text_de=f"Regel {name}: {(human_de or human_en).rstrip('.')}. Der Absender {act_de} das berichtigen.",
    )


def too_many() -> Said:
    return Said(
        key="too-many",
        code="too-costly",
        severity="information",
        text_en="There is more that is wrong, which is not listed. The sender corrects these first.",
        text_de="Es gibt weitere Fehler, die nicht aufgezählt sind. Der Absender berichtigt zuerst diese.",
    )


def _listed(names: Iterable[str]) -> str:
    """The first twenty, and how many more there are."""
    found = list(names)
    more = len(found) - _MOST_LISTED
    return ", ".join(found[:_MOST_LISTED]) + (f" … (+{more})" if more > 0 else "")
