"""WGS 84 to UTM, the way back of `mappings.crs`, so that a demo county register can write coordinates as counties do.

Krüger's series to the third order of n, good to a centimetre: https://en.wikipedia.org/wiki/Universal_Transverse_Mercator_coordinate_system.
"""

import math

from mappings.vacancy import Position

__all__ = ["utm"]

_SEMI_MAJOR_AXIS = 6_378_137.0  # GRS 80
_FLATTENING = 1 / 298.257222101
_SCALE = 0.9996
_FALSE_EASTING = 500_000.0

_N = _FLATTENING / (2 - _FLATTENING)
_RECTIFYING_RADIUS = _SEMI_MAJOR_AXIS / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16,
    13 * _N**2 / 48 - 3 * _N**3 / 5,
    61 * _N**3 / 240,
)
_ECCENTRICITY = 2 * math.sqrt(_N) / (1 + _N)


def utm(zone: int, position: Position) -> tuple[float, float]:
    """Easting and northing in metres, in a zone of the northern hemisphere."""
    latitude = math.radians(position.latitude)
    longitude = math.radians(position.longitude - (6 * zone - 183))
    sine = math.sin(latitude)
    conformal = math.sinh(math.atanh(sine) - _ECCENTRICITY * math.atanh(_ECCENTRICITY * sine))
    xi = math.atan2(conformal, math.cos(longitude))
    eta = math.atanh(math.sin(longitude) / math.hypot(1, conformal))
    northing, easting = xi, eta
    for order, alpha in enumerate(_ALPHA, start=1):
        northing += alpha * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
        easting += alpha * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
    radius = _SCALE * _RECTIFYING_RADIUS
    return _FALSE_EASTING + radius * easting, radius * northing
