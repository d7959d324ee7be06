"""UTM coordinates against PROJ 9.5.1, and against a forward projection written for this test."""

from math import asinh, atan, atanh, cos, cosh, hypot, inf, isclose, nan, radians, sin, sinh, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.crs import SYSTEMS, to_wgs84

# Made with PROJ 9.5.1 (pyproj 3.7.2), EPSG:258xx to EPSG:4258: easting, northing, latitude, longitude.
CONTROL_POINTS = [
    ("EPSG:25831", 500000, 5700000, 51.45118220678, 3.00000000000),
    ("EPSG:25831", 780000, 5650000, 50.93353548630, 6.98530184144),
    ("EPSG:25831", 300000, 5300000, 47.82223562110, 0.32794522178),
    ("EPSG:25832", 424000, 5855000, 52.83938430809, 7.87170011905),
    ("EPSG:25832", 435347.21, 5791234.56, 52.26768681016, 8.05256108612),
    ("EPSG:25832", 500000, 5300000.5, 47.85334644542, 9.00000000000),
    ("EPSG:25832", 691607.86, 5334760.4, 48.13722210739, 11.57555599872),
    ("EPSG:25832", 920000, 5680000, 51.11708076241, 15.00294763742),
    ("EPSG:25832", 280000, 5640000, 50.86975434589, 5.87316940284),
    ("EPSG:25833", 391779.26, 5820072.12, 52.51999964889, 13.40500002375),
    ("EPSG:25833", 500000, 6050000, 54.59747198991, 15.00000000000),
    ("EPSG:25833", -100000, 5900000, 52.91269865973, 6.06751789596),
]

MILLIMETRE = 0.001 / 111_320  # In degrees of latitude; less in degrees of longitude, so the stricter of the two.


@pytest.mark.parametrize(("crs", "easting", "northing", "latitude", "longitude"), CONTROL_POINTS)
def test_control_points_agree_with_proj_to_a_millimetre(
    crs: str, easting: float, northing: float, latitude: float, longitude: float
) -> None:
    position = to_wgs84(crs, easting, northing)
    assert abs(position.latitude - latitude) < MILLIMETRE
    assert abs(position.longitude - longitude) < MILLIMETRE


@given(
    zone=st.sampled_from((31, 32, 33)),
    latitude=st.floats(min_value=47, max_value=56),
    offset=st.floats(min_value=-10, max_value=10),
)
def test_inverse_undoes_the_forward_projection(zone: int, latitude: float, offset: float) -> None:
    longitude = zone * 6 - 183 + offset
    easting, northing = _forward(latitude, offset)
    position = to_wgs84(f"EPSG:258{zone}", easting, northing)
    assert abs(position.latitude - latitude) < MILLIMETRE
    assert abs(position.longitude - longitude) < MILLIMETRE


def test_forward_projection_of_this_test_meets_the_control_points() -> None:
    for crs, easting, northing, latitude, longitude in CONTROL_POINTS:
        x, y = _forward(latitude, longitude - (int(crs[-2:]) * 6 - 183))
        assert isclose(x, easting, abs_tol=0.002)
        assert isclose(y, northing, abs_tol=0.002)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4258"])
def test_geographic_coordinates_stay_as_they_are(crs: str) -> None:
    position = to_wgs84(crs, 8.045, 52.8475)
    assert (position.latitude, position.longitude) == (52.8475, 8.045)


@pytest.mark.parametrize("crs", ["EPSG:31467", "25832", "", "epsg:25832"])
def test_unknown_system_is_a_key_error(crs: str) -> None:
    with pytest.raises(KeyError):
        to_wgs84(crs, 500000, 5700000)


@pytest.mark.parametrize("crs", SYSTEMS)
@pytest.mark.parametrize(("x", "y"), [(nan, 1.0), (1.0, nan), (inf, 1.0), (1.0, inf), (1e300, 5e6), (5e6, 1e300)])
def test_coordinates_of_no_place_are_a_value_error(crs: str, x: float, y: float) -> None:
    with pytest.raises(ValueError, match="not a"):
        to_wgs84(crs, x, y)


@pytest.mark.parametrize(("x", "y"), [(5855000, 424000), (32424000, 5855000), (424000, -5855000)])
def test_swapped_or_prefixed_easting_is_a_value_error(x: float, y: float) -> None:
    with pytest.raises(ValueError, match="easting"):
        to_wgs84("EPSG:25832", x, y)


def _forward(latitude: float, offset: float) -> tuple[float, float]:
    """UTM of a point `offset` degrees east of the central meridian, by Krüger's forward series."""
    flattening = 1 / 298.257222101
    n = flattening / (2 - flattening)
    e = sqrt(flattening * (2 - flattening))
    radius = 0.9996 * 6378137.0 / (1 + n) * (1 + n**2 / 4 + n**4 / 64 + n**6 / 256)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180 - 127 * n**5 / 288 + 7891 * n**6 / 37800,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440 + 281 * n**5 / 630 - 1983433 * n**6 / 1935360,
        61 * n**3 / 240 - 103 * n**4 / 140 + 15061 * n**5 / 26880 + 167603 * n**6 / 181440,
        49561 * n**4 / 161280 - 179 * n**5 / 168 + 6601661 * n**6 / 7257600,
        34729 * n**5 / 80640 - 3418889 * n**6 / 1995840,
        212378941 * n**6 / 319334400,
    )
    sine = sin(radians(latitude))
    t = sinh(atanh(sine) - e * atanh(e * sine))
    xi = atan(t / cos(radians(offset)))
    eta = asinh(sin(radians(offset)) / hypot(t, cos(radians(offset))))
    x = eta + sum(a * cos(2 * j * xi) * sinh(2 * j * eta) for j, a in enumerate(alpha, start=1))
    y = xi + sum(a * sin(2 * j * xi) * cosh(2 * j * eta) for j, a in enumerate(alpha, start=1))
    return 500_000 + radius * x, radius * y
