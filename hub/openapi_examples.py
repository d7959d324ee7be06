"""What vendors can send as it stands: an example for every variable, query and body of the OpenAPI document.

Each works on an empty server too: what is read is a definition that every hub serves, what is written is one
organization (https://spec.openapis.org/oas/v3.1.0#parameter-object).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from conformance import spec
from hub.fhir import json_patch, merge_patch

__all__ = ["DELIVERY", "FHIR_JSON", "FHIR_XML", "bodies", "operation_query", "query", "search_value", "variables"]

FHIR_JSON, FHIR_XML = "application/fhir+json", "application/fhir+xml"
_FORM = "application/x-www-form-urlencoded"

_SEARCH: Mapping[tuple[str, str], str] = {
    ("HealthcareService", "_include"): "HealthcareService:location",
    ("Location", "near"): "52.85|8.05|25|km",
    ("Organization", "name"): "haus",
    ("Schedule", "_include"): "Schedule:actor",
    ("Slot", "_include"): "Slot:schedule",
    ("Slot", "status"): "free",
    ("find-vacancies", "care-form"): "kurzzeitpflege",
    ("find-vacancies", "distance"): "25",
    ("find-vacancies", "postal-code"): "49661",
    ("search-protocol", "care-form"): "kurzzeitpflege",
    ("search-protocol", "distance"): "25",
    ("search-protocol", "postal-code"): "49661",
}
"""(Type or operation, parameter) → a value that finds something in the invented region of `platzfrei demo`."""

_CARE_FORM = spec.canonical("CodeSystem", "care-form")
_CARE_FORMS = spec.canonical("ValueSet", "care-form")
_SHORT_TERM = {"system": _CARE_FORM, "code": "kurzzeitpflege"}
_KINDS = {"codeA": "kurzzeitpflege", "codeB": "kurzzeitpflege-solitaer"}
_PERIOD = {"periodStart": "2026-11-01", "periodEnd": "2026-11-30"}
_OPERATIONS: Mapping[str, Mapping[str, str]] = {
    "CodeSystem/$lookup": _SHORT_TERM,
    "CodeSystem/$subsumes": {"system": _CARE_FORM, **_KINDS},
    "CodeSystem/{id}/$subsumes": _KINDS,
    "CodeSystem/$validate-code": {"url": _CARE_FORM, "code": "kurzzeitpflege"},
    "CodeSystem/{id}/$validate-code": {"code": "kurzzeitpflege"},
    "ConceptMap/$translate": {"url": spec.canonical("ConceptMap", "care-form-dta"), **_SHORT_TERM},
    "ConceptMap/{id}/$translate": _SHORT_TERM,
    "Measure/$evaluate-measure": {"measure": spec.canonical("Measure", "region-coverage"), **_PERIOD},
    "Measure/{id}/$evaluate-measure": _PERIOD,
    "ValueSet/$expand": {"url": _CARE_FORMS, "count": "20"},
    "ValueSet/{id}/$expand": {"count": "20"},
    "ValueSet/$validate-code": {"url": _CARE_FORMS, **_SHORT_TERM},
    "ValueSet/{id}/$validate-code": _SHORT_TERM,
    "HealthcareService/$find-vacancies": {
        name: value for (holder, name), value in _SEARCH.items() if holder == "find-vacancies"
    },
    "HealthcareService/$search-protocol": {
        name: value for (holder, name), value in _SEARCH.items() if holder == "search-protocol"
    },
}
_VALUES = {
    "url": "Uri",
    "system": "Uri",
    "count": "Integer",
    "distance": "Decimal",
    "postal-code": "String",
    "measure": "String",
    "periodStart": "Date",
    "periodEnd": "Date",
}
"""The types of an operation's parameters; all others are codes."""

