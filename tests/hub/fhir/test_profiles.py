"""What we serve follows what we hold others to: base R4, the profiles it claims, the definitions of our extensions."""

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest

from hub.hub import Hub
from hub.search.registry import SERVED_TYPES
from mappings.vacancy import Block, BlockStatus, Contact, Counts, Room, Sex, State, VacancyReport
from tests.hub.client import Client
from tests.hub.region import report, tell
from tests.reports import FULL

DIRECTORY = {"HealthcareService", "Location", "Organization", "Schedule", "Slot"}


def rich() -> VacancyReport:
    """A report that says of everything all that it can."""
    one = report("rich")
    address = replace(one.facility.address, precinct="Mitte", ags="03453004", state="DE-NI")
    return replace(
        one,
        facility=replace(one.facility, address=address, telematik_id="5-2-123456789"),
        offer=replace(
            one.offer,
            name="Kurzzeitpflege",
            needs=("dialyse", "beatmung"),
            care_grades=(2, 3, 4, 5),
            languages=("de", "tr"),
            catchment=("49661",),
            contacts=(*one.facility.contacts, Contact(system="kim", value="aufnahme@haus.kim.telematik")),
            pool="haus",
            hours=FULL.offer.hours,
            admission=FULL.offer.admission,
            own_share=FULL.offer.own_share,
            payers=FULL.offer.payers,
            payers_as_of=FULL.offer.payers_as_of,
        ),
        source_kind="portal",
        counts=Counts(licensed=20, operable=18, occupied=12, held=1, accepting=5, waiting=2),
        blocks=(
            Block(count=4, room=Room.SINGLE, sex=Sex.FEMALE, needs=("dialyse",), start=date(2026, 12, 1)),
            Block(count=1, status=BlockStatus.HELD, end=date(2027, 1, 1)),
            Block(count=2, status=BlockStatus.CLOSED, closing_reason="staff"),
        ),
        estimated=True,
        coarsened=True,
    )


def found(client: Client, resource: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Severity, place and text of all that is amiss."""
    answer = client.request(
        "POST",
        f"/fhir/{resource['resourceType']}/$validate",
        content=orjson.dumps(resource),
        headers={"content-type": "application/fhir+json"},
    )
    return [
        (one["severity"], one.get("expression", [""])[0], one["details"]["text"])
        for one in orjson.loads(answer.content)["issue"]
        # A narrative is good practice; ours are for programs.
        if one["severity"] != "information" and "dom-6" not in one["details"]["text"]
    ]


@pytest.mark.parametrize("sandbox", [True, False], ids=["professional", "public"])
def test_what_we_serve_is_valid(hub: Hub, *, sandbox: bool) -> None:
    tell(
        hub,
        rich(),
        report("none", care_form="dauerpflege", free=0),
        report("unknown", care_form="tagespflege", free=None),
        report("ask", care_form="hospiz-stationaer", free=None, state=State.ASK),
        report("held", care_form="intensivpflege", free=2, held=1),
    )
    client = Client(hub, sandbox=sandbox)
    seen, amiss = set(), []
    for resource_type in SERVED_TYPES:
        for entry in client.matches(f"/fhir/{resource_type}?_count=100"):
            seen.add(resource_type)
            resource = entry["resource"]
            amiss += [(resource_type, resource["id"], *one) for one in found(client, resource)]
    assert amiss == []
    assert seen >= DIRECTORY | {"CodeSystem", "ValueSet", "StructureDefinition", "OperationDefinition", "ConceptMap"}
