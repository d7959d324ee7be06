"""EDXL-HAVE 2.0, the OASIS message on what hospitals and homes have to offer, by itself or in an EDXL-DE envelope
(http://docs.oasis-open.org/emergency/edxl-have/v2.0/; read after the working draft of 2012).

    options:
      taxonomies: [urn:example:beds]     # read only the service lists of these taxonomyURIs; left out: all

A record is a facility, by the standard's own names: `facilityID`, `facilityName`, `facilityKind`, `latitude` and
`longitude`, `OrganisationName`, of its first address `Country`, `AdministrativeArea`, `Locality`, `Thoroughfare`,
`ThoroughfareNumber`, `PostCode`, of its contacts `Telephone`, `Fax`, `EMAIL`, `URL`, `fromDateTime` of the reporting
period, and the list `services` of its service list items: `taxonomyURI`, `serviceTaxonomyKeyValue`, `serviceName`,
`isAvailable`, `colourStatus`, `availableCount`, `baselineCount`, `availability`, and `later`: of its future states when
they begin and their number (`2 from 2026-12-11T00:00:00+01:00; 3 from …`). Everything else is dropped by name: comments
and notes, because they may tell of a patient, and activity, staffing and resources, because they are no places.
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from conformance.formats import safe_xml
from mappings.errors import Issue, Rejected
from mappings.free_places import AT_LEAST
from mappings.patient_filter import safe_name

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "edxl_have"

_HAVE = "urn:oasis:names:tc:emergency:edxl:have:2.0"
_ENVELOPES = ("urn:oasis:names:tc:emergency:EDXL:DE:1.0", "urn:oasis:names:tc:emergency:edxl:de:2.0")
_ROOTS = frozenset({f"{{{_HAVE}}}HAVE", *(f"{{{each}}}EDXLDistribution" for each in _ENVELOPES)})
_FACILITY = f"{{{_HAVE}}}facility"
_MESSAGE_IDS = frozenset(
    {
        f"{{{_HAVE}}}messageID",
        *(f"{{{each}}}{name}" for each in _ENVELOPES for name in ("distributionID", "senderID", "dateTimeSent")),
    }
)
_LONGEST_ID = 200
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4,6})_")
_WGS84 = re.compile("(?:EPSG:|.*[:/])4326")
_NAMES = frozenset(
    [
        "OVERALL_ISSUES",
        "activityIn24Hr",
        "activityInPeriod",
        "capabilities",
        "capacity",
        "capacityNote",
        "clinicalStatus",
        "clinicalStatusDefault",
        "colourDescription",
        "comment",
        "commentText",
        "emergencyDepartmentStatus",
        "emergencyOperations",
        "facilityColourStatus",
        "facilityProfile",
        "futureServiceStates",
        "helipad",
        "operations",
        "parentFacility",
        "resources",
        "securityStatus",
        "serviceListComment",
        "serviceTaxonomyComment",
        "stability",
        "staffingLevels",
        "toDateTime",
    ]
)
"""Elements of the standard that are dropped by their name; any other name may be a sender's own."""
_ADDRESS = ("Country", "AdministrativeArea", "Locality", "Thoroughfare", "PostCode")
_MEDIA = {"telephone": "Telephone", "cell": "Telephone", "mobile": "Telephone", "fax": "Fax"}
_ELECTRONIC = {"email": "EMAIL", "url": "URL"}
_KINDS = _MEDIA.keys() | _ELECTRONIC.keys()
_PERIOD = f"{{{_HAVE}}}reportingPeriod"
_FACILITY_END = re.compile(rb"</(?:[\w.-]+:)?facility\s*>")


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not."""
    _taxonomies(options)


def decode(body: bytes, options: Options) -> Decoded:
    """One record a facility; the rest of a document that breaks midway is `Broken`."""
    return Decoded(records=_records(body, _taxonomies(options)), message_id=_message_id(body))


def _taxonomies(options: Options) -> frozenset[str]:
    option.only(options, {"taxonomies"})
    return frozenset(option.texts(options, "taxonomies", required="taxonomies" in options))


def _message_id(body: bytes) -> str | None:
    """The message's own id; of an envelope its id, sender and moment, which the standard says are unique together."""
    found: dict[str, str] = {}
    try:
        for element in safe_xml.iterate(body, _MESSAGE_IDS | {_FACILITY}):
            if element.tag == _FACILITY:
                break
            if element.tag in _MESSAGE_IDS:
                found.setdefault(etree.QName(element).localname, _text(element))
    except safe_xml.NotXml:
        return None
    if own := found.get("messageID"):
        stated = own
    elif distribution := found.get("distributionID"):
        stated = "|".join((found.get("senderID", ""), found.get("dateTimeSent", ""), distribution))
    else:
        return None
    return stated if len(stated) <= _LONGEST_ID else None


