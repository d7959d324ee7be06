"""Projected coordinates into WGS 84: the UTM zones of Germany, by Krüger's series to the sixth order in n
(Karney, Transverse Mercator with an accuracy of a few nanometers, https://doi.org/10.1007/s00190-011-0445-3).

ETRS89 counts as WGS 84: the two differ by less than a metre, a house number by more.
"""

from math import atan, atan2, atanh, cos, cosh, degrees, hypot, isfinite, sin, sinh, sqrt

from mappings.vacancy import Position

__all__ = ["SYSTEMS", "to_wgs84"]

_GEOGRAPHIC = ("EPSG:4258", "EPSG:4326")
_CENTRAL_MERIDIANS = {"EPSG:25831": 3.0, "EPSG:25832": 9.0, "EPSG:25833": 15.0}

SYSTEMS = (*_CENTRAL_MERIDIANS, *_GEOGRAPHIC)
"""The coordinate reference systems that `to_wgs84` knows."""

# GRS 80, and what UTM fixes.
_A = 6378137.0
_F = 1 / 298.257222101
_K0 = 0.9996
_FALSE_EASTING = 500_000.0
_REACH = 1_000_000.0  # Metres from the central meridian: past the next zone but one, where a typing error begins.
_POLE = 10_000_000.0

_N = _F / (2 - _F)
_E = sqrt(_F * (2 - _F))
_RECTIFYING_RADIUS = _A / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64 + _N**6 / 256)
_BETA = (
    _N / 2 - 2 / 3 * _N**2 + 37 / 96 * _N**3 - _N**4 / 360 - 81 / 512 * _N**5 + 96199 / 604800 * _N**6,
    _N**2 / 48 + _N**3 / 15 - 437 / 1440 * _N**4 + 46 / 105 * _N**5 - 1118711 / 3870720 * _N**6,
    17 / 480 * _N**3 - 37 / 840 * _N**4 - 209 / 4480 * _N**5 + 5569 / 90720 * _N**6,
    4397 / 161280 * _N**4 - 11 / 504 * _N**5 - 830251 / 7257600 * _N**6,
    4583 / 161280 * _N**5 - 108847 / 3991680 * _N**6,
    20648693 / 638668800 * _N**6,
)


def to_wgs84(crs: str, x: float, y: float) -> Position:
    """The point in WGS 84; x is the easting or longitude, y the northing or latitude, whatever order a format writes.

    KeyError for a system not in `SYSTEMS`, ValueError for a point where the system is not defined.
    """
    if crs in _GEOGRAPHIC:
        if not (abs(x) <= 180 and abs(y) <= 90):
            raise ValueError(f"not a longitude and latitude in degrees: {x}, {y}")
        return Position(latitude=y, longitude=x)
    meridian = _CENTRAL_MERIDIANS[crs]
    if not (isfinite(x) and abs(x - _FALSE_EASTING) <= _REACH and 0 <= y < _POLE):
        raise ValueError(f"not an easting and northing of {crs} in metres: {x}, {y}")
    xi = y / (_K0 * _RECTIFYING_RADIUS)
    eta = (x - _FALSE_EASTING) / (_K0 * _RECTIFYING_RADIUS)
    xi_sphere, eta_sphere = xi, eta
    for order, beta in enumerate(_BETA, start=1):
        xi_sphere -= beta * sin(2 * order * xi) * cosh(2 * order * eta)
        eta_sphere -= beta * cos(2 * order * xi) * sinh(2 * order * eta)
    conformal = sin(xi_sphere) / hypot(sinh(eta_sphere), cos(xi_sphere))
    return Position(
        latitude=degrees(atan(_tangent(conformal))),
        longitude=meridian + degrees(atan2(sinh(eta_sphere), cos(xi_sphere))),
    )


def _tangent(conformal: float) -> float:
    """The tangent of the latitude whose conformal latitude has this tangent, by Newton's method."""
    tau = conformal
    for _ in range(3):  # Two steps reach the limit of double precision, one is to spare.
        sigma = sinh(_E * atanh(_E * tau / hypot(1, tau)))
        reached = tau * hypot(1, sigma) - sigma * hypot(1, tau)
        slope = (1 - _E**2) * hypot(1, tau) * hypot(1, reached) / (1 + (1 - _E**2) * tau**2)
        tau += (conformal - reached) / slope
    return tau
