"""Codes by the words that people have for them."""

import pytest

from mappings import terminology
from mappings.code_words import _folded, _said, listed, meant

KINDS = ("care-form", "need", "prefer", "room", "payer", "state", "sex")
SYSTEMS = {"care-form": "care-form", "need": "need", "room": "room-type", "payer": "payer", "state": "vacancy-state"}


@pytest.mark.parametrize("kind", SYSTEMS)
def test_every_code_and_each_of_its_displays_means_it(kind: str) -> None:
    system = SYSTEMS[kind]
    for code in terminology.codes(system):
        assert meant(kind, code) == (code,)
        assert meant(kind, terminology.display(system, code, "de").upper()) == (code,)
        assert meant(kind, terminology.display(system, code, "en")) == (code,)


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_means_two_things(kind: str) -> None:
    found: dict[str, set[tuple[str, ...]]] = {}
    for word, codes in _said(kind):
        found.setdefault(_folded(word), set()).add(codes)
    assert {word: codes for word, codes in found.items() if len(codes) > 1} == {}


@pytest.mark.parametrize(
    ("kind", "word", "codes"),
    [
        ("room", "EZ", ("single",)),
        ("sex", "weiblich", ("female",)),
        ("sex", "Männer", ("male",)),
        ("state", "frei", ("some",)),
        ("state", "auf  anfrage", ("ask",)),
        ("need", "MRSA", ("mre-isolation",)),
        ("need", "geschuetzter bereich", ("geschuetzter-bereich",)),
        ("payer", "Unfallversicherung", ("unfallversicherung",)),
        ("payer", "alle Kassen", ("pflegekasse", "krankenkasse")),
        ("care-form", "Aeusserklinische", ()),
        ("sex", "egal", ()),
        ("room", "", ()),
    ],
)
def test_words_of_the_tables(kind: str, word: str, codes: tuple[str, ...]) -> None:
    assert meant(kind, word) == codes


def test_what_can_be_said_is_listed_with_the_code_where_that_is_another_word() -> None:
    assert listed("room", "de") == "Einzelzimmer (single); Doppelzimmer (double); Mehrbettzimmer (shared)"
    assert listed("sex", "de") == "weiblich (female); männlich (male); divers (other)"
    assert listed("sex", "en") == "female; male; other"
