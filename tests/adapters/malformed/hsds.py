"""HSDS as it goes wrong: pages of something else, capacities that cannot be told apart, values that are none."""

import json
from typing import Any

from mappings.language import shipped
from tests.adapters.malformed import Malformed

__all__ = ["CASES", "FORMAT", "OPTIONS", "SOURCE"]

FORMAT = "hsds"
OPTIONS = shipped()["hsds"].options
SOURCE = "hsds"

_CARE_FORM = "https://platzfrei.org/fhir/CodeSystem/care-form"
_ORGANIZATION = {"id": "o", "name": "Haus am Moor"}


def _term(code: Any, taxonomy: str = _CARE_FORM) -> dict[str, Any]:
    return {"id": "t", "taxonomy_term": {"code": code, "taxonomy": taxonomy}}


def _capacity(**told: Any) -> dict[str, Any]:
    return {"unit": {"name": "Platz"}, "available": 1, "updated": "2026-11-22T08:00:00Z", **told}


def _service(**told: Any) -> dict[str, Any]:
    good = {"id": "s", "name": "Hospiz", "status": "active", "organization": _ORGANIZATION}
    return {**good, "attributes": [_term("hospiz")], **told}


def _page(*things: Any) -> bytes:
    return json.dumps({"contents": list(things)}).encode()


def _at(**location: Any) -> list[dict[str, Any]]:
    return [{"location": {"id": "l", **location}}]


def _address(**told: str) -> list[dict[str, Any]]:
    return _at(addresses=[{"address_type": "physical", **told}])


