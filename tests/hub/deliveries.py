"""Deliveries of every shipped source, good and bad records mixed, with what must never be kept planted in them."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.hub import Hub
from hub.store.tables import metadata

CANARIES = ("Canaria", "Kanarienvogel", "X110411675", "19371104", "04.11.1937", "4711081500")
"""A patient's names, insurance number, birth date and case number, all invented."""

LONG = (
    "EinrichtungsID;IK;Name;Träger;Straße;Hausnummer;PLZ;Ort;Breite;Länge;Telefon;Angebot;Plätze;Belegt;Reserviert;"
    "Frei;Warteliste;Frei ab;Frei bis;Zimmer;Geschlecht;Pflegegrade;Demenz;Dialyse;Beatmung;Rollstuhl;Stand;Bewohner"
)


def long_row(key: str, *, kind: str = "KZP", free: str = "2", as_of: str = "22.11.2026 08:00", who: str = "") -> str:
    """One row of the long CSV, in Cloppenburg."""
    return (
        f"{key};510322019;Haus {key};Pflegewerk;Am Ring;3;49661;Cloppenburg;52,8500;8,0500;04471 555-0;{kind};20;;;"
        f"{free};;;;EZ;w;PG 2-5;ja;;;x;{as_of};{who}"
    )


def csv_long(*rows: str) -> bytes:
    return b"\xef\xbb\xbf" + "\r\n".join((LONG, *rows, "")).encode()


def adt(event: str, number: int, *segments: str, at: str = "20261122080000") -> str:
    return "\r".join(
        (
            rf"MSH|^~\&|KIS|KH-HEIDESEE|||{at}||ADT^{event}|M{number}|P|2.5|||||DE|UNICODE UTF-8",
            f"EVN|{event}|{at}",
            *segments,
            "",
        )
    )


PATIENT = "PID|1||4711081500^^^KH||Canaria^Kanarienvogel||19371104|F|||Weg 1^^Oldenburg||0441"


def planted() -> Iterator[tuple[str, bytes]]:
    """(source, body) of every shipped source, with the canaries where data of that kind brings them along."""
    yield (
        "csv-long",
        csv_long(
            long_row("a", who="Canaria, Kanarienvogel"),
            long_row("b", free="Canaria Kanarienvogel *04.11.1937"),
            long_row("c", kind="X110411675"),
            long_row("d", as_of="Canaria"),
            long_row("e") + ";Canaria",
        ),
    )
    yield (
        "csv-wide",
        (
            "Haus-Nr;IK;Einrichtung;Straße;PLZ;Ort;Telefon;Dauerpflege Plätze;Dauerpflege frei;Kurzzeitpflege Plätze;"
            "Kurzzeitpflege frei;Kurzzeitpflege frei ab;Tagespflege Plätze;Tagespflege frei;Stand;Bewohner 1\r\n"
            "9;510322019;Haus;Weg 1;49661;Ort;1;20;Canaria;5;1;;;;22.11.2026 08:00;Kanarienvogel X110411675\r\n"
            "8;510322019;Haus;Weg 1;49661;Ort;1;20;1;5;1;;;;22.11.2026 08:00;04.11.1937\r\n"
        ).encode("cp1252"),
    )
    home = {"id": "1", "name": "Haus", "postalCode": "49661", "city": "Ort"}
    offer = {"id": "1/k", "careForm": "kurzzeitpflege", "free": 2, "validAt": "2026-11-22T08:00:00+01:00"}
    yield (
        "json",
        json.dumps(
            {
                "facilities": [
                    {**home, "residents": [{"name": "Canaria", "kvnr": "X110411675"}], "offers": [offer]},
                    {
                        **home,
                        "id": "2",
                        "offers": [{**offer, "id": "2", "free": "Kanarienvogel", "Canaria 4711081500": 1}],
                    },
                    {
                        **home,
                        "id": "3",
                        "offers": [{**offer, "id": "3", "blocks": [{"count": "Canaria", "sex": "X110411675"}]}],
                    },
                    {**home, "id": "4", "offers": ["Canaria"]},
                    "Canaria",
                ]
            }
        ).encode(),
    )
    yield "json", b'{"facilities": [{"id": "9", "name": "Canaria Kanarienvogel", ]}'
    yield (
        "kis-adt",
        "".join(
            (
                adt("A01", 1, PATIENT, "PV1|1|I|KZP1^101^1||||||||||||||||4711081500"),
                adt("A08", 2, PATIENT, "DG1|1||Canaria", "ZPI|X110411675|Canaria"),
                adt("A01", 3, PATIENT, "PV1|1|I|Canaria Kanarienvogel geb 04.11.1937^1^1||||||||||||||||4711081500"),
                adt("A20", 4, "NPU|KZP1^101^1|Canaria"),
                adt("A17", 5, PATIENT, "PV1|1|I|KZP1^101^1", PATIENT, "PV1|2|I|Canaria^Kanarienvogel^1||Canaria"),
                adt("A16", 6, PATIENT, "PV1|1|I|KZP1^101^1||||||||||||||||4711081500", "PV2|||||||||Canaria 19371104"),
                adt("A21", 7, PATIENT, "PV1|1|I|KZP1^101^Canaria||||||||||||||||4711081500"),
                f"Kanarienvogel liegt in Zimmer 4711081500\r{PATIENT}\r",
                "MSH|^~\\&|KIS|KH\rPID|1||4711081500||Canaria",
            )
        ).encode(),
    )
    yield from _planted_in_names(home, offer)
    patient = {
        "resourceType": "Patient",
        "id": "4711081500",
        "name": [{"family": "Canaria", "given": ["Kanarienvogel"]}],
        "identifier": [{"value": "X110411675"}],
    }
    service = {"resourceType": "HealthcareService", "id": "s", "comment": "Canaria 4711081500", "active": True}
    yield (
        "fhir",
        json.dumps(
            {
                "resourceType": "Bundle",
                "type": "batch",
                "entry": [
                    {
                        "fullUrl": "urn:uuid:1",
                        "resource": patient,
                        "request": {"method": "PUT", "url": "Patient/4711081500"},
                    },
                    {"fullUrl": "urn:uuid:2", "resource": service, "request": {"method": "POST", "url": "Canaria"}},
                ],
            }
        ).encode(),
    )
    yield (
        "landkreis-lup",
        b"""<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs"
        xmlns:gml="http://www.opengis.net/gml" xmlns:p="http://geoportal.kreis-lup.de/regismv/"><gml:featureMember>
        <p:Sozialpflege fid="S.1"><p:id>1</p:id><p:angebot>Canaria</p:angebot><p:einrichtung>Haus</p:einrichtung>
        <p:eigentuemer>Kanarienvogel</p:eigentuemer><p:ansprechpartner>Canaria</p:ansprechpartner>
        </p:Sozialpflege></gml:featureMember><gml:featureMember><p:Sozialpflege fid="S.2"><p:id>Canaria""",
    )
    yield from _planted_in_registers()


