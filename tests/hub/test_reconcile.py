"""Order, heartbeats, expiry and the two projections: what a report does to what is known."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from pydantic import TypeAdapter
from sqlalchemy import func, select

from hub.hub import Hub
from hub.ingest.reconcile import Reconciler
from hub.store.tables import PROFESSIONAL, PUBLIC, Projection, statement
from mappings.vacancy import Counts, State, VacancyReport
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.deliveries import send
from tests.hub.plans import Explaining
from tests.hub.region import HOUR, report, tell

VACANCY_REPORT: TypeAdapter[VacancyReport] = TypeAdapter(VacancyReport)
FIND = "/fhir/HealthcareService/$find-vacancies?postal-code=49661&distance=10"


def versions(hub: Hub, projection: Projection) -> int:
    with hub.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(projection.history)).scalar_one())


def statements_of(bundle_entries: Iterable[Any]) -> dict[str, Any]:
    schedule = next(entry["resource"] for entry in bundle_entries if entry["resource"]["resourceType"] == "Schedule")
    return {
        part["url"]: next(value for name, value in part.items() if name != "url")
        for part in schedule["extension"][0]["extension"]
    }


def shown(hub: Hub, *, sandbox: bool = True) -> dict[str, Any]:
    """What the professional sees of the one offer."""
    states = "&".join(f"state={state}" for state in State)
    return statements_of(Client(hub, sandbox=sandbox).json(f"{FIND}&{states}")["entry"])


def test_same_content_later_is_a_heartbeat(hub: Hub, clock: Clock) -> None:
    tell(hub, report(valid_at=NOW))
    before = versions(hub, PROFESSIONAL), versions(hub, PUBLIC)
    for _ in range(5):
        clock.forward(hours=1)
        outcome = tell(hub, report(valid_at=clock()))
        assert (outcome.applied, outcome.unchanged, outcome.versions) == (0, 1, 0)
    assert (versions(hub, PROFESSIONAL), versions(hub, PUBLIC)) == before
    (match,) = Client(hub).matches(FIND)
    freshness = {part["url"]: part for part in match["search"]["extension"][1]["extension"]}
    assert freshness["confirmedAt"]["valueDateTime"].startswith("2026-11-22T14:00:00")


def test_a_message_older_than_the_last_heartbeat_is_superseded(hub: Hub, clock: Clock) -> None:
    tell(hub, report(free=3, valid_at=NOW))
    tell(hub, report(free=3, valid_at=NOW + 2 * HOUR))
    outcome = tell(hub, report(free=9, valid_at=NOW + HOUR))
    assert (outcome.applied, outcome.superseded) == (0, 1)
    assert shown(hub)["accepting"] == 3


def test_an_unchanged_valid_at_confirms_nothing(hub: Hub, clock: Clock) -> None:
    tell(hub, report(valid_at=NOW))
    clock.forward(days=6)
    assert tell(hub, report(valid_at=NOW)).unchanged == 1
    clock.forward(days=2)
    assert Client(hub).matches(FIND) == []


def test_no_valid_at_said_again_is_a_heartbeat(hub: Hub, clock: Clock) -> None:
    tell(hub, report())
    clock.forward(days=6)
    assert tell(hub, report()).unchanged == 1
    clock.forward(days=6)
    assert len(Client(hub).matches(FIND)) == 1


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_greatest_statement_wins_in_every_order(sqlite_hub: Hub, order: tuple[int, ...]) -> None:
    told = [
        report(free=1, valid_at=NOW - 2 * HOUR),
        report(free=2, valid_at=NOW - HOUR, sequence=1),
        report(free=4, valid_at=NOW - HOUR, sequence=2),
        report(free=0, valid_at=NOW - 3 * HOUR),
    ]
    for position in order:
        tell(sqlite_hub, told[position])
    assert shown(sqlite_hub)["accepting"] == 4


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_heartbeat_with_a_greater_number_counts_against_what_comes_late(
    sqlite_hub: Hub, order: tuple[int, ...]
) -> None:
    told = [
        report(free=2, valid_at=NOW, sequence=10),
        report(free=5, valid_at=NOW, sequence=15),
        report(free=2, valid_at=NOW, sequence=20),
    ]
    for position in order:
        tell(sqlite_hub, told[position])
    assert shown(sqlite_hub)["accepting"] == 2


@pytest.mark.parametrize("together", [True, False])
def test_of_two_that_the_source_gives_one_place_in_its_order_the_later_counts(sqlite_hub: Hub, together: bool) -> None:
    first, last = (report(free=free, valid_at=NOW, sequence=7) for free in (2, 5))
    if together:
        tell(sqlite_hub, first, last)
    else:
        tell(sqlite_hub, first)
        tell(sqlite_hub, last)
    assert shown(sqlite_hub)["accepting"] == 5


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_word_on_a_facility_counts_also_where_it_says_nothing_new_of_its_offer(
    hub: Hub, order: tuple[int, ...]
) -> None:
    def named(name: str, care_form: str, at: datetime) -> VacancyReport:
        told = report(care_form=care_form, valid_at=at)
        return replace(told, facility=replace(told.facility, name=name))

    told = [
        named("Haus am Moor", "kurzzeitpflege-solitaer", NOW - 3 * HOUR),
        named("Haus am Deich", "tagespflege", NOW - 2 * HOUR),
        named("Haus am Moor", "kurzzeitpflege-solitaer", NOW - HOUR),
    ]
    for position in order:
        tell(hub, told[position])
    for sandbox in (True, False):
        found = Client(hub, sandbox=sandbox).json("/fhir/Organization")
        names = {entry["resource"]["name"] for entry in found["entry"]}
        assert "Haus am Deich" not in names
        assert "Haus am Moor" in names
    before = versions(hub, PROFESSIONAL), versions(hub, PUBLIC)
    assert tell(hub, named("Haus am Moor", "kurzzeitpflege-solitaer", NOW)).unchanged == 1
    assert before == (versions(hub, PROFESSIONAL), versions(hub, PUBLIC)), "who says the same again makes no version"


def test_a_new_report_replaces_all_places(hub: Hub) -> None:
    tell(hub, report(free=3, held=2, valid_at=NOW))
    slots = Client(hub, sandbox=True).json("/fhir/Slot")
    assert slots["total"] == 2
    tell(hub, report(free=0, valid_at=NOW + HOUR))
    client = Client(hub, sandbox=True)
    assert client.json("/fhir/Slot")["total"] == 0
    gone = slots["entry"][0]["resource"]["id"]
    assert client.get(f"/fhir/Slot/{gone}").status_code == 410
    assert client.get(f"/fhir/Slot/{gone}/_history/1").status_code == 200
    tell(hub, report(free=3, valid_at=NOW + 2 * HOUR))
    assert client.json("/fhir/Slot")["total"] == 1


def test_public_version_stays_when_only_professionals_see_a_change(hub: Hub) -> None:
    tell(hub, report(free=5, held=1, valid_at=NOW))
    before = versions(hub, PUBLIC)
    outcome = tell(hub, report(free=7, held=3, valid_at=NOW + HOUR))
    assert outcome.applied == 1
    assert versions(hub, PUBLIC) == before
    assert shown(hub)["accepting"] == 7
    assert shown(hub, sandbox=False)["accepting"] == 2


def test_public_sees_nothing_of_what_is_held(hub: Hub) -> None:
    tell(hub, report(free=0, held=4, valid_at=NOW))
    told = Client(hub).get(f"{FIND}&state=none").text
    assert '"held"' not in told
    assert "busy-tentative" not in told
    assert "555-99" not in told
    assert "555-99" in Client(hub, sandbox=True).get(f"{FIND}&state=none").text


def test_expired_statements_are_never_found_and_then_withdrawn(hub: Hub, clock: Clock) -> None:
    tell(hub, report(valid_at=NOW))
    assert Client(hub).json("/fhir/Slot?status=free")["total"] == 1
    clock.forward(days=8)
    assert Client(hub).json("/fhir/Slot?status=free")["total"] == 0
    assert Client(hub).matches(FIND) == []
    assert hub.pipeline.expire() == 0
    assert shown(hub)["state"] == "unknown"
    assert "accepting" not in shown(hub)
    assert Client(hub, sandbox=True).json("/fhir/Slot")["total"] == 0
    service = Client(hub).json("/fhir/HealthcareService")["entry"][0]["resource"]
    assert "extension" not in service


def test_said_again_after_expiry_is_a_change(hub: Hub, clock: Clock) -> None:
    tell(hub, report(valid_at=NOW))
    clock.forward(days=8)
    hub.pipeline.expire()
    outcome = tell(hub, report(valid_at=clock()))
    assert (outcome.applied, outcome.unchanged) == (1, 0)
    assert len(Client(hub).matches(FIND)) == 1


def test_what_a_source_said_is_withdrawn_at_once_of_one_offer_or_of_all(hub: Hub, clock: Clock) -> None:
    hub.sources._maps = {**hub.sources._maps, "test": replace(hub.sources.named("json"), name="test")}
    tell(hub, report("moor"), report("see"), report("wald"))
    assert hub.pipeline.withdraw("test", "nobody") == 0
    assert hub.pipeline.withdraw("test", "moor/kurzzeitpflege-solitaer") == 1
    for sandbox in (False, True):
        assert len(Client(hub, sandbox=sandbox).matches(FIND)) == 2
        assert Client(hub, sandbox=sandbox).json("/fhir/Slot")["total"] == 2
    assert hub.pipeline.withdraw("test") == 2
    assert Client(hub).matches(FIND) == []
    clock.forward(hours=1)
    assert tell(hub, report("moor")).applied == 1
    assert len(Client(hub).matches(FIND)) == 1


def test_what_arrives_expired_is_unknown(hub: Hub) -> None:
    outcome = tell(hub, report(valid_at=NOW - timedelta(days=9)))
    assert outcome.applied == 1
    assert shown(hub)["state"] == "unknown"


def test_what_is_expired_and_said_again_still_expired_makes_no_version(hub: Hub, clock: Clock) -> None:
    tell(hub, report(valid_at=NOW - timedelta(days=10)))
    before = versions(hub, PROFESSIONAL), versions(hub, PUBLIC)
    for days in (9, 8):
        outcome = tell(hub, report(valid_at=NOW - timedelta(days=days)))
        assert (outcome.applied, outcome.unchanged, outcome.versions) == (0, 1, 0)
    assert (versions(hub, PROFESSIONAL), versions(hub, PUBLIC)) == before
    assert shown(hub)["state"] == "unknown"
    assert tell(hub, report(valid_at=NOW - timedelta(days=9))).superseded == 1
    assert tell(hub, report(valid_at=NOW)).applied == 1
    assert len(Client(hub).matches(FIND)) == 1


def test_two_reports_of_one_offer_in_one_delivery(hub: Hub) -> None:
    outcome = tell(hub, report(free=1, valid_at=NOW), report(free=2, valid_at=NOW + HOUR))
    assert (outcome.applied, outcome.superseded) == (1, 1)
    assert shown(hub)["accepting"] == 2


def test_offers_of_one_facility_share_it(hub: Hub) -> None:
    tell(hub, report(), report(care_form="dauerpflege"))
    tell(hub, report(free=1), report(care_form="tagespflege"))
    client = Client(hub)
    assert client.json("/fhir/Location")["total"] == 1
    assert client.json("/fhir/Organization")["total"] == 2  # the operator is the other
    assert client.json("/fhir/HealthcareService")["total"] == 3


def test_an_offer_that_becomes_another_is_known_by_what_it_is_now(hub: Hub, clock: Clock) -> None:
    first = report(free=1)
    reformed = replace(first, offer=replace(first.offer, care_form="tagespflege"))
    moved = replace(report("heide", free=2), offer=reformed.offer)
    for told in (first, replace(first, counts=Counts(licensed=20, accepting=0)), reformed, moved):
        clock.forward(hours=1)
        assert tell(hub, told).applied == 1
        with hub.database.reading() as connection:
            (row,) = connection.execute(select(statement)).all()
        assert (row.facility, row.care_form) == (told.facility.key, told.offer.care_form)
        assert VACANCY_REPORT.validate_json(row.report) == told


def test_a_stuck_export_from_the_future_confirms_nothing(hub: Hub, clock: Clock) -> None:
    ahead = NOW + timedelta(days=40)
    tell(hub, report(valid_at=ahead), received_at=NOW)
    for _ in range(9):
        clock.forward(days=1)
        tell(hub, report(valid_at=ahead), received_at=clock())
    assert Client(hub).matches(FIND) == []


def test_the_public_does_not_learn_that_hidden_data_changed(hub: Hub, clock: Clock) -> None:
    tell(hub, report(free=5, held=1, valid_at=NOW))
    before = Client(hub).get(FIND).content
    clock.forward(hours=1)
    outcome = tell(hub, report(free=7, held=3, valid_at=NOW), received_at=clock())
    assert outcome.applied == 1
    assert Client(hub).get(FIND).content == before


def test_the_newest_word_of_a_facility_counts_for_all_its_offers(hub: Hub) -> None:
    moved = report(care_form="dauerpflege", valid_at=NOW, latitude=52.9)
    stayed = report(valid_at=NOW - HOUR)
    for order in ((stayed, moved), (moved, stayed)):
        for one in order:
            tell(hub, one)
        (location,) = Client(hub).json("/fhir/Location")["entry"]
        assert location["resource"]["position"]["latitude"] == 52.9
        near = Client(hub).matches("/fhir/HealthcareService/$find-vacancies?near=52.9|8.05|1|km")
        assert len(near) == 2


def test_what_is_due_is_found_by_its_index(sqlite_hub: Hub) -> None:
    """It is asked before every read: a scan of all statements would cost more than the read."""
    tell(sqlite_hub, report())
    with sqlite_hub.database.snapshot() as reader:
        explaining = Explaining(reader)
        Reconciler(sqlite_hub.repositories, sqlite_hub.identity).is_due(explaining, now=NOW)
    assert "statement_by_expiry (expired=? AND expires_at<?)" in explaining.plans[0]


def test_an_offer_under_another_facility_is_warned_of(hub: Hub) -> None:
    def told(facility: str, moment: str) -> list[str]:
        offer = {"id": "o", "careForm": "dauerpflege", "free": 1, "validAt": f"2026-11-22T{moment}+01:00"}
        home = {"id": facility, "name": "Haus", "postalCode": "49661", "city": "Ort", "offers": [offer]}
        return [issue.code for issue in send(hub, "json", json.dumps({"facilities": [home]}).encode()).issues]

    assert "offer-moved" not in told("one", "08:00:00")
    assert "offer-moved" in told("other", "08:30:00")
    assert "offer-moved" not in told("other", "08:40:00")
    assert "offer-moved" not in told("one", "08:10:00")
