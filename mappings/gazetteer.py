"""Where the German postal codes are: a table derived from GeoNames (https://www.geonames.org/postal-codes/, CC BY 4.0).

`gazetteer.csv` has one line a postal code: the town, the district (5 digits of the AGS) and the mean of the points that
GeoNames knows of it, those far from the rest left out. A postal code that belongs to one large recipient, such as a
hospital, bears the name of the town around it; `recipient-postal-codes.csv` lists those. `place-names.csv` has the
other towns and villages of postal codes that several share, with their own points. `districts.csv` names the districts.
"""

import csv
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from math import asin, cos, degrees, inf, pi, radians, sin, sqrt
from types import MappingProxyType

from mappings.vacancy import Position

__all__ = [
    "EARTH_KM",
    "Place",
    "cities",
    "districts",
    "kilometres",
    "names",
    "nearest",
    "place",
    "places",
    "point",
    "recipients",
]

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


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


@lru_cache(maxsize=4096)
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


@cache
def cities() -> frozenset[str]:
    """The AGS of the districts that are one town each (kreisfreie Städte)."""
    return frozenset(line[0] for line in _lines("districts.csv") if line[2] == "city")


def names() -> Iterator[Place]:
    """Every town and village that a postal code is known to have; towns of several come once for each."""
    yield from places()
    for postal_code, *row in _lines("place-names.csv"):
        yield _place(postal_code, row)


@cache
def recipients() -> frozenset[str]:
    """The postal codes that belong to one large recipient each: nobody lives there."""
    return frozenset(line[0] for line in _lines("recipient-postal-codes.csv"))


def nearest(latitude: float, longitude: float) -> Place:
    """The postal code whose middle is nearest to a point in WGS 84, on the sphere; no single recipient's.

    Of several with one middle the least.
    """
    latitudes, inhabited = _by_latitude()
    north = bisect_left(latitudes, latitude)
    south = north - 1
    best, found, widest = inf, inhabited[0], 360.0
    cosine = max(cos(radians(latitude)), 0.0) * cos(radians(max(map(abs, (latitudes[0], latitudes[-1])))))
    while True:
        # Outwards from the point's latitude, until the next are farther than the best by latitude alone.
        down = latitude - latitudes[south] if south >= 0 else inf
        up = latitudes[north] - latitude if north < len(latitudes) else inf
        if (step := min(down, up)) == inf or EARTH_KM * radians(step) > best:
            return _place(found[0], _rows()[found[0]])
        if down <= up:
            other, south = inhabited[south], south - 1
        else:
            other, north = inhabited[north], north + 1
        east = abs(other[2] - longitude)
        if min(east, 360 - east) > widest:
            continue
        away = kilometres(latitude, longitude, other[1], other[2])
        if (away, other[0]) < (best, found[0]):
            best, found = away, other
            # What is as near lies within so many degrees of longitude (haversine, at the highest latitude there is).
            chord = sin(min(best / EARTH_KM, pi) / 2) / sqrt(cosine) if cosine else 1.0
            widest = degrees(2 * asin(chord)) * 1.000001 + 1e-9 if chord < 1 else 360.0


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """The great-circle distance (haversine) between two points in WGS 84."""
    here, there = radians(latitude), radians(other_latitude)
    half = sin((there - here) / 2) ** 2
    half += cos(here) * cos(there) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


@cache
def _by_latitude() -> tuple[tuple[float, ...], tuple[tuple[str, float, float], ...]]:
    inhabited = sorted(
        ((code, float(row[2]), float(row[3])) for code, row in _rows().items() if code not in recipients()),
        key=lambda one: (one[1], one[0]),
    )
    return tuple(one[1] for one in inhabited), tuple(inhabited)


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
