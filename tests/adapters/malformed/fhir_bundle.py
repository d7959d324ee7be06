"""FHIR Bundles as they go wrong: other resources, odd requests, references into nothing, wrong types."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from mappings.language import shipped
from mappings.to_fhir import to_fhir
from tests.adapters.malformed import Malformed
from tests.reports import FULL

__all__ = ["CASES", "FORMAT", "OPTIONS", "SOURCE"]

FORMAT = "fhir_bundle"
OPTIONS = shipped()["fhir"].options
SOURCE = "fhir"

_VACANCY = "https://platzfrei.org/fhir/StructureDefinition/vacancy"
_RESOURCES = to_fhir(FULL, source="haus", at=datetime(2026, 11, 2, 7, tzinfo=UTC))
_NAMES = ("operator", "facility", "location", "service", "schedule", "slot", "slot2", "slot3", "slot4")


def _entry(resource: Any, **more: Any) -> dict[str, Any]:
    of = f"{resource['resourceType']}/{resource['id']}" if isinstance(resource, dict) and "id" in resource else "x"
    return {
        "fullUrl": f"https://haus.example/{of}",
        "resource": resource,
        "request": {"method": "PUT", "url": of},
        **more,
    }


def _bundle(kind: Any = "transaction", /, *, without: str = "", first: Any = None, **changed: Any) -> bytes:
    """The Bundle of one offer, some resources changed by the elements named (None: without the element)."""
    entries = [] if first is None else [first]
    for name, resource in zip(_NAMES, deepcopy(_RESOURCES), strict=True):
        if name == without:
            continue
        for element, value in changed.get(name, {}).items():
            resource.pop(element, None)
            if value is not None:
                resource[element] = value
        entries.append(_entry(resource))
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def _statement(**said: Any) -> dict[str, Any]:
    parts = [{"url": name, **value} for name, value in said.items()]
    return {"extension": [{"url": _VACANCY, "extension": parts}]}


def _of(entry: int, element: str = "") -> str:
    return f"Bundle.entry[{entry}].resource{f'.{element}' if element else ''}"


_IN_USE = "Schedule.extension, Schedule.active, HealthcareService.active, Organization.active, Location.status"
_PATIENT = {"resourceType": "Patient", "id": "p"}

CASES = [
    # What is no Bundle
    Malformed("nothing", b"", "not-json", "line 1", "expecting value"),
    Malformed("a page of HTML", b"<!doctype html>", "not-fhir-xml", "line 1", "FHIR Bundle in XML or JSON"),
    Malformed("cut in the middle", _bundle()[:-100], "not-json", "line 1", "Not JSON"),
    Malformed(
        "an element twice", b'{"resourceType": "Bundle", "resourceType": "Bundle"}', "not-json", "line 1", "twice"
    ),
    Malformed("a list of resources", b"[]", "not-a-bundle", "Bundle", "resourceType Bundle"),
    Malformed(
        "a resource alone",
        json.dumps(_RESOURCES[3]).encode(),
        "fhir-incomplete",
        "HealthcareService.providedBy",
        "has not come along",
    ),
    Malformed("no resourceType", b'{"type": "transaction"}', "not-a-bundle", "Bundle", "resourceType Bundle"),
    Malformed("a message", _bundle("message"), "bundle-type", "Bundle.type", "transaction, batch, collection"),
    Malformed("a document", _bundle("document"), "bundle-type", "Bundle.type", "transaction, batch, collection"),
    Malformed("a history", _bundle("history"), "bundle-type", "Bundle.type", "transaction, batch, collection"),
    Malformed("no type", _bundle(None), "bundle-type", "Bundle.type", "transaction, batch, collection"),
    Malformed(
        "one entry without its list",
        b'{"resourceType": "Bundle", "type": "batch", "entry": {}}',
        "fhir-structure",
        "Bundle.entry",
        "no JSON here of the shape",
    ),
    Malformed(
        "no entries",
        b'{"resourceType": "Bundle", "type": "batch"}',
        "no-healthcare-service",
        "Bundle.entry",
        "at least one HealthcareService",
    ),
    Malformed(
        "patients alone",
        json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [_entry(_PATIENT)]}).encode(),
        "no-healthcare-service",
        "Bundle.entry",
        "there are: Patient",
    ),
    Malformed("no service", _bundle(without="service"), "no-healthcare-service", "Bundle.entry", "Organization"),
    # Requests
    Malformed(
        "a deletion",
        _bundle(first={"request": {"method": "DELETE", "url": "Slot/x"}}),
        "fhir-request",
        "Bundle.entry[0].request.method",
        "POST or PUT",
    ),
    Malformed(
        "a patch",
        _bundle(first={"resource": _PATIENT, "request": {"method": "PATCH", "url": "Slot/x"}}),
        "fhir-request",
        "Bundle.entry[0].request.method",
        "POST or PUT",
    ),
    Malformed(
        "no request in a transaction",
        _bundle(first={"resource": _PATIENT}),
        "fhir-request",
        "Bundle.entry[0].request.method",
        "POST or PUT",
    ),
    Malformed("a number for an entry", _bundle(first=17), "fhir-structure", "Bundle.entry[0]", "of the shape"),
    Malformed("a text for a resource", _bundle(first=_entry("x")), "fhir-structure", _of(0), "of the shape"),
    Malformed(
        "a type that there is not",
        _bundle(first=_entry({"resourceType": "FreierPlatz"})),
        "fhir-resource-type",
        _of(0, "resourceType"),
        "a resource type of FHIR R4",
    ),
    # References
    Malformed("no organization", _bundle(without="facility"), "fhir-reference", _of(2, "providedBy"), "Organization"),
    Malformed("no location", _bundle(without="location"), "fhir-reference", _of(2, "location[0]"), "Location"),
    Malformed(
        "a schedule of no service",
        _bundle(schedule={"actor": [{"reference": "HealthcareService/other"}]}),
        "fhir-reference",
        _of(4, "actor[0]"),
        "HealthcareService",
    ),
    Malformed(
        "a slot of no schedule",
        _bundle(slot={"schedule": {"reference": "Schedule/other"}}),
        "fhir-reference",
        _of(5, "schedule"),
        "Schedule",
    ),
    Malformed(
        "the same resource twice", _bundle(first=_entry(_RESOURCES[5])), "fhir-duplicate", "Bundle.entry[6]", "already"
    ),
    # Types and elements
    Malformed("a slot without start", _bundle(slot={"start": None}), "fhir-required", _of(5, "start"), "must be there"),
    Malformed(
        "a slot without status", _bundle(slot={"status": None}), "fhir-required", _of(5, "status"), "must be there"
    ),
    Malformed("a status of nobody", _bundle(slot={"status": "frei"}), "fhir-code", _of(5, "status"), "busy"),
    Malformed(
        "a slot that ends before it starts",
        _bundle(slot={"end": "2026-01-01T00:00:00+01:00"}),
        "fhir-slot-span",
        _of(5),
        "does not end after its start",
    ),
    Malformed("a day for an instant", _bundle(slot={"start": "2026-12-01"}), "fhir-type", _of(5, "start"), "instant"),
    Malformed("a German date", _bundle(slot={"start": "01.12.2026"}), "fhir-type", _of(5, "start"), "instant"),
    Malformed("yes for true", _bundle(service={"active": "ja"}), "fhir-type", _of(3, "active"), "true or false"),
    Malformed("a name as a list", _bundle(facility={"name": ["Haus"]}), "fhir-type", _of(1, "name"), "not an array"),
    Malformed(
        "types without their list", _bundle(service={"type": {}}), "fhir-type", _of(3, "type"), "expected is an array"
    ),
    Malformed("an element of nobody", _bundle(service={"freiePlaetze": 3}), "fhir-unknown-element", _of(3), "not know"),
    Malformed("an object for a text", _bundle(service={"comment": {"x": 1}}), "fhir-type", _of(3, "comment"), "a text"),
    Malformed("an empty list", _bundle(service={"type": []}), "fhir-type", _of(3, "type"), "must not be empty"),
    Malformed("an id with a space", _bundle(slot={"id": "Slot 1"}), "fhir-type", _of(5, "id"), "hyphen"),
    Malformed(
        "two schedules of one service",
        _bundle(first=_entry({**_RESOURCES[4], "id": "other"})),
        "fhir-one-only",
        "Bundle.entry[5]",
        "exactly one Schedule",
    ),
    # What the map reads
    Malformed(
        "two care forms",
        _bundle(
            service={
                "type": [
                    {"coding": [{"system": "https://platzfrei.org/fhir/CodeSystem/care-form", "code": code}]}
                    for code in ("hospiz", "tagespflege")
                ]
            }
        ),
        "unknown-code",
        "HealthcareService.type",
        "one of: ambulante-pflege",
    ),
    Malformed("no care form", _bundle(service={"type": None}), "missing", "HealthcareService.type", "must stand here"),
    Malformed("no name", _bundle(facility={"name": None}), "missing", "Organization.name", "must stand here"),
    Malformed(
        "fewer than no licensed places",
        _bundle(schedule=_statement(licensed={"valueInteger": -1})),
        "unreadable",
        _IN_USE,
        "cannot be read",
    ),
    Malformed(
        "a state of nobody",
        _bundle(schedule=_statement(state={"valueCode": "voll"})),
        "unreadable",
        _IN_USE,
        "cannot be read",
    ),
    Malformed(
        "the statement twice",
        _bundle(schedule={"extension": [_statement(state={"valueCode": "some"})["extension"][0]] * 2}),
        "unreadable",
        "Schedule.extension",
        "cannot be read",
    ),
    Malformed(
        "a care grade that there is not",
        _bundle(
            service={
                "eligibility": [{"code": {"coding": [{"system": "http://fhir.de/CodeSystem/bfarm/ops", "code": "x"}]}}]
            }
        ),
        "unreadable",
        "HealthcareService.eligibility",
        "a list of elements",
    ),
]