def _records(body: bytes, taxonomies: frozenset[str]) -> Iterator[Record | Broken]:
    ordinal = 0
    moments: list[str] = []
    ids: set[str] = set()

    def beside(element: etree._Element) -> None:
        """Keeps of what stands beside the facilities the moment of the whole message."""
        parent = element.getparent()
        is_from = etree.QName(element).localname == "fromDateTime"
        if is_from and parent is not None and parent.tag == _PERIOD and not ordinal:
            moments.append(_text(element))

    try:
        found = safe_xml.iterate(body, {_FACILITY}, beside=beside)
        root = next(found)
        if root.tag not in _ROOTS:
            raise _rejected(
                "line 1",
                f"Erwartet: HAVE im Namensraum {_HAVE}, oder EDXLDistribution",
                f"Expected: HAVE in the namespace {_HAVE}, or EDXLDistribution",
            )
        for element in found:
            ordinal += 1
            yield _Facility(element, ordinal, taxonomies).record(ids, moments[0] if moments else "")
    except safe_xml.NotXml as wrong:
        place = f"line {wrong.line}, column {wrong.column}"
        if ordinal == 0:
            raise _rejected(place, f"Kein gültiges XML ({wrong.reason_de})", f"Not XML: {wrong.reason}") from None
        yield Broken(place=place, body=_rest(body), issue=_breaks(place, wrong))
        return
    if ordinal == 0:
        raise _rejected("HAVE", "Erwartet: mindestens eine facility", "Expected: at least one facility")


class _Facility:
    """One facility on its way into a record: what is taken of it, what is wrong with it, what is left."""

    def __init__(self, element: etree._Element, ordinal: int, taxonomies: frozenset[str]) -> None:
        self._element = element
        self._place = f"facility {ordinal}"
        self._taxonomies = taxonomies
        self._fields: dict[str, Any] = {}
        self._issues: list[Issue] = []
        self._dropped: dict[str, None] = {}

    def record(self, ids: set[str], moment: str) -> Record:
        """The record; `ids` are those of the facilities before it, `moment` is what the message as a whole is of."""
        services: list[dict[str, str]] = []
        for child in self._element.iterchildren(etree.Element):
            name = _name(child)
            if name == "facilityInformation":
                self._information(child)
            elif name == "reportingPeriod":
                moment = _text(child.find("{*}fromDateTime")) or moment
            elif name == "serviceList":
                services.extend(self._services(child))
            else:
                self._drop(child)
        facility_id = self._fields.get("facilityID", "")
        if facility_id and facility_id in ids:
            self._issues.append(_twice(f"{self._place}, facilityID"))
        ids.add(facility_id)
        self._fields["services"] = services
        if moment:
            self._fields["fromDateTime"] = moment
        return Record(place=self._place, fields=self._fields, issues=tuple(self._issues), dropped=tuple(self._dropped))

    def _information(self, information: etree._Element) -> None:
        for child in information.iterchildren(etree.Element):
            name = _name(child)
            if name in ("facilityID", "facilityName", "facilityKind"):
                self._put(self._fields, name, _unescaped(_text(child)) if name == "facilityID" else _text(child))
            elif name == "facilityGeoLocation":
                self._position(child)
            elif name == "facilityDetails":
                self._details(child)
            else:
                self._drop(child)

    def _position(self, location: etree._Element) -> None:
        point = next(location.iter("{*}Point"), None)
        written = _text(point.find("{*}pos")).split() if point is not None else []
        if point is None or len(written) < 2:
            self._dropped["facilityGeoLocation"] = None
            return
        # The standard assumes WGS 84, latitude first, where no system is named.
        system = point.get("srsName", "")
        if system and not _WGS84.fullmatch(system):
            self._issues.append(_other_system(f"{self._place}, facilityGeoLocation"))
            return
        self._fields["latitude"], self._fields["longitude"] = written[:2]

    def _details(self, details: etree._Element) -> None:
        for child in details.iterchildren(etree.Element):
            name = _name(child)
            if name == "OrganisationName":
                self._put(self._fields, name, _text(child))
            elif name == "Addresses":
                self._address(child.find("{*}Address"))
            elif name in ("ContactNumbers", "ElectronicAddressIdentifiers"):
                self._contacts(child)
            else:
                self._drop(child)

    def _address(self, address: etree._Element | None) -> None:
        for part in () if address is None else address.iterchildren(etree.Element):
            name = _name(part)
            if name not in _ADDRESS:
                self._drop(part)
                continue
            number = part.find("{*}Number") if name == "Thoroughfare" else None
            if number is not None:
                self._put(self._fields, "ThoroughfareNumber", _text(number))
                part.remove(number)
            self._put(self._fields, name, _text(part))

    def _contacts(self, contacts: etree._Element) -> None:
        for contact in contacts.iterchildren(etree.Element):
            kinds = [str(value).casefold() for value in contact.attrib.values()]
            kind = next((_MEDIA.get(each) or _ELECTRONIC.get(each) for each in kinds if each in _KINDS), None)
            if kind is None or kind in self._fields:
                self._dropped[_name(contacts)] = None
            else:
                self._put(self._fields, kind, _text(contact))

    def _services(self, listed: etree._Element) -> Iterator[dict[str, str]]:
        taxonomy = _text(listed.find("{*}taxonomyURI"))
        if self._taxonomies and taxonomy not in self._taxonomies:
            self._dropped["serviceList"] = None
            return
        for child in listed.iterchildren(etree.Element):
            name = _name(child)
            if name == "serviceListItem":
                yield self._service(child, taxonomy)
            elif name not in ("taxonomyURI", "taxonomyName"):
                self._drop(child)

    def _service(self, item: etree._Element, taxonomy: str) -> dict[str, str]:
        service = {"taxonomyURI": taxonomy}
        for child in item.iterchildren(etree.Element):
            name = _name(child)
            if name in ("serviceTaxonomyKeyValue", "serviceName"):
                self._put(service, name, _text(child))
            elif name in ("serviceStatus", "serviceBedCapacity"):
                for part in child.iterchildren(etree.Element):
                    self._status(part, service)
            elif name == "futureServiceStates":
                self._later(child, service)
            else:
                self._drop(child)
        return service

    def _later(self, future: etree._Element, service: dict[str, str]) -> None:
        begin, number = (_text(future.find(f".//{{*}}{name}")) for name in ("fromDateTime", "availableCount"))
        if begin and number:
            service["later"] = "; ".join((*filter(None, [service.get("later")]), f"{number} from {begin}"))
        else:
            self._drop(future)

    def _status(self, part: etree._Element, service: dict[str, str]) -> None:
        name = _name(part)
        if name in ("isAvailable", "availableCount", "baselineCount", "availability"):
            self._put(service, name, _text(part))
        elif name == "colourStatus":
            # A colour of a list of the sender's own means what that list says.
            default = part.find("{*}colourCodeDefault")
            self._put(service, name, _text(default.find("{*}Value")) if default is not None else "")
            if default is None or part.find("{*}colourDescription") is not None:
                self._dropped["colourDescription" if default is not None else "colourStatus"] = None
        else:
            self._drop(part)

    def _put(self, fields: dict[str, Any], name: str, text: str) -> None:
        if name in fields:
            self._issues.append(_property_twice(f"{self._place}, {name}"))
        if text:
            fields[name] = text

    def _drop(self, element: etree._Element) -> None:
        name = _name(element)
        if name == "capacityNote" and _text(element) == AT_LEAST:
            return  # We write it ourselves; what it says no number can carry.
        if _text(element) or name not in _NAMES:
            self._dropped[name if name in _NAMES else safe_name(name)] = None


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _text(element: etree._Element | None) -> str:
    """All text in an element, its white space collapsed."""
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def _unescaped(facility_id: str) -> str:
    """An ID is a name of XML: what cannot stand in one is written as ISO/IEC 9075-14 does (`_x0031_`)."""

    def character(match: re.Match[str]) -> str:
        number = int(match[1], 16)
        return chr(number) if 0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else match[0]

    return _ESCAPED.sub(character, facility_id)


