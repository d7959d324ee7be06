"""Regular expressions of value sets: what they match, what is refused, and that none is slow."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.terminology.pattern import NotPattern, Pattern


def matches(expression: str, text: str) -> bool:
    return Pattern(expression).matches(text, lambda _: None)


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("abc", "abc", True),
        ("abc", "xabc", False),
        ("^abc$", "abc", True),
        ("kurz.*", "kurzzeitpflege", True),
        ("kurz.*", "dauerpflege", False),
        ("a|b|", "", True),
        ("(?:ab){2,3}", "ababab", True),
        ("(?:ab){2,3}", "ab", False),
        ("(?:ab){2,}", "abababab", True),
        ("a{0}", "", True),
        ("[a-c]+[^a-c]", "abcd", True),
        ("[]x]", "]", True),
        ("[a-]", "-", True),
        (r"\d+\.\d", "12.5", True),
        (r"\d+\.\d", "12x5", False),
        (r"[\w-]+", "kurzzeit-pflege_1", True),
        ("(a*)*", "aaaa", True),
        ("(a*)*b", "aaaa", False),
        ("a+?", "aa", True),
    ],
)
def test_the_whole_text_has_to_match(expression: str, text: str, expected: bool) -> None:
    assert matches(expression, text) is expected


@pytest.mark.parametrize(
    "expression",
    ["(", "a)", "[a", "a**", "*a", "(?=x)", "(?P<n>x)", r"\1", r"\b", "a{5,2}", "a{,3}", "[b-a]", "a^b", "a$b", "\\"],
)
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(NotPattern):
        Pattern(expression)


@pytest.mark.parametrize(
    "expression", ["a" * 501, "((((a{99}){99}){99}){99}){99}", "(((){9999}){9999}){9999}", "(" * 60]
)
def test_what_is_too_large_is_refused(expression: str) -> None:
    with pytest.raises(NotPattern):
        Pattern(expression)


@pytest.mark.parametrize("expression", ["(a+)+$", "(a|a)*", "(a|aa)+", "(.*a){20}", "(a?){99}a{99}"])
def test_a_bomb_costs_no_more_than_states_times_characters(expression: str) -> None:
    steps = 0

    def spend(number: int) -> None:
        nonlocal steps
        steps += number

    Pattern(expression).matches("a" * 2_000 + "b", spend)
    assert steps < 500_000


_atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w"])
_expressions = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{1,}"])).map(lambda p: f"(?:{p[0]}){p[1]}"),
    ),
    max_leaves=6,
)


@given(_expressions, st.text("ab1-", max_size=6))
def test_what_matches_is_what_pythons_own_matches(expression: str, text: str) -> None:
    assert matches(expression, text) is (re.fullmatch(expression, text) is not None)


@given(st.text("ab()[]{}|*+?^$.\\-,1d", max_size=20))
def test_any_text_is_read_or_refused(expression: str) -> None:
    try:
        matches(expression, "ab1")
    except NotPattern as error:
        assert error.reason
