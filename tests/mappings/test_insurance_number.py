"""A patient's number is known by its check digit, wherever it stands in a text."""

from typing import Any

import pytest

from mappings.conversions import Unreadable
from mappings.insurance_number import has_insurance_number
from mappings.language import CONVERSIONS

# The first is gematik's published example; the others are made by the same rule.
NUMBERS = ("X110411675", "A123456780", "x110411675")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("around", ["{}", "Frau Canaria {}", "({})", "KVNR:{}/PG3", "{}\n"])
def test_it_is_found(number: str, around: str) -> None:
    assert has_insurance_number(around.format(number))


@pytest.mark.parametrize(
    "written",
    [
        "X 110411675",
        "X110 411 675",
        "X 110 411 675",
        "X-110-411-675",
        "X.110.411.675",
        "X/110/411/675",
        "Ｘ１１０４１１６７５",
    ],
)
def test_it_is_found_however_it_is_parted(written: str) -> None:
    assert has_insurance_number(f"Frau Canaria, {written} (PG3)")


@pytest.mark.parametrize(
    "text", ["", "X110411676", "X11041167", "X1104116750", "XX110411675", "1110411675", "Haus 3", "510322019"]
)
@pytest.mark.parametrize("around", ["{}", "Haus {}"])
def test_what_only_resembles_it_is_not(text: str, around: str) -> None:
    assert not has_insurance_number(around.format(text))


@pytest.mark.parametrize("key", ["X-110411675", "X 1104 11675", "X 110 411-675", "X 110 411 6750", "Fax 110 411 675"])
def test_a_key_or_a_telephone_number_is_none(key: str) -> None:
    assert not has_insurance_number(key)


@pytest.mark.parametrize(
    ("conversion", "value"),
    [
        ("text", "Haus Canaria X110411675"),
        ("key", "X110411675"),
        ("key", ["Haus Canaria x110 411 675", "Cloppenburg"]),
        ("fhir_key", [None, "X110411675"]),
        ("fhir_key", [[{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "X110411675"}], None]),
    ],
)
def test_neither_a_text_nor_a_key_takes_it(conversion: str, value: Any) -> None:
    with pytest.raises(Unreadable, match="without an insurance number"):
        CONVERSIONS[conversion](value)


RANDOM_IDS = (
    "c14c375f-7b80-5326-a952-c992414407ea",
    "C14C375F-7B80-5326-A952-C992414407EA",
    "c992414407eac14c375f7b80",
)
"""Whose last, or first, digits are such a number's by chance."""


@pytest.mark.parametrize("written", RANDOM_IDS)
def test_a_random_id_is_none_whatever_its_digits(written: str) -> None:
    assert not has_insurance_number(f"urn:uuid:{written}")
    assert CONVERSIONS["fhir_key"]([None, written]) == written


@pytest.mark.parametrize("written", RANDOM_IDS)
def test_it_is_found_beside_a_random_id(written: str) -> None:
    assert has_insurance_number(f"{written} X110411675")
    assert has_insurance_number(f"{written}-c992414407")


@pytest.mark.parametrize("key", ["H510322019", "H-510322019", "HS110411675", "5-2-110411675", "110411675"])
def test_a_key_that_is_none_is_taken(key: str) -> None:
    assert CONVERSIONS["key"](key) == key.casefold()
