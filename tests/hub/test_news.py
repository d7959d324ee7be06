"""What is new since a search was asked before: what a client knew, changed by the answer, is what fits now."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hub.fhir import news
from hub.hub import Hub
from hub.search.seen import LIFETIME
from hub.store.tables import metadata
from mappings.identity import resource_id
from mappings.vacancy import Block, Room, State, VacancyReport
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.region import SOURCE, report, tell

OPERATION = "/fhir/HealthcareService/$find-vacancies"
SEARCH = f"{OPERATION}?postal-code=49661&distance=20&monitor=true"
TODAY = NOW.date()

Known = dict[str, Any]
"""Address of an offer → all that is shown of it."""


def link(bundle: Mapping[str, Any], relation: str = "monitor") -> str:
    (url,) = [one["url"] for one in bundle["link"] if one["relation"] == relation]
    return str(url)


def cursor(bundle: Mapping[str, Any]) -> str:
    return parse_qs(urlsplit(link(bundle)).query)["_since"][0]


def shown(bundle: Mapping[str, Any]) -> Known:
    """The matches, each with its Location, Organizations, Schedule and Slots."""
    entries = [one for one in bundle.get("entry", ()) if one["search"]["mode"] != "outcome"]
    found = {f"{one['resource']['resourceType']}/{one['resource']['id']}": one["resource"] for one in entries}
    known = {}
    for one in entries:
        if one["search"]["mode"] != "match":
            continue
        service = one["resource"]
        mine = f"HealthcareService/{service['id']}"
        organization = found[service["providedBy"]["reference"]]
        schedules = [
            name
            for name, resource in found.items()
            if name.startswith("Schedule/") and {"reference": mine} in resource["actor"]
        ]
        slots = [
            resource
            for name, resource in found.items()
            if name.startswith("Slot/") and resource["schedule"]["reference"] in schedules
        ]
        known[mine] = {
            "offer": service,
            "place": found[service["location"][0]["reference"]],
            "home": organization,
            "operator": found[organization["partOf"]["reference"]],
            "statement": [found[name] for name in schedules],
            "slots": sorted(slots, key=lambda slot: str(slot["id"])),
        }
    return known


def told(bundle: Mapping[str, Any]) -> dict[str, str]:
    """Address of an offer → what became of it."""
    return {
        issue["diagnostics"]: issue["details"]["coding"][0]["code"]
        for entry in bundle.get("entry", ())
        if entry["search"]["mode"] == "outcome"
        for issue in entry["resource"]["issue"]
    }


def applied(known: Known, bundle: Mapping[str, Any]) -> Known:
    codes = told(bundle)
    whole = shown(bundle)
    assert whole.keys() == {where for where, code in codes.items() if code in ("came", "changed")}
    assert all((where in known) == (code != "came") for where, code in codes.items())
    assert bundle["total"] == len(whole)
    return {where: one for where, one in known.items() if codes.get(where) in (None, "changed")} | whole


def everything(client: Client, search: str) -> Known:
    return shown(client.json(f"{search}&_count=100"))


def address(key: str, care_form: str = "kurzzeitpflege-solitaer") -> str:
    return f"HealthcareService/{resource_id(SOURCE, 'HealthcareService', f'{key}/{care_form}')}"


def test_came_changed_taken_and_unfitting(hub: Hub, clock: Clock) -> None:
    tell(hub, report("same"), report("more", free=1), report("taken"), report("moved"))
    client = Client(hub, sandbox=True)
    first = client.json(SEARCH)
    clock.forward(minutes=10)
    tell(
        hub, report("more", free=2), report("taken", free=0), report("moved", latitude=53.6), report("new", latitude=53)
    )
    second = client.json(link(first))
    assert told(second) == {
        address("new"): "came",
        address("more"): "changed",
        address("taken"): "taken",
        address("moved"): "unfitting",
    }
    assert second["type"] == "searchset"
    assert second["total"] == 2
    matches = [entry for entry in second["entry"] if entry["search"]["mode"] == "match"]
    assert [len(match["search"]["extension"]) for match in matches] == [2, 2]  # distance and freshness, as ever
    assert told(client.json(link(second))) == {}


def test_the_public_view_is_told_of_no_change_that_it_does_not_see(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor", free=3, held=0))
    public, professional = Client(hub), Client(hub, sandbox=True)
    asked = [(client, client.json(SEARCH)) for client in (public, professional)]
    clock.forward(minutes=10)
    tell(hub, report("moor", free=5, held=1))
    seen = [told(client.json(link(bundle))) for client, bundle in asked]
    assert seen == [{}, {address("moor"): "changed"}]


def test_a_heartbeat_is_no_change(hub: Hub, clock: Clock) -> None:
    tell(hub, report("moor"), report("see"))
    client = Client(hub)
    first = client.json(SEARCH)
    for _ in range(3):
        clock.forward(hours=20)
        tell(hub, report("moor"), report("see"))
        second = client.json(link(first))
        assert "entry" not in second
        assert second["total"] == 0
    assert cursor(second) != cursor(first)  # kept up to date, or it would be too old one day


def test_nothing_new_answers_with_the_same_cursor(hub: Hub, clock: Clock) -> None:
    tell(hub, report())
    first = Client(hub).json(SEARCH)
    clock.forward(minutes=10)
    assert cursor(Client(hub).json(link(first))) == cursor(first)


def test_expired_and_withdrawn_are_told_apart(hub: Hub, clock: Clock) -> None:
    tell(hub, report("old"))
    clock.forward(days=6, hours=20)
    tell(hub, report("young"), report("kept"))
    client = Client(hub)
    first = client.json(SEARCH)
    clock.forward(hours=2)
    with hub.database.transaction() as transaction:
        hub.pipeline.withdraw_in(transaction, [address("young").partition("/")[2]])
    clock.forward(hours=3)
    second = client.json(link(first))
    assert told(second) == {address("old"): "expired", address("young"): "withdrawn"}
    # Before and after the job has withdrawn what expired.
    hub.pipeline.expire()
    assert told(client.json(link(first))) == told(second)


def random_report(draw: random.Random, key: str) -> VacancyReport:
    blocks = [
        Block(
            count=draw.randint(1, 2),
            start=TODAY + timedelta(days=draw.randint(1, 22)) if draw.random() < 0.4 else None,
            end=TODAY + timedelta(days=draw.randint(0, 25)) if draw.random() < 0.4 else None,
            room=draw.choice([None, *Room]),
        )
        for _ in range(draw.randint(0, 3))
    ]
    free = draw.choice([None, 0, 1, 2, 5])
    return report(
        key,
        free=free,
        held=draw.choice([0, 0, 1]),
        state=draw.choice([None, None, None, *State]),
        blocks=draw.choice([None, None, blocks]),
        latitude=draw.choice([52.85, 52.85, 52.9, 53.2]),
    )


@pytest.mark.parametrize("seed", range(2))
def test_what_was_known_and_the_news_are_what_fits_now(hub: Hub, clock: Clock, seed: int) -> None:
    """Over random edits, heartbeats, withdrawals and days that pass, in both views, for clients of any patience."""
    draw = random.Random(seed)
    searches = [
        f"{SEARCH}&{more}" for more in ("", "places=2", "state=some,none", f"start={TODAY + timedelta(days=20)}")
    ]
    clients = [(Client(hub, sandbox=sandbox), search) for sandbox in (False, True) for search in searches]
    homes = {key: random_report(draw, key) for key in "abcdefgh"}
    tell(hub, *homes.values())
    state = [(shown(first := client.json(f"{search}&_count=100")), link(first)) for client, search in clients]
    for _ in range(12):
        clock.forward(minutes=draw.choice([0, 0, 10, 60 * 30]))
        for _ in range(draw.randint(0, 2)):
            key = draw.choice(sorted(homes))
            if draw.random() < 0.8:
                homes[key] = random_report(draw, key)
            if draw.random() < 0.1:
                with hub.database.transaction() as transaction:
                    hub.pipeline.withdraw_in(transaction, [address(key).partition("/")[2]])
            else:
                tell(hub, homes[key])
        for place, (client, search) in enumerate(clients):
            if draw.random() < 0.6:
                known, url = state[place]
                bundle = client.json(url)
                state[place] = applied(known, bundle), link(bundle)
                assert state[place][0] == everything(client, search)


@pytest.mark.parametrize("form", ["get", "form", "parameters"])
def test_get_and_post_are_equal(hub: Hub, form: str) -> None:
    tell(hub, report("moor"))
    client = Client(hub)
    first = client.json(SEARCH)
    tell(hub, report("see"))
    asked = {"distance": "20", "_since": cursor(first), "postal-code": "49661"}
    if form == "get":
        answer = client.get(OPERATION, params=asked)
    elif form == "form":
        answer = client.request("POST", OPERATION, data=asked)
    else:
        parameters = [{"name": name, "valueString": value} for name, value in asked.items()]
        tree = {"resourceType": "Parameters", "parameter": parameters}
        answer = client.request("POST", OPERATION, json=tree, headers={"content-type": "application/fhir+json"})
    assert told(answer.json()) == {address("see"): "came"}


@pytest.mark.parametrize(
    ("search", "says"),
    [
        (f"{OPERATION}?postal-code=49661&distance=21", "another search"),
        (f"{SEARCH}&state=none", "another search"),
        (SEARCH, ""),
        (f"{OPERATION}?distance=20&postal-code=49661&_count=3&_sort=distance", ""),
    ],
)
def test_a_cursor_is_good_for_its_criteria_alone(hub: Hub, search: str, says: str) -> None:
    tell(hub, report())
    client = Client(hub)
    since = cursor(client.json(SEARCH))
    answer = client.get(f"{search}&_since={since}")
    assert answer.status_code == (400 if says else 200)
    if says:
        (issue,) = answer.json()["issue"]
        assert says in issue["details"]["text"]
        assert issue["expression"] == ["http._since"]


def test_refused_in_the_other_view_when_changed_and_when_too_old(hub: Hub, clock: Clock) -> None:
    tell(hub, report())
    public, professional = Client(hub), Client(hub, sandbox=True)
    since = cursor(public.json(SEARCH))
    assert "other view" in professional.json(f"{SEARCH}&_since={since}", status=400)["issue"][0]["details"]["text"]
    changed = since[:-1] + ("A" if since[-1] != "A" else "Q")
    assert "unchanged" in public.json(f"{SEARCH}&_since={changed}", status=400)["issue"][0]["details"]["text"]
    assert public.json(f"{SEARCH}&_since={since}&_after=0.0_1.0_1", status=400)["issue"][0]["code"] == "not-supported"
    clock.forward(seconds=LIFETIME + 1)
    assert "30 days" in public.json(f"{SEARCH}&_since={since}", status=410)["issue"][0]["details"]["text"]


def test_no_other_token_of_the_hub_is_a_cursor(hub: Hub) -> None:
    from hub.search.seen import Cursors, Seen, criteria_digest

    tell(hub, report())
    criteria = criteria_digest([("postal-code", "49661"), ("distance", "20")])
    seen = Seen(at=int(NOW.timestamp()), state=(0, 0), marks={})
    for purpose, status in (("home link", 400), ("home form", 400), ("search cursor", 200)):
        made = Cursors(hub.key.derived(purpose), "public").make(seen, criteria)
        assert Client(hub).get(f"{SEARCH}&_since={made}").status_code == status, purpose


def test_a_search_that_too_much_fits_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(hub, report("a"), report("b"))
    client = Client(hub)
    first = client.json(SEARCH)
    monkeypatch.setattr(news, "OFFERS_MAX", 2)
    tell(hub, report("c"))
    assert client.json(link(first), status=400)["issue"][0]["code"] == "too-costly"
    bundle = client.json(SEARCH)
    assert [one["relation"] for one in bundle["link"]] == ["self"]
    _, outcome = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "outcome"]
    assert outcome["issue"][0]["code"] == "too-costly"


def test_pages_behind_the_first_have_no_cursor(hub: Hub) -> None:
    tell(hub, report("a"), report("b"), report("c"))
    client = Client(hub)
    first = client.json(f"{SEARCH}&_count=2")
    assert [one["relation"] for one in first["link"]] == ["self", "next", "monitor"]
    assert [one["relation"] for one in client.json(link(first, "next"))["link"]] == ["self"]
    # The cursor knows all that fits, on this page or not.
    assert told(client.json(link(first))) == {}


def test_no_search_is_stored(hub: Hub) -> None:
    tell(hub, report())
    client = Client(hub)

    def rows() -> dict[str, int]:
        with hub.database.reading() as connection:
            return {
                name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
                for name in metadata.tables
            }

    client.json(SEARCH)
    before = rows()
    for _ in range(3):
        client.json(link(client.json(SEARCH)))
    assert rows() == before
