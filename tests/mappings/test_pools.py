"""A pool is counted once, and its newest word bounds what its other offers say."""

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mappings.pools import bound, bounded, bounds, totals
from mappings.vacancy import Block, BlockStatus, Counts, Offer, State, VacancyReport, derived_state
from tests.reports import FULL, reports


def said(form: str = "dauerpflege", free: int | None = 3, pool: str = "p", **counts: Any) -> VacancyReport:
    return VacancyReport(
        facility=FULL.facility,
        offer=Offer(key=form, care_form=form, pool=pool),
        state=derived_state(free),
        counts=Counts(accepting=free, **counts),
        blocks=(Block(count=free),) if free else (),
    )


def test_a_pool_is_counted_once() -> None:
    home = [said(licensed=80), said("kurzzeitpflege-eingestreut", licensed=4), said("tagespflege", 5, "", licensed=12)]
    counted = totals(home)
    assert (counted.offers, counted.pools, counted.licensed, counted.accepting, counted.unknown) == (3, 1, 92, 8, 0)
    elsewhere = [replace(one, facility=replace(FULL.facility, key="other")) for one in home]
    assert totals([*home, *elsewhere]).accepting == 16, "a name of a pool is its facility's own"


def test_who_says_no_number_is_counted_apart() -> None:
    assert totals([said(free=None), said("tagespflege", None, "")]).unknown == 2
    assert totals([said(free=None), said("kurzzeitpflege-eingestreut", 2)]).unknown == 0, "its pool is known"
    assert totals([]).offers == 0


def test_a_number_says_something_of_the_pool_unless_its_own_licence_explains_it() -> None:
    assert bound(said(free=2, licensed=4, occupied=0)) == 2
    assert bound(said(free=0, licensed=4)) == 0
    assert bound(said(free=4, licensed=4)) is None
    assert bound(said(free=0, licensed=4, occupied=4)) is None
    assert bound(said(free=1, licensed=4, occupied=2, held=1)) is None
    assert bound(said(free=None)) is None
    assert bound(replace(said(free=None), state=State.ASK)) is None


def test_the_newest_word_counts_and_what_was_said_together_bounds_nothing() -> None:
    long, short, night = said(free=9, licensed=80), said("k", 2, licensed=4), said("n", 3, licensed=9)
    assert bounds([("l", 1, long), ("s", 1, short)]) == {}
    assert bounds([("l", 1, long), ("s", 2, short)]) == {"l": 2}
    assert bounds([("l", 1, long), ("s", 2, short), ("n", 3, night)]) == {"l": 3, "s": 3}
    assert bounds([("l", 1, replace(long, offer=replace(long.offer, pool=""))), ("s", 2, short)]) == {}


def test_the_earliest_places_stay() -> None:
    report = replace(
        said(free=4),
        blocks=(
            Block(count=2, start=date(2026, 12, 24)),
            Block(count=1, status=BlockStatus.HELD),
            Block(count=2),
        ),
    )
    cut = bounded(report, 3)
    assert [(block.count, block.status) for block in cut.blocks] == [(1, "free"), (1, "held"), (2, "free")]
    assert cut.counts.accepting == 3
    none = bounded(report, 0)
    assert none.state is State.NONE
    assert [block.status for block in none.blocks] == [BlockStatus.HELD]


@given(reports(), st.one_of(st.none(), st.integers(0, 9)))
def test_a_bound_never_raises_anything(report: VacancyReport, most: int | None) -> None:
    cut = bounded(report, most)
    assert bounded(cut, most) == cut

    def free(one: VacancyReport) -> int:
        return sum(block.count for block in one.blocks if block.status is BlockStatus.FREE and block.count > 0)

    assert free(cut) <= free(report)
    assert (cut.counts.accepting or 0) <= max(report.counts.accepting or 0, most or 0)
    assert cut.valid_at == report.valid_at
    assert replace(cut, blocks=(), counts=Counts(), state=report.state) == replace(report, blocks=(), counts=Counts())


TOLD = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.builds(said, st.just("x"), st.integers(0, 5))),
    unique_by=lambda one: one[0],
    max_size=4,
)


@given(TOLD, st.randoms())
def test_the_order_in_which_a_pool_was_heard_does_not_matter(told, draw) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(told)
    draw.shuffle(shuffled)
    assert bounds(shuffled) == bounds(told)


@given(TOLD)
def test_a_pool_never_counts_more_than_its_greatest_offer(told) -> None:  # type: ignore[no-untyped-def]
    reports_told = [report for _, _, report in told]
    assert totals(reports_told).accepting == max((one.counts.accepting or 0 for one in reports_told), default=0)
