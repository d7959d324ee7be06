"""What is wrong with one FHIR R4 resource that a sender wrote, as issues
(https://hl7.org/fhir/R4/validation.html).

No text repeats a value, nor the name of an element that FHIR does not know: both may be about a patient.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from conformance.formats import r4, r4_types
from mappings.errors import Issue

__all__ = ["CODES", "TYPES", "UNASKED", "findings"]

TYPES = r4_types.resource_types()
"""The resource types of R4."""

CODES: Mapping[str, str] = MappingProxyType(
    {
        "cardinality": "fhir-type",
        "choice": "fhir-choice",
        "code": "fhir-code",
        "element": "fhir-unknown-element",
        "empty": "fhir-type",
        "format": "fhir-type",
        "null": "fhir-type",
        "reference": "fhir-reference",
        "required": "fhir-required",
        "resource-type": "fhir-resource-type",
        "target": "fhir-target",
        "too-many": "fhir-too-many",
        "type": "fhir-type",
    }
)
"""The validator's rule → our name of the issue; any other is named after its rule."""

# Narrative and contained resources are of no use to us, and so no ground for refusing what is.
_UNCHECKED = ("contained", "text")
# Nor is a rule between elements, such as a telephone number without `system`: who reads the elements judges them.
UNASKED = ("invariant", "not-found")
"""FHIR's codes of findings that are not told."""


def findings(kind: str, resource: Mapping[str, Any], place: str) -> Iterator[Issue]:
    """What is wrong with a resource of that type, each finding with its FHIRPath below `place`."""
    checked = {name: value for name, value in resource.items() if name not in _UNCHECKED}
    wrong = [one for one in r4.findings(checked, type_name=kind) if one.code not in UNASKED]
    for one in wrong:
        yield Issue(
            code=CODES.get(one.key, f"fhir-{one.key}"),
            place=place + one.expression.removeprefix(kind),
            text_de=one.text_de,
            text_en=one.text_en,
            fhir_code=one.code,
        )
    if kind == "Slot" and not wrong:
        yield from _wrong_span(checked, place)


def _wrong_span(slot: Mapping[str, Any], place: str) -> Iterator[Issue]:
    try:
        in_order = datetime.fromisoformat(slot["start"]) < datetime.fromisoformat(slot["end"])
    except (KeyError, ValueError):
        # R4 knows the sixtieth second and a start that is only an extension, we do not.
        in_order = False
    if not in_order:
        yield Issue(
            code="fhir-slot-span",
            place=place,
            text_de="Der Slot endet nicht nach seinem Beginn. Der Absender muss start oder end berichtigen.",
            text_en="The Slot does not end after its start. The sender must correct start or end.",
            fhir_code="invariant",
        )
