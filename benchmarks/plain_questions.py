"""The questions of `find_load.py` as plain FHIR search can ask them of any R4 server."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

from public_region import Circle, Wanted

from conformance.spec import canonical
from mappings import gazetteer
from mappings.gazetteer import kilometres

__all__ = ["ASKED", "NOT_ASKED", "path", "wanted"]

ASKED = frozenset(("near", "care-form", "need", "start"))
"""The criteria that plain FHIR search can ask, nearly as they are meant."""

NOT_ASKED = (
    "care-grade, room, sex and number of places (R4 has no search parameter for them); that the stay lies in one Slot "
    "or in several of the same offer (Slot has none for its end), and that the Slot that is free is the one that has "
    "begun (two _has are two conditions); services that come from farther away; freshness and expiry; order by "
    "distance; why no more fit"
)
"""What plain FHIR search leaves out of a question."""

_MOST = 50
"""Postal codes in a question: what the hub, too, takes of them at once."""


def wanted(question: Mapping[str, Any], *, circle: bool) -> Wanted:
    """What of a question plain FHIR can ask; where the server knows no circle, by the postal codes that lie in it, the
    50 nearest at most."""
    latitude, longitude, km, _ = question["near"].split("|")
    place = Circle(float(latitude), float(longitude), float(km))
    return Wanted(
        place=place if circle else _postal_codes(place),
        care_forms=question["care-form"].split(","),
        need=question.get("need"),
        begun_by=f"{question['start']}T11:00:00+00:00" if "start" in question else None,
    )


def path(asked: Wanted) -> str:
    """The search: Schedules with a free Slot, and what belongs to them."""
    if isinstance(asked.place, Circle):
        pairs = [("actor:Location.near", "{}|{}|{}|km".format(*asked.place))]
    else:
        pairs = [("actor:Location.address-postalcode", ",".join(asked.place))]
    forms = canonical("CodeSystem", "care-form")
    pairs.append(("service-type", ",".join(f"{forms}|{form}" for form in asked.care_forms)))
    if asked.need is not None:
        pairs.append(("actor:HealthcareService.characteristic", f"{canonical('CodeSystem', 'need')}|{asked.need}"))
    pairs.append(("_has:Slot:schedule:status", "free"))
    if asked.begun_by is not None:
        pairs.append(("_has:Slot:schedule:start", "le" + asked.begun_by.replace("+00:00", "Z")))
    pairs += [
        ("_include", "Schedule:actor"),
        ("_include:iterate", "HealthcareService:organization"),
        ("_revinclude", "Slot:schedule"),
        ("_count", "20"),
    ]
    return "Schedule?" + "&".join(f"{name}={quote(value, safe=',')}" for name, value in pairs)


def _postal_codes(place: Circle) -> tuple[str, ...]:
    """Those whose middle lies within the distance, the nearest of many; the nearest alone where there is none."""
    latitude, longitude, km = place
    away = ((kilometres(latitude, longitude, one.latitude, one.longitude), one.postal_code) for one in _places())
    within = sorted(one for one in away if one[0] <= km)
    return tuple(code for _, code in within[:_MOST]) or (gazetteer.nearest(latitude, longitude).postal_code,)


@cache
def _places() -> tuple[gazetteer.Place, ...]:
    return gazetteer.places()
