"""One facility of several sources is shown once, comes apart again as it was, and nobody guesses."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from adapters.receipt import Receipt
from hub.errors import NotFound
from hub.fhir.vacancy_search import prepare
from hub.hub import Hub
from hub.ingest import identity_proposals
from hub.ingest.changes import Told
from hub.ingest.identity_decisions import Decisions, log
from hub.ingest.identity_proposals import explain, waiting
from hub.ingest.reconcile import Reconciler
from hub.store.clock import micros
from hub.store.repository import Resource, tree_of
from hub.store.tables import VIEWS, facility, facility_match_key, identity_decision, joined_offer
from mappings.errors import Rejected
from mappings.identity import resource_id
from mappings.joining import REPLACED
from mappings.pools import totals
from mappings.source_map import Ladder
from mappings.to_fhir import SLOT_CAPACITY, SOURCE
from mappings.vacancy import (
    Address,
    Block,
    Contact,
    Counts,
    Facility,
    Offer,
    Operator,
    Position,
    State,
    VacancyReport,
    derived_state,
)
from tests.conftest import NOW, Clock
from tests.hub.as_stored import assert_as_stored
from tests.hub.client import Client
from tests.labelled import labelled, recognised

HOUR = timedelta(hours=1)
IK = "510322019"
SOURCES = ("amtlich", "export", "portal")


def home(source: str = "amtlich", **said: Any) -> Facility:
    """The same home, as three sources write it."""
    spelt: dict[str, dict[str, Any]] = {
        "amtlich": {
            "name": "Seniorenzentrum Lindenhof Cloppenburg",
            "address": Address(street="Lange Straße", house_number="3", postal_code="49661", city="Cloppenburg"),
            "contacts": (Contact(system="phone", value="04471 555-0123"),),
        },
        "export": {
            "name": "Lindenhof",
            "address": Address(street="Lange Str. 3", postal_code="49661", city="Cloppenburg"),
            "contacts": (Contact(system="phone", value="+49 4471 5550123"),),
        },
        "portal": {
            "name": "Haus Lindenhof gGmbH",
            "address": Address(street="LANGE STRASSE", house_number="03", postal_code="49661", city="Cloppenburg"),
            "position": Position(52.851, 8.051),
        },
    }
    told: dict[str, Any] = {
        "key": f"{source}-1",
        "iks": (IK,),
        "position": Position(52.85, 8.05),
        "operator": Operator(key="traeger", name=f"Träger {source}"),
        **spelt.get(source, spelt["amtlich"]),
        **said,
    }
    return Facility(**told)


def told(
    source: str = "amtlich",
    *,
    free: int | None = 3,
    at: timedelta = timedelta(),
    care_form: str = "kurzzeitpflege",
    key: str = "k",
    pool: str = "",
    licensed: int = 20,
    of: Facility | None = None,
) -> VacancyReport:
    where = of or home(source)
    return VacancyReport(
        facility=where,
        offer=Offer(key=f"{where.key}/{key}", care_form=care_form, pool=pool),
        valid_at=NOW + at,
        state=derived_state(free),
        counts=Counts(licensed=licensed, accepting=free),
        blocks=(Block(count=free),) if free else (),
    )


def tell(hub: Hub, source: str, *reports: VacancyReport, at: timedelta = timedelta()) -> Receipt:
    told = [Told(report=one, received_at=NOW + at, delivery=1) for one in reports]
    receipt = Receipt(source=source)
    with hub.database.transaction() as transaction:
        effects = Reconciler(hub.repositories, hub.identity).reconcile(
            transaction, told, source=source, ladder=Ladder(), now=NOW + at
        )
    for effect in effects:
        receipt.count(effect.change, effect.versions)
    return receipt


def organization(source: str = "amtlich", key: str = "") -> str:
    return resource_id(source, "Organization/facility", key or f"{source}-1")


def shown(hub: Hub, view: str = "professional") -> dict[tuple[str, str], Resource]:
    """All that a view has of homes and their offers, by type and id."""
    tables = VIEWS[view]
    kinds = ("Organization", "Location", "HealthcareService", "Schedule", "Slot")
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(tables.resource.c.type, tables.resource.c.id, tables.history.c.content)
            .join(tables.history, tables.history.c.rid == tables.resource.c.rid)
            .where(
                tables.history.c.version == tables.resource.c.version,
                tables.resource.c.type.in_(kinds),
                tables.resource.c.deleted.is_(False),
            )
        ).all()
    return {(row.type, row.id): tree_of(bytes(row.content)) for row in rows}


def plain(resources: dict[tuple[str, str], Resource]) -> dict[tuple[str, str], Resource]:
    """Without what the server writes into every version."""
    return {
        key: {**one, "meta": {name: value for name, value in one["meta"].items() if name == "source"}}
        for key, one in resources.items()
    }


def searched(hub: Hub, view: str = "professional") -> list[tuple[Any, ...]]:
    """What the search for places reads: who, where, how many, as of when."""
    tables = VIEWS[view]
    with hub.database.reading() as connection:
        return sorted(
            tuple(row)
            for row in connection.execute(
                select(
                    tables.resource.c.id,
                    tables.vacancy.c.care_form,
                    tables.vacancy.c.state,
                    tables.vacancy.c.places,
                    tables.vacancy.c.latitude,
                    tables.freshness.c.valid_at,
                    tables.freshness.c.confirmed_at,
                    tables.freshness.c.expires_at,
                )
                .join(tables.vacancy, tables.vacancy.c.rid == tables.resource.c.rid)
                .join(tables.freshness, tables.freshness.c.rid == tables.resource.c.rid)
            )
        )


def homes(hub: Hub, view: str = "professional") -> list[Resource]:
    return [
        one
        for (kind, _), one in shown(hub, view).items()
        if kind == "Organization" and one["type"][0]["coding"][0]["code"] == "facility"
    ]


def places(hub: Hub, view: str = "professional") -> list[int]:
    return [row[3] for row in searched(hub, view)]


def decide(hub: Hub, verdict: str, one: str, other: str) -> list[int]:
    with hub.database.writing() as connection:
        return Decisions(hub.identity).decide(
            connection, [(one, other)], verdict, who="Koordination", why="angerufen", now=micros(NOW)
        )


def split(hub: Hub, of: str) -> list[int]:
    with hub.database.writing() as connection:
        return Decisions(hub.identity).split(connection, of, who="Koordination", why="zwei Häuser", now=micros(NOW))


def remove(hub: Hub, *told: VacancyReport, source: str = "amtlich") -> int:
    offers = [resource_id(source, "HealthcareService", one.offer.key) for one in told]
    with hub.database.transaction() as transaction:
        return Reconciler(hub.repositories, hub.identity).remove(transaction, offers, now=NOW + 3 * HOUR)


def undo(hub: Hub, number: int) -> list[int]:
    with hub.database.writing() as connection:
        return Decisions(hub.identity).undo(connection, number, who="Koordination", why="verlesen", now=micros(NOW))


def proposals(hub: Hub) -> list[Any]:
    with hub.database.reading() as connection:
        return identity_proposals.proposals(connection)


def test_one_home_of_three_sources_is_found_once(hub: Hub) -> None:
    for hours, source in enumerate(SOURCES):
        tell(hub, source, told(source, free=hours + 1, at=-HOUR * hours))
    for view in VIEWS:
        with hub.database.snapshot() as reader:
            body = prepare(
                [("postal-code", "49661"), ("distance", "10")], VIEWS[view], now=NOW, base="http://hub/fhir"
            )(reader)
        bundle = tree_of(body)
        assert bundle["total"] == 1
        kinds = [one["resource"]["resourceType"] for one in bundle["entry"] if one["search"]["mode"] != "outcome"]
        assert sorted(kinds) == ["HealthcareService", "Location", "Organization", "Organization", "Schedule", "Slot"]
        assert len(homes(hub, view)) == 1


def test_a_joined_home_has_an_id_of_its_own_and_the_names_of_all(hub: Hub) -> None:
    for source in SOURCES:
        tell(hub, source, told(source))
    (one,) = homes(hub)
    assert one["id"] not in {organization(source) for source in SOURCES}
    told_by = {(each["system"].rpartition("/")[2], each["value"]) for each in one["identifier"]}
    assert {(source, f"{source}-1") for source in SOURCES} <= told_by
    replaced = {each["value"] for each in one["identifier"] if each["system"] == REPLACED}
    assert replaced == {organization(source) for source in SOURCES}
    assert one["name"] == "Seniorenzentrum Lindenhof Cloppenburg"
    assert ("Organization", one["partOf"]["reference"].partition("/")[2]) in shown(hub)


def test_the_order_of_arrival_does_not_matter(hub: Hub) -> None:
    with_orders = []
    for turn, order in enumerate(itertools.permutations(SOURCES)):
        # Another home for each order, alike but for what tells homes apart.
        ik, number = f"51032{turn:04}", str(turn + 1)
        for source in order:
            where = home(source, key=f"{source}-{turn}", iks=(ik,))
            where = replace(where, address=replace(where.address, street="Lange Straße", house_number=number))
            hours = SOURCES.index(source)
            tell(hub, source, told(free=hours + 1, at=-HOUR * hours, of=where))
        (one,) = (each for each in homes(hub) if ik in str(each["identifier"]))
        offers = [each for each in shown(hub).values() if each["resourceType"] == "HealthcareService"]
        mine = [each for each in offers if each["providedBy"]["reference"] == f"Organization/{one['id']}"]
        (schedule,) = (
            each
            for each in shown(hub).values()
            if each["resourceType"] == "Schedule" and mine[0]["id"] in each["actor"][0]["reference"]
        )
        said = {part["url"]: part for part in schedule["extension"][0]["extension"]}
        with_orders.append((one["name"], one["meta"]["source"], len(mine), said["accepting"]["valueInteger"]))
        assert one["id"] == resource_id(
            "+", "Organization/facility", min(organization(source, f"{source}-{turn}") for source in SOURCES)
        )
    assert set(with_orders) == {("Seniorenzentrum Lindenhof Cloppenburg", with_orders[0][1], 1, 1)}


def test_splitting_restores_both_byte_by_byte(hub: Hub) -> None:
    other = {"iks": (), "telematik_id": "", "contacts": (), "address": Address(postal_code="49661")}
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=1, of=home("export", **other), at=HOUR), at=HOUR)
    tell(hub, "export", told("export", free=1, of=home("export", **other), at=2 * HOUR), at=2 * HOUR)  # a heartbeat
    before = {view: (plain(shown(hub, view)), searched(hub, view)) for view in VIEWS}
    assert len(homes(hub)) == 2
    decide(hub, "same", organization(), organization("export"))
    assert [len(homes(hub, view)) for view in VIEWS] == [1, 1]
    assert places(hub) == [1]
    versions = {key: one["meta"]["versionId"] for key, one in shown(hub).items()}
    split(hub, organization("export"))
    assert {view: (plain(shown(hub, view)), searched(hub, view)) for view in VIEWS} == before
    after = shown(hub)["Organization", organization()]
    assert after["meta"]["versionId"] == "3", "created, withdrawn, back"
    assert not set(versions) & set(shown(hub)) - {
        key for key, one in shown(hub).items() if one.get("type", [{}])[0].get("text") == "Träger"
    }


def test_what_was_said_while_joined_is_there_after_splitting(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=1, at=HOUR), at=HOUR)
    assert places(hub) == [1]
    tell(hub, "amtlich", told(free=5, at=2 * HOUR), at=2 * HOUR)
    assert places(hub) == [5]
    tell(hub, "export", told("export", free=1, at=3 * HOUR), at=3 * HOUR)  # a heartbeat, and the newest word
    assert places(hub) == [1]
    split(hub, organization())
    assert sorted(places(hub)) == [1, 5]
    assert {row[5] for row in searched(hub)} == {micros(NOW + 2 * HOUR), micros(NOW + 3 * HOUR)}


def test_a_report_of_a_joined_home_moves_no_version_where_it_says_the_same(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=3, at=HOUR), at=HOUR)
    before = shown(hub)
    tell(hub, "export", told("export", free=3, at=2 * HOUR), at=2 * HOUR)
    assert shown(hub) == before
    assert {row[5] for row in searched(hub)} == {micros(NOW + 2 * HOUR)}


def test_an_expired_winner_yields_to_the_next(hub: Hub, clock: Clock) -> None:
    tell(hub, "amtlich", told(free=2, at=-timedelta(days=4)), at=-timedelta(days=4))
    tell(hub, "export", told("export", free=5))
    assert places(hub) == [5]
    hub.sources._maps = {**hub.sources._maps, "amtlich": replace(hub.sources.named("json"), name="amtlich", rank=1)}
    tell(hub, "export", told("export", free=6, at=HOUR), at=HOUR)
    assert places(hub) == [2], "the official register goes before, older as it is"
    clock.forward(days=3, hours=2)
    hub.pipeline.expire()
    assert places(hub) == [6], "until its word expires"
    clock.forward(days=9)
    hub.pipeline.expire()
    (row,) = searched(hub)
    assert row[2] == State.UNKNOWN


def withdraw(hub: Hub, source: str) -> int:
    offer = resource_id(source, "HealthcareService", f"{source}-1/k")
    return hub.writer.submit(lambda transaction: hub.pipeline.withdraw_in(transaction, [offer])).result()


def test_what_one_source_withdraws_leaves_the_others_word(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=2))
    tell(hub, "export", told("export", free=5, at=HOUR), at=HOUR)
    assert places(hub) == [5]
    assert withdraw(hub, "export") == 1
    assert withdraw(hub, "export") == 0
    assert places(hub) == places(hub, "public") == [2]
    decide(hub, "different", organization(), organization("export"))
    for view in ("professional", "public"):
        states = {row[0]: (row[2], row[7] <= micros(NOW)) for row in searched(hub, view)}
        assert states == {
            resource_id("amtlich", "HealthcareService", "amtlich-1/k"): (State.SOME, False),
            resource_id("export", "HealthcareService", "export-1/k"): (State.UNKNOWN, True),
        }


def test_what_is_kept_in_memory_follows_homes_that_join_and_come_apart(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=2))
    assert_as_stored(hub)
    tell(hub, "export", told("export", free=5, at=HOUR), at=HOUR)
    assert_as_stored(hub)
    decide(hub, "different", organization(), organization("export"))
    assert_as_stored(hub)
    decide(hub, "same", organization(), organization("export"))
    assert_as_stored(hub)
    assert withdraw(hub, "export") == 1
    assert_as_stored(hub)


def test_what_all_sources_withdrew_is_over(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=2))
    tell(hub, "export", told("export", free=5))
    assert withdraw(hub, "amtlich") == withdraw(hub, "export") == 1
    for view in ("professional", "public"):
        (row,) = searched(hub, view)
        assert row[2] == State.UNKNOWN
        assert row[7] <= micros(NOW)


def test_a_mere_likeness_is_proposed_and_shown_twice(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=1, of=home("export", iks=())))
    assert len(homes(hub)) == 2
    (one,) = proposals(hub)
    assert {one.one, one.other} == {organization(), organization("export")}
    assert {each.code for each in one.likeness.evidences} >= {"address-same", "name-same", "phone-same"}
    decide(hub, "same", one.one, one.other)
    assert len(homes(hub)) == 1
    assert proposals(hub) == []


def test_a_refused_proposal_stays_refused_until_it_is_undone(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=1, of=home("export", iks=())))
    (number,) = decide(hub, "different", organization(), organization("export"))
    assert proposals(hub) == []
    # Even certain evidence does not go before a person's word.
    tell(hub, "export", told("export", free=1, at=HOUR), at=HOUR)
    assert len(homes(hub)) == 2
    undo(hub, number)
    assert len(homes(hub)) == 1
    with hub.database.reading() as connection:
        decided = log(connection, most=100)
    assert [(one.verdict, one.stands, one.undoes) for one in decided] == [
        ("undone", False, number),
        ("different", False, None),
    ]
    assert {(one.who, one.why) for one in decided} == {("Koordination", "angerufen"), ("Koordination", "verlesen")}


def test_an_undone_merge_lets_the_word_before_it_stand_again(hub: Hub) -> None:
    tell(hub, "amtlich", told())
    tell(hub, "export", told("export"))
    decide(hub, "different", organization(), organization("export"))
    (merged,) = decide(hub, "same", organization(), organization("export"))
    assert len(homes(hub)) == 1
    undo(hub, merged)
    assert len(homes(hub)) == 2
    with pytest.raises(Rejected, match="does not stand"):
        undo(hub, merged)


def test_different_telematik_ids_are_never_joined(hub: Hub) -> None:
    tell(hub, "amtlich", told(of=home(telematik_id="9-2.1")))
    tell(hub, "export", told("export", of=home("export", telematik_id="9-2.2")))
    assert len(homes(hub)) == 2
    assert proposals(hub) == []
    with pytest.raises(Rejected, match="different Telematik-IDs"):
        decide(hub, "same", organization(), organization("export"))


def test_which_of_two_a_third_belongs_to_is_not_guessed(hub: Hub) -> None:
    tell(hub, "amtlich", told(of=home(telematik_id="9-2.1")))
    tell(hub, "export", told("export"))
    assert len(homes(hub)) == 1
    tell(hub, "portal", told("portal", of=home("portal", telematik_id="9-2.2")))
    assert len(homes(hub)) == 3, "the one without an id could be either"
    assert len(proposals(hub)) == 2
    decide(hub, "same", organization(), organization("export"))
    assert len(homes(hub)) == 2
    assert len(proposals(hub)) == 1
    with pytest.raises(Rejected, match="different elsewhere"):
        decide(hub, "same", organization("portal"), organization("export"))
    assert len(homes(hub)) == 2, "what was refused changed nothing"


def test_two_facilities_of_one_source_are_joined_by_people_alone(hub: Hub) -> None:
    tell(hub, "amtlich", told(), told(of=home(key="amtlich-2")))
    assert len(homes(hub)) == 2
    decide(hub, "same", organization(), organization("amtlich", "amtlich-2"))
    assert len(homes(hub)) == 1
    tell(hub, "export", told("export"))
    assert len(homes(hub)) == 1


def test_a_home_that_moves_is_not_followed_by_guess(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=1))
    assert len(homes(hub)) == 1
    moved = home(address=Address(street="Neuer Weg", house_number="9", postal_code="49661", city="Cloppenburg"))
    tell(hub, "amtlich", told(free=3, at=HOUR, of=moved), at=HOUR)
    assert len(homes(hub)) == 2
    assert sorted(places(hub)) == [1, 3]
    assert len(proposals(hub)) == 1
    there = home("export", address=replace(moved.address))
    tell(hub, "export", told("export", free=1, at=2 * HOUR, of=there), at=2 * HOUR)
    assert len(homes(hub)) == 1
    assert homes(hub)[0]["id"] == resource_id("+", "Organization/facility", min(organization(), organization("export")))


def test_offers_that_only_one_source_names_stay(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3), told(free=7, care_form="tagespflege", key="t"))
    tell(hub, "export", told("export", free=1, care_form="kurzzeitpflege-solitaer", at=HOUR), at=HOUR)
    assert sorted(places(hub)) == [1, 7], "Kurzzeitpflege includes solitäre; it is one offer"


def test_an_offer_that_goes_to_another_group_leaves_nothing_behind(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3, care_form="kurzzeitpflege-solitaer"))
    tell(hub, "export", told("export", free=1, care_form="kurzzeitpflege-solitaer"))
    tell(hub, "portal", told("portal", free=2, at=HOUR), at=HOUR)
    assert places(hub) == [2]
    kinds = sorted(kind for kind, _ in shown(hub))
    assert kinds.count("Slot") == kinds.count("Schedule") == kinds.count("HealthcareService") == 1


def test_a_split_of_the_whole_parts_everybody(hub: Hub) -> None:
    for source in SOURCES:
        tell(hub, source, told(source))
    (one,) = homes(hub)
    split(hub, one["id"])
    assert len(homes(hub)) == 3
    with hub.database.reading() as connection:
        assert connection.execute(select(joined_offer)).all() == []
        assert len(connection.execute(select(identity_decision)).all()) == 3


def test_a_facility_that_is_not_joined_cannot_be_split(hub: Hub) -> None:
    tell(hub, "amtlich", told())
    with pytest.raises(Rejected, match="not joined"):
        split(hub, organization())
    with pytest.raises(NotFound):
        split(hub, "nobody")


def test_what_professionals_alone_see_moves_no_public_version_of_a_joined_home(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    tell(hub, "export", told("export", free=1))
    tell(hub, "amtlich", told(free=3, at=HOUR), at=HOUR)
    public, professional = shown(hub, "public"), shown(hub)
    tell(hub, "amtlich", told(free=7, at=2 * HOUR), at=2 * HOUR)
    assert shown(hub, "public") == public
    assert shown(hub) != professional


def test_explaining_names_members_ties_and_decisions(hub: Hub) -> None:
    for source in SOURCES:
        tell(hub, source, told(source))
    split(hub, organization("portal"))
    with hub.database.reading() as connection:
        of_home = explain(connection, homes(hub)[0]["id"] if len(homes(hub)) == 1 else organization())
    assert {member.source for member in of_home.members} == {"amtlich", "export"}
    codes = {each.code for tie in of_home.ties for each in tie.likeness.evidences}
    assert {"ik-same", "address-same"} <= codes
    assert {one.verdict for one in of_home.decisions} == {"different"}
    assert all(each.text_de and each.text_en for tie in of_home.ties for each in tie.likeness.evidences)


def test_facilities_known_before_are_compared_when_they_are_told_of_again(hub: Hub) -> None:
    tell(hub, "amtlich", told(free=3))
    with hub.database.writing() as connection:
        for table in (facility, facility_match_key):  # as in a database of before this schema
            connection.execute(table.delete())
    tell(hub, "export", told("export", free=1))
    assert len(homes(hub)) == 2
    tell(hub, "amtlich", told(free=3, at=HOUR), at=HOUR)
    assert len(homes(hub)) == 1


def test_a_home_that_was_removed_is_proposed_no_more(hub: Hub) -> None:
    other = told("export", of=home("export", iks=()))
    tell(hub, "amtlich", told())
    tell(hub, "export", other)
    assert len(proposals(hub)) == 1
    assert remove(hub, other, source="export") == 1
    with hub.database.reading() as connection:
        assert identity_proposals.proposals(connection) == []
        assert waiting(connection) == 0
        with pytest.raises(NotFound):
            explain(connection, organization("export"))
        assert explain(connection, organization()).ties == ()
    tell(hub, "portal", told("portal", of=home("portal", iks=(), key="portal-1")))
    assert {end for one in proposals(hub) for end in (one.one, one.other)} == {organization(), organization("portal")}
    tell(hub, "export", other, at=4 * HOUR)
    assert len(proposals(hub)) == 3, "it came back"


def test_an_offer_that_is_no_more_leaves_its_home_known(hub: Hub) -> None:
    day_care = told("export", care_form="tagespflege", key="t", of=home("export", iks=()))
    tell(hub, "amtlich", told())
    tell(hub, "export", told("export", of=home("export", iks=())), day_care)
    assert remove(hub, day_care, source="export") == 1
    assert len(proposals(hub)) == 1


@pytest.mark.parametrize("gone", SOURCES)
def test_who_was_one_with_a_removed_home_is_shown_without_it(hub: Hub, gone: str) -> None:
    for source in SOURCES:
        tell(hub, source, told(source))
    (before,) = homes(hub)
    assert remove(hub, told(gone), source=gone) == 1
    assert partition_of(hub) == {frozenset(organization(one) for one in SOURCES if one != gone)}
    for view in ("public", "professional"):
        (one,) = homes(hub, view)
        assert gone not in str(one["identifier"])
        assert len(places(hub, view)) == 1
    left = next(one for one in SOURCES if one != gone)
    assert remove(hub, told(left), source=left) == 1
    last = next(one for one in SOURCES if one not in (gone, left))
    for view in ("public", "professional"):
        assert [one["id"] for one in homes(hub, view)] == [organization(last)]
        assert len(places(hub, view)) == 1
    assert remove(hub, told(last), source=last) == 1
    assert not homes(hub)
    assert not homes(hub, "public")
    assert not places(hub)
    for source in SOURCES:
        tell(hub, source, told(source, at=4 * HOUR), at=4 * HOUR)
    assert [one["id"] for one in homes(hub)] == [before["id"]]


def test_all_that_one_joined_home_was_can_be_removed_at_once(hub: Hub) -> None:
    reports = {source: told(source) for source in SOURCES}
    for source, one in reports.items():
        tell(hub, source, one)
    offers = [resource_id(source, "HealthcareService", one.offer.key) for source, one in reports.items()]
    with hub.database.transaction() as transaction:
        Reconciler(hub.repositories, hub.identity).remove(transaction, offers, now=NOW + HOUR)
    assert not homes(hub)
    assert not places(hub)


def test_what_was_decided_of_a_removed_home_holds_when_it_comes_back(hub: Hub) -> None:
    other = told("export", of=home("export", iks=(), name="Wiesengrund", address=Address(), contacts=(), position=None))
    tell(hub, "amtlich", told())
    tell(hub, "export", other)
    decide(hub, "same", organization(), organization("export"))
    assert len(homes(hub)) == 1
    remove(hub, other, source="export")
    assert [one["id"] for one in homes(hub)] == [organization()]
    tell(hub, "portal", told("portal", at=HOUR), at=HOUR)
    assert partition_of(hub) == {frozenset((organization(), organization("portal")))}
    tell(hub, "export", other, at=4 * HOUR)
    assert len(homes(hub)) == 1
    remove(hub, other, source="export")
    undo(hub, 1)
    tell(hub, "export", other, at=5 * HOUR)
    assert len(homes(hub)) == 2


LONG, SHORT = "dauerpflege", "kurzzeitpflege-eingestreut"


def pooled(free: int, care_form: str, *, at: timedelta = timedelta(), licensed: int = 80) -> VacancyReport:
    return told(free=free, care_form=care_form, key=care_form, pool="p", at=at, licensed=licensed)


def by_form(hub: Hub, view: str = "professional") -> dict[str, tuple[str, int]]:
    return {row[1]: (row[2], row[3]) for row in searched(hub, view)}


def test_a_newer_word_of_a_pool_bounds_its_other_offers(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(3, LONG), pooled(3, SHORT, licensed=4))
    assert by_form(hub) == {LONG: ("some", 3), SHORT: ("some", 3)}
    tell(hub, "amtlich", pooled(1, SHORT, licensed=4, at=HOUR), at=HOUR)
    assert by_form(hub) == {LONG: ("some", 1), SHORT: ("some", 1)}
    tell(hub, "amtlich", pooled(0, SHORT, licensed=4, at=2 * HOUR), at=2 * HOUR)
    assert by_form(hub) == {LONG: ("none", 0), SHORT: ("none", 0)}
    tell(hub, "amtlich", pooled(2, LONG, at=3 * HOUR), at=3 * HOUR)
    assert by_form(hub) == {LONG: ("some", 2), SHORT: ("none", 0)}, "a newer word raises no other"


def test_a_pool_that_is_told_of_late_is_bound_the_same(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(1, SHORT, licensed=4, at=HOUR), at=HOUR)
    tell(hub, "amtlich", pooled(3, LONG), at=2 * HOUR)
    assert by_form(hub) == {LONG: ("some", 1), SHORT: ("some", 1)}
    assert by_form(hub, "public") == {LONG: ("some", 1), SHORT: ("some", 1)}


def test_a_heartbeat_is_a_newer_word_too(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(5, LONG, at=HOUR), pooled(2, SHORT, licensed=4), at=HOUR)
    assert by_form(hub) == {LONG: ("some", 5), SHORT: ("some", 2)}
    tell(hub, "amtlich", pooled(2, SHORT, licensed=4, at=2 * HOUR), at=2 * HOUR)
    assert by_form(hub) == {LONG: ("some", 2), SHORT: ("some", 2)}
    tell(hub, "amtlich", pooled(5, LONG, at=3 * HOUR), at=3 * HOUR)
    assert by_form(hub) == {LONG: ("some", 5), SHORT: ("some", 2)}


def test_pools_bound_in_a_joined_home_and_after_it(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(3, LONG), pooled(3, SHORT, licensed=4))
    tell(hub, "export", told("export", free=None, at=-HOUR))
    tell(hub, "amtlich", pooled(1, SHORT, licensed=4, at=HOUR), at=HOUR)
    assert by_form(hub)[LONG] == ("some", 1)
    split(hub, organization())
    assert by_form(hub)[LONG] == ("some", 1)


def standing(hub: Hub) -> int:
    """How many places all offers together have, a pool counted once."""
    with hub.database.reading() as connection:
        return totals(hub.identity.view.reports(connection, now=micros(NOW + 3 * HOUR))).accepting


def test_an_offer_that_is_no_more_bounds_its_pool_no_more(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(3, LONG), pooled(3, SHORT, licensed=4))
    newer = pooled(1, SHORT, licensed=4, at=HOUR)
    tell(hub, "amtlich", newer, at=HOUR)
    assert by_form(hub)[LONG] == ("some", 1)
    assert remove(hub, newer) == 1
    for view, free in (("professional", 3), ("public", 2)):
        assert by_form(hub, view) == {LONG: ("some", free)}
        (slot,) = [one for (kind, _), one in shown(hub, view).items() if kind == "Slot"]
        assert {"url": SLOT_CAPACITY, "valueInteger": free} in slot["extension"]
    assert standing(hub) == 3
    tell(hub, "amtlich", pooled(3, LONG, at=2 * HOUR), at=2 * HOUR)
    assert by_form(hub) == {LONG: ("some", 3)}


def test_of_a_pool_the_next_newer_word_bounds_where_the_newest_is_no_more(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(9, LONG))
    tell(hub, "amtlich", told(free=4, care_form="nachtpflege", key="n", pool="p", at=HOUR), at=HOUR)
    newest = pooled(0, SHORT, licensed=4, at=2 * HOUR)
    tell(hub, "amtlich", newest, at=2 * HOUR)
    assert by_form(hub) == {LONG: ("none", 0), "nachtpflege": ("none", 0), SHORT: ("none", 0)}
    assert remove(hub, newest) == 1
    assert by_form(hub) == {LONG: ("some", 4), "nachtpflege": ("some", 4)}
    assert standing(hub) == 4


def test_a_word_that_is_withdrawn_bounds_its_pool_no_more(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(3, LONG))
    newer = pooled(1, SHORT, licensed=4, at=HOUR)
    tell(hub, "amtlich", newer, at=HOUR)
    with hub.database.transaction() as transaction:
        offers = [resource_id("amtlich", "HealthcareService", newer.offer.key)]
        Reconciler(hub.repositories, hub.identity).withdraw(transaction, offers, now=NOW + 3 * HOUR)
    assert by_form(hub)[LONG] == ("some", 3)
    assert standing(hub) == 3


def partition_of(hub: Hub) -> set[frozenset[str]]:
    with hub.database.reading() as connection:
        rows = connection.execute(select(facility.c.id, facility.c.joined)).all()
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row.joined or row.id, set()).add(row.id)
    return {frozenset(part) for part in parts.values()}


@pytest.mark.parametrize("seed", [1, 2])
def test_one_by_one_in_any_order_comes_to_the_same_as_all_at_once(sqlite_hub: Hub, seed: int) -> None:
    everybody = labelled(seed=7, size=60)
    parts, pairs = recognised(everybody)
    by_source: dict[str, list[VacancyReport]] = {}
    for one in everybody:
        report = told(one.source, of=one.facility, key="k")
        by_source.setdefault(one.source, []).append(report)
    deliveries = [
        (source, reports[begin : begin + 20])
        for source, reports in by_source.items()
        for begin in range(0, len(reports), 20)
    ]
    Random(seed).shuffle(deliveries)
    for source, reports in deliveries:
        tell(sqlite_hub, source, *reports)
    assert partition_of(sqlite_hub) == set(parts)
    source_of = {one.id: one.source for one in everybody}
    with_it = {one: {source_of[member] for member in part} for part in parts for one in part}
    waiting = {(one.one, one.other) for one in proposals(sqlite_hub)}
    assert len(waiting) > 15
    assert waiting == {pair for pair in pairs if not with_it[pair[0]] & with_it[pair[1]]}
    assert len(homes(sqlite_hub)) == len(parts)
    assert len(places(sqlite_hub)) == len(parts), "one offer each, and none twice"


def test_totals_count_every_place_once(hub: Hub) -> None:
    tell(hub, "amtlich", pooled(3, LONG), pooled(2, SHORT, licensed=4))
    for source in SOURCES:
        tell(hub, source, told(source, free=7, care_form="tagespflege", key="t", licensed=12))
    alone = home("export", key="allein", iks=(), name="Wiesengrund", address=Address(), contacts=())
    tell(hub, "export", told(free=4, of=alone, licensed=9))
    with hub.database.reading() as connection:
        counted = totals(hub.identity.view.reports(connection, now=micros(NOW)))
    assert (counted.offers, counted.pools) == (4, 1)
    assert counted.licensed == 80 + 12 + 9
    assert counted.accepting == 3 + 7 + 4
    with hub.database.reading() as connection:
        assert totals(hub.identity.view.reports(connection, now=micros(NOW + timedelta(days=9)))).unknown == 3


def test_who_asks_for_a_sources_own_resource_is_led_to_the_joined_one(hub: Hub) -> None:
    for source in SOURCES:
        tell(hub, source, told(source))
    (one,) = homes(hub)
    for client in (Client(hub), Client(hub, sandbox=True)):
        assert client.get(f"/fhir/Organization/{organization()}").status_code == 410
        for identifier in (f"{REPLACED}|{organization()}", f"{SOURCE}export|export-1"):
            bundle = client.json(f"/fhir/Organization?identifier={identifier}")
            assert [entry["resource"]["id"] for entry in bundle["entry"]] == [one["id"]]
        assert client.json("/fhir/Slot?status=free&_summary=count")["total"] == 1
        assert client.json("/fhir/Organization?address-city=x&_summary=count")["total"] == 0


def test_two_sources_that_report_at_once_miss_each_other_never(hub: Hub) -> None:
    numbers = range(12)

    def reports_of(source: str) -> None:
        for number in numbers:
            where = home(source, key=f"{source}-{number}", iks=(f"51032{number:04}",))
            where = replace(where, address=Address(street="Ring", house_number=str(number + 1), postal_code="49661"))
            tell(hub, source, told(source, of=where))

    with ThreadPoolExecutor(len(SOURCES)) as pool:
        list(pool.map(reports_of, SOURCES))
    assert len(homes(hub)) == len(numbers)
    assert len(places(hub)) == len(numbers)


STEPS = st.lists(
    st.tuples(st.sampled_from(SOURCES[:2]), st.integers(0, 3), st.sampled_from(("kurzzeitpflege", "tagespflege"))),
    min_size=2,
    max_size=5,
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(0, 4))
def test_merging_and_splitting_is_as_if_nothing_had_been(
    sqlite_hub: Hub, steps: list[tuple[str, int, str]], merged_after: int
) -> None:
    name = uuid4().hex
    others = {"iks": (), "contacts": (), "name": "Wiesengrund", "position": None}
    of = {
        "amtlich": home("amtlich", key=name),
        "export": home("export", key=name, **others, address=Address(postal_code="49661")),
    }

    def say(begin: int, steps: list[tuple[str, int, str]]) -> None:
        for hour, (source, free, form) in enumerate(steps, start=begin):
            at = HOUR * hour
            tell(sqlite_hub, source, told(source, free=free, at=at, care_form=form, key=form, of=of[source]), at=at)

    ends = organization("amtlich", name), organization("export", name)
    say(-2, [("amtlich", 1, "kurzzeitpflege"), ("export", 2, "kurzzeitpflege")])
    say(0, steps[:merged_after])
    before = plain(shown(sqlite_hub)), plain(shown(sqlite_hub, "public")), searched(sqlite_hub)
    decide(sqlite_hub, "same", *ends)
    assert len([one for one in homes(sqlite_hub) if name in str(one["identifier"])]) == 1
    if not steps[merged_after:]:
        split(sqlite_hub, ends[0])
        assert (plain(shown(sqlite_hub)), plain(shown(sqlite_hub, "public")), searched(sqlite_hub)) == before
        return
    say(merged_after, steps[merged_after:])
    split(sqlite_hub, ends[1])
    (apart,) = [one for one in homes(sqlite_hub) if one["id"] == ends[0]]
    assert name in str(apart["identifier"])
    # As a hub that never joined them: the last word of each, and each once.
    last = {
        (source, form): free
        for source, free, form in [("amtlich", 1, "kurzzeitpflege"), ("export", 2, "kurzzeitpflege"), *steps]
    }
    mine = {resource_id(source, "HealthcareService", f"{name}/{form}") for source, form in last}
    assert sorted(row[3] for row in searched(sqlite_hub) if row[0] in mine) == sorted(last.values())
