"""How an offer is reached, when it takes people in and what it costs, as parts of its HealthcareService
(https://hl7.org/fhir/R4/healthcareservice.html); `mappings/from_fhir.py` reads them."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from conformance.spec import canonical
from mappings.terminology import display
from mappings.vacancy import Admission, Hours, Offer, OwnShare, Per

__all__ = ["ADMISSION", "KIM", "OWN_SHARE", "PAYER", "PAYERS", "PER_CODES", "available_time", "extensions"]

ADMISSION = canonical("StructureDefinition", "admission")
OWN_SHARE = canonical("StructureDefinition", "own-share")
PAYERS = canonical("StructureDefinition", "payers")
KIM = canonical("StructureDefinition", "kim")
"""On a ContactPoint of system email: it is an address of KIM."""
PAYER = canonical("CodeSystem", "payer")
PER_CODES: Mapping[Per, str] = MappingProxyType({Per.MONTH: "mo", Per.DAY: "d"})
"""Codes of UCUM, of FHIR's value set units-of-time."""

_Element = dict[str, Any]


def extensions(offer: Offer) -> Iterator[_Element]:
    """What R4 has no element for: admission, own share, payers, each where it is stated."""
    if offer.admission is not None:
        yield {"url": ADMISSION, "extension": _admission(offer.admission)}
    if offer.own_share is not None:
        yield {"url": OWN_SHARE, "extension": _own_share(offer.own_share)}
    if offer.payers:
        payers = [{"url": "payer", "valueCoding": _payer(payer)} for payer in offer.payers]
        yield {"url": PAYERS, "extension": [*payers, *_as_of(offer.payers_as_of)]}


def available_time(hours: Hours) -> _Element:
    """An element of `HealthcareService.availableTime`."""
    element: _Element = {"daysOfWeek": [day.value for day in hours.days]}
    if hours.opens is None or hours.closes is None:
        return {**element, "allDay": True}
    return {
        **element,
        "availableStartTime": hours.opens.isoformat("seconds"),
        "availableEndTime": hours.closes.isoformat("seconds"),
    }


def _admission(admission: Admission) -> list[_Element]:
    latest = admission.latest
    return [
        *({"url": "day", "valueCode": day.value} for day in admission.days),
        *([] if latest is None else [{"url": "latest", "valueTime": latest.isoformat("seconds")}]),
    ]


def _own_share(own_share: OwnShare) -> list[_Element]:
    euros, cents = divmod(own_share.cents, 100)
    money = {"value": own_share.cents / 100 if cents else euros, "currency": "EUR"}
    return [
        {"url": "amount", "valueMoney": money},
        {"url": "per", "valueCode": PER_CODES[own_share.per]},
        *_as_of(own_share.as_of),
    ]


def _as_of(day: date | None) -> list[_Element]:
    return [] if day is None else [{"url": "asOf", "valueDate": day.isoformat()}]


@lru_cache
def _payer(payer: str) -> _Element:
    return {"system": PAYER, "code": payer, "display": display("payer", payer, "en")}
