"""What everybody may see of a report, and what not."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from mappings.vacancy import Block, BlockStatus, Contact, Counts, ReportedBy, Sex, State, VacancyReport
from mappings.view import View, expired, seen
from tests.reports import FULL, reports

PUBLIC = seen(FULL, View.PUBLIC)


def test_professionals_see_the_report_as_it_is() -> None:
    assert seen(FULL, View.PROFESSIONAL) is FULL


def test_the_public_sees_no_internal_contact() -> None:
    assert [contact.value for contact in PUBLIC.facility.contacts] == ["04471 5550", "aufnahme@moor.kim.telematik"]
    assert [contact.value for contact in PUBLIC.offer.contacts] == ["https://haus.example"]


def test_the_public_sees_when_to_ring_what_it_costs_and_what_kind_of_source_says_so() -> None:
    said = (PUBLIC.offer.hours, PUBLIC.offer.admission, PUBLIC.offer.own_share, PUBLIC.offer.payers)
    assert said == (FULL.offer.hours, FULL.offer.admission, FULL.offer.own_share, FULL.offer.payers)
    assert all(said)
    assert (PUBLIC.offer.payers_as_of, PUBLIC.source_kind) == (FULL.offer.payers_as_of, "portal")


def test_nobody_but_professionals_sees_an_internal_address_of_kim() -> None:
    internal = Contact(system="kim", value="pdl@moor.kim.telematik", internal=True)
    offer = replace(FULL.offer, contacts=(internal,))
    assert seen(replace(FULL, offer=offer), View.PUBLIC).offer.contacts == ()


def test_the_public_sees_only_licensed_accepting_and_waiting_numbers() -> None:
    assert PUBLIC.counts == Counts(licensed=20, accepting=2, waiting=2)
    assert PUBLIC.coarsened


def test_the_public_sees_the_earliest_free_places_alone_and_two_in_all() -> None:
    assert [(block.status, block.start, block.count) for block in PUBLIC.blocks] == [(BlockStatus.FREE, None, 2)]
    later = tuple(Block(count=1, start=date(2026, 12, day)) for day in (3, 1, 2))
    assert seen(replace(FULL, blocks=later), View.PUBLIC).blocks == (later[1], later[2])


def test_the_public_sees_no_pool() -> None:
    assert (FULL.offer.pool, PUBLIC.offer.pool) == ("12/dauerpflege", "")


@pytest.mark.parametrize(
    ("counts", "blocks", "coarsened"),
    [
        (Counts(licensed=20, accepting=1, waiting=0), (Block(count=1),), False),
        (Counts(accepting=2), (), True),
        (Counts(accepting=0, waiting=7), (), True),
        (Counts(), (Block(count=1), Block(count=1, sex=Sex.MALE)), True),
        (Counts(), (), False),
    ],
)
def test_it_is_coarsened_where_a_number_may_mean_more(
    counts: Counts, blocks: tuple[Block, ...], coarsened: bool
) -> None:
    assert seen(replace(FULL, counts=counts, blocks=blocks), View.PUBLIC).coarsened is coarsened


def test_blocks_that_are_alike_are_one_to_the_public() -> None:
    alike = replace(FULL, blocks=(Block(count=1),) * 5)
    assert seen(alike, View.PUBLIC).blocks == (Block(count=2),)


def test_from_how_many_on_numbers_are_coarse_can_be_set() -> None:
    coarser = seen(FULL, View.PUBLIC, at_least=3)
    assert coarser.counts.accepting == 3
    assert [block.count for block in coarser.blocks] == [3]


def test_over_capacity_is_no_place_to_the_public() -> None:
    over = replace(FULL, state=State.NONE, counts=Counts(accepting=-3), blocks=())
    assert seen(over, View.PUBLIC).counts.accepting == 0


@pytest.mark.parametrize("state", [State.NONE, State.ASK, State.UNKNOWN])
def test_a_stated_state_stays(state: State) -> None:
    assert seen(replace(FULL, state=state), View.PUBLIC).state is state


def test_some_without_a_place_left_to_see_is_none() -> None:
    held = replace(FULL, counts=Counts(accepting=0), blocks=(Block(count=2, status=BlockStatus.HELD),))
    assert seen(held, View.PUBLIC).state is State.NONE


def test_some_with_an_unknown_number_stays_some() -> None:
    assert seen(replace(FULL, counts=Counts(), blocks=()), View.PUBLIC).state is State.SOME


@settings(deadline=None)
@given(reports())
def test_seeing_twice_shows_no_more_and_no_less(report: VacancyReport) -> None:
    once = seen(report, View.PUBLIC)
    assert seen(once, View.PUBLIC) == once


@settings(deadline=None)
@given(reports())
def test_the_public_never_counts_more_than_two_places_whatever_order_they_come_in(report: VacancyReport) -> None:
    blocks = seen(report, View.PUBLIC).blocks
    assert sum(block.count for block in blocks) <= 2
    assert bool(blocks) == any(block.status is BlockStatus.FREE and block.count > 0 for block in report.blocks)
    assert seen(replace(report, blocks=report.blocks[::-1]), View.PUBLIC).blocks == blocks


@settings(deadline=None)
@given(reports())
def test_what_only_professionals_may_see_does_not_change_the_public_view(report: VacancyReport) -> None:
    free = tuple(block for block in report.blocks if block.status is BlockStatus.FREE)
    counts = Counts(
        licensed=report.counts.licensed,
        accepting=None if report.counts.accepting is None else min(report.counts.accepting, 2),
        waiting=report.counts.waiting,
    )
    less = replace(report, blocks=free, counts=counts)
    assert seen(less, View.PUBLIC) == seen(report, View.PUBLIC)


def test_what_is_expired_is_unknown_and_keeps_its_age() -> None:
    old = expired(FULL)
    assert (old.state, old.counts, old.blocks, old.estimated) == (State.UNKNOWN, Counts(), (), False)
    assert (old.valid_at, old.offer, old.facility) == (FULL.valid_at, FULL.offer, FULL.facility)


def test_who_reported_by_hand_is_for_professionals_alone() -> None:
    by_office = replace(FULL, reported_by=ReportedBy.OFFICE)
    assert seen(by_office, View.PUBLIC) == PUBLIC
    assert seen(by_office, View.PROFESSIONAL).reported_by is ReportedBy.OFFICE
    assert expired(by_office).reported_by is None


def test_what_hides_nothing_is_the_same_object() -> None:
    open_to_all = VacancyReport(
        facility=replace(FULL.facility, contacts=PUBLIC.facility.contacts),
        offer=PUBLIC.offer,
        state=State.SOME,
        counts=Counts(licensed=20, accepting=1),
        blocks=(Block(count=1),),
    )
    assert seen(open_to_all, View.PUBLIC) is open_to_all
    assert PUBLIC.facility is not FULL.facility
