"""A search for places that finds nothing is counted once, by where and what was asked, and nothing else is kept."""

from typing import Any

import pytest
from sqlalchemy import select

from hub.hub import Hub
from hub.store.tables import search_tally
from tests.hub.client import Client
from tests.hub.deliveries import everything_stored
from tests.hub.region import report, tell

OPERATION = "/fhir/HealthcareService/$find-vacancies"


def kept(hub: Hub) -> list[tuple[Any, ...]]:
    hub.tally.close()
    with hub.database.reading() as connection:
        return [tuple(row)[1:] for row in connection.execute(select(search_tally).order_by(*search_tally.primary_key))]


@pytest.mark.parametrize("sandbox", [False, True])
def test_searches_of_either_view_are_counted(hub: Hub, sandbox: bool) -> None:
    tell(hub, report(free=0))
    client = Client(hub, sandbox=sandbox)
    asked = "care-form=kurzzeitpflege&need=dialyse&need=demenz&start=2026-12-01"
    client.json(f"{OPERATION}?postal-code=49661&{asked}")
    client.json(f"{OPERATION}?near=52.85|8.05|10|km&{asked}&places=2")
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "district", "valueString": "Landkreis Vechta"},
            {"name": "care-form", "valueCode": "hospiz"},
        ],
    }
    assert client.request("POST", OPERATION, json=parameters).status_code == 200
    assert kept(hub) == [
        ("03453", "Cloppenburg", "kurzzeitpflege", "demenz dialyse", 2),
        ("03460", "", "hospiz", "", 1),
    ]


@pytest.mark.parametrize(
    "query",
    [
        "postal-code=49661",  # finds something
        "postal-code=49377&state=none",  # looks for no free place
        "postal-code=00000",  # cannot be asked
        "postal-code=49377&care-form=heim",
    ],
)
def test_what_is_no_demand_in_vain_is_not_counted(sqlite_hub: Hub, query: str) -> None:
    tell(sqlite_hub, report())
    Client(sqlite_hub).get(f"{OPERATION}?{query}")
    assert kept(sqlite_hub) == []


def test_nothing_else_of_a_search_is_kept(sqlite_hub: Hub) -> None:
    told = Client(sqlite_hub).json(
        f"{OPERATION}?near=52.8512345|8.0567891|13|km&sex=female&care-grade=4&start=2026-12-24"
    )
    assert told["total"] == 0
    assert kept(sqlite_hub) == [("03453", "Cloppenburg", "", "", 1)]
    stored = everything_stored(sqlite_hub)
    for part in (b"52.8512345", b"8.0567891", b"2026-12-24"):
        assert part not in stored
