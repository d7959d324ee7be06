"""Near search: `latitude|longitude|distance|unit` (https://hl7.org/fhir/R4/location.html#positional)."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column

from hub.search.types.term import Asked, Bind, Columns, Extra, Parsed, Row, Term, unescape
from mappings.gazetteer import EARTH_KM

__all__ = [
    "MAX_KM",
    "MODIFIERS",
    "SORTED_BY",
    "TABLE",
    "box",
    "distance_km",
    "extras",
    "parse",
    "parse_circle",
    "rows",
    "where",
]

TABLE = "position"
SORTED_BY = "distance"
MODIFIERS = ()

MAX_KM = 1000.0
"""Germany is 876 km long."""
_DEFAULT_KM = 50.0
_KM = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "[mi_us]": 1.609347, "": 1.0}


def rows(kind: str, value: Any) -> Iterator[Row]:  # noqa: ARG001 - a position is of one type
    """(latitude, longitude) of a Location.position."""
    if isinstance(value, dict) and "latitude" in value and "longitude" in value:
        yield float(value["latitude"]), float(value["longitude"])


def extras(kind: str, value: Any) -> Iterator[Extra]:  # noqa: ARG001 - positions have none
    """Nothing."""
    return iter(())


def parse_circle(text: str) -> tuple[float, float, float]:
    """Latitude, longitude and radius in km; ValueError for anything else."""
    parts = text.split("|")
    if not 2 <= len(parts) <= 4 or "_" in text or not text.isascii():
        raise ValueError(text)
    latitude, longitude = float(parts[0]), float(parts[1])
    distance = float(parts[2]) if len(parts) > 2 and parts[2] else _DEFAULT_KM
    unit = parts[3] if len(parts) > 3 else ""
    kilometres = distance * _KM.get(unit, math.nan)
    # Written so that NaN fails too.
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 <= kilometres <= MAX_KM):
        raise ValueError(text)
    return latitude, longitude, kilometres


def parse(texts: Sequence[str], asked: Asked) -> Parsed:  # noqa: ARG001 - no modifier changes it
    """The terms of circles; ValueError for what is none."""
    return Parsed(table=TABLE, terms=tuple(_term(*parse_circle(unescape(text))) for text in texts))


def _term(latitude: float, longitude: float, kilometres: float) -> Term:
    return Term("circle", {**box(latitude, longitude, kilometres), "km": kilometres})


def box(latitude: float, longitude: float, kilometres: float) -> dict[str, float]:
    """The binds of a circle: its centre and the rectangle around it, which an index can answer."""
    angle = math.degrees(kilometres / EARTH_KM)
    # Slightly wider than the circle, so that rounding cuts nothing off its rim.
    north_south = angle * 1.000001 + 1e-9
    cosine = math.cos(math.radians(min(abs(latitude) + north_south, 89.9)))
    east_west, middle = north_south / cosine, longitude
    if abs(latitude) + north_south > 89.9 or abs(longitude) + east_west > 180:
        # Around a pole, or across the line where days begin: every longitude, the distance decides.
        east_west, middle = 180.0, 0.0
    return {
        "latitude": latitude,
        "longitude": longitude,
        "cosine": math.cos(math.radians(latitude)),
        "south": latitude - north_south,
        "north": latitude + north_south,
        "west": middle - east_west,
        "east": middle + east_west,
    }


def where(columns: Columns, shape: str, bind: Bind) -> ColumnElement[bool]:  # noqa: ARG001 - one shape
    """The condition on the columns of the position table."""
    latitude, longitude = columns["latitude"], columns["longitude"]
    return and_(
        latitude.between(bind("south"), bind("north")),
        longitude.between(bind("west"), bind("east")),
        distance_km(latitude, longitude, bind) <= bind("km"),
    )


def distance_km(latitude: ColumnElement[float], longitude: ColumnElement[float], bind: Bind) -> ColumnElement[float]:
    """The great-circle distance (haversine) between columns and the circle's centre, as SQL."""
    half: ColumnElement[float] = literal_column("0.5")
    d_latitude = func.sin(func.radians(latitude - bind("latitude")) * half)
    d_longitude = func.sin(func.radians(longitude - bind("longitude")) * half)
    chord = d_latitude * d_latitude + bind("cosine") * func.cos(func.radians(latitude)) * d_longitude * d_longitude
    return literal_column(f"{2 * EARTH_KM!r}") * func.asin(func.sqrt(chord))