_IDS = {"CodeSystem": "care-form", "ConceptMap": "care-form-dta", "Measure": "region-coverage", "ValueSet": "care-form"}
_ORGANIZATION = {"resourceType": "Organization", "id": "moor", "name": "Haus am Moor"}
_WRONG_SLOT = {
    "resourceType": "Slot",
    "id": "moor",
    "schedule": {"reference": "Schedule/moor"},
    "status": "vacant",
    "start": "2026-11-22T08:00:00+01:00",
    "end": "2026-11-29T08:00:00+01:00",
}
"""`vacant` is no status of R4: what `$validate` says of it is worth reading."""
_FHIRPATH_PATCH = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "replace"},
                {"name": "path", "valueString": "Organization.name"},
                {"name": "value", "valueString": "Haus am See"},
            ],
        }
    ],
}
_BATCH = {
    "resourceType": "Bundle",
    "type": "batch",
    "entry": [{"request": {"method": "GET", "url": "Location?_count=1"}}],
}

DELIVERY = {
    "facilities": [
        {
            "id": "H1",
            "name": "Haus am Moor",
            "postalCode": "49661",
            "city": "Cloppenburg",
            "phone": "04471 555-0",
            "offers": [
                {
                    "id": "H1-KZP",
                    "careForm": "kurzzeitpflege",
                    "licensed": 12,
                    "free": 2,
                    "validAt": "2026-11-22T08:00:00+01:00",
                }
            ],
        }
    ]
}
"""What `POST /ingest/json` takes."""


def search_value(holder: str, name: str) -> str | None:
    """A value of a parameter of a type or of an operation of ours; None where any is as good."""
    return _SEARCH.get((holder, name))


def operation_query(path: str) -> Mapping[str, str]:
    """The parameters of an operation, by its route."""
    return _OPERATIONS.get(path.strip("/"), {})


def query(method: str, path: str) -> Mapping[str, str]:
    """The parameters of an interaction, by its route: a search by a few, a conditional write by what finds one."""
    if method in ("PUT", "PATCH", "DELETE"):
        return {"_id": _ORGANIZATION["id"]} if path == "/{type}" else {}
    if (method, path) == ("POST", "/{type}"):
        return {}
    if path in ("/", "/_search"):
        return {"_type": "Location,Organization", "_count": "5"}
    searches = path == "/{type}" or path.endswith(("{member}", "_search", "_history"))
    return {"_count": "5"} if searches else {}


def variables(method: str, path: str) -> Mapping[str, str]:
    """What stands in the path, by its route: together they name something that is there."""
    first = path.strip("/").partition("/")[0]
    if first != "{type}":
        return {"id": _IDS.get(first, "")}
    if "{member}" in path or path == "/{type}/{id}/_search":
        return {"type": "Practitioner", "id": "moor", "member": "PractitionerRole"}
    if method == "POST" and path.endswith("/$validate"):
        return {"type": "Slot", "id": "moor"}
    if method in ("PUT", "PATCH", "DELETE") or (method, path) == ("POST", "/{type}"):
        return {"type": "Organization", "id": "moor"}
    if "{id}" in path:
        return {"type": "CodeSystem", "id": _IDS["CodeSystem"], "version": "1"}
    return {"type": "Location"}


def bodies(method: str, path: str) -> Mapping[str, Any]:
    """Media type → what is sent, by its route; FHIR as the tree of its JSON, also where it goes as XML."""
    if path.endswith("/_search"):
        return {_FORM: dict(query(method, path))}
    if method == "PATCH":
        change = [{"op": "replace", "path": "/name", "value": "Haus am See"}]
        merged = {"name": "Haus am See"}
        return {json_patch.MEDIA_TYPE: change, merge_patch.MEDIA_TYPE: merged, **_fhir(_FHIRPATH_PATCH)}
    if path.endswith("/$validate"):
        return _fhir(_WRONG_SLOT)
    if asked := operation_query(path):
        parameters = {"resourceType": "Parameters", "parameter": _parameters(asked)}
        return _fhir(parameters)
    if path == "/":
        return _fhir(_BATCH)
    if method == "POST":
        # The server gives the id.
        return _fhir({name: value for name, value in _ORGANIZATION.items() if name != "id"})
    return _fhir(_ORGANIZATION)


def _fhir(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    return {FHIR_JSON: tree, FHIR_XML: tree}


def _parameters(asked: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    return [{"name": name, **_value(_VALUES.get(name, "Code"), value)} for name, value in asked.items()]


def _value(kind: str, text: str) -> Mapping[str, Any]:
    return {f"value{kind}": int(text) if kind in ("Integer", "Decimal") else text}