CASES = [
    # What is no answer of the API
    Malformed("nothing", b"", "not-hsds", "line 1", "expecting value"),
    Malformed("a page of HTML", b"<html/>", "not-hsds", "line 1", "expecting value"),
    Malformed("a table", b"id,name,status\r\n1,Hospiz,active\r\n", "not-hsds", "line 1", "expecting value"),
    Malformed("cut in the middle", _page(_service())[:-20], "not-hsds", "line 1", "not JSON"),
    Malformed("one key twice", b'{"contents": [], "contents": []}', "not-hsds", "line 1", "a key stands twice"),
    Malformed("NaN for a number", _page(_service(minimum_age=float("nan"))), "not-hsds", "line 1", "NaN"),
    Malformed("not UTF-8", _page(_service(name="M?ller")).replace(b"?", b"\xfc"), "not-hsds", "line 1", "not UTF-8"),
    Malformed("a comma too many", b'{"contents": [],}', "not-hsds", "line 1", "not JSON"),
    Malformed("single quotes", b"{'contents': []}", "not-hsds", "line 1", "enclosed in double quotes"),
    Malformed("newline-delimited", _page(_service()) + b"\n" + _page(_service()), "not-hsds", "line 2", "extra data"),
    Malformed("nested without end", b'{"contents": ' + b"[" * 60 + b"]" * 60 + b"}", "not-hsds", "line 1", "deeper"),
    Malformed("a text alone", b'"services"', "not-hsds", "$", "a page (contents), a list or a service"),
    Malformed("null", b"null", "not-hsds", "$", "a page (contents), a list or a service"),
    Malformed("contents that are one service", b'{"contents": {"id": "s"}}', "not-hsds", "contents", "a page"),
    Malformed("an error of the API", b'{"error": "rate limit"}', "not-a-service", "[0]", "a service, an organization"),
    Malformed("a data package", b'{"name": "x", "resources": []}', "not-a-service", "[0]", "a service"),
    Malformed("numbers for services", _page(17), "not-a-service", "contents[0]", "a service"),
    Malformed("identifiers for services", _page("s"), "not-a-service", "contents[0]", "a service"),
    Malformed("an organization alone", _page(_ORGANIZATION), "not-a-service", "contents[0]", "with services"),
    Malformed("a taxonomy", _page({"id": "t", "name": "Care"}), "not-a-service", "contents[0]", "a service"),
    # Structure
    Malformed(
        "one capacity without its list",
        _page(_service(capacities=_capacity())),
        "hsds-structure",
        "contents[0].capacities",
        "a list of objects",
    ),
    Malformed(
        "attributes as words",
        _page(_service(attributes=["hospiz"])),
        "hsds-structure",
        "contents[0].attributes",
        "a list of objects",
    ),
    Malformed(
        "the organization by its id",
        _page(_service(organization="o")),
        "hsds-structure",
        "contents[0].organization",
        "an object",
    ),
    Malformed(
        "telephone as a text",
        _page(_service(organization={**_ORGANIZATION, "phones": "04471 5550"})),
        "hsds-structure",
        "contents[0].organization.phones",
        "a list of objects",
    ),
    Malformed(
        "languages as codes",
        _page(_service(languages=["de"])),
        "hsds-structure",
        "contents[0].languages",
        "a list of objects",
    ),
    Malformed(
        "an address without its list",
        _page(_service(service_at_locations=_at(addresses={"city": "Cloppenburg"}))),
        "hsds-structure",
        "contents[0].location.addresses",
        "a list of objects",
    ),
    Malformed(
        "locations as ids",
        _page(_service(service_at_locations=["l"])),
        "hsds-structure",
        "contents[0].service_at_locations",
        "a list of objects",
    ),
    Malformed(
        "a capacity in another unit",
        _page(_service(capacities=[_capacity(unit={"name": "Kilogram"})])),
        "hsds-unit",
        "contents[0].capacities[0].unit",
        "No unit in which places are counted",
    ),
    Malformed(
        "a capacity without unit",
        _page(_service(capacities=[{"available": 3, "unit_id": "u"}])),
        "hsds-unit",
        "contents[0].capacities[0].unit",
        "No unit in which places are counted",
    ),
    Malformed(
        "two capacities in places",
        _page(_service(capacities=[_capacity(), _capacity(available=2)])),
        "hsds-one-only",
        "contents[0].capacities",
        "one capacity in places",
    ),
    Malformed(
        "two care forms",
        _page(_service(attributes=[_term("hospiz"), _term("tagespflege")])),
        "hsds-one-only",
        "contents[0].attributes",
        "one code for careForm",
    ),
    Malformed(
        "two locations",
        _page(_service(service_at_locations=[*_at(), *_at(id="m")])),
        "hsds-locations",
        "contents[0].service_at_locations",
        "several locations",
    ),
    # Values
    Malformed("no id", _page(_service(id=None)), "missing", "id", "must stand here"),
    Malformed("no care form", _page(_service(attributes=[])), "missing", "careForm", "must stand here"),
    Malformed(
        "a care form of nobody",
        _page(_service(attributes=[_term("wellness")])),
        "unknown-code",
        "careForm",
        "one of: ambulante-pflege",
    ),
    Malformed(
        "a care form in another taxonomy",
        _page(_service(attributes=[_term("1102", "open-eligibility")])),
        "missing",
        "careForm",
        "must stand here",
    ),
    Malformed(
        "no organization",
        _page(_service(organization=None)),
        "missing",
        "organization.id, location.id",
        "must stand here",
    ),
    Malformed(
        "an organization without name",
        _page(_service(organization={"id": "o"})),
        "missing",
        "organization.name",
        "must stand here",
    ),
    Malformed(
        "a status of nobody",
        _page(_service(status="open")),
        "unknown-code",
        "status",
        "active, defunct, inactive, temporarily closed",
    ),
    Malformed(
        "available in words",
        _page(_service(capacities=[_capacity(available="zwei")])),
        "unreadable",
        "available",
        "a whole number",
    ),
    Malformed(
        "half a place", _page(_service(capacities=[_capacity(available=1.5)])), "unreadable", "available", "whole"
    ),
    Malformed(
        "true for a number", _page(_service(capacities=[_capacity(available=True)])), "unreadable", "available", "whole"
    ),
    Malformed(
        "fewer than no places at most",
        _page(_service(capacities=[_capacity(maximum=-1)])),
        "unreadable",
        "maximum",
        "a whole number",
    ),
    Malformed(
        "more available than there are",
        _page(_service(capacities=[_capacity(available=12, maximum=10)])),
        "implausible-counts",
        "",
        "do not fit together",
    ),
    Malformed(
        "a moment in words",
        _page(_service(capacities=[_capacity(updated="gestern")])),
        "unreadable",
        "updated",
        "date and time",
    ),
    Malformed(
        "a moment as a number",
        _page(_service(capacities=[_capacity(updated=1763798400)])),
        "unreadable",
        "updated",
        "date and time",
    ),
    Malformed(
        "a postal code of another land",
        _page(_service(service_at_locations=_address(postal_code="ABC 1234"))),
        "unreadable",
        "location.postal_code",
        "five digits",
    ),
    Malformed(
        "latitude without longitude",
        _page(_service(service_at_locations=_at(latitude=52.8))),
        "half-a-position",
        "",
        "belong together",
    ),
    Malformed(
        "a need of nobody",
        _page(_service(attributes=[_term("hospiz"), _term("wunder", "https://platzfrei.org/fhir/CodeSystem/need")])),
        "unknown-code",
        "needs",
        "one of: adipositas",
    ),
    Malformed(
        "a care grade that there is not",
        _page(_service(attributes=[_term("hospiz"), _term("9-984.f", "http://fhir.de/CodeSystem/bfarm/ops")])),
        "unreadable",
        "careGrades",
        "9-984.6",
    ),
    Malformed(
        "a language by its name",
        _page(_service(languages=[{"code": "Deutsch"}])),
        "unreadable",
        "languages",
        "language codes",
    ),
]
