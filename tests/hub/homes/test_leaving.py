"""A home that leaves, or an offer of it: nobody finds its places any more, and nobody else loses any."""

from dataclasses import replace

from sqlalchemy import func, select

from hub.hub import Hub
from hub.store.tables import PROFESSIONAL, PUBLIC, Projection, facility
from mappings.vacancy import ReportedBy, State
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.homes.home import added

FIND = "/fhir/HealthcareService/$find-vacancies?postal-code=49661&distance=10"
SAID = "&".join(f"state={state}" for state in State if state is not State.UNKNOWN)


def found(hub: Hub, *, sandbox: bool = False, more: str = "") -> list[str]:
    return sorted(one["resource"]["id"] for one in Client(hub, sandbox=sandbox).matches(f"{FIND}&{more}"))


def versions(hub: Hub, projection: Projection) -> int:
    with hub.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(projection.history)).scalar_one())


def slots(hub: Hub, *, sandbox: bool) -> int:
    total: int = Client(hub, sandbox=sandbox).json("/fhir/Slot")["total"]
    return total


def known(hub: Hub) -> int:
    """How many facilities there are to be held against those of others."""
    with hub.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(facility)).scalar_one())


def test_a_home_that_is_removed_is_found_no_more_at_once(hub: Hub) -> None:
    home = added(hub, dauerpflege=2, tagespflege=0)
    before = {one.name: versions(hub, one) for one in (PUBLIC, PROFESSIONAL)}
    assert known(hub) == 1
    assert hub.homes.remove("moor") == 2
    for sandbox in (False, True):
        assert found(hub, sandbox=sandbox) == []
        assert found(hub, sandbox=sandbox, more=SAID) == []
        assert slots(hub, sandbox=sandbox) == 0
        offer = home.offer_id("dauerpflege")
        client = Client(hub, sandbox=sandbox)
        history = client.json(f"/fhir/HealthcareService/{offer}/_history")
        assert [entry["request"]["method"] for entry in history["entry"]] == ["DELETE", "PUT"]
        client.json(f"/fhir/HealthcareService/{offer}", status=410)
        assert found(hub, sandbox=sandbox, more="state=unknown") == []
        for kind in ("HealthcareService", "Location", "Schedule"):
            assert client.json(f"/fhir/{kind}")["total"] == 0
    assert all(versions(hub, one) > before[one.name] for one in (PUBLIC, PROFESSIONAL))
    assert hub.pipeline.expire() == 0
    assert list(hub.region.standings()) == []
    assert hub.region.now() == []
    assert known(hub) == 0


def test_an_offer_that_is_no_more_is_withdrawn_and_its_siblings_stay(hub: Hub) -> None:
    home = added(hub, dauerpflege=2, tagespflege=1)
    assert hub.homes.change(replace(home, offers=home.offers[:1])) == 1
    assert found(hub, more="state=some&state=none&state=ask&state=unknown") == [home.offer_id("dauerpflege")]
    assert [one.report.offer.care_form for one in hub.region.standings()] == ["dauerpflege"]
    assert Client(hub).json("/fhir/Location")["total"] == 1
    assert hub.homes.change(home) == 0
    assert hub.homes.standing(home).free == {"dauerpflege": 2, "tagespflege": None}


def test_what_comes_in_while_a_home_is_removed_goes_with_it(hub: Hub) -> None:
    """Whoever opened the link a moment before still sends: no home is left by which that could be removed."""
    home = added(hub, dauerpflege=2)
    hub.homes.remove("moor")
    hub.homes.report(home, {"dauerpflege": 1}, ReportedBy.HOME)
    assert found(hub, more="state=unknown") == found(hub, more=SAID) == []
    assert list(hub.region.standings()) == []


def test_what_comes_in_while_an_offer_ends_goes_with_it(hub: Hub) -> None:
    home = added(hub, dauerpflege=2, tagespflege=1)
    hub.homes.change(replace(home, offers=home.offers[:1]))
    hub.homes.report(home, {"dauerpflege": 1, "tagespflege": 1}, ReportedBy.HOME)
    assert found(hub, more="state=unknown") == []
    assert found(hub, more=SAID) == [home.offer_id("dauerpflege")]


def test_what_is_withdrawn_counts_again_when_it_is_said_again(hub: Hub, clock: Clock) -> None:
    added(hub, dauerpflege=2, tagespflege=0)
    hub.homes.remove("moor")
    clock.forward(hours=1)
    anew = added(hub)
    assert hub.homes.standing(anew).free == {"dauerpflege": None, "tagespflege": None}
    assert hub.homes.report(anew, {"dauerpflege": 2}, ReportedBy.HOME).applied == 1
    assert found(hub) == [anew.offer_id("dauerpflege")]


def test_a_home_of_the_same_id_inherits_no_numbers_that_expired(hub: Hub, clock: Clock) -> None:
    added(hub, dauerpflege=2)
    clock.forward(days=8)
    hub.pipeline.expire()
    assert hub.homes.standing(hub.homes.named("moor")).free["dauerpflege"] == 2
    hub.homes.remove("moor")
    assert hub.homes.standing(added(hub)).free["dauerpflege"] is None
