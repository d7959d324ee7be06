"""Evidences, their sum, and the verdict: pure, symmetrical, and each with its sentence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.likeness import Verdict, facts_of, likeness, match_keys, name_words, normal_address, normal_phone
from mappings.vacancy import Address, Contact, Facility, Position
from tests.labelled import labelled

HOME = Facility(
    key="1",
    name="Seniorenzentrum Lindenhof Cloppenburg",
    iks=("510322019",),
    address=Address(street="Lange Straße", house_number="3a", postal_code="49661", city="Cloppenburg"),
    position=Position(52.85, 8.05),
    contacts=(Contact(system="phone", value="04471 555-0"),),
)


def codes(one: Facility, other: Facility) -> set[str]:
    return {each.code for each in likeness(facts_of(one), facts_of(other)).evidences}


def verdict(one: Facility, other: Facility) -> Verdict:
    return likeness(facts_of(one), facts_of(other)).verdict


@pytest.mark.parametrize(
    ("street", "number"),
    [
        ("Lange Straße", "3a"),
        ("Lange Strasse", "3 A"),
        ("Lange Str.", "3a"),
        ("LANGE STRASSE", "03a"),
        ("Lange-Straße 3 a", ""),
        ("Langestr. 3a", ""),
        (" lange  str 3A ", ""),
    ],
)
def test_an_address_has_one_spelling(street: str, number: str) -> None:
    assert normal_address(Address(street=street, house_number=number, postal_code="49661")) == (
        "49661",
        "langestr",
        "3a",
    )


@pytest.mark.parametrize(
    ("street", "number", "expected"),
    [
        ("Straße des 17. Juni", "5", ("strdes17juni", "5")),
        ("Straße des 17. Juni 5", "", ("strdes17juni", "5")),
        ("Am Ring", "3-5", ("amring", "3-5")),
        ("Am Ring", "3 / 5", ("amring", "3-5")),
        ("Am Ring", "", ("amring", "")),
        ("", "3", ("", "3")),
    ],
)
def test_what_is_no_plain_address_stays_apart(street: str, number: str, expected: tuple[str, str]) -> None:
    assert normal_address(Address(street=street, house_number=number))[1:] == expected


@pytest.mark.parametrize("written", ["04471 555-0", "+49 4471 5550", "0049 (0)4471/5550", "+49(0)4471 555 0"])
def test_a_number_has_one_spelling(written: str) -> None:
    assert normal_phone(written) == "4944715550"


@pytest.mark.parametrize("written", ["", "5550", "555-0", "04", "0800 555 1000", "0180 5 5551000", "+49 800 5551000"])
def test_what_many_are_reached_by_is_nobodys_number(written: str) -> None:
    assert normal_phone(written) == ""


def test_a_name_is_what_others_are_not_called() -> None:
    assert name_words("Alten- und Pflegeheim Haus Lindenhof gGmbH", "Cloppenburg") == ("lindenhof",)
    assert name_words("Seniorenresidenz CLOPPENBURG", "Cloppenburg") == ()
    assert name_words("Lindenhof II", "") == ("2", "lindenhof")


def test_the_telematik_id_is_enough() -> None:
    one, other = replace(HOME, telematik_id="9-2.1"), Facility(key="x", name="Ganz anders", telematik_id="9-2.1 ")
    assert verdict(one, other) is Verdict.SAME


def test_two_telematik_ids_are_two_facilities() -> None:
    assert verdict(replace(HOME, telematik_id="9-2.1"), replace(HOME, telematik_id="9-2.2")) is Verdict.DIFFERENT


def test_ik_and_address_are_enough_the_ik_alone_is_not() -> None:
    assert verdict(HOME, replace(HOME, name="Lindenhof", contacts=(), position=None)) is Verdict.SAME
    elsewhere = replace(HOME, address=replace(HOME.address, street="Ostring"))
    assert verdict(HOME, elsewhere) is Verdict.PROPOSAL
    assert verdict(HOME, replace(elsewhere, name="Mühlenteich", contacts=(), position=None)) is Verdict.DIFFERENT


def test_a_field_that_had_to_be_filled_is_no_ik() -> None:
    for placeholder in ("000000000", "999999999", "123456789"):
        assert "ik-same" not in codes(replace(HOME, iks=(placeholder,)), replace(HOME, iks=(placeholder,)))


def test_two_homes_in_one_house_are_told_apart_by_name() -> None:
    north, south = replace(HOME, name="Lindenhof Haus Nord"), replace(HOME, name="Lindenhof Haus Süd")
    assert verdict(north, south) is Verdict.PROPOSAL
    assert "name-differs" in codes(north, south)


def test_a_home_and_its_service_in_one_house_are_a_persons_to_decide() -> None:
    service = replace(HOME, name="Pflegedienst Lindenhof")
    assert verdict(HOME, service) is Verdict.PROPOSAL
    assert "kind-differs" in codes(HOME, service)


def test_names_of_a_chain_in_two_towns_are_nothing() -> None:
    other = replace(HOME, iks=(), address=replace(HOME.address, postal_code="26122", street="Ring", city="Oldenburg"))
    assert verdict(replace(HOME, iks=()), other) is Verdict.DIFFERENT


def test_a_misspelt_name_is_similar_a_number_is_not() -> None:
    assert "name-alike" in codes(HOME, replace(HOME, name="Haus Lindenhoff"))
    assert "name-differs" in codes(replace(HOME, name="Lindenhof 1"), replace(HOME, name="Lindenhof 2"))


def test_nothing_said_is_no_evidence() -> None:
    blank = Facility(key="x", name="")
    assert likeness(facts_of(blank), facts_of(blank)).evidences == ()
    assert verdict(blank, blank) is Verdict.DIFFERENT
    assert match_keys(facts_of(blank)) == ()


PAIRS = st.tuples(*[st.sampled_from([one.facility for one in labelled(seed=11, size=60)])] * 2)


@given(PAIRS)
def test_who_is_named_first_does_not_matter(pair: tuple[Facility, Facility]) -> None:
    one, other = map(facts_of, pair)
    there, back = likeness(one, other), likeness(other, one)
    assert there == back
    assert there.score == sum(each.points for each in there.evidences)
    assert all(each.text_de and each.text_en for each in there.evidences)


@given(PAIRS)
def test_whoever_is_the_same_or_proposed_shares_a_key(pair: tuple[Facility, Facility]) -> None:
    one, other = map(facts_of, pair)
    if likeness(one, other).verdict is not Verdict.DIFFERENT:
        assert set(match_keys(one)) & set(match_keys(other))
