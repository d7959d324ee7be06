"""A vacancy report as FHIR R4 resources, one function per resource type: Organization and Location as an IHE mCSD
facility pair, the offer as HealthcareService, the statement as Schedule, each block of like places as Slot
(https://profiles.ihe.net/ITI/mCSD/, https://hl7.org/fhir/R4/schedule.html, https://hl7.org/fhir/R4/slot.html).

Parts that say the same are one object in all resources, so nobody may change what `to_fhir` returns in place.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from conformance.spec import CANONICAL, canonical
from mappings.identity import Kind, resource_id
from mappings.offer_terms import KIM, available_time, extensions
from mappings.terminology import ancestors, display, translate
from mappings.vacancy import (
    ZONE,
    Address,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Facility,
    Offer,
    Operator,
    Position,
    State,
    VacancyReport,
)

__all__ = [
    "AGS",
    "AGS_EXTENSION",
    "BCP_47",
    "CAPACITY_CODES",
    "CAPACITY_STATUS",
    "CARE_FORM",
    "CLOSING_REASON",
    "COVERAGE_POSTAL_CODE",
    "DTA",
    "HOUSE_NUMBER",
    "IHE_D",
    "IK",
    "INTERNAL",
    "NEED",
    "OPEN_END",
    "OPS",
    "OPS_CARE_GRADES",
    "PLACE",
    "PRECINCT",
    "ROOM_TYPE",
    "SLOT_CAPACITY",
    "SLOT_STATUS",
    "SOURCE",
    "STREET_NAME",
    "TELEMATIK_ID",
    "VACANCY",
    "VACANCY_STATE",
    "Resource",
    "capacity_status",
    "facility_resources",
    "offer_resource",
    "statement_resources",
    "to_fhir",
]

Resource = dict[str, Any]
"""A FHIR resource, or a part of one, as its JSON object."""

OPEN_END = "2099-12-31T23:59:59Z"
"""`Slot.end` is required: this one means open-ended."""

IK = "http://fhir.de/sid/arge-ik/iknr"
TELEMATIK_ID = "https://gematik.de/fhir/sid/telematik-id"
SOURCE = f"{CANONICAL}/sid/source/"
"""Followed by a source's name: the identifier system of what that source calls a thing."""

CARE_FORM = canonical("CodeSystem", "care-form")
NEED = canonical("CodeSystem", "need")
VACANCY_STATE = canonical("CodeSystem", "vacancy-state")
ROOM_TYPE = canonical("CodeSystem", "room-type")
CLOSING_REASON = canonical("CodeSystem", "closing-reason")
DTA = f"{CANONICAL}/sid/gkv-dta/leistungsart"
IHE_D = "http://ihe-d.de/CodeSystems/PatientBezogenenGesundheitsversorgung"
OPS = "http://fhir.de/CodeSystem/bfarm/ops"
OPS_CARE_GRADES: Mapping[int, str] = MappingProxyType(
    {1: "9-984.6", 2: "9-984.7", 3: "9-984.8", 4: "9-984.9", 5: "9-984.a"}
)
AGS = "http://fhir.de/sid/destatis/ags"
BCP_47 = "urn:ietf:bcp:47"
CAPACITY_CODES = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"

VACANCY = canonical("StructureDefinition", "vacancy")
PLACE = canonical("StructureDefinition", "place")
INTERNAL = canonical("StructureDefinition", "internal")
"""On a ContactPoint: for professionals alone."""
CAPACITY_STATUS = (
    "http://hl7.org/fhir/us/sdoh-clinicalcare/StructureDefinition/SDOHCC-ExtensionHealthcareServiceCapacityStatus"
)
SLOT_CAPACITY = "http://fhir-registry.smarthealthit.org/StructureDefinition/slot-capacity"
COVERAGE_POSTAL_CODE = "https://gematik.de/fhir/directory/StructureDefinition/ServiceCoveragePostalCode"
AGS_EXTENSION = "http://fhir.de/StructureDefinition/destatis/ags"
STREET_NAME = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName"
HOUSE_NUMBER = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber"
PRECINCT = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-precinct"

SLOT_STATUS: Mapping[BlockStatus, str] = MappingProxyType(
    {BlockStatus.FREE: "free", BlockStatus.HELD: "busy-tentative", BlockStatus.CLOSED: "busy-unavailable"}
)

_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ROLE_CODES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
_OPS_VERSION = "2026"
_LAST_DAY = date(2099, 12, 31)
_FIRST_YEAR = 1900
_CAPACITY_DISPLAYS = {
    "capacity": "Has Capacity",
    "no-capacity": "No Capacity",
    "waitlist": "No Capacity - Has Waitlist",
    "additional-assessment-required": "Additional Assessment Required",
}
_FACILITY_TYPE: Resource = {
    "coding": [
        {
            "system": "https://profiles.ihe.net/ITI/mCSD/CodeSystem/IHE.mCSD.Organization.Location.Types",
            "code": "facility",
            "display": "Facility",
        }
    ]
}
_OPERATOR_TYPE: Resource = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/organization-type",
            "code": "bus",
            "display": "Non-Healthcare Business or Corporation",
        }
    ],
    "text": "Träger",
}


