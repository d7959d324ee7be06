"""Answers of a hospital's system as they go wrong: other resources, pages that lack, beds that belong nowhere."""

import json
from typing import Any

from mappings.language import shipped
from tests.adapters.malformed import Malformed

__all__ = ["CASES", "FORMAT", "OPTIONS", "SOURCE"]

FORMAT = "isik_beds"
OPTIONS: dict[str, Any] = {"wards": shipped()["isik-betten"].options["wards"][:1]}
SOURCE = "isik-betten"

_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
_WARD = "Station-KZP"


def _bed(own: str = "1", part_of: Any = f"Location/{_WARD}", code: Any = "U", **more: Any) -> dict[str, Any]:
    return {
        "resource": {
            "resourceType": "Location",
            "id": own,
            "physicalType": {"coding": [{"system": _TYPE, "code": "bd"}]},
            "operationalStatus": {"system": _STATUS, "code": code},
            "partOf": {"reference": part_of},
            **more,
        }
    }


def _bundle(*entries: Any, **more: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}).encode()


_NEXT = [{"relation": "next", "url": "https://kis.example/fhir/Location?page=2"}]
_OUTCOME = b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}'

CASES = [
    Malformed("nothing", b"", "not-json", "line 1", "expecting value"),
    Malformed("a page of HTML", b"<html>Anmeldung</html>", "not-json", "line 1", "expecting value"),
    Malformed("a Bundle in XML", b'<Bundle xmlns="http://hl7.org/fhir"/>', "not-json", "line 1", "expecting value"),
    Malformed("cut in the middle", _bundle(_bed())[:-9], "not-json", "line 1", "not JSON"),
    Malformed(
        "an element twice", b'{"resourceType": "Bundle", "type": "x", "type": "y"}', "not-json", "line 1", "twice"
    ),
    Malformed("a refusal of the server", _OUTCOME, "not-a-bundle", "Bundle", "a FHIR Bundle is expected"),
    Malformed("no pages", b"[]", "not-a-bundle", "$", "a searchset is expected"),
    Malformed("a text for a page", b'["page"]', "not-a-bundle", "[0].Bundle", "a FHIR Bundle is expected"),
    Malformed("a bed alone", json.dumps(_bed()["resource"]).encode(), "not-a-bundle", "Bundle", "a FHIR Bundle"),
    Malformed("a transaction", _bundle(type="transaction"), "bundle-type", "Bundle.type", "searchset or collection"),
    Malformed("no type", _bundle(type=None), "bundle-type", "Bundle.type", "searchset or collection"),
    Malformed("one entry without its list", _bundle(entry=_bed()), "fhir-structure", "Bundle.entry", "a list"),
    Malformed("one link without its list", _bundle(link=_NEXT[0]), "fhir-structure", "Bundle.link", "a list"),
    Malformed("the first page alone", _bundle(_bed(), link=_NEXT), "page-missing", "Bundle.link", "all pages"),
    Malformed(
        "the last page missing",
        b"[" + _bundle(_bed(), link=_NEXT) + b"," + _bundle(link=_NEXT) + b"]",
        "page-missing",
        "[1].Bundle.link",
        "all pages",
    ),
    Malformed("an empty answer", _bundle(), "ward-without-beds", f"ward {_WARD}", "no bed of this ward"),
    Malformed(
        "beds of another ward alone",
        _bundle(_bed(part_of="Location/C"), {"resource": {"resourceType": "Location", "id": "C"}}),
        "ward-without-beds",
        f"ward {_WARD}",
        "no bed of this ward",
    ),
    Malformed(
        "rooms instead of beds",
        _bundle(_bed(physicalType={"coding": [{"system": _TYPE, "code": "ro"}]})),
        "ward-without-beds",
        f"ward {_WARD}",
        "no bed of this ward",
    ),
    Malformed(
        "a type of another code system",
        _bundle(_bed(physicalType={"coding": [{"system": "urn:kis", "code": "bd"}]})),
        "ward-without-beds",
        f"ward {_WARD}",
        "no bed of this ward",
    ),
    Malformed(
        "a room that was not sent along",
        _bundle(_bed(), _bed("2", part_of="Location/Raum-1")),
        "fhir-reference",
        "Bundle.entry[1].resource.partOf",
        "cannot be seen",
    ),
    Malformed(
        "rooms in a circle",
        _bundle(_bed(), _bed("2", part_of="Location/2")),
        "fhir-reference",
        "Bundle.entry[1].resource.partOf",
        "cannot be seen",
    ),
    Malformed(
        "an entry without resource", _bundle(_bed(), {}), "fhir-structure", "Bundle.entry[1].resource", "resource"
    ),
    Malformed("a number for an entry", _bundle(_bed(), 17), "fhir-structure", "Bundle.entry[1].resource", "resource"),
    Malformed(
        "a resource without type",
        _bundle(_bed(), {"resource": {"id": "2"}}),
        "fhir-structure",
        "Bundle.entry[1].resource",
        "resourceType",
    ),
    Malformed(
        "an element that there is not",
        _bundle(_bed(belegung=1)),
        "fhir-unknown-element",
        "Bundle.entry[0].resource",
        "does not know here",
    ),
    Malformed(
        "a status that there is not",
        _bundle(_bed(status="belegt")),
        "fhir-code",
        "Bundle.entry[0].resource.status",
        "active",
    ),
    Malformed(
        "a code as a number",
        _bundle(_bed(code=1)),
        "fhir-type",
        "Bundle.entry[0].resource.operationalStatus.code",
        "a code",
    ),
    Malformed(
        "the status as a text",
        _bundle(_bed(operationalStatus="U")),
        "fhir-type",
        "Bundle.entry[0].resource.operationalStatus",
        "an object (Coding)",
    ),
    Malformed(
        "a list of parents",
        _bundle(_bed(), _bed("2", partOf=[{"reference": f"Location/{_WARD}"}])),
        "fhir-type",
        "Bundle.entry[1].resource.partOf",
        "not an array",
    ),
    Malformed(
        "an id with a space",
        _bundle(_bed(own="Bett 1")),
        "fhir-type",
        "Bundle.entry[0].resource.id",
        "hyphen and full stop",
    ),
    Malformed("a code of nobody", _bundle(_bed(code="X")), "unreadable", "operationalStatus", "C, H, I, K, O, U"),
    Malformed(
        "a moment without time zone",
        _bundle(_bed(), meta={"lastUpdated": "jetzt"}),
        "unreadable",
        "lastUpdated",
        "date and time",
    ),
    Malformed(
        "a ward without care form",
        _bundle(_bed(part_of="Location/W")),
        "missing",
        "careForm",
        "must stand here",
        {"wards": [{"ward": "W", "facility": {"key": "k", "name": "Klinikum"}}]},
    ),
    Malformed(
        "a ward without facility",
        _bundle(_bed(part_of="Location/W")),
        "missing",
        "facility.key",
        "must stand here",
        {"wards": [{"ward": "W", "careForm": "hospiz"}]},
    ),
    Malformed(
        "a care form of nobody",
        _bundle(_bed(part_of="Location/W")),
        "unknown-code",
        "careForm",
        "one of: ambulante-pflege",
        {"wards": [{"ward": "W", "careForm": "pflege", "facility": {"key": "k", "name": "Klinikum"}}]},
    ),
]
