"""Cursors: what was seen comes back, and nothing that was changed, is of another search or too old is taken."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.search.seen import LIFETIME, MARK, OFFERS_MAX, Cursors, Refusal, Seen, compare, criteria_digest

CRITERIA = criteria_digest([("postal-code", "49661"), ("care-form", "kurzzeitpflege")])
CURSORS = Cursors(b"k" * 32, "public")
NOW = 1_800_000_000
marks = st.dictionaries(st.integers(1, 2**62), st.binary(min_size=MARK, max_size=MARK), max_size=40)


def seen(told: dict[int, bytes]) -> Seen:
    return Seen(at=NOW, state=(1_795_362_567_902_455, 7), marks=told)


@given(marks)
def test_what_was_seen_comes_back(told: dict[int, bytes]) -> None:
    assert CURSORS.read(CURSORS.make(seen(told), CRITERIA), CRITERIA, at=NOW) == seen(told)


@given(marks, st.data())
def test_a_changed_character_is_refused(told: dict[int, bytes], data: st.DataObject) -> None:
    cursor = CURSORS.make(seen(told), CRITERIA)
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("AZaz09-_=.|").filter(lambda one: one != cursor[place]))
    changed = cursor[:place] + other + cursor[place + 1 :]
    assert CURSORS.read(changed, CRITERIA, at=NOW) is Refusal.UNREADABLE


@pytest.mark.parametrize("cursor", ["", "A", "x" * 9000, "ä", "AAAA=", "A" * 88])
def test_what_is_none_is_refused(cursor: str) -> None:
    assert CURSORS.read(cursor, CRITERIA, at=NOW) is Refusal.UNREADABLE


def test_no_other_key_search_or_view_and_not_for_ever() -> None:
    cursor = CURSORS.make(seen({1: b"marked"}), CRITERIA)
    assert Cursors(b"l" * 32, "public").read(cursor, CRITERIA, at=NOW) is Refusal.UNREADABLE
    assert CURSORS.read(cursor, criteria_digest([("postal-code", "49661")]), at=NOW) is Refusal.OTHER_CRITERIA
    assert Cursors(b"k" * 32, "professional").read(cursor, CRITERIA, at=NOW) is Refusal.OTHER_VIEW
    assert CURSORS.read(cursor, CRITERIA, at=NOW + LIFETIME) == seen({1: b"marked"})
    assert CURSORS.read(cursor, CRITERIA, at=NOW + LIFETIME + 1) is Refusal.TOO_OLD


def test_the_order_of_criteria_is_none_and_their_borders_are_kept() -> None:
    assert criteria_digest([("a", "1"), ("b", "2")]) == criteria_digest([("b", "2"), ("a", "1")])
    assert criteria_digest([("a", "1\n1 b 1 2")]) != criteria_digest([("a", "1"), ("b", "2")])
    assert criteria_digest([("a", "1")]) != criteria_digest([("a", "1"), ("a", "1")])


def test_the_largest_is_a_url_still() -> None:
    draw = random.Random(1)
    told = {draw.randrange(1, 10**7): draw.randbytes(MARK) for _ in range(OFFERS_MAX)}
    cursor = CURSORS.make(seen(told), CRITERIA)
    assert len(cursor) < 5_000


@given(marks, marks)
def test_the_old_set_and_the_difference_are_the_new_set(before: dict[int, bytes], now: dict[int, bytes]) -> None:
    told = compare(before, now)
    kept = {rid: mark for rid, mark in before.items() if rid not in told.went}
    assert kept | {rid: now[rid] for rid in told.came | told.changed} == now
    assert not told.came & told.changed
    assert all(before[rid] != now[rid] for rid in told.changed)
