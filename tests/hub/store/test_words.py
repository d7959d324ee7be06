"""Texts have numbers that stay, and what is told of all numbers is told of those that came later, too."""

import numpy as np
import pytest

from hub.store import words as words_module
from hub.store.words import Words


def words_of(*texts: str) -> Words:
    words = Words()
    for number, text in enumerate(texts):
        assert words.number(text) == number
    return words


def test_a_number_stays_that_of_its_text() -> None:
    words = words_of("a", "b")
    assert (words.number("b"), words.number("a"), words.texts) == (1, 0, ["a", "b"])
    assert words.numbers(["b", "c"]) == {1}
    assert words.texts == ["a", "b"], "who asks adds none"


def test_which_are_among_some_is_told_of_later_ones_too() -> None:
    words = words_of("a", "b")
    assert words.among(("b", "c")).tolist() == [False, True]
    words.number("c")
    assert words.among(("b", "c")).tolist() == [False, True, True]


def test_of_few_lists_it_is_kept_which_are_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    words = words_of("a")
    monkeypatch.setattr(words_module, "_AMONG_MAX", 3)
    for number in range(10):
        assert words.among(("a", str(number))).tolist() == [True]
        assert len(words._among) <= 3


def test_how_often_each_is_there_and_which_hold_a_part() -> None:
    words = words_of(",de,", "", ",de,tr,")
    assert words.counted(np.array([2, 0, 2])) == {",de,": 1, ",de,tr,": 2}
    assert words.counted(np.array([], np.int64)) == {}
    assert words.holding(",tr,").tolist() == [False, False, True]
