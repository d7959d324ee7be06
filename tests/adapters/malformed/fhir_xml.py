"""FHIR in XML as it goes wrong: documents that break, elements at wrong places, other standards' XML."""

import json
from decimal import Decimal
from pathlib import Path

from conformance.formats import fhir_xml
from mappings.language import shipped
from tests.adapters.malformed import Malformed

__all__ = ["CASES", "FORMAT", "GOOD", "OPTIONS", "SOURCE"]

FORMAT = "fhir_bundle"
OPTIONS = shipped()["fhir"].options
SOURCE = "fhir"

_GOLDEN = Path(__file__).parents[2] / "golden/fhir_bundle"
_ALONE = json.loads((_GOLDEN / "service-with-all-it-needs/in.json").read_bytes(), parse_float=Decimal)
_BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:x:1", "resource": _ALONE}]}
GOOD = fhir_xml.write(_BUNDLE, pretty=True)

_SLOT = "Bundle.entry[0].resource.contained[3]"


def _changed(old: str, new: str, count: int = 1) -> bytes:
    text = GOOD.decode()
    assert old in text
    return text.replace(old, new, count).encode()


def _bundle(content: str) -> bytes:
    return f'<Bundle xmlns="http://hl7.org/fhir">{content}</Bundle>'.encode()


CASES = [
    # What is no XML
    Malformed("cut in the middle", GOOD[:1000], "not-fhir-xml", "line 35", "before its last tag is closed"),
    Malformed("no end", GOOD[: GOOD.rindex(b"<")], "not-fhir-xml", "line 93", "before its last tag is closed"),
    Malformed("twice in one file", GOOD + GOOD[GOOD.index(b"<Bundle") :], "not-fhir-xml", "line 94", "after the end"),
    Malformed(
        "tags that cross",
        _changed("</address>", "</adress>"),
        "not-fhir-xml",
        "line 31",
        "does not match its start tag",
    ),
    Malformed(
        "an ampersand as it is",
        _changed("Haus am Moor", "Haus & Moor"),
        "not-fhir-xml",
        "line 16",
        "a name is expected",
    ),
    Malformed(
        "an entity of HTML",
        _changed("Haus am Moor", "Haus&nbsp;am Moor"),
        "not-fhir-xml",
        "line 16",
        "an entity that XML itself does not declare",
    ),
    Malformed(
        "a DOCTYPE",
        _changed("<Bundle", '<!DOCTYPE Bundle [<!ENTITY x "y">]><Bundle'),
        "not-fhir-xml",
        "line 1",
        "a DOCTYPE is not taken",
    ),
    Malformed(
        "bytes of Windows-1252 called UTF-8",
        GOOD.replace(b"Haus am Moor", b"Haus am K\xf6terberg", 1),
        "not-fhir-xml",
        "line 16",
        "the stated encoding does not have",
    ),
    Malformed(
        "an encoding that nobody knows",
        _changed("UTF-8", "UTF-77"),
        "not-fhir-xml",
        "line 1",
        "encoding",
    ),
    Malformed(
        "more tags than anybody sends",
        _bundle("<entry/>" * 500_000),
        "too-long",
        "Bundle",
        "must divide the delivery",
    ),
    # What is no FHIR
    Malformed(
        "without a namespace",
        _changed(' xmlns="http://hl7.org/fhir"', ""),
        "not-fhir-xml",
        "line 2",
        "another namespace; expected http://hl7.org/fhir",
    ),
    Malformed(
        "another namespace",
        _changed("http://hl7.org/fhir", "http://hl7.org/fhir/r4"),
        "not-fhir-xml",
        "line 2",
        "another namespace; expected http://hl7.org/fhir",
    ),
    Malformed(
        "a document of HL7 v3",
        b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>',
        "not-fhir-xml",
        "line 1",
        "resource",
    ),
    Malformed(
        "a SOAP envelope around it",
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        + GOOD[GOOD.index(b"<Bundle") :]
        + b"</s:Body></s:Envelope>",
        "not-fhir-xml",
        "line 1",
        "resource",
    ),
    Malformed(
        "an element that FHIR does not know",
        _changed("<name ", '<freiePlaetze value="2"/><name '),
        "not-fhir-xml",
        "line 16",
        "does not have",
    ),
    Malformed(
        "elements in another order",
        _changed('<type value="collection"/>\n  <entry>', "<entry>").replace(
            b"</Bundle>", b'<type value="collection"/></Bundle>'
        ),
        "not-fhir-xml",
        "line 92",
        "before",
    ),
    Malformed(
        "a value as text",
        _changed('<city value="Cloppenburg"/>', "<city>Cloppenburg</city>"),
        "not-fhir-xml",
        "line 29",
        "text",
    ),
    Malformed("an empty value", _changed('value="Cloppenburg"', 'value=""'), "not-fhir-xml", "line 29", "empty"),
    Malformed("no value", _changed(' value="Cloppenburg"', ""), "not-fhir-xml", "line 29", "empty"),
    Malformed(
        "yes for true", _changed('<active value="true"/>', '<active value="ja"/>'), "not-fhir-xml", "line 48", "boolean"
    ),
    Malformed(
        "two for 2",
        _changed('<valueInteger value="2"/>', '<valueInteger value="zwei"/>'),
        "not-fhir-xml",
        "line 45",
        "integer",
    ),
    Malformed(
        "an attribute of its own",
        _changed("<city ", '<city lang="de" '),
        "not-fhir-xml",
        "line 29",
        "no attributes but value and id",
    ),
    Malformed(
        "two resources in one entry",
        _bundle('<type value="batch"/><entry><resource><Slot/><Slot/></resource></entry>'),
        "not-fhir-xml",
        "line 1",
        "exactly one resource",
    ),
    # What is FHIR, and wrong
    Malformed(
        "no type of Bundle",
        _changed('<type value="collection"/>', ""),
        "bundle-type",
        "Bundle.type",
        "transaction, batch, collection",
    ),
    Malformed("no entries", _bundle('<type value="batch"/>'), "no-healthcare-service", "Bundle.entry", "at least one"),
    Malformed(
        "a patient alone",
        b'<Patient xmlns="http://hl7.org/fhir"/>',
        "not-a-bundle",
        "Bundle",
        "resourceType Bundle",
    ),
    Malformed(
        "a status of nobody",
        _changed('<status value="free"/>', '<status value="frei"/>'),
        "fhir-code",
        f"{_SLOT}.status",
        "busy",
    ),
    Malformed(
        "a day for an instant",
        _changed('<start value="2026-11-22T08:00:00+01:00"/>', '<start value="22.11.2026"/>'),
        "fhir-type",
        f"{_SLOT}.start",
        "instant",
    ),
    Malformed(
        "a transaction without requests",
        _changed("collection", "transaction"),
        "fhir-request",
        "Bundle.entry[0].request.method",
        "POST or PUT",
    ),
]
