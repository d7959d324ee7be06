"""The wards of a source map: what they must say, and which one a message means."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from mappings.errors import Rejected
from mappings.vacancy import Address, Contact, Operator, Position
from mappings.wards import Ward, WardIndex, parse_examples, parse_wards

KIS_ADT = Path(__file__).parents[2] / "mappings" / "sources" / "kis-adt.yaml"


def entry(**changes: Any) -> dict[str, Any]:
    facility = {"key": "heidesee", "name": "Klinikum am Heidesee"}
    whole = {"hospital": "KH", "ward": "KZP1", "care_form": "uebergangspflege", "beds": ["1/1"], "facility": facility}
    return {key: value for key, value in (whole | changes).items() if value is not ...}


def places(*nodes: Any) -> list[str]:
    with pytest.raises(Rejected) as caught:
        parse_wards(list(nodes))
    return [issue.place for issue in caught.value.issues]


def ward(hospital: str, name: str, beds: tuple[str, ...] = ("1/1",)) -> Ward:
    (parsed,) = parse_wards([entry(hospital=hospital, ward=name, beds=list(beds))])
    return parsed


def test_a_ward_is_all_that_its_entry_says() -> None:
    facility = {
        "key": "heidesee",
        "name": "Klinikum am Heidesee",
        "operator": "Heidesee  Kliniken",
        "iks": ["260399999"],
        "postal_code": "01067",
        "city": "Dresden",
        "latitude": 51.05,
        "longitude": 13,
        "phone": "0351 555-0",
    }
    (found,) = parse_wards(
        [entry(name="Station", needs=["dialyse"], care_grades=[2, 5], zone="Europe/Lisbon", facility=facility)]
    )
    assert (found.key, found.offer_name, found.care_form) == ("KH/KZP1", "Station", "uebergangspflege")
    assert (found.needs, found.care_grades, found.zone) == (("dialyse",), (2, 5), ZoneInfo("Europe/Lisbon"))
    assert found.facility.operator == Operator(key="heidesee kliniken", name="Heidesee  Kliniken")
    assert found.facility.iks == ("260399999",)
    assert found.facility.address == Address(postal_code="01067", city="Dresden")
    assert found.facility.position == Position(51.05, 13.0)
    assert found.facility.contacts == (Contact(system="phone", value="0351 555-0"),)


def test_a_ward_without_a_zone_is_in_germany() -> None:
    assert ward("KH", "A").zone == ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"ward": ...}, "ward"),
        ({"ward": 7}, "ward"),
        ({"ward": "?"}, "ward"),
        ({"beds": []}, "beds"),
        ({"beds": [101]}, "beds"),
        ({"beds": ["1/1", "?"]}, "beds"),
        ({"beds": ["1/1", "1/1 "]}, "beds"),
        ({"care_form": "pflege"}, "care_form"),
        ({"needs": ["dialysis"]}, "needs"),
        ({"care_grades": [0]}, "care_grades"),
        ({"care_grades": [True]}, "care_grades"),
        ({"zone": "Europe/Nirgendwo"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"bed": ["1"]}, "bed"),
        ({"facility": ...}, "facility"),
        ({"facility": {"key": "x"}}, "facility.name"),
        ({"facility": {"key": "x", "name": "y", "latitude": 91, "longitude": 8}}, "facility.latitude"),
        ({"facility": {"key": "x", "name": "y", "longitude": 8}}, "facility.latitude"),
        ({"facility": {"key": "x", "name": "y", "plz": "49661"}}, "facility.plz"),
    ],
)
def test_what_is_wrong_with_a_ward_is_named_by_its_place(changes: dict[str, Any], place: str) -> None:
    assert f"wards[1].{place}" in places(entry(ward="A"), entry(**changes))


def test_all_wrong_places_are_named_at_once() -> None:
    assert places(entry(ward=""), "KZP1", entry(beds=[])) == ["wards[0].ward", "wards[1]", "wards[2].beds"]


def test_a_ward_declared_twice_is_wrong() -> None:
    assert places(entry(), entry(ward="kzp1")) == ["wards[1].ward"]


@pytest.mark.parametrize("node", [None, [], {}, "KZP1"])
def test_wards_are_a_list_with_entries(node: Any) -> None:
    with pytest.raises(Rejected, match="wards: a list"):
        parse_wards(node)


def test_a_ward_of_the_hospital_goes_before_one_of_any() -> None:
    wards = (ward("", "A"), ward("KH", "A"))
    assert WardIndex(wards).located("kh", "a") is wards[1]
    assert WardIndex(wards).located("Anderswo", "A") is wards[0]
    assert WardIndex(wards).located("KH", "B") is None


def test_only_hospitals_that_are_named_are_known() -> None:
    index = WardIndex((ward("", "A"), ward("KH", "A")))
    assert [index.knows(name) for name in ("kh", "Anderswo", "")] == [True, False, False]


def test_beds_are_found_by_room_and_bed_or_by_bed_alone() -> None:
    assert ward("KH", "A", ("101/1", "102/1")).bed("102", "1") == "102/1"
    assert ward("KH", "A", ("101/1",)).bed("", "1") is None
    assert ward("KH", "A", ("B 7",)).bed("101", "b  7") == "B 7"


def test_the_shipped_map_declares_two_wards_and_carries_examples() -> None:
    node = yaml.safe_load(KIS_ADT.read_bytes())
    assert [each.care_form for each in parse_wards(node["wards"])] == ["uebergangspflege", "kurzzeitpflege-solitaer"]
    assert all(example.messages and example.offers for example in parse_examples(node["examples"]))


def test_an_example_without_messages_is_named_by_its_place() -> None:
    with pytest.raises(Rejected, match=r"examples\[0\]\.messages"):
        parse_examples([{"description": "nothing sent", "offers": [{"state": "unknown"}]}])
