"""The table of postal codes: whole, plausible, and true to its source."""

import csv
from math import cos, hypot, radians
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import gazetteer
from mappings.vacancy import Position

SOURCE = Path(__file__).parents[2] / "../shared/data/gazetteer/plz-de.csv"


def test_known_postal_code_has_a_place() -> None:
    assert gazetteer.place("49661") == gazetteer.Place(
        postal_code="49661", name="Cloppenburg", district_ags="03453", latitude=52.8475, longitude=8.045
    )
    assert gazetteer.point("49661") == Position(latitude=52.8475, longitude=8.045)


@pytest.mark.parametrize("postal_code", ["00000", "4966", "496610", "", "Cloppenburg", " 49661"])
def test_unknown_postal_code_has_none(postal_code: str) -> None:
    assert gazetteer.place(postal_code) is None
    assert gazetteer.point(postal_code) is None


def test_leading_zero_is_kept() -> None:
    place = gazetteer.place("01067")
    assert place is not None
    assert place.name == "Dresden"


def test_every_place_lies_in_germany() -> None:
    # Jungholz, 87491, is a part of Austria with a German postal code and no German district.
    for place in gazetteer.places():
        assert len(place.postal_code) == 5
        assert place.postal_code.isdigit()
        assert 47.2 < place.latitude < 55.1
        assert 5.8 < place.longitude < 15.1
        assert place.district_ags in gazetteer.districts() or place.postal_code == "87491"


def test_weser_ems_has_its_seventeen_districts() -> None:
    assert len([ags for ags in gazetteer.districts() if ags.startswith("034")]) == 17


def test_postal_codes_of_large_recipients_bear_the_name_of_their_town() -> None:
    assert {place.name for place in gazetteer.places() if place.postal_code in ("90744", "42895")} == {
        "Fürth",
        "Remscheid",
    }
    words = (
        "GmbH",
        " AG",
        " KG",
        "e.V",
        "Finanzamt",
        "Sparkasse",
        "Klinik",
        "Agentur",
        "Amtsgericht",
        "verwaltung",
        "Ã",
    )
    assert [place for place in gazetteer.places() if any(word in place.name for word in words)] == []


def test_towns_that_share_a_postal_code_are_named_too() -> None:
    names = {place.name for place in gazetteer.names()}
    assert {"Bad Hersfeld", "Wittlich", "Esens", "Naumburg", "Heinsberg", "Cloppenburg"} <= names
    for place in gazetteer.names():
        assert gazetteer.place(place.postal_code) is not None
        assert place.district_ags in gazetteer.districts() or place.postal_code == "87491"


def test_single_recipients_are_known_as_such() -> None:
    assert {"90744", "42895"} <= gazetteer.recipients()
    assert not {"49661", "26121", "26427"} & gazetteer.recipients()
    assert all(gazetteer.place(postal_code) for postal_code in gazetteer.recipients())


def test_germany_has_its_towns_that_are_districts() -> None:
    assert len(gazetteer.cities()) == 106
    assert {"03403", "11000", "08111"} <= gazetteer.cities() <= gazetteer.districts().keys()
    assert "03453" not in gazetteer.cities()


@given(
    st.one_of(
        st.tuples(st.floats(47.2, 55.1), st.floats(5.8, 15.1)),
        st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
        st.sampled_from([(place.latitude, place.longitude) for place in gazetteer.places()]),
    )
)
@settings(max_examples=60)
def test_the_nearest_postal_code_is_the_nearest_of_all(point: tuple[float, float]) -> None:
    inhabited = [place for place in gazetteer.places() if place.postal_code not in gazetteer.recipients()]
    assert gazetteer.nearest(*point) == min(
        inhabited,
        key=lambda place: (gazetteer.kilometres(*point, place.latitude, place.longitude), place.postal_code),
    )


@pytest.mark.skipif(not SOURCE.exists(), reason="the source of the table is not on this machine")
def test_table_has_every_postal_code_of_its_source_near_one_of_its_points() -> None:
    points: dict[str, list[tuple[float, float]]] = {}
    with SOURCE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            points.setdefault(row["plz"], []).append((float(row["latitude"]), float(row["longitude"])))
    places = {place.postal_code: place for place in gazetteer.places()}
    assert places.keys() == points.keys()
    for postal_code, place in places.items():
        nearest = min(
            hypot(latitude - place.latitude, (longitude - place.longitude) * cos(radians(latitude))) * 111.2
            for latitude, longitude in points[postal_code]
        )
        assert nearest < 15, place
