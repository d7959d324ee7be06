"""Where the German postal codes are: a table derived from GeoNames (https://www.geonames.org/postal-codes/, CC BY 4.0).

`gazetteer.csv` has one line a postal code: the town, the district (5 digits of the AGS) and the mean of the points that
GeoNames knows of it, those far from the rest left out. A postal code that belongs to one large recipient, such as a
hospital, bears the name of the town around it. `districts.csv` names the districts.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

from mappings.vacancy import Position

__all__ = ["Place", "districts", "place", "places", "point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A postal code: the town, the district (empty where GeoNames names none) and its middle in WGS 84."""

    postal_code: str
    name: str
    district_ags: str
    latitude: float
    longitude: float


def point(postal_code: str) -> Position | None:
    """The middle of a postal code of five digits; None where it does not exist."""
    found = place(postal_code)
    return None if found is None else Position(latitude=found.latitude, longitude=found.longitude)


def place(postal_code: str) -> Place | None:
    """The town and district of a postal code of five digits; None where it does not exist."""
    row = _rows().get(postal_code)
    return None if row is None else _place(postal_code, row)


def places() -> tuple[Place, ...]:
    """All postal codes in their order."""
    return tuple(_place(postal_code, row) for postal_code, row in _rows().items())


@cache
def districts() -> Mapping[str, str]:
    """The names of all districts (Landkreise and kreisfreie Städte) by the 5 digits of their AGS."""
    return MappingProxyType({line[0]: line[1] for line in _lines("districts.csv")})


def _place(postal_code: str, row: list[str]) -> Place:
    name, district_ags, latitude, longitude = row
    return Place(
        postal_code=postal_code,
        name=name,
        district_ags=district_ags,
        latitude=float(latitude),
        longitude=float(longitude),
    )


@cache
def _rows() -> Mapping[str, list[str]]:
    # As text: 10,814 places are built where all are asked for, which the hub never does.
    return {postal_code: row for postal_code, *row in _lines("gazetteer.csv")}


def _lines(name: str) -> Iterator[list[str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = csv.reader(text.splitlines())
    next(lines)
    yield from lines
