"""Single FHIR resources as they are sent: without what they refer to, or with it in the wrong way."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from mappings.language import shipped
from tests.adapters.malformed import Malformed

__all__ = ["CASES", "FORMAT", "GOOD", "OPTIONS", "SOURCE"]

FORMAT = "fhir_bundle"
OPTIONS = shipped()["fhir"].options
SOURCE = "fhir"

GOOD = (Path(__file__).parents[2] / "golden/fhir_bundle/service-with-all-it-needs/in.json").read_bytes()
_SERVICE: dict[str, Any] = json.loads(GOOD)
_ORGANIZATION, _LOCATION, _SCHEDULE, _SLOT, _ = range(5)


def _service(*, without: int | None = None, more: Any = None, **changed: Any) -> bytes:
    """The service, without one that it contains, with one more, or with other elements (None: without)."""
    service = deepcopy(_SERVICE)
    if without is not None:
        del service["contained"][without]
    if more is not None:
        service["contained"].append(more)
    return json.dumps({name: value for name, value in {**service, **changed}.items() if value is not None}).encode()


def _within(position: int, **changed: Any) -> bytes:
    """The service with other elements in one that it contains."""
    service = deepcopy(_SERVICE)
    kept = {**service["contained"][position], **changed}
    service["contained"][position] = {name: value for name, value in kept.items() if value is not None}
    return json.dumps(service).encode()


def _alone(position: int, **changed: Any) -> bytes:
    return json.dumps({**_SERVICE["contained"][position], **changed}).encode()


def _at(position: int, element: str) -> str:
    return f"HealthcareService.contained[{position}].{element}"


CASES = [
    Malformed(
        "a service whose home is elsewhere",
        _service(providedBy={"reference": "Organization/101"}),
        "fhir-incomplete",
        "HealthcareService.providedBy",
        "Reference to Organization",
    ),
    Malformed(
        "a service whose home has only a name",
        _service(providedBy={"display": "Haus am Moor"}),
        "fhir-incomplete",
        "HealthcareService.providedBy",
        "as a Bundle (batch, transaction or collection) or under contained",
    ),
    Malformed(
        "a service of nobody",
        _service(providedBy=None),
        "fhir-incomplete",
        "HealthcareService.providedBy",
        "missing",
    ),
    Malformed(
        "a service without its home contained",
        _service(without=_ORGANIZATION),
        "fhir-incomplete",
        "HealthcareService.providedBy",
        "has not come along",
    ),
    Malformed(
        "a service whose site is elsewhere",
        _service(without=_LOCATION),
        "fhir-incomplete",
        "HealthcareService.location[0]",
        "Reference to Location",
    ),
    Malformed(
        "places of a schedule that is elsewhere",
        _service(without=_SCHEDULE),
        "fhir-incomplete",
        _at(2, "schedule"),
        "Reference to Schedule",
    ),
    Malformed(
        "a schedule of another service",
        _within(_SCHEDULE, actor=[{"reference": "HealthcareService/102"}]),
        "fhir-incomplete",
        _at(_SCHEDULE, "actor[0]"),
        "Reference to HealthcareService",
    ),
    Malformed(
        "a Schedule alone",
        _alone(_SCHEDULE, actor=[{"reference": "HealthcareService/101"}]),
        "fhir-incomplete",
        "Schedule.actor",
        "Who sends Schedules and Slots one by one sends all together whenever something changes",
    ),
    Malformed(
        "a Slot alone",
        _alone(_SLOT, schedule={"reference": "Schedule/101"}),
        "fhir-incomplete",
        "Slot.schedule",
        "One Slot says nothing of the offer's other places",
    ),
    Malformed(
        "a Slot that contains its Schedule",
        _alone(_SLOT, contained=[_SERVICE["contained"][_SCHEDULE], {**_SERVICE, "contained": None}]),
        "fhir-incomplete",
        "Slot.schedule",
        "all of them are expected",
    ),
    Malformed("an Organization alone", _alone(_ORGANIZATION), "fhir-incomplete", "Organization", "tells of no offer"),
    Malformed("a Location alone", _alone(_LOCATION), "fhir-incomplete", "Location", "HealthcareService is expected"),
    Malformed(
        "a Patient", b'{"resourceType": "Patient"}', "not-a-bundle", "Bundle", "a HealthcareService that contains"
    ),
    Malformed(
        "the resources in a list", json.dumps([_SERVICE]).encode(), "not-a-bundle", "Bundle", "must send one of these"
    ),
    Malformed(
        "a contained resource that is no list",
        _service(contained=_SERVICE["contained"][0]),
        "fhir-structure",
        "HealthcareService.contained",
        "of the shape",
    ),
    Malformed(
        "a contained text",
        _service(more="Haus am Moor"),
        "fhir-resource-type",
        _at(5, "resourceType"),
        "a resource type of FHIR R4",
    ),
    Malformed(
        "a contained resource of a type that there is not",
        _service(more={"resourceType": "Haus"}),
        "fhir-resource-type",
        _at(5, "resourceType"),
        "a resource type of FHIR R4",
    ),
    Malformed(
        "the home contained twice",
        _service(more=_SERVICE["contained"][_ORGANIZATION]),
        "fhir-duplicate",
        "HealthcareService.contained[5]",
        "already",
    ),
    Malformed(
        "a home without a key of its own",
        _within(_ORGANIZATION, identifier=None),
        "missing",
        "Organization.identifier, Organization.id",
        "must stand here",
    ),
    Malformed(
        "an Organization for a site",
        _service(location=[{"reference": "#haus"}]),
        "fhir-incomplete",
        "HealthcareService.location[0]",
        "Reference to Location",
    ),
    Malformed(
        "a status of nobody in a contained Slot",
        _within(_SLOT, status="frei"),
        "fhir-code",
        _at(_SLOT, "status"),
        "busy",
    ),
    Malformed(
        "a Slot of the service, not of its schedule",
        _within(_SLOT, schedule={"reference": "#"}),
        "fhir-target",
        _at(_SLOT, "schedule.reference"),
        "Schedule",
    ),
    Malformed(
        "an element that FHIR does not know",
        _service(freiePlaetze=2),
        "fhir-unknown-element",
        "HealthcareService",
        "not",
    ),
]
