"""Where a search starts: exactly one place, or an error that says what to ask instead and repeats nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import gazetteer, place_names
from mappings.errors import Issue, Rejected
from mappings.search_place import SearchPlace, Way, resolve


def refused(**asked: object) -> Issue:
    with pytest.raises(Rejected) as error:
        resolve(**asked)  # type: ignore[arg-type]
    (issue,) = error.value.issues
    return issue


def test_a_postal_code_is_its_middle() -> None:
    place = resolve(postal_code="49661")
    assert place == SearchPlace(latitude=52.8475, longitude=8.045, postal_codes=("49661",), name="Cloppenburg")


def test_a_town_has_all_its_postal_codes() -> None:
    place = resolve(city="Osnabruck")
    assert place.name == "Osnabrück"
    assert {"49074", "49090"} <= set(place.postal_codes)
    assert (place.ags, place.box) == ("", None)


def test_a_town_within_a_district() -> None:
    assert resolve(city="Friedeburg", district="LK Wittmund").postal_codes == ("26446",)


def test_a_district_is_searched_as_such() -> None:
    place = resolve(district="Landkreis Cloppenburg")
    assert (place.ags, place.name) == ("03453", "Landkreis Cloppenburg")
    assert place.box is not None
    for one in gazetteer.places():
        if one.district_ags == "03453":
            assert place.box.south <= one.latitude <= place.box.north
            assert place.box.west <= one.longitude <= place.box.east


def test_a_point_knows_the_postal_code_around_it() -> None:
    place = resolve(near=(52.85, 8.05))
    assert (place.latitude, place.longitude) == (52.85, 8.05)
    assert place.postal_codes == ("49661",)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"city": " "},
        {"city": "Vechta", "postal_code": "49377"},
        {"city": "Vechta", "near": (0.0, 0.0)},
        {"district": "Vechta", "near": (0.0, 0.0)},
        {"district": "Vechta", "postal_code": "49377"},
    ],
)
def test_exactly_one_place_is_asked_for(asked: dict[str, object]) -> None:
    issue = refused(**asked)
    assert issue.code == "place-missing"
    assert "genau ein Ort" in issue.text_de
    assert "exactly one place" in issue.text_en


def test_several_towns_are_named_with_what_to_ask() -> None:
    issue = refused(city="Neustadt")
    assert (issue.place, issue.code) == ("city", "place-ambiguous")
    asked = re.findall(r"city=([^&;]+)&district=(\d{5})", issue.text_de)
    assert len(asked) == 10
    assert asked == re.findall(r"city=([^&;]+)&district=(\d{5})", issue.text_en)
    for city, district in asked:
        assert resolve(city=city, district=district).name == city
    assert re.search(r"; \d+ weitere, mit ihrem Kreis$", issue.text_de)
    assert re.search(r"; \d+ more, by their district$", issue.text_en)


def test_namesakes_in_one_district_are_told_apart_by_postal_code() -> None:
    issue = refused(city="Neuenkirchen", district="13075")
    codes = re.findall(r"postal-code=(\d{5})", issue.text_de)
    assert len(codes) == 2
    assert {resolve(postal_code=code).name for code in codes} == {"Neuenkirchen"}


def test_town_and_landkreis_of_one_name_are_offered() -> None:
    issue = refused(district="Oldenburg")
    assert (issue.place, issue.code) == ("district", "place-ambiguous")
    assert "Kreisfreie Stadt Oldenburg: district=03403; Landkreis Oldenburg: district=03458" in issue.text_de


def test_a_town_elsewhere_is_told() -> None:
    issue = refused(city="Cloppenburg", district="Stuttgart")
    assert issue.text_de.startswith("in diesem Kreis liegt der Ort nicht")
    assert "city=Cloppenburg&district=03453" in issue.text_en


def test_who_asks_otherwise_is_told_so() -> None:
    way = Way(town='--near "{name}, {ags}"', district='--near "{name}"', postal_code="--near {code}")
    with pytest.raises(Rejected) as error:
        resolve(district="Oldenburg", way=way)
    assert '--near "Landkreis Oldenburg"' in error.value.issues[0].text_de


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"postal_code": "00000"}, "postal-code"),
        ({"postal_code": "Frau Xyzzy"}, "postal-code"),
        ({"city": "Frau Xyzzy"}, "city"),
        ({"city": "Vechta", "district": "Frau Xyzzy"}, "district"),
        ({"district": "Frau Xyzzy"}, "district"),
    ],
)
def test_what_is_unknown_is_not_repeated(asked: dict[str, str], place: str) -> None:
    issue = refused(**asked)
    assert (issue.place, issue.code) == (place, "place-unknown")
    assert "Xyzzy" not in issue.text_de + issue.text_en
    assert "erwartet" in issue.text_de
    assert "expected" in issue.text_en


NAMES = {town.name for town in place_names.towns()} | set(gazetteer.districts().values())


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_any_text_is_a_place_or_refused(postal_code: str, city: str, district: str) -> None:
    try:
        assert resolve(postal_code=postal_code, city=city, district=district).name in NAMES
    except Rejected as error:
        assert [issue.code.split("-")[0] for issue in error.issues] == ["place"]