def to_fhir(
    report: VacancyReport, *, source: str, at: datetime, care_forms: Collection[str] = ()
) -> tuple[Resource, ...]:
    """The report's resources, what is referred to before what refers to it; without versionId and lastUpdated.

    `at` and `care_forms` are those of `statement_resources` and `facility_resources`.
    """
    return (
        *facility_resources(report.facility, source=source, care_forms=care_forms),
        offer_resource(report, source=source),
        *statement_resources(report, source=source, at=at),
    )


def facility_resources(facility: Facility, *, source: str, care_forms: Collection[str]) -> tuple[Resource, ...]:
    """The operator, if one is known, the facility and its site.

    `care_forms` are all care forms that the facility is known to offer: Organization and Location are typed by them,
    not by the one form of a report, or the reports of one facility would overwrite each other's types for ever.
    """
    operator = facility.operator
    return (
        *(() if operator is None else (_operator(operator, source=source),)),
        _organization(facility, source=source, care_forms=care_forms),
        _location(facility, source=source, care_forms=care_forms),
    )


def offer_resource(report: VacancyReport, *, source: str) -> Resource:
    """The offer; of the statement it tells the capacity status alone."""
    return _healthcare_service(report, source=source)


def statement_resources(report: VacancyReport, *, source: str, at: datetime) -> tuple[Resource, ...]:
    """The statement, and each block of like places.

    `at` is the moment from which places without a start are free where the report states no `valid_at`. A block that is
    empty, over, or ends before it starts, makes no Slot.
    """
    slots = _slots(report.blocks, report.offer, source=source, begin=report.valid_at or at)
    return (_schedule(report, source=source), *slots)


def capacity_status(state: State, counts: Counts) -> str:
    """The code of SDOH Clinical Care's capacity status; blank for `unknown`.

    https://hl7.org/fhir/us/sdoh-clinicalcare/
    """
    match state:
        case State.SOME:
            return "capacity"
        case State.NONE:
            return "waitlist" if counts.waiting else "no-capacity"
        case State.ASK:
            return "additional-assessment-required"
        case State.UNKNOWN:
            return ""


def _operator(operator: Operator, *, source: str) -> Resource:
    return {
        **_head("Organization", "Organization/operator", operator.key, source),
        "identifier": [_source_identifier(source, operator.key)],
        "active": True,
        "type": [_OPERATOR_TYPE],
        "name": operator.name,
    }


def _organization(facility: Facility, *, source: str, care_forms: Collection[str]) -> Resource:
    resource = {
        **_head("Organization", "Organization/facility", facility.key, source),
        "identifier": [
            _source_identifier(source, facility.key),
            *(_typed_identifier(IK, ik, "XX", "Organization identifier") for ik in facility.iks),
            *(
                (_typed_identifier(TELEMATIK_ID, facility.telematik_id, "PRN", "Provider number"),)
                if facility.telematik_id
                else ()
            ),
        ],
        "active": True,
        "type": [_FACILITY_TYPE, *_types(IHE_D, "care-form-ihed", care_forms)],
        "name": facility.name,
    }
    if facility.contacts:
        resource["telecom"] = _telecom(facility.contacts)
    if facility.operator is not None:
        resource["partOf"] = _reference(source, "Organization/operator", facility.operator.key)
    return resource


def _location(facility: Facility, *, source: str, care_forms: Collection[str]) -> Resource:
    resource = {
        **_head("Location", "Location", facility.key, source),
        "identifier": [_source_identifier(source, facility.key)],
        "status": "active",
        "name": facility.name,
        "mode": "instance",
        "type": [_FACILITY_TYPE, *_types(_ROLE_CODES, "care-form-sdl", care_forms)],
    }
    if address := _address(facility.address):
        resource["address"] = address
    if facility.position is not None:
        resource["position"] = _position(facility.position)
    resource["managingOrganization"] = _reference(source, "Organization/facility", facility.key)
    return resource


