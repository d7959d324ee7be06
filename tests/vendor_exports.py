"""Eighteen invented exports of facility software: names, orders, delimiters, charsets and languages as they differ."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from xml.sax import saxutils

from hub.demo.region import Provider, region
from mappings.vacancy import ZONE, VacancyReport

Row = Mapping[str, Any]
Write = Callable[[Row], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file, and what each of its columns is: a place of the model (in a wide table `form place`), blank: none."""

    name: str
    suffix: str
    body: bytes
    truth: Mapping[str, str]


FORMS = {
    "dauerpflege": ("Dauerpflege", "VZ", "nursing home"),
    "kurzzeitpflege-eingestreut": ("KZP eingestreut", "KZP eing.", "short-term care (scattered)"),
    "kurzzeitpflege-solitaer": ("KZP solitär", "KZP sol.", "short-term care"),
    "tagespflege": ("Tagespflege", "TP", "day care"),
    "nachtpflege": ("Nachtpflege", "NP", "night care"),
    "hospiz-stationaer": ("stationäres Hospiz", "Hospiz stationär", "hospice"),
    "intensivpflege": ("Intensivpflege", "AKI", "intensive care"),
    "wohngemeinschaft": ("Pflege-WG", "WG", "shared flat"),
    "betreutes-wohnen": ("Betreutes Wohnen", "BW", "assisted living"),
    "hospizdienst-ambulant": ("Hospizdienst", "Hospiz ambulant", "hospice service"),
    "ambulante-pflege": ("Pflegedienst", "AMB", "home care"),
    "sapv": ("SAPV", "SAPV", "palliative team"),
}


