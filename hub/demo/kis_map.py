"""The source map of the demo's clinics: it declares their wards, as the map of a real KIS would
(`mappings/sources/kis-adt.yaml`, `mappings/wards.py`)."""

import json
from typing import Any

from hub.demo.region import Region
from hub.demo.stations import Station

__all__ = ["kis_map"]

_HEAD = """\
source: kis-demo
title:
  de: KIS der Demo-Kliniken (HL7 v2 ADT)
  en: HIS of the demo clinics (HL7 v2 ADT)
format: hl7v2_adt
"""


def kis_map(region: Region) -> bytes:
    """The map as YAML, of a region with wards; a ward is one line, as JSON is YAML too."""
    stations = [station for provider in region.providers for station in provider.stations]
    lines = (f"  - {json.dumps(_ward(station), ensure_ascii=False)}\n" for station in stations)
    return "".join((_HEAD, "wards:\n", *lines)).encode()


def _ward(station: Station) -> dict[str, Any]:
    return {
        "hospital": station.hospital,
        "ward": station.code,
        "care_form": station.care_form,
        "name": station.name,
        "beds": list(station.beds),
        "facility": _facility(station),
    }


def _facility(station: Station) -> dict[str, Any]:
    facility = station.facility
    address, position = facility.address, facility.position
    members: dict[str, Any] = {
        "key": facility.key,
        "name": facility.name,
        "operator": facility.operator.name if facility.operator else "",
        "iks": list(facility.iks),
        "street": address.street,
        "house_number": address.house_number,
        "postal_code": address.postal_code,
        "city": address.city,
        "ags": address.ags,
        "latitude": position.latitude if position else None,
        "longitude": position.longitude if position else None,
        **{contact.system: contact.value for contact in facility.contacts},
    }
    return {name: value for name, value in members.items() if value not in (None, "", [])}