def _healthcare_service(report: VacancyReport, *, source: str) -> Resource:
    facility, offer = report.facility, report.offer
    resource = _head("HealthcareService", "HealthcareService", offer.key, source)
    status = capacity_status(report.state, report.counts)
    if told := [*((_capacity_extension(status),) if status else ()), *extensions(offer)]:
        resource["extension"] = told
    resource |= {
        "identifier": [_source_identifier(source, offer.key)],
        "active": True,
        "providedBy": _reference(source, "Organization/facility", facility.key),
        "type": [_offer_type(offer.care_form)],
        "location": [_reference(source, "Location", facility.key)],
        "name": offer.name or display("care-form", offer.care_form, "de"),
    }
    if offer.contacts:
        resource["telecom"] = _telecom(offer.contacts)
    if offer.catchment:
        resource["coverageArea"] = [
            {
                "extension": [{"url": COVERAGE_POSTAL_CODE, "valueString": code} for code in offer.catchment],
                "display": "Einzugsgebiet",
            }
        ]
    if offer.care_grades:
        resource["eligibility"] = [{"code": _care_grade(grade)} for grade in offer.care_grades]
    if offer.needs:
        resource["characteristic"] = [_need(need) for need in offer.needs]
    if offer.languages:
        resource["communication"] = [{"coding": [{"system": BCP_47, "code": code}]} for code in offer.languages]
    if offer.hours:
        resource["availableTime"] = [available_time(hours) for hours in offer.hours]
    return resource


def _schedule(report: VacancyReport, *, source: str) -> Resource:
    offer = report.offer
    return {
        **_head("Schedule", "Schedule", offer.key, source),
        "extension": [{"url": VACANCY, "extension": list(_statement(report))}],
        "identifier": [_source_identifier(source, offer.key)],
        "active": True,
        "serviceType": [_service_type(offer.care_form)],
        "actor": [
            _reference(source, "HealthcareService", offer.key),
            _reference(source, "Location", report.facility.key),
        ],
    }


def _statement(report: VacancyReport) -> Iterable[Resource]:
    if report.valid_at is not None:
        yield {"url": "validAt", "valueDateTime": _instant(report.valid_at)}
    yield {"url": "state", "valueCode": report.state.value}
    counts = report.counts
    for url, count in (
        ("licensed", counts.licensed),
        ("operable", counts.operable),
        ("occupied", counts.occupied),
        ("held", counts.held),
        ("accepting", counts.accepting),
        ("waiting", counts.waiting),
    ):
        if count is not None:
            yield {"url": url, "valueInteger": count}
    if report.offer.pool:
        yield {"url": "pool", "valueString": report.offer.pool}
    if report.estimated:
        yield {"url": "estimated", "valueBoolean": True}
    if report.coarsened:
        yield {"url": "atLeast", "valueBoolean": True}
    if report.reported_by is not None:
        yield {"url": "reportedBy", "valueCode": report.reported_by.value}
    if report.source_kind:
        yield {"url": "sourceKind", "valueCode": report.source_kind}


def _slots(blocks: tuple[Block, ...], offer: Offer, *, source: str, begin: datetime) -> tuple[Resource, ...]:
    if not blocks:
        return ()
    schedule = _reference(source, "Schedule", offer.key)
    service_type = [_service_type(offer.care_form)]
    alike: dict[str, int] = {}
    slots = []
    for block in blocks:
        span = _span(block, begin)
        if block.count < 1 or span is None:
            continue
        content = _content(block)
        ordinal = alike[content] = alike.get(content, -1) + 1
        extensions: list[Resource] = [{"url": SLOT_CAPACITY, "valueInteger": block.count}]
        if place := _place(block):
            extensions.append({"url": PLACE, "extension": place})
        slots.append(
            {
                **_head("Slot", "Slot", f"{offer.key}\n{content}\n{ordinal}", source),
                "extension": extensions,
                "serviceType": service_type,
                "schedule": schedule,
                "status": SLOT_STATUS[block.status],
                "start": span[0],
                "end": span[1],
            }
        )
    return tuple(slots)


def _content(block: Block) -> str:
    """What makes a block the same block tomorrow: all but its count, which may change."""
    return "|".join(
        (
            block.status,
            "" if block.start is None else block.start.isoformat(),
            "" if block.end is None else block.end.isoformat(),
            block.room or "",
            block.sex or "",
            " ".join(sorted(block.needs)),
            block.closing_reason,
        )
    )


def _span(block: Block, begin: datetime) -> tuple[str, str] | None:
    # A start centuries ago is a slip of the pen, and local time had seconds in its offset then, which FHIR cannot say.
    start = begin if block.start is None or block.start.year < _FIRST_YEAR else _midnight(block.start)
    if block.end is None or block.end >= _LAST_DAY:
        return None if start.year > _LAST_DAY.year else (_instant(start), OPEN_END)
    end = _midnight(block.end + timedelta(days=1))
    return (_instant(start), _instant(end)) if start < end else None


def _place(block: Block) -> list[Resource]:
    place: list[Resource] = []
    if block.room is not None:
        place.append({"url": "room", "valueCoding": _coding(ROOM_TYPE, "room-type", block.room.value)})
    if block.sex is not None:
        place.append({"url": "sex", "valueCode": block.sex.value})
    place.extend({"url": "need", "valueCoding": _coding(NEED, "need", need)} for need in block.needs)
    if block.closing_reason:
        reason = _coding(CLOSING_REASON, "closing-reason", block.closing_reason)
        place.append({"url": "closingReason", "valueCoding": reason})
    return place


