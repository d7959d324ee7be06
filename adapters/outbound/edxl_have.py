"""EDXL-HAVE 2.0 (http://docs.oasis-open.org/emergency/edxl-have/v2.0/; written after the working draft of 2012, whose
schema it is valid against); the source map `have` reads it back.

A facility's offers are the items of its service list, by their codes of our CodeSystem care-form. What is for
professionals alone is never written, whoever exports: contacts, held and closed places.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from lxml import etree

from mappings import terminology
from mappings.free_places import AT_LEAST, free_later
from mappings.to_fhir import CARE_FORM
from mappings.vacancy import ZONE, Facility, State, VacancyReport

__all__ = ["FORMAT", "MEDIA_TYPE", "SUFFIX", "encode"]

FORMAT = "have"
MEDIA_TYPE = "application/xml"
SUFFIX = ".xml"

_NAMESPACES = {
    "have": "urn:oasis:names:tc:emergency:edxl:have:2.0",
    "ct": "urn:oasis:names:tc:emergency:edxl:ct:1.0",
    "xpil": "urn:oasis:names:tc:emergency:edxl:ciq:1.0:xpil",
    "xal": "urn:oasis:names:tc:emergency:edxl:ciq:1.0:xal",
    "xnl": "urn:oasis:names:tc:emergency:edxl:ciq:1.0:xnl",
    "gml": "http://www.opengis.net/gml/3.2",
}


class _Namespace:
    """Makes elements of one namespace."""

    def __init__(self, prefix: str) -> None:
        self._namespace = _NAMESPACES[prefix]

    def __call__(self, name: str, *content: etree._Element | str, **attributes: str) -> etree._Element:
        element = etree.Element(etree.QName(self._namespace, name), nsmap=_NAMESPACES)
        for part in content:
            if isinstance(part, str):
                element.text = part
            else:
                element.append(part)
        for attribute, value in attributes.items():
            element.set(etree.QName(self._namespace, attribute), value)
        return element


_HAVE, _CT, _XPIL, _XAL, _XNL, _GML = map(_Namespace, _NAMESPACES)
_DECLARED = "".join(f' xmlns:{prefix}="{namespace}"' for prefix, namespace in _NAMESPACES.items()).encode()
_COLOURS = "urn:oasis:names:tc:emergency:EDXL:HAVE:2.0:Defaults:ColourCode"
_COLOUR = {State.SOME: "green", State.ASK: "yellow", State.NONE: "red"}
_FIRST = re.compile(r"[^A-Za-z]")
_LATER = re.compile(r"[^A-Za-z0-9.-]")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def encode(reports: Iterable[VacancyReport], *, at: datetime) -> Iterator[bytes]:
    """One `facility` per facility; a message without any is none that the standard knows.

    `availableCount` is what can be taken on `at`'s day; places free later are `futureServiceStates`. A second offer of
    the same care form is a facility of its own, whose ID has the offer's behind a `#`. A facility's reporting period
    begins with the oldest of its statements.
    """
    yield b"<?xml version='1.0' encoding='utf-8'?>\n<have:HAVE" + _DECLARED + b">\n"
    yield _written(_HAVE("organizationInformation", _XNL("OrganisationName", _XNL("NameElement", "Platzfrei"))))
    for _, offers in groupby(reports, key=lambda report: report.facility.key):
        yield b"".join(map(_written, _facilities(list(offers), at)))
    yield b"</have:HAVE>\n"


def _written(element: etree._Element) -> bytes:
    """An element within the root, which declares the namespaces."""
    return etree.tostring(element, encoding="utf-8").replace(_DECLARED, b"", 1) + b"\n"


def _facilities(offers: Sequence[VacancyReport], at: datetime) -> Iterator[etree._Element]:
    first: dict[str, VacancyReport] = {}
    others = [report for report in offers if first.setdefault(report.offer.care_form, report) is not report]
    yield _facility(offers[0].facility.key, list(first.values()), at)
    for report in others:
        yield _facility(f"{report.facility.key}#{report.offer.key}", [report], at)


def _facility(key: str, offers: Sequence[VacancyReport], at: datetime) -> etree._Element:
    facility, facility_id = offers[0].facility, _id(key)
    information = _HAVE(
        "facilityInformation",
        _HAVE("facilityID", facility_id),
        _HAVE("facilityName", _text(facility.name)),
        *_position(facility, facility_id),
    )
    information.append(_details(facility))
    made = _HAVE("facility", information)
    moments = [report.valid_at for report in offers if report.valid_at is not None]
    if len(moments) == len(offers):
        made.append(_period(min(moments), max(*moments, at)))
    made.append(
        _HAVE(
            "serviceList",
            _HAVE("taxonomyURI", CARE_FORM),
            _HAVE("taxonomyName", "Platzfrei"),
            *(_service(report, at) for report in offers),
        )
    )
    return made


def _position(facility: Facility, facility_id: str) -> Iterator[etree._Element]:
    if facility.position is None:
        return
    pos = _GML("pos", f"{facility.position.latitude:.7f} {facility.position.longitude:.7f}")
    point = _GML("Point", pos, id=f"point-{facility_id}")
    yield _HAVE("facilityGeoLocation", _CT("EDXLGeoLocation", point))


def _details(facility: Facility) -> etree._Element:
    name = _XNL("OrganisationName")
    if facility.operator is not None:
        name.append(_XNL("NameElement", _text(facility.operator.name)))
    details = _HAVE("facilityDetails", name)
    address = facility.address
    parts = [_XAL("Country", _XAL("NameElement", "Deutschland"))]
    if address.city:
        parts.append(_XAL("Locality", _XAL("NameElement", _text(address.city))))
    if address.street or address.house_number:
        parts.append(_XAL("Thoroughfare", _XAL("NameElement", _text(address.street))))
        if address.house_number:
            parts[-1].append(_XAL("Number", _text(address.house_number)))
    if address.postal_code:
        parts.append(_XAL("PostCode", _XAL("Identifier", _text(address.postal_code))))
    details.append(_XPIL("Addresses", _XPIL("Address", *parts)))
    contacts = {contact.system: contact.value for contact in reversed(facility.contacts) if not contact.internal}
    numbers = [
        _XPIL("ContactNumber", _XPIL("ContactNumberElement", _text(contacts[system])), CommunicationMediaType=medium)
        for system, medium in (("phone", "Telephone"), ("fax", "Fax"))
        if system in contacts
    ]
    if numbers:
        details.append(_XPIL("ContactNumbers", *numbers))
    electronic = [
        _XPIL("ElectronicAddressIdentifier", _text(contacts[system]), Type=kind)
        for system, kind in (("email", "EMAIL"), ("url", "URL"))
        if system in contacts
    ]
    if electronic:
        details.append(_XPIL("ElectronicAddressIdentifiers", *electronic))
    return details


def _service(report: VacancyReport, at: datetime) -> etree._Element:
    offer, today = report.offer, at.astimezone(ZONE).date()
    name = offer.name or terminology.display("care-form", offer.care_form, "de")
    item = _HAVE(
        "serviceListItem",
        _HAVE("serviceTaxonomyKeyValue", offer.care_form),
        _HAVE("serviceName", _text(name)),
        _status(report.state),
    )
    later = free_later(report, today)
    # A number would count for more than the colour that says to ask.
    if report.counts.accepting is not None and report.state is not State.ASK:
        now = report.counts.accepting - sum(later.values())
        item.append(_capacity("serviceBedCapacity", report, now))
        for start, more in later.items():
            now += more
            begin = datetime(start.year, start.month, start.day, tzinfo=ZONE)
            item.append(
                _HAVE(
                    "futureServiceStates",
                    _period(begin),
                    _status(State.SOME),
                    _capacity("serviceCapacity", report, now),
                )
            )
    return item


def _status(state: State) -> etree._Element:
    # Whether the service is available for patients is not known of an offer of which nothing is known.
    status = _HAVE("serviceStatus", _HAVE("isAvailable", "true"))
    if state in _COLOUR:
        code = _HAVE("colourCodeDefault", _CT("ValueListURI", _COLOURS), _CT("Value", _COLOUR[state]))
        status.append(_HAVE("colourStatus", code))
    return status


def _capacity(name: str, report: VacancyReport, available: int) -> etree._Element:
    capacity = _HAVE(name, _HAVE("availableCount", str(available)))
    if report.counts.licensed is not None:
        capacity.append(_HAVE("baselineCount", str(report.counts.licensed)))
    if report.coarsened:
        capacity.append(_HAVE("capacityNote", AT_LEAST))
    is_open = available > 0 and report.state is not State.NONE
    capacity.append(_HAVE("availability", "Open" if is_open else "Exceeded" if available < 0 else "Full"))
    return capacity


def _period(begin: datetime, end: datetime | None = None) -> etree._Element:
    period = _HAVE("reportingPeriod", _CT("fromDateTime", begin.astimezone(ZONE).isoformat(timespec="seconds")))
    if end is not None:
        period.append(_CT("toDateTime", end.astimezone(ZONE).isoformat(timespec="seconds")))
    return period


def _id(key: str) -> str:
    """A name of XML that stands for the key: what cannot be in one is escaped as ISO/IEC 9075-14 does (`_x0031_`)."""
    return _escaped(_FIRST, key[:1]) + _escaped(_LATER, key[1:])


def _escaped(forbidden: re.Pattern[str], text: str) -> str:
    return forbidden.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def _text(text: str) -> str:
    return _NO_XML.sub(" ", text)
