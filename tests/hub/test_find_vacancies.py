"""HealthcareService/$find-vacancies: what is found, in what order, and how a wrong question is answered."""

import math
import random
import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace as replaced

from hub.errors import TooCostly, http_part
from hub.hub import Hub
from hub.search.read_ahead import read_ahead
from hub.search.vacancies import find, fitting, page_of
from hub.search.why_not import why_not
from hub.store import database
from hub.store.blocks import Blocks
from hub.store.clock import micros
from hub.store.shown import address
from hub.store.tables import PUBLIC
from mappings import gazetteer
from mappings.errors import Issue
from mappings.vacancy import Block, BlockStatus, Position, State, VacancyReport
from mappings.view import View
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.plans import Explaining
from tests.hub.region import report, searched, tell

OPERATION = "/fhir/HealthcareService/$find-vacancies"
TODAY = NOW.date()


def names(matches: list[Any]) -> list[str]:
    return [match["resource"]["identifier"][0]["value"] for match in matches]


def kilometres(one: Position, other: Position) -> float:
    """The spherical law of cosines: another formula than the one under test."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    c = math.radians(one.longitude - other.longitude)
    return 6371.0088 * math.acos(min(1, math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(c)))


def test_nearest_first_with_distance_and_freshness(hub: Hub) -> None:
    tell(hub, report("far", latitude=52.95), report("near", latitude=52.86), report("nearer", latitude=52.851))
    matches = Client(hub).matches(f"{OPERATION}?near=52.85|8.05|25|km")
    assert [name.split("/")[0] for name in names(matches)] == ["nearer", "near", "far"]
    search = matches[2]["search"]
    distance, freshness = search["extension"]
    assert distance["url"] == "http://hl7.org/fhir/StructureDefinition/location-distance"
    assert distance["valueDistance"] == {
        "value": pytest.approx(kilometres(Position(52.85, 8.05), Position(52.95, 8.05)), abs=0.001),
        "unit": "km",
        "system": "http://unitsofmeasure.org",
        "code": "km",
    }
    assert {"url": "class", "valueCode": "fresh"} in freshness["extension"]
    assert 0 < search["score"] < matches[0]["search"]["score"] <= 1


def test_what_belongs_to_a_hit_comes_with_it(hub: Hub) -> None:
    tell(hub, report())
    bundle = Client(hub).json(f"{OPERATION}?postal-code=49661")
    modes = {entry["resource"]["resourceType"]: entry["search"]["mode"] for entry in bundle["entry"]}
    assert modes == {
        "HealthcareService": "match",
        "Location": "include",
        "Organization": "include",
        "Schedule": "include",
        "Slot": "include",
        "OperationOutcome": "outcome",
    }
    for entry in bundle["entry"][:-1]:
        assert Client(hub).json(entry["fullUrl"]) == entry["resource"]


def test_care_form_finds_its_narrower_forms(hub: Hub) -> None:
    tell(hub, report(), report(care_form="kurzzeitpflege-eingestreut"), report(care_form="dauerpflege"))
    found = names(Client(hub).matches(f"{OPERATION}?postal-code=49661&care-form=kurzzeitpflege"))
    assert sorted(found) == ["moor/kurzzeitpflege-eingestreut", "moor/kurzzeitpflege-solitaer"]
    both = f"{OPERATION}?postal-code=49661&care-form=kurzzeitpflege-solitaer,dauerpflege"
    assert len(Client(hub).matches(both)) == 2


@pytest.mark.parametrize("state", list(State))
def test_states_are_never_collapsed(hub: Hub, state: State) -> None:
    tell(hub, *(report(one.value, free=3 if one is State.SOME else None, state=one) for one in State))
    found = names(Client(hub).matches(f"{OPERATION}?postal-code=49661&state={state}"))
    assert found == [f"{state}/kurzzeitpflege-solitaer"]


def test_free_is_what_is_asked_for_unless_said(hub: Hub) -> None:
    tell(hub, *(report(one.value, free=3 if one is State.SOME else None, state=one) for one in State))
    assert names(Client(hub).matches(f"{OPERATION}?postal-code=49661")) == ["some/kurzzeitpflege-solitaer"]


def test_start_must_lie_in_a_block(hub: Hub) -> None:
    block = Block(count=1, start=TODAY + timedelta(days=5), end=TODAY + timedelta(days=9))
    tell(hub, report(blocks=[block]))
    client = Client(hub)
    for days, found in ((4, 0), (5, 1), (9, 1), (10, 0)):
        start = TODAY + timedelta(days=days)
        assert len(client.matches(f"{OPERATION}?postal-code=49661&start={start}")) == found, days
    assert len(client.matches(f"{OPERATION}?postal-code=49661")) == 1


def test_blocks_that_are_over_are_not_found(hub: Hub, clock: Clock) -> None:
    tell(hub, report(blocks=[Block(count=1, end=TODAY + timedelta(days=1))]))
    assert len(Client(hub).matches(f"{OPERATION}?postal-code=49661")) == 1
    clock.forward(days=2)
    assert Client(hub).matches(f"{OPERATION}?postal-code=49661") == []


def test_places_add_up_where_they_are_free_together(hub: Hub) -> None:
    later = TODAY + timedelta(days=20)
    tell(hub, report(blocks=[Block(count=1), Block(count=1, start=later), Block(count=5, status=BlockStatus.HELD)]))
    tell(hub, report("apart", blocks=[Block(count=1, end=TODAY), Block(count=1, start=later)]))
    client = Client(hub, sandbox=True)
    assert len(client.matches(f"{OPERATION}?postal-code=49661&places=2")) == 1
    assert client.matches(f"{OPERATION}?postal-code=49661&places=2&start={TODAY}") == []
    assert client.matches(f"{OPERATION}?postal-code=49661&places=3") == []


def test_public_may_ask_for_two_places_at_most(hub: Hub) -> None:
    tell(hub, report(free=9))
    outcome = Client(hub).json(f"{OPERATION}?postal-code=49661&places=3", status=400)
    assert outcome["issue"][0]["code"] == "business-rule"
    assert outcome["issue"][0]["expression"] == ["http.places"]
    assert "1 to 2" in outcome["issue"][0]["details"]["text"]
    assert len(Client(hub, sandbox=True).matches(f"{OPERATION}?postal-code=49661&places=9")) == 1


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("", "near"),
        ("near=52|8|10|km&postal-code=49661", "near"),
        ("near=north|8|10|km", "near"),
        ("near=52|8|NaN|km", "near"),
        ("near=52|8|20000|km", "near"),
        ("near=91|8|10|km", "near"),
        ("near=52|8|10|furlong", "near"),
        ("postal-code=00000", "postal-code"),
        ("postal-code=4966", "postal-code"),
        ("postal-code=٤٩٦٦١", "postal-code"),
        ("postal-code=49661&postal-code=49661", "postal-code"),
        ("postal-code=49661&distance=0", "distance"),
        ("postal-code=49661&distance=-5", "distance"),
        ("postal-code=49661&distance=1e9", "distance"),
        ("postal-code=49661&care-form=hotel", "care-form"),
        ("postal-code=49661&state=maybe", "state"),
        ("postal-code=49661&start=2026-11-21", "start"),
        ("postal-code=49661&start=2026-02-30", "start"),
        ("postal-code=49661&start=9999-01-01", "start"),
        ("postal-code=49661&places=0", "places"),
        ("postal-code=49661&places=many", "places"),
        ("postal-code=49661&_sort=price", "_sort"),
        ("postal-code=49661&_after=x", "_after"),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_expected(sqlite_hub: Hub, query: str, place: str) -> None:
    outcome = Client(sqlite_hub).json(f"{OPERATION}?{query}", status=400)
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["expression"] == [http_part(place)]
    assert issue["severity"] == "error"
    german = issue["details"]["_text"]["extension"][0]["extension"]
    assert german[0] == {"url": "lang", "valueCode": "de"}


def test_unknown_parameters_are_refused(sqlite_hub: Hub) -> None:
    outcome = Client(sqlite_hub).json(f"{OPERATION}?postal-code=49661&patient=x", status=400)
    assert outcome["issue"][0]["code"] == "not-supported"


def test_get_and_both_kinds_of_post_answer_alike(hub: Hub) -> None:
    tell(hub, report(), report("heide"))
    client = Client(hub)
    asked = {"postal-code": "49661", "care-form": "kurzzeitpflege", "places": "2"}
    by_get = client.get(OPERATION, params=asked).content
    assert client.request("POST", OPERATION, data=asked).content == by_get
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "postal-code", "valueString": "49661"},
            {"name": "care-form", "valueCode": "kurzzeitpflege"},
            {"name": "places", "valueInteger": 2},
        ],
    }
    by_json = client.request(
        "POST", OPERATION, json=parameters, headers={"Content-Type": "application/fhir+json; charset=utf-8"}
    )
    assert by_json.content == by_get
    assert b'"total":2' in by_get


def test_pages_join_to_the_whole(hub: Hub) -> None:
    reports = [report(f"h{number:02}", latitude=52.85 + (number % 7) / 100) for number in range(23)]
    tell(hub, *reports)
    client = Client(hub)
    whole = names(client.matches(f"{OPERATION}?postal-code=49661&distance=50&_count=100"))
    paged = names(client.matches(f"{OPERATION}?postal-code=49661&distance=50&_count=4"))
    assert len(whole) == 23
    assert paged == whole
    page = client.json(f"{OPERATION}?postal-code=49661&distance=50&_count=4")
    assert page["total"] == 23
    assert next(link["url"] for link in page["link"] if link["relation"] == "next").startswith("http://")


def test_found_equals_what_a_plain_loop_finds(hub: Hub) -> None:
    draw = random.Random(7)
    told = [_drawn(draw, number) for number in range(120)]
    tell(hub, *told)
    client = Client(hub, sandbox=True)
    for _ in range(40):
        near = Position(round(draw.uniform(52.6, 53.1), 4), round(draw.uniform(7.8, 8.4), 4))
        radius, places = draw.choice([5, 15, 40]), draw.choice([1, 2, 4])
        start = draw.choice([None, TODAY + timedelta(days=draw.randrange(20))])
        query = f"near={near.latitude}|{near.longitude}|{radius}|km&places={places}&_count=100"
        query += f"&start={start}" if start else ""
        found = names(client.matches(f"{OPERATION}?{query}"))
        assert found == _by_loop(told, near, radius, places, start)


def _drawn(draw: random.Random, number: int) -> VacancyReport:
    blocks = [
        Block(
            count=draw.randrange(1, 4),
            status=draw.choice([BlockStatus.FREE, BlockStatus.FREE, BlockStatus.HELD]),
            start=draw.choice([None, TODAY + timedelta(days=draw.randrange(20))]),
            end=draw.choice([None, None, TODAY + timedelta(days=20 + draw.randrange(5))]),
        )
        for _ in range(draw.randrange(1, 4))
    ]
    free = sum(block.count for block in blocks if block.status is BlockStatus.FREE)
    return report(
        f"h{number:03}",
        free=free,
        blocks=blocks,
        latitude=round(draw.uniform(52.6, 53.1), 4),
        longitude=round(draw.uniform(7.8, 8.4), 4),
    )


def _by_loop(told: list[VacancyReport], near: Position, radius: float, places: int, start: date | None) -> list[str]:
    found = []
    for one in told:
        days = [start] if start else [TODAY + timedelta(days=days) for days in range(60)]
        free = max(_free_on(one, day) for day in days)
        position = one.facility.position
        assert position is not None
        distance = kilometres(near, position)
        if free >= places and distance <= radius:
            found.append((distance, one.offer.key))
    return [key for _, key in sorted(found)]


def _free_on(one: VacancyReport, day: date) -> int:
    return sum(
        block.count
        for block in one.blocks
        if one.state is State.SOME
        and block.status is BlockStatus.FREE
        and (block.start is None or block.start <= day)
        and (block.end is None or day <= block.end)
    )


def test_without_a_position_the_postal_code_counts(hub: Hub) -> None:

    told = report()
    tell(hub, replace(told, facility=replace(told.facility, position=None)))
    (match,) = Client(hub).matches(f"{OPERATION}?postal-code=49661&distance=1")
    assert match["search"]["extension"][0]["valueDistance"]["value"] == 0
    assert gazetteer.point("49661") is not None


def test_an_offer_is_found_as_soon_as_anybody_says_where_its_home_is(hub: Hub) -> None:
    day, short, long = "tagespflege", "kurzzeitpflege-solitaer", "dauerpflege"
    home = report().facility
    nowhere = replace(home, position=None, address=replace(home.address, postal_code=""))
    first = [report(care_form=day, valid_at=NOW), report(care_form=short, free=1, valid_at=NOW)]
    ended = report(care_form=long, free=4, valid_at=NOW - timedelta(days=8))
    tell(hub, *(replace(one, facility=nowhere) for one in (*first, ended)))
    views = (Client(hub), Client(hub, sandbox=True))
    search = f"{OPERATION}?postal-code=49661&care-form={short}"
    assert [client.matches(search) for client in views] == [[], []]
    # Another offer of it brings the postal code; nothing is said of these.
    placed = replace(nowhere, address=home.address)
    tell(hub, replace(report(care_form=day, valid_at=NOW + timedelta(minutes=1)), facility=placed))
    for client in views:
        (found,) = client.matches(search)
        assert found["resource"]["type"][0]["coding"][0]["code"] == short
        assert client.json(f"{search}&places=2")["total"] == 0
        ended_there = f"{OPERATION}?postal-code=49661&care-form={long}"
        assert client.json(ended_there)["total"] == 0
        assert client.json(f"{ended_there}&state=unknown")["total"] == 1


def test_what_is_bounded_by_its_pool_stays_so_where_its_home_is_known_at_last(hub: Hub) -> None:
    """A newer word of another offer leaves one of three places; a third offer then says where the home is."""
    nowhere = replace(report().facility, position=None, address=replace(report().facility.address, postal_code=""))
    long, short, day = "dauerpflege", "kurzzeitpflege-eingestreut", "tagespflege"

    def said(form: str, free: int, minutes: int, pool: str) -> VacancyReport:
        one = report(care_form=form, free=free, valid_at=NOW + timedelta(minutes=minutes))
        return replace(one, facility=nowhere, offer=replace(one.offer, pool=pool))

    tell(hub, said(short, 3, 0, "p"), said(day, 1, 0, ""))
    tell(hub, said(long, 1, 1, "p"))
    known = replace(said(day, 1, 2, ""), facility=report().facility)
    tell(hub, known)
    search = f"{OPERATION}?postal-code=49661&care-form={short}"
    assert Client(hub).json(f"{search}&places=1")["total"] == 1
    assert Client(hub).json(f"{search}&places=2")["total"] == 0


def test_what_was_found_twice_is_found_again_without_the_database(sqlite_hub: Hub) -> None:
    """All that is asked is what changed: another plan would be slower by an order of magnitude, and say so nowhere."""
    tell(sqlite_hub, *(report(f"h{number}", latitude=52.5 + number / 1000) for number in range(300)))
    query = searched()
    plans = []
    for _ in range(3):
        with sqlite_hub.database.snapshot() as reader:
            explaining = Explaining(reader)
            found = find(explaining, PUBLIC, query, now=micros(NOW))
        assert found.total > 0
        plans.append(explaining.plans)
    first, _, again = plans
    assert any("public_vacancy_by_latitude (latitude>? AND latitude<?)" in plan for plan in first)
    assert again == ["SEARCH public_change USING INTEGER PRIMARY KEY (rowid>?)"]


def test_what_was_read_ahead_is_not_read_when_it_is_asked_for(sqlite_hub: Hub) -> None:
    read_ahead(sqlite_hub.database, PUBLIC)  # of an empty database nothing
    tell(sqlite_hub, *(report(f"h{number}", latitude=47.3 + number / 2) for number in range(16)))
    read_ahead(sqlite_hub.database, PUBLIC)
    query = searched(latitude=51.0, kilometres=600, count=0)
    with sqlite_hub.database.snapshot() as reader:
        explaining = Explaining(reader)
        assert find(explaining, PUBLIC, query, now=micros(NOW)).total == 16
    assert not [plan for plan in explaining.plans if "public_vacancy_by_latitude" in plan]


def test_a_database_too_slow_to_be_read_ahead_is_no_failure(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it: where a busy machine takes too long even for the edges, a search reads for itself."""
    tell(sqlite_hub, report())
    with monkeypatch.context() as slow:
        slow.setattr(database, "SECONDS", -1)
        read_ahead(sqlite_hub.database, PUBLIC)
    assert Client(sqlite_hub).json(f"{OPERATION}?postal-code=49661")["total"] == 1