@lru_cache
def _capacity_extension(status: str) -> Resource:
    coding = {"system": CAPACITY_CODES, "code": status, "display": _CAPACITY_DISPLAYS[status]}
    return {
        "url": CAPACITY_STATUS,
        "extension": [{"url": "capacityStatus", "valueCodeableConcept": {"coding": [coding]}}],
    }


def _address(address: Address) -> Resource:
    resource: Resource = {}
    if address.precinct:
        resource["extension"] = [{"url": PRECINCT, "valueString": address.precinct}]
    parts = [
        {"url": url, "valueString": text}
        for url, text in ((STREET_NAME, address.street), (HOUSE_NUMBER, address.house_number))
        if text
    ]
    lines = [" ".join(part["valueString"] for part in parts)] if parts else []
    if address.precinct:
        # address-de-basis: a Stadtteil in the extension is one of the lines, too.
        lines.append(address.precinct)
    if lines:
        resource["line"] = lines
    if parts:
        resource["_line"] = [{"extension": parts}, *([None] if address.precinct else [])]
    if address.city:
        resource["city"] = address.city
    if address.ags:
        resource["_city"] = {"extension": [{"url": AGS_EXTENSION, "valueCoding": {"system": AGS, "code": address.ags}}]}
    if address.state:
        resource["state"] = address.state
    if address.postal_code:
        resource["postalCode"] = address.postal_code
    if resource:
        resource["country"] = "DE"
    return resource


def _position(position: Position) -> Resource:
    # Seven decimals are a centimetre: more are noise of a projection, and would make new versions of the same place.
    return {"longitude": round(position.longitude, 7), "latitude": round(position.latitude, 7)}


def _telecom(contacts: tuple[Contact, ...]) -> list[Resource]:
    return [_contact_point(contact) for contact in contacts]


def _contact_point(contact: Contact) -> Resource:
    is_kim = contact.system == "kim"
    marks = [url for url, is_told in ((INTERNAL, contact.internal), (KIM, is_kim)) if is_told]
    return {
        **({"extension": [{"url": url, "valueBoolean": True} for url in marks]} if marks else {}),
        "system": "email" if is_kim else contact.system,
        "value": contact.value,
    }


@lru_cache
def _offer_type(care_form: str) -> Resource:
    own = _service_type(care_form)
    other = [
        {"system": system, "code": code}
        for system, table in ((DTA, "care-form-dta"), (IHE_D, "care-form-ihed"))
        for code in translate(table, care_form).codes
    ]
    return {"coding": [*own["coding"], *other], "text": own["text"]}


@lru_cache
def _service_type(care_form: str) -> Resource:
    return {
        "coding": [_coding(CARE_FORM, "care-form", code) for code in ancestors(care_form)],
        "text": display("care-form", care_form, "de"),
    }


def _types(system: str, table: str, care_forms: Collection[str]) -> list[Resource]:
    codes = sorted({code for care_form in care_forms for code in translate(table, care_form).codes})
    return [{"coding": [{"system": system, "code": code}]} for code in codes]


@lru_cache
def _care_grade(grade: int) -> Resource:
    return {
        "coding": [
            {
                "system": OPS,
                "version": _OPS_VERSION,
                "code": OPS_CARE_GRADES[grade],
                "display": f"Pflegebedürftigkeit: Pflegebedürftig nach Pflegegrad {grade}",
            }
        ],
        "text": f"Pflegegrad {grade}",
    }


@lru_cache
def _need(need: str) -> Resource:
    return {"coding": [_coding(NEED, "need", need)], "text": display("need", need, "de")}


@lru_cache
def _coding(system: str, name: str, code: str) -> Resource:
    return {"system": system, "code": code, "display": display(name, code, "en")}


def _head(resource_type: str, kind: Kind, key: str, source: str) -> Resource:
    return {
        "resourceType": resource_type,
        "id": resource_id(source, kind, key),
        "meta": {"source": f"{SOURCE}{source}"},
    }


def _reference(source: str, kind: Kind, key: str) -> Resource:
    return {"reference": f"{kind.partition('/')[0]}/{resource_id(source, kind, key)}"}


def _source_identifier(source: str, key: str) -> Resource:
    return {"system": f"{SOURCE}{source}", "value": key}


def _typed_identifier(system: str, value: str, code: str, name: str) -> Resource:
    coding = {"system": _IDENTIFIER_TYPES, "code": code, "display": name}
    return {"type": {"coding": [coding]}, "system": system, "value": value}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


@lru_cache(maxsize=256)
def _instant(moment: datetime) -> str:
    return moment.astimezone(ZONE).isoformat()
