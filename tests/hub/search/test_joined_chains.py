"""Two chains at once: what both name is found by sets, not by going from each to each."""

from hub.hub import Hub
from hub.search.codes import OWN_CODES
from hub.search.page import find
from hub.search.query import parse
from hub.store.draft import Draft
from hub.store.tables import PROFESSIONAL
from mappings.view import View
from tests.conftest import NOW
from tests.hub.plans import Explaining

PAIRS = [("organization.active", "true"), ("location.status", "active")]


def test_no_reference_is_looked_up_once_for_each_target(sqlite_hub: Hub) -> None:
    drafts = []
    for number in range(1100):
        home, place = f"Organization/o{number}", f"Location/l{number}"
        drafts += [
            Draft.of({"resourceType": "Organization", "id": f"o{number}", "active": True}),
            Draft.of({"resourceType": "Location", "id": f"l{number}", "status": "active"}),
            Draft.of(
                {
                    "resourceType": "HealthcareService",
                    "id": f"s{number}",
                    "providedBy": {"reference": home},
                    "location": [{"reference": place}],
                }
            ),
        ]
    with sqlite_hub.database.transaction() as transaction:
        sqlite_hub.repositories[View.PROFESSIONAL].store(transaction, drafts, at=1)
    query = parse(
        sqlite_hub.indexing.registry,
        "HealthcareService",
        PAIRS,
        codes=OWN_CODES,
        base="",
        now=NOW,
        strict=True,
        present=(),
    )
    with sqlite_hub.database.snapshot() as reader:
        explaining = Explaining(reader)
        page = find(explaining, PROFESSIONAL, query)
    assert page.total == 1100
    assert not [plan for plan in explaining.plans if "reference_by_rid (rid=? AND param=? AND target_id=?" in plan]