def _planted_in_registers() -> Iterator[tuple[str, bytes]]:
    """The canaries where other registers and hospital systems have room for them."""
    yield (
        "have",
        b"""<h:HAVE xmlns:h="urn:oasis:names:tc:emergency:edxl:have:2.0"
        xmlns:n="urn:oasis:names:tc:emergency:edxl:ciq:1.0:xnl">
        <h:messageID>Canaria 4711081500</h:messageID><h:facility><h:facilityInformation><h:facilityID>a</h:facilityID>
        <h:facilityName>Haus</h:facilityName><h:facilityDetails><n:PersonName>Canaria Kanarienvogel</n:PersonName>
        </h:facilityDetails></h:facilityInformation><h:activityInPeriod><h:comment>Canaria 04.11.1937</h:comment>
        </h:activityInPeriod><h:Canaria>X110411675</h:Canaria><h:serviceList><h:serviceListItem>
        <h:serviceTaxonomyKeyValue>hospiz</h:serviceTaxonomyKeyValue><h:serviceName>Hospiz</h:serviceName>
        <h:serviceStatus><h:comment>Canaria, 19371104</h:comment></h:serviceStatus><h:serviceBedCapacity>
        <h:availableCount>1</h:availableCount><h:capacityNote>Kanarienvogel</h:capacityNote></h:serviceBedCapacity>
        </h:serviceListItem><h:serviceListItem><h:serviceTaxonomyKeyValue>Canaria</h:serviceTaxonomyKeyValue>
        <h:serviceBedCapacity><h:availableCount>Canaria</h:availableCount></h:serviceBedCapacity></h:serviceListItem>
        </h:serviceList></h:facility><h:facility>Canaria""",
    )
    care_form = {"taxonomy": "https://platzfrei.org/fhir/CodeSystem/care-form", "code": "hospiz"}
    service = {
        "id": "a",
        "name": "Hospiz",
        "status": "active",
        "alert": "Canaria Kanarienvogel",
        "contacts": [{"name": "Canaria", "phones": [{"number": "4711081500"}]}],
        "Kanarienvogel": "X110411675",
        "organization": {"id": "b", "name": "Haus", "contacts": [{"name": "Canaria"}]},
        "attributes": [{"taxonomy_term": care_form, "value": "Canaria"}],
        "service_areas": [{"name": "Canaria, 04.11.1937"}],
        "capacities": [{"unit": {"name": "Platz"}, "available": 1, "description": "Canaria 19371104"}],
    }
    wrong = {**service, "status": "Canaria", "capacities": [{"unit": {"name": "Platz"}, "available": "Kanarienvogel"}]}
    yield "hsds", json.dumps({"Canaria": 1, "contents": [service, wrong, {"name": "Canaria"}, "Canaria"]}).encode()
    bed = {
        "resourceType": "Location",
        "id": "Bett-4711081500",
        "name": "Canaria Kanarienvogel",
        "alias": ["X110411675", "04.11.1937"],
        "physicalType": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": "bd"}]
        },
        "operationalStatus": {"code": "O", "display": "Canaria 19371104"},
        "partOf": {"reference": "Location/Station-KZP", "display": "Canaria"},
    }
    lost = {**bed, "id": "Canaria", "partOf": {"reference": "Location/Canaria"}}
    patient = {"resourceType": "Patient", "id": "Canaria"}
    entries = [{"resource": one} for one in (bed, lost, patient, {"resourceType": "Canaria"}, {**bed, "Canaria": 1})]
    yield "isik-betten", json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries}).encode()


