"""Names in one spelling, how far two are apart, and that a misspelt one is found whatever the error."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.place_spelling import Name, Spellings, abbreviates, apart, bare, name_of

WORD = st.text(alphabet="abc", max_size=8)


@pytest.mark.parametrize(
    ("written", "words", "addition"),
    [
        ("Frankfurt a. M.", ("frankfurt",), ("m",)),
        ("Frankfurt (Oder)", ("frankfurt",), ("oder",)),
        ("Lohne i. O.", ("lohne",), ("o",)),
        ("Neustadt an der Weinstraße", ("neustadt",), ("weinstrasse",)),
        ("Berg bei Neumarkt in der Oberpfalz", ("berg",), ("neumarkt", "oberpfalz")),
        ("Am Großen Bruch", ("am", "grossen", "bruch"), ()),
        ("Wakendorf I", ("wakendorf", "i"), ()),
        ("St. Peter-Ording", ("sankt", "peter", "ording"), ()),
        ("Bad\u00a0Zwischenahn", ("bad", "zwischenahn"), ()),
        ("Mu\u0308nster", ("muenster",), ()),
        ("Café", ("cafe",), ()),
        ("--- ,", (), ()),
    ],
)
def test_a_name_is_parted_from_what_is_added(written: str, words: tuple[str, ...], addition: tuple[str, ...]) -> None:
    name = name_of(written)
    assert (name.words, name.addition) == (words, addition)


def test_a_name_has_one_word_for_all_that_was_written() -> None:
    name = name_of("Frankfurt am Main")
    assert name == Name(("frankfurt",), ("main",), "frankfurtammain")
    assert (name.base, name.content) == ("frankfurt", "frankfurtmain")


def test_letters_that_only_german_has_are_left_out() -> None:
    assert bare("Weißenburg") == "Weisenburg"
    assert bare("Osnabrück") == "Osnabruck"
    assert bare("Mu\u0308nster") == "Munster"


@pytest.mark.parametrize("short", ["o", "old", "oldb", "oldbg", "oldenburg"])
def test_a_word_is_shortened_by_its_letters_in_order(short: str) -> None:
    assert abbreviates(short, "oldenburg")


@pytest.mark.parametrize("short", ["", "b", "olb d", "oldenburgs", "lo"])
def test_other_letters_shorten_another_word(short: str) -> None:
    assert not abbreviates(short, "oldenburg")


def by_definition(one: str, other: str) -> int:
    """Optimal string alignment, as its recursion says."""

    @cache
    def far(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        least = min(far(i - 1, j) + 1, far(i, j - 1) + 1, far(i - 1, j - 1) + (one[i - 1] != other[j - 1]))
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            least = min(least, far(i - 2, j - 2) + 1)
        return least

    return far(len(one), len(other))


@given(WORD, WORD, st.integers(0, 3))
def test_errors_are_counted_as_defined(one: str, other: str, most: int) -> None:
    assert apart(one, other, most) == min(by_definition(one, other), most + 1)


@given(
    st.lists(st.text(alphabet="ab", min_size=1, max_size=14), min_size=1, max_size=30, unique=True),
    st.text(alphabet="abc", max_size=14),
)
def test_misspelt_finds_all_words_of_the_fewest_errors(words: list[str], written: str) -> None:
    found = Spellings((word, number) for number, word in enumerate(words)).misspelt(written)
    errors = {
        word: by_definition(written, word)
        for word in words
        if 0 < by_definition(written, word) <= (len(word) >= 5) + (len(word) >= 9)
    }
    fewest = min(errors.values(), default=0)
    assert found == {word: count for word, count in errors.items() if count == fewest}


def test_words_name_each_thing_once() -> None:
    spellings = Spellings([("a", 3), ("a", 3), ("a", -1), ("b", 0)])
    assert set(spellings["a"]) == {3, -1}
    assert spellings["b"] == (0,)
    assert spellings["c"] == ()
