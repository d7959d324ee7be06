"""A patient's number is known by its check digit, wherever it stands in a text."""

import pytest

from mappings.conversions import CONVERSIONS, Unreadable
from mappings.insurance_number import has_insurance_number

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


def test_no_text_takes_it_and_a_key_does() -> None:
    with pytest.raises(Unreadable):
        CONVERSIONS["text"]("Haus Canaria X110411675")
    assert CONVERSIONS["key"]("X110411675")