@cache
def _providers() -> tuple[Provider, ...]:
    made = region(seed=11, size=420, as_of=datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
    return tuple(one for one in made.providers if one.source in ("csv-long", "json") and one.facility.key[0] == "E")


@cache
def offers() -> tuple[Row, ...]:
    """One row an offer, before anybody named the columns."""
    return tuple(
        _row(provider, report)
        for provider in _providers()
        for report in provider.reports
        if report.offer.care_form in FORMS and report.valid_at is not None
    )


def _row(provider: Provider, report: VacancyReport) -> Row:
    facility, counts, address = provider.facility, report.counts, provider.facility.address
    block = report.blocks[0] if report.blocks else None
    return {
        "key": facility.key,
        "number": str(1000 + _providers().index(provider)),
        "name": facility.name,
        "operator": facility.operator.name if facility.operator else "",
        "ik": next(iter(facility.iks), ""),
        "street": address.street,
        "house_number": address.house_number,
        "address": f"{address.street} {address.house_number}",
        "plz": address.postal_code,
        "city": address.city,
        "latitude": facility.position.latitude if facility.position else None,
        "longitude": facility.position.longitude if facility.position else None,
        "phone": facility.contacts[0].value,
        "email": f"info@{facility.key.lower()}.example",
        "web": f"www.{facility.key.lower()}.example",
        "form": report.offer.care_form,
        "offer": f"{facility.key}/{report.offer.care_form}",
        "licensed": counts.licensed,
        "occupied": counts.occupied,
        "held": counts.held,
        "free": counts.accepting,
        "waiting": counts.waiting,
        "start": block.start if block else None,
        "room": {"single": "EZ", "double": "DZ"}.get(str(block.room), "") if block and block.room else "",
        "sex": {"female": "w", "male": "m"}.get(str(block.sex), "") if block and block.sex else "",
        "demenz": "demenz" in report.offer.needs,
        "rollstuhl": "rollstuhl" in report.offer.needs,
        "grades": f"{min(report.offer.care_grades)}-{max(report.offer.care_grades)}"
        if report.offer.care_grades
        else "",
        "stand": report.valid_at.astimezone(ZONE) if report.valid_at else None,
    }


def _plain(name: str) -> Write:
    return lambda row: "" if row[name] is None else str(row[name])


def _form(habit: int) -> Write:
    return lambda row: FORMS[row["form"]][habit]


def _day(style: str, name: str = "start") -> Write:
    def write(row: Row) -> str:
        day: date | None = row[name]
        return "" if day is None else format(day, style)

    return write


def _comma(name: str) -> Write:
    return lambda row: "" if row[name] is None else str(row[name]).replace(".", ",")


def _yes(name: str, yes: str, no: str) -> Write:
    return lambda row: yes if row[name] else no


def _always(text: str) -> Write:
    return lambda _row: text


Columns = Sequence[tuple[str, str, Write]]
"""Header, place of the model, how a cell is written."""

K, N, P, C = "facility.key", "facility.name", "facility.postal_code", "facility.city"
S, H, F, V = "facility.street", "facility.house_number", "offer.care_form", "valid_at"
LIC, OCC, HELD, FREE, WAIT = (f"counts.{one}" for one in ("licensed", "occupied", "held", "accepting", "waiting"))
PHONE, MAIL, URL = (f"facility.contacts.{one}" for one in ("phone", "email", "url"))
STAND = "%d.%m.%Y %H:%M"


def _table(
    name: str, columns: Columns, *, delimiter: str = ";", charset: str = "utf-8", rows: Sequence[Row] | None = None
) -> Export:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([header for header, _, _ in columns])
    for row in offers() if rows is None else rows:
        writer.writerow([write(row) for _, _, write in columns])
    return Export(
        name=name,
        suffix="csv",
        body=text.getvalue().encode(charset),
        truth={header: place for header, place, _ in columns},
    )


def _wide_rows() -> list[Row]:
    """One row a home, with the numbers of its care forms beside each other."""
    made: list[Row] = []
    for provider in _providers():
        said = {
            report.offer.care_form.partition("-")[0]: report
            for report in provider.reports
            if report.offer.care_form in FORMS
        }
        if not said:
            continue
        row = dict(_row(provider, next(iter(said.values()))))
        for form in ("dauerpflege", "kurzzeitpflege", "tagespflege"):
            counts = said[form].counts if form in said else None
            row[f"{form} licensed"] = counts.licensed if counts else None
            row[f"{form} free"] = counts.accepting if counts else None
        made.append(row)
    return made


def _json(name: str, document: Any, truth: Mapping[str, str]) -> Export:
    return Export(name=name, suffix="json", body=json.dumps(document, ensure_ascii=False).encode(), truth=truth)


def exports() -> list[Export]:
    """All of them; those in formats that are not here cannot be drafted."""
    return [*_long_tables(), *_wide_tables(), *_json_files(), *_workbooks(), *_xml_files()]


def _long_tables() -> list[Export]:
    return [
        _table(
            "abbreviated",
            [
                ("Einr.-Nr.", K, _plain("number")),
                ("Einrichtung", N, _plain("name")),
                ("Träger", "facility.operator", _plain("operator")),
                ("IK-Nr.", "facility.iks", _plain("ik")),
                ("Str.", S, _plain("street")),
                ("Hausnr.", H, _plain("house_number")),
                ("PLZ", P, _plain("plz")),
                ("Ort", C, _plain("city")),
                ("Tel.", PHONE, _plain("phone")),
                ("Vers.-Form", F, _form(1)),
                ("Pl. ges.", LIC, _plain("licensed")),
                ("Pl. belegt", OCC, _plain("occupied")),
                ("Pl. frei", FREE, _plain("free")),
                ("Stand", V, _day(STAND, "stand")),
                ("Bearbeiter", "", _always("MM")),
            ],
            charset="cp1252",
        ),
        _table(
            "database-capitals",
            [
                ("STICHTAG", V, _day("%Y-%m-%d %H:%M:%S", "stand")),
                ("HAUS_ID", K, _plain("key")),
                ("HAUS_NAME", N, _plain("name")),
                ("HAUS_STRASSE", S, _plain("address")),
                ("HAUS_PLZ", P, _plain("plz")),
                ("HAUS_ORT", C, _plain("city")),
                ("PFLEGEART", F, _form(0)),
                ("ANZ_PLAETZE", LIC, _plain("licensed")),
                ("ANZ_BELEGT", OCC, _plain("occupied")),
                ("ANZ_RESERVIERT", HELD, _plain("held")),
                ("ANZ_FREI", FREE, _plain("free")),
                ("FREI_AB", "block.start", _day("%Y-%m-%d")),
                ("EXPORT_VERSION", "", _always("4.2")),
            ],
            delimiter="|",
        ),
        _table(
            "english-camel-case",
            [
                ("facilityId", K, _plain("key")),
                ("facilityName", N, _plain("name")),
                ("streetAddress", S, _plain("address")),
                ("postCode", P, _plain("plz")),
                ("town", C, _plain("city")),
                ("phoneNumber", PHONE, _plain("phone")),
                ("emailAddress", MAIL, _plain("email")),
                ("careType", F, _form(0)),
                ("totalBeds", LIC, _plain("licensed")),
                ("occupiedBeds", OCC, _plain("occupied")),
                ("vacantBeds", FREE, _plain("free")),
                ("availableFrom", "block.start", _day("%Y-%m-%d")),
                ("lastUpdated", V, _day("%Y-%m-%dT%H:%M:%S%z", "stand")),
                ("recordHash", "", _plain("offer")),
            ],
            delimiter=",",
        ),
        _table(
            "residents-in-it",
            [
                ("Heimnummer", K, _plain("number")),
                ("Heimname", N, _plain("name")),
                ("Anschrift", S, _plain("address")),
                ("Postleitzahl", P, _plain("plz")),
                ("Wohnort", C, _plain("city")),
                ("Leistungsart", F, _form(0)),
                ("Kapazität", LIC, _plain("licensed")),
                ("davon belegt", OCC, _plain("occupied")),
                ("freie Plätze", FREE, _plain("free")),
                ("Warteliste", WAIT, _plain("waiting")),
                ("letzter Auszug Bewohner", "", _always("Mustermann")),
                ("Geburtsdatum", "", _always("01.02.1934")),
                ("Heimleitung", "", _always("Frau Beispiel")),
                ("aktualisiert am", V, _day(STAND, "stand")),
            ],
        ),
        _table(
            "dos-charset-and-tabs",
            [
                ("Nr", K, _plain("number")),
                ("Bezeichnung", N, _plain("name")),
                ("Straße", S, _plain("street")),
                ("Nr.", H, _plain("house_number")),
                ("PLZ", P, _plain("plz")),
                ("Stadt", C, _plain("city")),
                ("Art", F, _form(0)),
                ("Plätze", LIC, _plain("licensed")),
                ("frei", FREE, _plain("free")),
                ("Zimmerart", "block.room", _plain("room")),
                ("m/w", "block.sex", _plain("sex")),
                ("Datum", V, _day("%d.%m.%Y", "stand")),
            ],
            delimiter="\t",
            charset="cp850",
        ),
        _table(
            "with-coordinates-and-needs",
            [
                ("Standort-ID", K, _plain("key")),
                ("Standortname", N, _plain("name")),
                ("Geo-Breite", "facility.latitude", _comma("latitude")),
                ("Geo-Länge", "facility.longitude", _comma("longitude")),
                ("Postleitzahl", P, _plain("plz")),
                ("Gemeinde", C, _plain("city")),
                ("Webseite", URL, _plain("web")),
                ("E-Mail", MAIL, _plain("email")),
                ("Versorgungsform", F, _form(0)),
                ("Pflegegrade", "offer.care_grades", _plain("grades")),
                ("Demenzbereich", "offer.needs.demenz", _yes("demenz", "ja", "nein")),
                ("rollstuhlgerecht", "offer.needs.rollstuhl", _yes("rollstuhl", "x", "")),
                ("Freie Kapazität", FREE, _plain("free")),
                ("Gesamtkapazität", LIC, _plain("licensed")),
                ("Datenstand", V, _day(STAND, "stand")),
            ],
        ),
        _table(
            "nothing-is-named",
            [
                ("Feld1", K, _plain("key")),
                ("Feld2", N, _plain("name")),
                ("Feld3", P, _plain("plz")),
                ("Feld4", "facility.iks", _plain("ik")),
                ("Feld5", F, _form(0)),
                ("Feld6", MAIL, _plain("email")),
                ("Feld7", V, _day(STAND, "stand")),
                ("Feld8", FREE, _plain("free")),
            ],
        ),
        _table(
            "unknown-words",
            [
                ("Objekt-Nr.", K, _plain("number")),
                ("Objekt", N, _plain("name")),
                ("PLZ", P, _plain("plz")),
                ("Ort", C, _plain("city")),
                (
                    "Produkt",
                    F,
                    lambda row: {"dauerpflege": "Dauerpflege", "tagespflege": "Tagesgäste"}.get(row["form"], "KZP"),
                ),
                ("Soll", LIC, _plain("licensed")),
                ("Ist", OCC, _plain("occupied")),
                ("Verfügbar", FREE, _plain("free")),
                ("Meldedatum", V, _day(STAND, "stand")),
            ],
        ),
        _table(
            "no-key",
            [
                ("Name der Einrichtung", N, _plain("name")),
                ("Straße und Hausnummer", S, _plain("address")),
                ("PLZ", P, _plain("plz")),
                ("Ort", C, _plain("city")),
                ("Rufnummer", PHONE, _plain("phone")),
                ("Angebotsart", F, _form(0)),
                ("Anzahl freier Plätze", FREE, _plain("free")),
                ("frei ab", "block.start", _day("%d.%m.%Y")),
                ("Letzte Aktualisierung", V, _day(STAND, "stand")),
            ],
        ),
        _table(
            "english-formal",
            [
                ("Provider No.", K, _plain("number")),
                ("Provider Name", N, _plain("name")),
                ("Operator", "facility.operator", _plain("operator")),
                ("Street", S, _plain("street")),
                ("House Number", H, _plain("house_number")),
                ("ZIP", P, _plain("plz")),
                ("City", C, _plain("city")),
                ("Telephone", PHONE, _plain("phone")),
                ("Type of Care", F, _form(0)),
                ("Licensed Capacity", LIC, _plain("licensed")),
                ("Currently Occupied", OCC, _plain("occupied")),
                ("Reserved", HELD, _plain("held")),
                ("Places Available", FREE, _plain("free")),
                ("Waiting List", WAIT, _plain("waiting")),
                ("As of", V, _day("%d.%m.%Y %H:%M", "stand")),
                ("Contact Person", "", _always("Jane Example")),
                ("Remarks", "", _always("")),
            ],
            delimiter=";",
        ),
    ]


def unseen() -> list[Export]:
    """Four more that no word of `mappings/synonyms.yaml` was chosen by: what a draft is worth on the next file."""
    return [
        _table(
            "unseen-sap-like",
            [
                ("WERK", K, _plain("number")),
                ("NAME1", N, _plain("name")),
                ("STRAS", S, _plain("address")),
                ("PSTLZ", P, _plain("plz")),
                ("ORT01", C, _plain("city")),
                ("TELF1", PHONE, _plain("phone")),
                ("LEISTUNG", F, _form(0)),
                ("KAPAZITAET", LIC, _plain("licensed")),
                ("BELEGT", OCC, _plain("occupied")),
                ("FREI", FREE, _plain("free")),
                ("AEDAT", V, _day("%d.%m.%Y", "stand")),
            ],
        ),
        _table(
            "unseen-portal",
            [
                ("Anbieter-ID", K, _plain("key")),
                ("Anbietername", N, _plain("name")),
                ("Straße / Hausnr.", S, _plain("address")),
                ("PLZ", P, _plain("plz")),
                ("Ort", C, _plain("city")),
                ("Ansprechpartner", "", _always("Herr Muster")),
                ("Telefonnr.", PHONE, _plain("phone")),
                ("E-Mail-Adresse", MAIL, _plain("email")),
                ("Pflegeangebot", F, _form(0)),
                ("Anzahl Plätze insgesamt", LIC, _plain("licensed")),
                ("Davon verfügbar", FREE, _plain("free")),
                ("Verfügbar ab", "block.start", _day("%d.%m.%Y")),
                ("Personen auf Warteliste", WAIT, _plain("waiting")),
                ("Letzte Änderung am", V, _day(STAND, "stand")),
                ("Geändert von", "", _always("admin")),
            ],
        ),
        _table(
            "unseen-english-short",
            [
                ("fac_id", K, _plain("key")),
                ("fac_name", N, _plain("name")),
                ("fac_zip", P, _plain("plz")),
                ("fac_city", C, _plain("city")),
                ("lat", "facility.latitude", _plain("latitude")),
                ("lng", "facility.longitude", _plain("longitude")),
                ("svc", F, _form(0)),
                ("n_beds", LIC, _plain("licensed")),
                ("n_occ", OCC, _plain("occupied")),
                ("n_free", FREE, _plain("free")),
                ("ts", V, _day("%Y-%m-%dT%H:%M:%S%z", "stand")),
            ],
            delimiter=",",
        ),
        _table(
            "unseen-wide-abbreviated",
            [
                ("Lfd.", "", lambda row: str(int(row["number"]) - 1000)),
                ("Kennung", K, _plain("number")),
                ("Seniorenheim", N, _plain("name")),
                ("PLZ/Ort", "", lambda row: f"{row['plz']} {row['city']}"),
                ("LZP gesamt", f"dauerpflege {LIC}", _plain("dauerpflege licensed")),
                ("LZP verfügbar", f"dauerpflege {FREE}", _plain("dauerpflege free")),
                ("KZP gesamt", f"kurzzeitpflege {LIC}", _plain("kurzzeitpflege licensed")),
                ("KZP verfügbar", f"kurzzeitpflege {FREE}", _plain("kurzzeitpflege free")),
                ("gemeldet", V, _day(STAND, "stand")),
            ],
            rows=_wide_rows(),
        ),
    ]


def _wide_tables() -> list[Export]:
    rows = _wide_rows()

    def number(name: str) -> Write:
        return _plain(name)

    return [
        _table(
            "wide-short",
            [
                ("Haus", N, _plain("name")),
                ("Haus-ID", K, _plain("key")),
                ("PLZ", P, _plain("plz")),
                ("Ort", C, _plain("city")),
                ("DP_Plätze", f"dauerpflege {LIC}", number("dauerpflege licensed")),
                ("DP_frei", f"dauerpflege {FREE}", number("dauerpflege free")),
                ("KZP_Plätze", f"kurzzeitpflege {LIC}", number("kurzzeitpflege licensed")),
                ("KZP_frei", f"kurzzeitpflege {FREE}", number("kurzzeitpflege free")),
                ("TP_Plätze", f"tagespflege {LIC}", number("tagespflege licensed")),
                ("TP_frei", f"tagespflege {FREE}", number("tagespflege free")),
                ("Stand", V, _day(STAND, "stand")),
            ],
            rows=rows,
        ),
        _table(
            "wide-words",
            [
                ("Einrichtungsnummer", K, _plain("number")),
                ("Einrichtungsname", N, _plain("name")),
                ("Adresse", S, _plain("address")),
                ("PLZ", P, _plain("plz")),
                ("Ort", C, _plain("city")),
                ("Telefon", PHONE, _plain("phone")),
                ("freie Plätze Dauerpflege", f"dauerpflege {FREE}", number("dauerpflege free")),
                ("freie Plätze Kurzzeitpflege", f"kurzzeitpflege {FREE}", number("kurzzeitpflege free")),
                ("freie Plätze Tagespflege", f"tagespflege {FREE}", number("tagespflege free")),
                ("Meldung vom", V, _day(STAND, "stand")),
            ],
            rows=rows,
        ),
        _table(
            "wide-english",
            [
                ("id", K, _plain("key")),
                ("home", N, _plain("name")),
                ("zip", P, _plain("plz")),
                ("city", C, _plain("city")),
                ("long_term_total", f"dauerpflege {LIC}", number("dauerpflege licensed")),
                ("long_term_free", f"dauerpflege {FREE}", number("dauerpflege free")),
                ("short_term_total", f"kurzzeitpflege {LIC}", number("kurzzeitpflege licensed")),
                ("short_term_free", f"kurzzeitpflege {FREE}", number("kurzzeitpflege free")),
                ("day_care_free", f"tagespflege {FREE}", number("tagespflege free")),
                ("updated_at", V, _day("%Y-%m-%dT%H:%M:%S%z", "stand")),
            ],
            delimiter=",",
            rows=rows,
        ),
    ]


def _json_files() -> list[Export]:
    flat = [
        {
            "objektNr": row["number"],
            "bezeichnung": row["name"],
            "anschrift": {
                "strasse": row["street"],
                "hausnummer": row["house_number"],
                "plz": row["plz"],
                "ort": row["city"],
            },
            "kontakt": {"telefon": row["phone"], "email": row["email"]},
            "pflegeform": FORMS[row["form"]][0],
            "plaetze": {"gesamt": row["licensed"], "belegt": row["occupied"], "frei": row["free"]},
            "stand": row["stand"].isoformat(),
            "intern": {"mandantSchema": "x"},
        }
        for row in offers()
    ]
    homes: dict[str, dict[str, Any]] = {}
    for row in offers():
        home = homes.setdefault(
            row["key"],
            {
                "code": row["key"],
                "title": row["name"],
                "location": {"zip": row["plz"], "city": row["city"], "lat": row["latitude"], "lng": row["longitude"]},
                "services": [],
            },
        )
        home["services"].append(
            {
                "serviceId": row["offer"],
                "serviceType": FORMS[row["form"]][0],
                "capacity": row["licensed"],
                "available": row["free"],
                "updatedAt": row["stand"].isoformat(),
            }
        )
    rows = [
        {
            "Name": row["name"],
            "PLZ": row["plz"],
            "Ort": row["city"],
            "Form": FORMS[row["form"]][1],
            "Frei": str(row["free"] if row["free"] is not None else ""),
            "Stand": format(row["stand"], STAND),
        }
        for row in offers()
    ]
    return [
        _json(
            "json-nested-objects",
            {"exportiert": "2026-11-22T08:00:00+01:00", "datensaetze": flat},
            {
                "objektNr": K,
                "bezeichnung": N,
                "anschrift.strasse": S,
                "anschrift.hausnummer": H,
                "anschrift.plz": P,
                "anschrift.ort": C,
                "kontakt.telefon": PHONE,
                "kontakt.email": MAIL,
                "pflegeform": F,
                "plaetze.gesamt": LIC,
                "plaetze.belegt": OCC,
                "plaetze.frei": FREE,
                "stand": V,
                "intern.mandantSchema": "",
            },
        ),
        _json(
            "json-homes-with-services",
            {"data": {"homes": list(homes.values())}},
            {
                "code": K,
                "title": N,
                "location.zip": P,
                "location.city": C,
                "location.lat": "facility.latitude",
                "location.lng": "facility.longitude",
                "services.serviceId": "offer.key",
                "services.serviceType": F,
                "services.capacity": LIC,
                "services.available": FREE,
                "services.updatedAt": V,
            },
        ),
        _json("json-list", rows, {"Name": N, "PLZ": P, "Ort": C, "Form": F, "Frei": FREE, "Stand": V}),
    ]


def _workbooks() -> list[Export]:
    columns: Columns = [
        ("Haus", N, _plain("name")),
        ("Haus-Nr.", K, _plain("number")),
        ("PLZ", P, _plain("plz")),
        ("Ort", C, _plain("city")),
        ("Bereich", F, _form(0)),
        ("Betten", LIC, _plain("licensed")),
        ("Betten belegt", OCC, _plain("occupied")),
        ("Betten frei", FREE, _plain("free")),
        ("Stand", V, _day(STAND, "stand")),
    ]
    rows = [["Belegungsliste"], [header for header, _, _ in columns]]
    rows += [[write(row) for _, _, write in columns] for row in offers()]
    truth = {header: place for header, place, _ in columns}
    return [Export(name="workbook", suffix="xlsx", body=_workbook(rows), truth=truth)]


_OFFICE = "http://schemas.openxmlformats.org"


def _workbook(rows: Sequence[Sequence[str]]) -> bytes:
    def cell(column: int, number: int, text: str) -> str:
        written = saxutils.escape(text)
        return f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{written}</t></is></c>' if text else ""

    written = "".join(
        f'<row r="{number}">{"".join(cell(column, number, text) for column, text in enumerate(row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    main = f"{_OFFICE}/spreadsheetml/2006/main"
    relations = f"{_OFFICE}/officeDocument/2006/relationships"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_OFFICE}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kinds}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{kinds}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets><sheet name="Plätze" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_OFFICE}/package/2006/relationships"><Relationship '
        f'Id="r1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{written}</sheetData></worksheet>',
    }
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return body.getvalue()