def _planted_in_names(home: dict[str, Any], offer: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The canaries as names of fields, as ids, as what looks withheld, and where free text has a short shape."""
    withheld = {"withheld": {"Canaria": "X110411675"}}
    facilities = [
        {
            **home,
            "id": "5",
            "Canaria": 1,
            "Canaria Kanarienvogel": 2,
            "04.11.1937": 3,
            "offers": [{**offer, "id": "5"}],
        },
        {**home, "id": "6", "name": withheld, "offers": [{**offer, "id": "6", "Kanarienvogel": 1}]},
        {**home, "id": "7", "offers": [{**offer, "id": "7", "free": {"withheld": "Canaria"}}]},
        {**home, "id": "8", "offers": [{**offer, "id": "8", "blocks": [{"count": 1, "Canaria": 2}]}]},
    ]
    yield "json", json.dumps({"facilities": facilities}).encode()
    yield "csv-long", csv_long(long_row("f", who=";")).replace(b";Bewohner", b";Canaria Kanarienvogel;04.11.1937")
    yield (
        "kis-adt",
        "".join(
            (
                adt("A01", 11, PATIENT, "PV1|1|I|Canaria^Canaria^X110411675|||Kanarienvogel^X110411675||||X110411675"),
                adt("A08", 12, PATIENT, "PV1|1|I|Canaria^Canaria^1||||||||||||||||4711081500"),
                adt("A20", 13, r"NPU|\\X43616E61726961\\^Canaria^1|U"),
                adt("A01", 14, "PV1|1|I|KZP1^Canaria^Canaria"),
                adt("A03", 15, "PV1|1|I|||||||||||||||||4711081500")
                .replace("M15", "Canaria")
                .replace("|KIS|", "|Canaria|"),
            )
        ).encode(),
    )
    yield (
        "landkreis-lup",
        b"""<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs" xmlns:gml="http://www.opengis.net/gml"
        xmlns:p="http://geoportal.kreis-lup.de/regismv/"><gml:featureMember><p:Sozialpflege fid="Canaria_Kanarienvogel">
        <p:id>3</p:id><p:angebot>x</p:angebot><p:Canaria>1</p:Canaria></p:Sozialpflege></gml:featureMember>
        <gml:featureMember><p:Sozialpflege fid="X110411675"><p:angebot>x</p:angebot></p:Sozialpflege>
        </gml:featureMember></wfs:FeatureCollection>""",
    )


def send(hub: Hub, source: str, body: bytes, *, message_id: str | None = None) -> Receipt:
    """Take a delivery in, received now."""
    delivery = Delivery(source=source, body=body, received_at=hub.clock(), message_id=message_id)
    return hub.pipeline.receive(delivery)


def everything_stored(hub: Hub) -> bytes:
    """All that the database holds, compressed parts opened."""
    told = bytearray()
    with hub.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for value in row:
                    told += _opened(value) + b"\n"
    return bytes(told)


def _opened(value: Any) -> bytes:
    if not isinstance(value, bytes | memoryview):
        return str(value).encode()
    content = bytes(value)
    try:
        return zlib.decompress(content)
    except zlib.error:
        return content


def database_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("platzfrei.db*"))