def _rest(body: bytes) -> bytes:
    """What stands after the last complete facility."""
    start = 0
    for match in _FACILITY_END.finditer(body):
        start = match.end()
    return body[start:]


def _twice(place: str) -> Issue:
    return Issue(
        code="facility-twice",
        place=place,
        text_de="Diese facilityID steht in der Nachricht schon. Der Absender muss jede Einrichtung einmal nennen.",
        text_en="The message has this facilityID already. The sender must name each facility once.",
        fhir_code="duplicate",
    )


def _property_twice(place: str) -> Issue:
    return Issue(
        code="property-twice",
        place=place,
        text_de="Dieses Element steht zweimal. Der Absender muss eines davon streichen.",
        text_en="This element stands twice. The sender must remove one of the two.",
        fhir_code="structure",
    )


def _other_system(place: str) -> Issue:
    return Issue(
        code="position-system",
        place=place,
        text_de="Erwartet: WGS 84 (EPSG:4326), die Breite zuerst; der Ort ist ausgelassen. Der Absender sollte ihn so "
        "angeben.",
        text_en="Expected: WGS 84 (EPSG:4326), latitude first; the point is left out. The sender should state it so.",
        severity="warning",
    )


def _breaks(place: str, wrong: safe_xml.NotXml) -> Issue:
    return Issue(
        code="not-xml",
        place=place,
        text_de=f"Hier bricht das XML ({wrong.reason_de}); was davor steht, ist gelesen. Der Absender muss die "
        "Nachricht neu erzeugen.",
        text_en=f"The XML breaks here ({wrong.reason}); what stands before is read. "
        "The sender must make the message anew.",
        fhir_code="structure",
    )


def _rejected(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code="not-have",
            place=place,
            text_de=f"{german}. Der Absender muss die Nachricht berichtigen.",
            text_en=f"{english}. The sender must correct the message.",
            fhir_code="structure",
        )
    )
