"""HSDS 3.1, the Human Services Data Specification of Open Referral: one page of services in full, as its API answers
`/services?full=true` (https://docs.openreferral.org/); the source map `hsds` reads it back.

What the standard has no words for (care form, needs, care grades, state) are attributes by our code systems. What is
for professionals alone is never written, whoever exports: contacts, held and closed places.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

from mappings import terminology
from mappings.free_places import free_later
from mappings.identity import NAMESPACE
from mappings.to_fhir import CARE_FORM, IK, NEED, OPS, OPS_CARE_GRADES, TELEMATIK_ID, VACANCY_STATE
from mappings.vacancy import ZONE, Contact, Facility, State, VacancyReport

__all__ = ["FORMAT", "MEDIA_TYPE", "SUFFIX", "encode"]

FORMAT = "hsds"
MEDIA_TYPE = "application/json"
SUFFIX = ".json"

Node = dict[str, Any]

_UNIT = "Platz"
_PHONE_TYPES = {"phone": "voice", "fax": "fax"}


def encode(reports: Iterable[VacancyReport], *, at: datetime) -> Iterator[bytes]:
    """The services, what follows them counts them. Ids are the keys where these are UUIDs, else made of them.

    `available` is what can be taken on `at`'s day; what can be later are attributes of the capacity, of our
    vacancy-state, with the value `2 from 2026-12-11`: so many in all. A service without a number has no
    capacity, as one must have one.
    """
    count = 0
    yield b'{"contents":['
    for report in reports:
        yield (b",\n" if count else b"\n") + json.dumps(_service(report, at), ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        count += 1
    page = {
        "total_items": count,
        "total_pages": 1,
        "page_number": 1,
        "size": count,
        "first_page": True,
        "last_page": True,
        "empty": count == 0,
    }
    yield b"\n]," + json.dumps(page).encode().removeprefix(b"{") + b"\n"


def _service(report: VacancyReport, at: datetime) -> Node:
    facility, offer = report.facility, report.offer
    own = _id("HealthcareService", offer.key)
    service: Node = {
        "id": own,
        "name": offer.name or terminology.display("care-form", offer.care_form, "de"),
        "description": terminology.display("care-form", offer.care_form, "de"),
        "status": "active",
    }
    _reach(service, offer.contacts, own, website="url")
    if offer.care_grades:
        service["eligibility_description"] = f"Pflegegrad {', '.join(map(str, offer.care_grades))}"
    if report.valid_at is not None:
        service["last_modified"] = _moment(report.valid_at)
    service["organization"] = _organization(facility)
    service["service_at_locations"] = [
        {"id": _made(own, "service_at_location", facility.key), "location": _location(facility)}
    ]
    if offer.languages:
        service["languages"] = [{"id": _made(own, "language", code), "code": code} for code in offer.languages]
    if offer.catchment:
        service["service_areas"] = [
            {"id": _made(own, "service_area", code), "name": code, "extent": code, "extent_type": "text"}
            for code in offer.catchment
        ]
    if report.counts.accepting is not None:
        service["capacities"] = [_capacity(report, own, at)]
    service["attributes"] = list(_attributes(report, own))
    return service


def _organization(facility: Facility) -> Node:
    own = _id("Organization", facility.key)
    organization: Node = {"id": own, "name": facility.name, "description": facility.name}
    _reach(organization, facility.contacts, own, website="website")
    if facility.operator is not None:
        organization["parent_organization_id"] = _id("Organization/operator", facility.operator.key)
    identifiers = [
        *(("IK", IK, value) for value in facility.iks),
        *((("Telematik-ID", TELEMATIK_ID, facility.telematik_id),) if facility.telematik_id else ()),
    ]
    if identifiers:
        organization["organization_identifiers"] = [
            {
                "id": _made(own, kind, value),
                "identifier_scheme": scheme,
                "identifier_type": kind,
                "identifier": value,
            }
            for kind, scheme, value in identifiers
        ]
    return organization


def _location(facility: Facility) -> Node:
    own = _made("", "Location", facility.key)
    location: Node = {"id": own, "location_type": "physical", "name": facility.name}
    if facility.position is not None:
        location["latitude"] = round(facility.position.latitude, 7)
        location["longitude"] = round(facility.position.longitude, 7)
    address = facility.address
    line = " ".join(part for part in (address.street, address.house_number) if part)
    if line or address.city or address.postal_code:
        location["addresses"] = [
            {
                "id": _made(own, "address", ""),
                "address_1": line,
                "city": address.city,
                "state_province": address.state,
                "postal_code": address.postal_code,
                "country": "DE",
                "address_type": "physical",
            }
        ]
    return location


def _reach(node: Node, contacts: Iterable[Contact], own: str, *, website: str) -> None:
    """The contacts for everybody; of e-mail and web addresses the first that is one."""
    phones = []
    for contact in contacts:
        if contact.internal:
            continue
        if contact.system in _PHONE_TYPES:
            phones.append(
                {
                    "id": _made(own, f"phone {contact.system}", contact.value),
                    "number": contact.value,
                    "type": _PHONE_TYPES[contact.system],
                }
            )
        elif contact.system == "email" and "@" in contact.value:
            node.setdefault("email", contact.value)
        elif contact.system == "url" and contact.value.startswith(("https://", "http://")):
            node.setdefault(website, contact.value)
    if phones:
        node["phones"] = phones


def _capacity(report: VacancyReport, own: str, at: datetime) -> Node:
    later = free_later(report, at.astimezone(ZONE).date())
    told = [f"{count} weitere ab / more from {start.isoformat()}" for start, count in later.items()]
    if report.coarsened:
        told.insert(0, "mindestens / at least")
    now = (report.counts.accepting or 0) - sum(later.values())
    capacity: Node = {
        "id": _made(own, "capacity", ""),
        "unit": {"id": _made("", "unit", _UNIT), "name": _UNIT},
        "available": now,
        "updated": _moment(report.valid_at or at),
    }
    if report.counts.licensed is not None:
        capacity["maximum"] = report.counts.licensed
    if told:
        capacity["description"] = "; ".join(told)
    if later:
        capacity["attributes"] = list(_later(capacity["id"], now, later))
    return capacity


def _later(capacity: str, now: int, later: Mapping[date, int]) -> Iterator[Node]:
    """How many there will be in all, from each of the days on."""
    some = terminology.display("vacancy-state", State.SOME.value, "de")
    for start, count in later.items():
        now += count
        made = _attribute(capacity, VACANCY_STATE, State.SOME.value, some, of="service_capacity")
        made["id"] = _made(capacity, VACANCY_STATE, start.isoformat())
        yield made | {"value": f"{now} from {start.isoformat()}"}


def _attributes(report: VacancyReport, own: str) -> Iterator[Node]:
    offer = report.offer
    yield _attribute(own, CARE_FORM, offer.care_form, terminology.display("care-form", offer.care_form, "de"))
    yield _attribute(
        own, VACANCY_STATE, report.state.value, terminology.display("vacancy-state", report.state.value, "de")
    )
    for need in offer.needs:
        yield _attribute(own, NEED, need, terminology.display("need", need, "de"))
    for grade in offer.care_grades:
        yield _attribute(own, OPS, OPS_CARE_GRADES[grade], f"Pflegegrad {grade}")


def _attribute(own: str, taxonomy: str, code: str, name: str, *, of: str = "service") -> Node:
    return {
        "id": _made(own, taxonomy, code),
        "link_id": own,
        "link_entity": of,
        "taxonomy_term": {
            "id": _made("", taxonomy, code),
            "code": code,
            "name": name,
            "description": name,
            "taxonomy": taxonomy,
            "language": "de",
        },
    }


def _moment(moment: datetime) -> str:
    return moment.astimezone(ZONE).isoformat(timespec="milliseconds")


def _id(kind: str, key: str) -> str:
    try:
        return key if str(UUID(key)) == key else _made("", kind, key)
    except ValueError:
        return _made("", kind, key)


def _made(of: str, kind: str, key: str) -> str:
    return str(uuid5(NAMESPACE, f"hsds\n{of}\n{kind}\n{key}"))
