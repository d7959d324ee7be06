"""Regular expressions in linear time: as Python's where both take them, and never slow."""

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.formats.fhirpath.regular import NotRegular, pattern

atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "^", "$", r"\d", r"[a-c\s]", r"\.", r"\W"])
patterns = st.recursive(
    atoms,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})")
        | st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        )
    ),
    max_leaves=8,
)
texts = st.text("abc1 .", max_size=10)


def free(_: int) -> None:
    """Nothing is counted."""


@given(patterns, texts)
def test_it_finds_what_pythons_engine_finds(text: str, subject: str) -> None:
    # Python's $ also matches before a line feed at the end.
    python = re.compile(text.replace("$", r"\Z"), re.DOTALL | re.ASCII)
    assert pattern(text).found_in(subject, free) == bool(python.search(subject))
    assert pattern(text).matches(subject, free) == bool(python.fullmatch(subject))


@given(st.lists(atoms.filter(lambda one: one not in "^$"), min_size=1, max_size=4), texts)
def test_it_replaces_what_pythons_engine_replaces(parts: list[str], subject: str) -> None:
    text = "".join(f"({part}{'+' * (place % 2)})" for place, part in enumerate(parts))
    python = re.compile(text, re.DOTALL | re.ASCII)
    assert pattern(text).replaced(subject, "<$1>", free) == python.sub(r"<\1>", subject)


@given(st.text(r"ab()[]{}|*+?\^$.-,19du", max_size=15), texts)
def test_any_text_is_a_pattern_or_refused(text: str, subject: str) -> None:
    try:
        found = pattern(text)
    except NotRegular:
        return
    found.found_in(subject, free)
    replaced = found.replaced(subject, "", free)
    assert len(replaced) <= len(subject)


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(a*)*b", "(.*)(.*)(.*)(.*)b", "((a?){30})+b", "(x+x+)+y"])
def test_no_pattern_is_slow(text: str) -> None:
    before = time.process_time()
    assert not pattern(text).found_in("a" * 3_000 + "!", free)
    assert pattern(text).replaced("a" * 300 + "!", "x", free) == "a" * 300 + "!"
    assert time.process_time() - before < 10


@pytest.mark.parametrize(
    "text",
    [
        "(",
        ")",
        "[",
        "[]",
        "*",
        "a**",
        "a{2",
        "a{x}",
        "a{3,2}",
        "(?=a)",
        "(?<=a)",
        "(?P<x>a)",
        r"(a)\1",
        r"\b",
        r"\p{L}",
        "a\\",
        "[b-a]",
        "((((a{60}){60}){60}){60})",
        "(?:(?:(?:){4000}){4000}){4000}",
        "(" * 40 + ")" * 40,
        "()" * 51,
        "a" * 1_001,
    ],
)
def test_what_no_automaton_does_is_refused(text: str) -> None:
    with pytest.raises(NotRegular):
        pattern(text)


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotRegular):
        pattern("a").replaced("a", "$1", free)


@given(texts)
def test_a_dollar_can_be_written(subject: str) -> None:
    assume("a" in subject)
    assert pattern("a").replaced(subject, r"\$0", free) == subject.replace("a", "$0")