def _xml_files() -> list[Export]:
    homes: dict[str, list[str]] = {}
    for row in offers():
        head = (
            f'<Einrichtung nr="{row["number"]}"><Bezeichnung>{saxutils.escape(row["name"])}</Bezeichnung><Anschrift>'
            f"<Strasse>{row['street']}</Strasse><HausNr>{row['house_number']}</HausNr><PLZ>{row['plz']}</PLZ>"
            f"<Ort>{row['city']}</Ort></Anschrift><Angebote>"
        )
        homes.setdefault(head, []).append(
            f"<Angebot><Art>{FORMS[row['form']][0]}</Art><Plaetze>{_plain('licensed')(row)}</Plaetze>"
            f"<Frei>{_plain('free')(row)}</Frei><Stand>{row['stand'].isoformat()}</Stand></Angebot>"
        )
    written = "".join(f"{head}{''.join(each)}</Angebote></Einrichtung>" for head, each in homes.items())
    document = f'<Export xmlns="urn:belegung"><Einrichtungen>{written}</Einrichtungen></Export>'
    return [
        Export(
            name="xml",
            suffix="xml",
            body=document.encode(),
            truth={
                "@nr": K,
                "Bezeichnung": N,
                "Anschrift.Strasse": S,
                "Anschrift.HausNr": H,
                "Anschrift.PLZ": P,
                "Anschrift.Ort": C,
                "Angebote.Angebot.Art": F,
                "Angebote.Angebot.Plaetze": LIC,
                "Angebote.Angebot.Frei": FREE,
                "Angebote.Angebot.Stand": V,
            },
        )
    ]
