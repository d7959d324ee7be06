"""A county office's register as its WFS writes it: OGC WFS 1.0 with GML 2, EPSG:25833, capacities but no vacancies,
and pharmacies among the care offers (`mappings/sources/landkreis-lup.yaml`)."""

from collections.abc import Iterator
from html import escape
from random import Random

from hub.demo import names
from hub.demo.files import File, portions
from hub.demo.projection import utm
from hub.demo.region import Provider, Region
from mappings.vacancy import Facility, Position, VacancyReport

__all__ = ["register_files"]

_FEATURES = 2_000

_KINDS = {
    "ambulante-pflege": ("Ambulante Pflege", "Pflegedienst"),
    "tagespflege": ("Teilstationäre Pflege", "Tagespflege\r\n"),  # The line break is the county's own.
    "wohngemeinschaft": ("Wohnen", "Ambulant betreute WG"),
    "betreutes-wohnen": ("Wohnen", "Betreutes Wohnen"),
    "sapv": ("Gesundheit", "Palliativversorgung"),
    "hospizdienst-ambulant": ("Gesundheit", "Hospiz ambulant"),
}
_PHARMACY = ("Gesundheit", "Apotheke")

_HEAD = """<?xml version='1.0' encoding="UTF-8" ?>
<wfs:FeatureCollection
   xmlns:pflegeportal="http://geoportal.kreis-lup.de/regismv/"
   xmlns:wfs="http://www.opengis.net/wfs"
   xmlns:gml="http://www.opengis.net/gml">
"""
_FOOT = "</wfs:FeatureCollection>\n"


def register_files(region: Region) -> Iterator[File]:
    """The files of source `landkreis-lup`."""
    features = (list(_features(region, provider)) for provider in region.of("landkreis-lup"))
    first = 1
    for number, portion in enumerate(portions(features, _FEATURES), start=1):
        numbered = (feature.replace("{id}", str(id_)) for id_, feature in enumerate(portion, start=first))
        first += len(portion)
        yield File(
            name=f"sozialpflege-{number:02d}.gml",
            body="".join((_HEAD, *numbered, _FOOT)).encode(),
            records=len(portion),
        )


def _features(region: Region, provider: Provider) -> Iterator[str]:
    for report in provider.reports:
        yield _feature(report.facility, *_KINDS[report.offer.care_form], _capacity(report))
    rng = Random(f"{region.seed} {provider.facility.key} pharmacy")
    if rng.random() < 0.3:
        place = provider.facility.address
        street, house_number = names.street(rng)
        yield _feature(
            Facility(
                key="",
                name=names.pharmacy(rng, place.city),
                address=type(place)(
                    street=street,
                    house_number=house_number,
                    postal_code=place.postal_code,
                    city=place.city,
                    ags=place.ags,
                ),
                position=provider.facility.position,
            ),
            *_PHARMACY,
            "1",
        )


def _capacity(report: VacancyReport) -> str:
    # The register writes 1 where capacity means nothing.
    return str(report.counts.licensed or 1)


def _feature(facility: Facility, kind: str, offer: str, capacity: str) -> str:
    address = facility.address
    x, y = utm(33, facility.position or Position(0.0, 0.0))
    fields = {
        "versorgungsart": kind,
        "angebot": offer,
        "einrichtung": facility.name,
        "strasse": address.street,
        "hnr": address.house_number,
        "plz": address.postal_code,
        "gemeinde": address.city,
        "ortsteil": "",
        "gemeindeschl": address.ags,
        "eigentuemer": "",
        "traeger": facility.operator.name if facility.operator else "",
        "dachverband": "Privat",
        "ansprechpartner": "",
        "telefon": next((contact.value for contact in facility.contacts if contact.system == "phone"), ""),
        "email": "",
        "internet": "",
        "kapazitaet": capacity,
        "jahr": "2015",
        "besonderheit": "",
        "feld20": "",
        "aenderung": "",
    }
    members = "".join(
        f"        <pflegeportal:{name}>{escape(value, quote=False)}</pflegeportal:{name}>\n"
        for name, value in fields.items()
    )
    return (
        "    <gml:featureMember>\n"
        '      <pflegeportal:Sozialpflege fid="Sozialpflege.{id}">\n'
        "        <pflegeportal:msGeometry>\n"
        '        <gml:Point srsName="EPSG:25833">\n'
        f"          <gml:coordinates>{x:.6f},{y:.6f}</gml:coordinates>\n"
        "        </gml:Point>\n"
        "        </pflegeportal:msGeometry>\n"
        "        <pflegeportal:id>{id}</pflegeportal:id>\n"
        f"{members}"
        "      </pflegeportal:Sozialpflege>\n"
        "    </gml:featureMember>\n"
    )
