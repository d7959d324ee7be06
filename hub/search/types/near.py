"""Near search: `latitude|longitude|distance|unit` (https://hl7.org/fhir/R4/location.html#positional)."""

import math
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column

from hub.search.types.term import Bind, Term
from hub.store.tables import Projection

__all__ = ["EARTH_KM", "MAX_KM", "TABLE", "box", "distance_km", "parse", "parse_circle", "rows", "where"]

TABLE = "position"

EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""
MAX_KM = 1000.0
"""Germany is 876 km long."""
_DEFAULT_KM = 50.0
_KM = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "[mi_us]": 1.609347, "": 1.0}


def rows(value: Any) -> Iterator[tuple[float, float]]:
    """(latitude, longitude) of a Location.position."""
    if isinstance(value, dict):
        yield float(value["latitude"]), float(value["longitude"])


def parse_circle(text: str) -> tuple[float, float, float]:
    """Latitude, longitude and radius in km; ValueError for anything else."""
    parts = text.split("|")
    if not 2 <= len(parts) <= 4:
        raise ValueError(text)
    latitude, longitude = float(parts[0]), float(parts[1])
    distance = float(parts[2]) if len(parts) > 2 and parts[2] else _DEFAULT_KM
    unit = parts[3] if len(parts) > 3 else ""
    kilometres = distance * _KM.get(unit, math.nan)
    # Written so that NaN fails too.
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 <= kilometres <= MAX_KM):
        raise ValueError(text)
    return latitude, longitude, kilometres


def parse(text: str) -> Term:
    """The term of a circle; ValueError for what is none."""
    latitude, longitude, kilometres = parse_circle(text)
    return Term("circle", {**box(latitude, longitude, kilometres), "km": kilometres})


def box(latitude: float, longitude: float, kilometres: float) -> dict[str, float]:
    """The binds of a circle: its centre and the rectangle around it, which an index can answer."""
    angle = math.degrees(kilometres / EARTH_KM)
    # Slightly wider than the circle, so that rounding cuts nothing off its rim.
    north_south = angle * 1.000001 + 1e-9
    cosine = math.cos(math.radians(min(abs(latitude) + north_south, 89.9)))
    east_west = north_south / cosine
    return {
        "latitude": latitude,
        "longitude": longitude,
        "cosine": math.cos(math.radians(latitude)),
        "south": latitude - north_south,
        "north": latitude + north_south,
        "west": longitude - east_west,
        "east": longitude + east_west,
    }


def where(tables: Projection, shape: str, bind: Bind) -> ColumnElement[bool]:  # noqa: ARG001 - one shape
    """The condition on the position table."""
    latitude, longitude = tables.position.c.latitude, tables.position.c.longitude
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
