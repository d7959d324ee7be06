"""A hit says how likely its place is still free, where the hub has learnt that better than age alone tells."""

import math
from random import Random
from typing import Any

import pytest

from hub.hub import Hub
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.course.looked_at import FORM, memoryless
from tests.hub.course.test_learner import GAPS, recorded
from tests.hub.region import SOURCE, report, tell

OPERATION = "/fhir/HealthcareService/$find-vacancies?postal-code=49661"


def still_free(hub: Hub, *, sandbox: bool, query: str = "") -> float | None:
    (match,) = Client(hub, sandbox=sandbox).matches(OPERATION + query)
    parts: list[dict[str, Any]] = match["search"]["extension"][1]["extension"]
    return next((part["valueDecimal"] for part in parts if part["url"] == "stillFree"), None)


@pytest.mark.parametrize("sandbox", [False, True], ids=["public", "professional"])
def test_a_hit_tells_how_likely_its_place_is_still_free(hub: Hub, clock: Clock, sandbox: bool) -> None:
    recorded(hub, list(memoryless(Random(1), SOURCE, 1 / 30, offers=40, words=60, gaps=GAPS)), clock)
    tell(hub, report(care_form=FORM, free=1))
    clock.forward(hours=12)
    assert still_free(hub, sandbox=sandbox) is None
    hub.learner.learn()
    assert still_free(hub, sandbox=sandbox) == pytest.approx(math.exp(-12 / 30), abs=0.08)
    clock.forward(hours=18)
    later = still_free(hub, sandbox=sandbox)
    assert later == pytest.approx(math.exp(-1), abs=0.1)
