"""What is reckoned of many offers at once is what their days say, one by one."""

from itertools import groupby

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.search.offers import NEVER, Offers
from hub.search.vacancy_days import Stay
from hub.store.block_rows import COLUMNS, Rows

Blocks = list[tuple[int, int, int]]

BLOCK = st.builds(
    lambda start, days, places: (start, start + days, places), *([st.integers(0, 9)] * 2), st.integers(0, 3)
)
OFFERS = st.lists(st.lists(BLOCK, min_size=1, max_size=4), max_size=6)
STAY = st.builds(Stay, st.integers(2, 8), st.booleans(), st.integers(1, 5), st.integers(1, 4))


def offers_of(blocks: list[Blocks]) -> Offers:
    rows = [
        {"rid": rid, "starts": starts, "ends": ends, "places": places}
        for rid, several in enumerate(blocks)
        for starts, ends, places in several
    ]
    return Offers(Rows.of([tuple(row.get(name, 0) for name in COLUMNS) for row in rows]))


def free(blocks: Blocks, day: int) -> int:
    return sum(places for starts, ends, places in blocks if starts <= day <= ends)


def first_day(blocks: Blocks, stay: Stay) -> int | None:
    """The first day, looked for day by day."""
    last = stay.start if stay.exact else max(ends for _, ends, _ in blocks)
    for day in range(stay.start, last + 1):
        if all(free(blocks, later) >= stay.places for later in range(day, day + stay.days)):
            return day
    return None


@settings(max_examples=500)
@given(OFFERS, STAY)
def test_who_can_take_somebody_and_from_when_on(blocks: list[Blocks], stay: Stay) -> None:
    offers = offers_of(blocks)
    expected = [first_day(several, stay) for several in blocks]
    assert offers.take(stay).tolist() == [day is not None for day in expected]
    assert offers.first_days(stay).tolist() == [NEVER if day is None else day for day in expected]


@settings(max_examples=500)
@given(OFFERS, STAY)
def test_how_long_and_for_how_many_at_most(blocks: list[Blocks], stay: Stay) -> None:
    offers = offers_of(blocks)
    fewer = [
        [days for days in range(1, stay.days + 1) if first_day(one, stay._replace(days=days)) is not None]
        for one in blocks
    ]
    assert offers.longest(stay).tolist() == [max(days, default=0) for days in fewer]
    fewer = [
        [places for places in range(1, stay.places + 1) if first_day(one, stay._replace(places=places)) is not None]
        for one in blocks
    ]
    assert offers.most(stay).tolist() == [max(places, default=0) for places in fewer]


@given(OFFERS, st.data())
def test_which_offers_have_blocks_that_are_alike(blocks: list[Blocks], data: st.DataObject) -> None:
    offers = offers_of(blocks)
    values = data.draw(st.lists(st.integers(0, 1), min_size=len(offers.rows), max_size=len(offers.rows)))
    by_offer = groupby(zip(offers.rows["rid"].tolist(), values, strict=True), key=lambda one: one[0])
    expected = [len({value for _, value in several}) == 1 for _, several in by_offer]
    assert offers.alike(np.array(values, np.int64)).tolist() == expected