def test_reading_ahead_goes_on_where_one_step_takes_too_long(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(sqlite_hub, report("moor", latitude=52.1), report("heide", latitude=53.1))
    read = Blocks.read_ahead
    steps = 0

    def slow_at_first(*args: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            raise TooCostly(Issue(code="timeout", place="http", text_de="zu lange", text_en="too long"))
        read(*args)

    monkeypatch.setattr(Blocks, "read_ahead", slow_at_first)
    read_ahead(sqlite_hub.database, PUBLIC)
    monkeypatch.undo()
    with sqlite_hub.database.snapshot() as reader:
        explaining = Explaining(reader)
        assert find(explaining, PUBLIC, searched(count=0, kilometres=100), now=micros(NOW)).total == 2
    assert not [plan for plan in explaining.plans if "public_vacancy_by_latitude" in plan]


def test_reading_ahead_leaves_no_connection_behind(sqlite_hub: Hub) -> None:
    """Each would keep pages that nobody asks for again."""
    tell(sqlite_hub, report())
    with sqlite_hub.database.snapshot() as reader:
        connection = reader._driver
    connection.execute("SELECT 1")
    read_ahead(sqlite_hub.database, PUBLIC)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_a_snapshot_that_is_older_than_the_memory_shows_each_offer_as_itself(hub: Hub, clock: Clock) -> None:
    """Another has read meanwhile which versions are new, and not yet their contents."""
    tell(hub, *(report(key, latitude=52.85 + number / 100) for number, key in enumerate(("moor", "heide", "deich"))))
    moor = report("moor")
    changed = replace(
        moor,
        facility=replace(moor.facility, name="Haus am Moor"),
        offer=replace(moor.offer, languages=("tr",)),
    )
    query = searched()
    with hub.database.snapshot() as older:
        before = find(older, PUBLIC, query, now=micros(NOW))
        clock.forward(minutes=1)
        tell(hub, changed)
        with hub.database.snapshot() as newer:
            there = fitting(newer, PUBLIC, query, now=micros(NOW))
            there.surroundings.shown([hit.rid for hit in before.hits])
        after = find(older, PUBLIC, query, now=micros(NOW))
    assert [(hit.rid, hit.shown) for hit in after.hits] == [(hit.rid, hit.shown) for hit in before.hits]
    assert sorted(map(address, after.members)) == sorted(map(address, before.members))


def test_what_an_older_snapshot_has_not_is_left_out_and_the_others_stay_as_they_are(hub: Hub) -> None:
    moor, heide, deich = (report(key, latitude=52.85 + at / 100) for at, key in enumerate(("moor", "heide", "deich")))
    tell(hub, moor, deich)
    query = searched()
    with hub.database.snapshot() as older:
        before = find(older, PUBLIC, query, now=micros(NOW)).hits
        tell(hub, heide)
        with hub.database.snapshot() as newer:
            assert find(newer, PUBLIC, query, now=micros(NOW)).total == 3
        after = find(older, PUBLIC, query, now=micros(NOW))
    assert [(hit.rid, hit.shown) for hit in after.hits] == [(hit.rid, hit.shown) for hit in before]
    assert (len(after.hits), after.total, after.more) == (2, 2, False)


def test_a_page_of_what_an_older_snapshot_has_not_is_filled_with_what_it_has(hub: Hub) -> None:
    heide, moor, deich = (report(key, latitude=52.85 + at / 100) for at, key in enumerate(("heide", "moor", "deich")))
    tell(hub, moor, deich)
    with hub.database.snapshot() as older:
        before = find(older, PUBLIC, searched(), now=micros(NOW)).hits
        tell(hub, heide)
        with hub.database.snapshot() as newer:
            fitting(newer, PUBLIC, searched(), now=micros(NOW))
        query = searched(count=1)
        first = find(older, PUBLIC, query, now=micros(NOW))
        second = find(older, PUBLIC, replaced(query, after=first.hits[-1].position), now=micros(NOW))
        why = why_not(searched(start=query.today), find(older, PUBLIC, query, now=micros(NOW)).fitting, now=micros(NOW))
    assert [hit.rid for hit in (*first.hits, *second.hits)] == [hit.rid for hit in before]
    assert [(page.total, page.more) for page in (first, second)] == [(2, True), (3, False)]
    assert (why.total, why.kept_out, why.changes) == (2, [], [])


def test_what_somebody_else_saw_deleted_meanwhile_is_shown_where_it_is_not(hub: Hub) -> None:
    tell(hub, report("moor"), report("heide", latitude=52.86))
    with hub.database.snapshot() as older:
        there = fitting(older, PUBLIC, searched(), now=micros(NOW))
        before = page_of(older, PUBLIC, searched(), there, now=micros(NOW)).hits
        with hub.database.transaction() as transaction:
            gone = address(before[0].shown)
            hub.repositories[View.PUBLIC].store(transaction, [], deletions=[gone], at=micros(NOW))
        with hub.database.snapshot() as newer:
            newest = fitting(newer, PUBLIC, searched(), now=micros(NOW))
            newest.surroundings.shown([hit.rid for hit in before])
        after = page_of(older, PUBLIC, searched(), there, now=micros(NOW))
    assert [hit.shown for hit in after.hits] == [hit.shown for hit in before]
    assert after.total == 2


def test_both_sides_of_every_band_of_latitude_are_found(hub: Hub) -> None:
    """Memory goes by bands of an eighth of a degree, read from engines that round differently, also below zero."""
    for middle in (0.0, -0.125, 52.5, 52.5625):
        spread = [middle + step / 32 for step in range(-4, 5)]
        keys = [f"{middle}-{number}" for number in range(len(spread))]
        tell(hub, *(report(key, latitude=where) for key, where in zip(keys, spread, strict=True)))
        matches = Client(hub).matches(f"{OPERATION}?near={middle}|8.05|14|km&_count=100")
        found = {name.split("/")[0] for name in names(matches)}
        assert found >= set(keys)
        assert len(Client(hub).matches(f"{OPERATION}?near={middle}|8.05|0|km")) == sum(
            1 for match in matches if match["search"]["extension"][0]["valueDistance"]["value"] == 0
        )
