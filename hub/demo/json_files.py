"""The demo's two JSON exports: facilities in our own simple JSON, and the directory of help that a coordination office
keeps (`mappings/sources/json.yaml`, `hilfe-verzeichnis.yaml`)."""

import json
from collections.abc import Iterator
from typing import Any

from hub.demo.files import File, portions
from hub.demo.region import Provider, Region
from mappings.vacancy import ZONE, Admission, Block, Facility, Hours, OwnShare, VacancyReport

__all__ = ["facility_files", "help_files"]

_FACILITIES = 1_000
_OFFERS_OF_HELP = 2_000

_KINDS_OF_HELP = {
    "beratung": "Beratung",
    "praevention": "Prävention",
    "lotse": "Lotse",
    "angehoerigenunterstuetzung": "Angehörigenunterstützung",
    "telemedizin": "Telemedizin",
    "projekt": "Projekt",
}


def facility_files(region: Region) -> Iterator[File]:
    """The files of source `json`."""
    facilities = ([_facility(provider)] for provider in region.of("json"))
    for number, portion in enumerate(portions(facilities, _FACILITIES), start=1):
        yield File(
            name=f"einrichtungen-{number:02d}.json", body=_document({"facilities": portion}), records=len(portion)
        )


def help_files(region: Region) -> Iterator[File]:
    """The files of source `hilfe-verzeichnis`."""
    entries = ([_help(provider)] for provider in region.of("hilfe-verzeichnis"))
    for number, portion in enumerate(portions(entries, _OFFERS_OF_HELP), start=1):
        yield File(name=f"hilfe-{number:02d}.json", body=_document({"angebote": portion}), records=len(portion))


def _document(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def _facility(provider: Provider) -> dict[str, Any]:
    facility = provider.facility
    address, position = facility.address, facility.position
    return _said(
        {
            "id": facility.key,
            "name": facility.name,
            "operator": facility.operator.name if facility.operator else None,
            "ik": next(iter(facility.iks), None),
            "telematikId": facility.telematik_id,
            "street": address.street,
            "houseNumber": address.house_number,
            "postalCode": address.postal_code,
            "city": address.city,
            "latitude": position.latitude if position else None,
            "longitude": position.longitude if position else None,
            "phone": _contact(facility, "phone"),
            "email": _contact(facility, "email"),
            "kim": _contact(facility, "kim"),
            "website": _contact(facility, "url"),
            "offers": [_offer(report) for report in provider.reports],
        }
    )


def _offer(report: VacancyReport) -> dict[str, Any]:
    offer, counts = report.offer, report.counts
    return _said(
        {
            "id": offer.key,
            "careForm": offer.care_form,
            "name": offer.name,
            "needs": list(offer.needs),
            "careGrades": list(offer.care_grades),
            "languages": list(offer.languages),
            "postalCodes": list(offer.catchment),
            "pool": offer.pool,
            "hours": [_hours(hours) for hours in offer.hours],
            "admission": _admission(offer.admission) if offer.admission else None,
            "ownShare": _own_share(offer.own_share) if offer.own_share else None,
            "payers": list(offer.payers),
            "payersAsOf": offer.payers_as_of.isoformat() if offer.payers_as_of else None,
            "validAt": report.valid_at.astimezone(ZONE).isoformat() if report.valid_at else None,
            "sequence": report.sequence,
            "state": report.state.value,
            "licensed": counts.licensed,
            "operable": counts.operable,
            "occupied": counts.occupied,
            "held": counts.held,
            "free": counts.accepting,
            "waiting": counts.waiting,
            "estimated": report.estimated or None,
            "blocks": [_block(block) for block in report.blocks],
        }
    )


def _hours(hours: Hours) -> dict[str, Any]:
    return {
        "days": list(hours.days),
        "opens": f"{hours.opens:%H:%M}" if hours.opens else "00:00",
        "closes": f"{hours.closes:%H:%M}" if hours.closes else "24:00",
    }


def _admission(admission: Admission) -> dict[str, Any]:
    latest = f"{admission.latest:%H:%M}" if admission.latest else None
    return _said({"days": list(admission.days), "latest": latest})


def _own_share(own_share: OwnShare) -> dict[str, Any]:
    as_of = own_share.as_of.isoformat() if own_share.as_of else None
    return _said({"amount": own_share.cents / 100, "per": own_share.per.value, "asOf": as_of})


def _block(block: Block) -> dict[str, Any]:
    return _said(
        {
            "count": block.count,
            "status": block.status.value,
            "from": block.start.isoformat() if block.start else None,
            "until": block.end.isoformat() if block.end else None,
            "room": block.room.value if block.room else None,
            "sex": block.sex.value if block.sex else None,
            "needs": list(block.needs),
            "closingReason": block.closing_reason,
        }
    )


def _help(provider: Provider) -> dict[str, Any]:
    facility = provider.facility
    (report,) = provider.reports
    return _said(
        {
            "nr": facility.key,
            "art": _KINDS_OF_HELP[report.offer.care_form],
            "name": facility.name,
            "traeger": facility.operator.name if facility.operator else None,
            "strasse": f"{facility.address.street} {facility.address.house_number}",
            "plz": facility.address.postal_code,
            "ort": facility.address.city,
            "telefon": _contact(facility, "phone"),
            "web": _contact(facility, "url"),
            "gebiet": list(report.offer.catchment),
        }
    )


def _contact(facility: Facility, system: str) -> str | None:
    return next((contact.value for contact in facility.contacts if contact.system == system), None)


def _said(members: dict[str, Any]) -> dict[str, Any]:
    """Without the members that say nothing; a zero says something."""
    return {name: value for name, value in members.items() if value not in (None, "", [])}
