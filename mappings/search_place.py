"""Where a search starts: a postal code, a town, a district or a point, as people write them.

What cannot be found is told in German and English, with what to ask instead. A town or district is named there only as
the gazetteer writes it: what was asked is never repeated, for it may be anything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from mappings import gazetteer, place_names
from mappings.errors import Issue, Rejected
from mappings.place_names import Ambiguous, Box, Town

__all__ = ["PARAMETERS", "SearchPlace", "Way", "resolve"]

_CANDIDATES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlace:
    """The middle of a search in WGS 84, what lies in it, and its name as the gazetteer writes it."""

    latitude: float
    longitude: float
    postal_codes: tuple[str, ...]
    """Those of the town or district; of a point and a postal code one."""
    ags: str = ""
    """The 5 digits of a district that was asked for, to search just it; else empty."""
    box: Box | None = None
    """Of a district that was asked for: the least rectangle around the middles of its postal codes."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How who asked asks for one of several: texts with `{name}` and `{ags}`, or `{code}` for a postal code."""

    town: str
    district: str
    postal_code: str


PARAMETERS = Way(town="city={name}&district={ags}", district="district={ags}", postal_code="postal-code={code}")
"""As parameters of an operation."""


def resolve(
    *,
    postal_code: str = "",
    city: str = "",
    district: str = "",
    near: tuple[float, float] | None = None,
    way: Way = PARAMETERS,
) -> SearchPlace:
    """The place that one of a postal code, a town (within a district, if given), a district or a point means.

    `near` is latitude and longitude. Raises `Rejected` with one `Issue`, whose place is the parameter: `place-missing`
    where not exactly one is given, `place-unknown` and `place-ambiguous` where it means none or several. Any text is
    taken.
    """
    postal_code, city, district = postal_code.strip(), city.strip(), district.strip()
    asked = [name for name, value in (("postal-code", postal_code), ("city", city), ("near", near)) if value]
    if len(asked) > 1 or (asked and district and not city) or not (asked or district):
        _refuse(
            asked[0] if asked else "near",
            "place-missing",
            "erwartet wird genau ein Ort: Postleitzahl, Ort (auch mit Kreis), Kreis oder Koordinaten",
            "expected exactly one place: a postal code, a town (within a district, too), a district or coordinates",
            "required",
        )
    if near is not None:
        return _point(*near)
    if postal_code:
        return _postal_code(postal_code)
    return _town(city, district, way) if city else _district(district, way)


def _point(latitude: float, longitude: float) -> SearchPlace:
    nearest = gazetteer.nearest(latitude, longitude)
    return SearchPlace(latitude=latitude, longitude=longitude, postal_codes=(nearest.postal_code,), name=nearest.name)


def _postal_code(written: str) -> SearchPlace:
    place = gazetteer.place(written)
    if place is None:
        _refuse(
            "postal-code",
            "place-unknown",
            "diese Postleitzahl gibt es nicht; erwartet werden fünf Ziffern wie 49661",
            "there is no such postal code; expected five digits such as 49661",
        )
    return SearchPlace(
        latitude=place.latitude, longitude=place.longitude, postal_codes=(place.postal_code,), name=place.name
    )


def _town(written: str, district: str, way: Way) -> SearchPlace:
    if district and place_names.district(district) is None:
        _unknown_district()
    found = place_names.city(written, district=district)
    if found is None:
        _refuse(
            "city",
            "place-unknown",
            "diesen Ort kennen wir nicht; erwartet wird der Name einer Gemeinde wie „Cloppenburg“, ohne Straße; sonst "
            "die Postleitzahl",
            "we do not know this town; expected the name of a municipality such as “Cloppenburg”, without a street; "
            "else its postal code",
        )
    if isinstance(found, Ambiguous):
        _several(
            "city",
            [_asked_town(town, found.towns, way) for town in found.towns],
            "in diesem Kreis liegt der Ort nicht" if found.elsewhere else "mehrere Orte kommen in Frage",
            "the town is not in this district" if found.elsewhere else "several towns may be meant",
        )
    return SearchPlace(
        latitude=found.latitude, longitude=found.longitude, postal_codes=found.postal_codes, name=found.name
    )


def _district(written: str, way: Way) -> SearchPlace:
    found = place_names.district(written)
    if found is None:
        _unknown_district()
    if isinstance(found, Ambiguous):
        _several(
            "district",
            [(one.name, way.district.format(name=one.name, ags=one.ags)) for one in found.districts],
            "mehrere Kreise kommen in Frage",
            "several districts may be meant",
        )
    return SearchPlace(
        latitude=found.latitude,
        longitude=found.longitude,
        postal_codes=found.postal_codes,
        ags=found.ags,
        box=found.box,
        name=found.name,
    )


def _asked_town(town: Town, among: Sequence[Town], way: Way) -> tuple[str, str]:
    """A candidate by name and district, and the question that means it alone."""
    districts = gazetteer.districts()
    label = f"{town.name} ({districts.get(town.district_ags, town.postal_codes[0])})"
    alone = sum(one.district_ags == town.district_ags and one.name == town.name for one in among) == 1
    if not alone or not town.district_ags:
        return label, way.postal_code.format(code=town.postal_codes[0])
    return label, way.town.format(name=town.name, ags=town.district_ags)


def _several(place: str, candidates: Iterable[tuple[str, str]], text_de: str, text_en: str) -> NoReturn:
    told = [f"{label}: {question}" for label, question in candidates]
    listed, more = "; ".join(told[:_CANDIDATES]), len(told) - _CANDIDATES
    _refuse(
        place,
        "place-ambiguous",
        f"{text_de}; gemeint ist? {listed}" + (f"; {more} weitere, mit ihrem Kreis" if more > 0 else ""),
        f"{text_en}; which of? {listed}" + (f"; {more} more, by their district" if more > 0 else ""),
        "multiple-matches",
    )


def _unknown_district() -> NoReturn:
    _refuse(
        "district",
        "place-unknown",
        "diesen Kreis kennen wir nicht; erwartet wird ein Landkreis oder eine kreisfreie Stadt, mit Namen wie "
        "„Landkreis Cloppenburg“ oder mit AGS wie 03453",
        "we do not know this district; expected a Landkreis or a kreisfreie Stadt, by a name such as “Landkreis "
        "Cloppenburg” or an AGS such as 03453",
    )


def _refuse(place: str, code: str, text_de: str, text_en: str, fhir_code: str = "value") -> NoReturn:
    raise Rejected(Issue(code=code, place=place, text_de=text_de, text_en=text_en, fhir_code=fhir_code))
