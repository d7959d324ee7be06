"""Who belongs together and whose word counts: functions of sets."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.formats import r4
from mappings.identity import resource_id
from mappings.joining import (
    Level,
    Teller,
    Told,
    joined,
    joined_id,
    joined_offers,
    joined_resources,
    partition,
)
from mappings.vacancy import Contact, Facility, Offer
from mappings.view import View, seen
from tests.reports import FULL, reports

NODES = "abcdefgh"
PAIRS = st.sets(st.sampled_from(list(combinations(NODES, 2))), max_size=8)
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


@given(st.lists(PAIRS, min_size=1, max_size=3), PAIRS, st.randoms())
def test_parts_do_not_depend_on_any_order(levels: list[set[tuple[str, str]]], torn: set[tuple[str, str]], draw) -> None:  # type: ignore[no-untyped-def]
    def apart(one: str, other: str) -> bool:
        return (min(one, other), max(one, other)) in torn

    def shuffled(pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
        listed = sorted(pairs)
        draw.shuffle(listed)
        return listed

    nodes = list(NODES)
    first = partition(nodes, [Level(pairs=sorted(pairs), apart=apart) for pairs in levels])
    draw.shuffle(nodes)
    again = partition(nodes, [Level(pairs=shuffled(pairs), apart=apart) for pairs in levels])
    assert first == again
    assert sorted(node for part in first for node in part) == sorted(NODES)
    assert not any(apart(one, other) for part in first for one, other in combinations(sorted(part), 2))


def test_a_third_that_could_be_either_joins_neither() -> None:
    def apart(one: str, other: str) -> bool:
        return {one, other} == {"a", "c"}

    level = Level(pairs=[("a", "b"), ("b", "c")], apart=apart)
    assert partition("abc", [level]) == [frozenset("a"), frozenset("b"), frozenset("c")]
    decided = Level(pairs=[("a", "b")], apart=apart)
    assert partition("abc", [decided, level]) == [frozenset("ab"), frozenset("c")]


def teller(source: str, rank: int = 5) -> Teller:
    return Teller(rank=rank, source=source, key=f"{source}-1")


def told(
    source: str, care_form: str = "dauerpflege", key: str = "", *, at: int = 0, rank: int = 5, expired: bool = False
) -> Told:
    offer = Offer(key=key or f"{source}/{care_form}", care_form=care_form)
    return Told(
        teller=teller(source, rank),
        offer=resource_id(source, "HealthcareService", offer.key),
        report=replace(FULL, offer=offer),
        order=(at, 0),
        expired=expired,
    )


def winners(*all_told: Told) -> list[tuple[str, str]]:
    return [(one.winner.teller.source, one.winner.report.offer.key) for one in joined_offers(all_told)]


def test_rank_goes_before_time_and_what_expired_yields() -> None:
    assert winners(told("a", at=1), told("b", at=2)) == [("b", "b/dauerpflege")]
    assert winners(told("a", at=1, rank=1), told("b", at=2)) == [("a", "a/dauerpflege")]
    assert winners(told("a", at=1, rank=1, expired=True), told("b", at=2)) == [("b", "b/dauerpflege")]
    assert winners(told("a", at=1, expired=True), told("b", expired=True)) == [("a", "a/dauerpflege")]


def test_one_care_form_divided_differently_is_counted_once() -> None:
    two_wards = (told("a", key="west", at=1), told("a", key="ost", at=1))
    assert winners(*two_wards, told("b", at=2)) == [("b", "b/dauerpflege")]
    assert winners(*two_wards, told("b")) == [("a", "ost"), ("a", "west")]
    assert winners(*two_wards, told("b", key="west", at=2)) == [("a", "ost"), ("b", "west")]


def test_a_care_form_and_what_it_includes_are_one_offer() -> None:
    general, special = told("a", "kurzzeitpflege", at=1), told("b", "kurzzeitpflege-solitaer")
    assert winners(general, special) == [("a", "a/kurzzeitpflege")]
    other = told("b", "kurzzeitpflege-eingestreut")
    assert len(winners(special, other)) == 2, "two forms of it are two offers"


def test_a_joined_offer_keeps_its_key_whoever_wins() -> None:
    (one,) = joined_offers([told("a", at=1), told("b")])
    (other,) = joined_offers([told("a"), told("b", at=1)])
    assert one.key == other.key
    assert one.winner != other.winner


def test_offers_that_one_source_puts_into_a_pool_share_it_whoever_wins() -> None:
    def pooled(one: Told, pool: str) -> Told:
        return replace(one, report=replace(one.report, offer=replace(one.report.offer, pool=pool)))

    offers = joined_offers(
        [
            pooled(told("a", "dauerpflege"), "p"),
            pooled(told("a", "kurzzeitpflege-eingestreut"), "p"),
            told("b", "kurzzeitpflege-eingestreut", at=9),
        ]
    )
    assert {offer.pool for offer in offers} == {"p"}
    assert {offer.winner.teller.source for offer in offers} == {"a", "b"}


@given(
    st.lists(
        st.builds(
            told,
            st.sampled_from("abc"),
            st.sampled_from(("dauerpflege", "kurzzeitpflege", "kurzzeitpflege-solitaer", "tagespflege")),
            st.sampled_from(("", "k", "l")),
            at=st.integers(0, 2),
            rank=st.just(5),
            expired=st.booleans(),
        ),
        unique_by=lambda one: one.offer,
        max_size=9,
    ),
    st.randoms(),
)
def test_offers_do_not_depend_on_the_order_and_none_is_there_twice(all_told: list[Told], draw) -> None:  # type: ignore[no-untyped-def]
    first = joined_offers(all_told)
    shuffled = list(all_told)
    draw.shuffle(shuffled)
    assert joined_offers(shuffled) == first
    assert len({offer.key for offer in first}) == len(first)
    shown = [offer.winner.offer for offer in first]
    assert len(set(shown)) == len(shown)
    assert {one.report.offer.care_form for one in all_told} == set() or first


def test_the_best_ranked_source_tells_and_the_next_fills_what_is_missing() -> None:
    official = Facility(key="1", name="Amtlich", iks=("1",))
    portal = replace(FULL.facility, name="Portal", iks=("2",), contacts=(Contact(system="phone", value="1"),))
    of = joined({"x": (teller("portal"), portal), "y": (teller("amt", 1), official)})
    assert of.facility.name == "Amtlich"
    assert of.facility.iks == ("1", "2")
    assert of.facility.address == portal.address
    assert of.facility.contacts == portal.contacts
    assert of.operator is not None
    assert of.operator[0] == "portal"
    assert joined_id({"x", "y"}) == joined_id({"y", "x"})


@settings(max_examples=30)
@given(reports())
def test_what_is_joined_is_valid_r4(report) -> None:  # type: ignore[no-untyped-def]
    of = joined({"x": (teller("a"), report.facility), "y": (teller("b"), FULL.facility)})
    one = replace(told("a"), report=report)
    (offer,) = joined_offers([one])
    for view in View:
        shown = seen(replace(report, facility=of.facility), view)
        made = joined_resources(of, offer, shown, at=AT, care_forms=(report.offer.care_form,))
        ids = {resource["id"] for resource in made}
        assert resource_id("a", "HealthcareService", report.offer.key) not in ids
        for resource in made:
            assert [finding for finding in r4.findings(resource) if finding.severity == "error"] == []
