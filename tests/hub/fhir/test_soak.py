"""Everything hostile that there is, and minutes of drawn searches; what is sent drop by drop is cut off."""

import time
from pathlib import Path

import httpx
import pytest

from hub.app import application
from hub.hub import Hub
from tests.hub.fhir import attacks, searches
from tests.hub.fhir.served import served
from tests.hub.fhir.test_hostile import wrong

pytestmark = pytest.mark.long

_SECONDS = 300
_CUT_WITHIN = 20


@pytest.mark.parametrize("group", [name for name in attacks.GROUPS if name != "large"])
def test_every_attack_is_refused_or_answered(hub: Hub, group: str) -> None:
    assert wrong(hub, attacks.group(group)) == []


def test_every_body_of_forty_megabytes_is_refused(sqlite_hub: Hub) -> None:
    assert wrong(sqlite_hub, attacks.group("large")) == []


def test_five_minutes_of_searches_fail_nowhere(hub: Hub) -> None:
    app = application(hub, sandbox=True)
    until = time.monotonic() + _SECONDS / 2
    while time.monotonic() < until:
        searches.fuzz(app, examples=500)


def test_a_message_that_drips_is_cut(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        head = b"POST /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
        began = time.monotonic()
        answer = server.says(head, *([b"{"] * 40), seconds=5, pause=0.5)
        assert answer.startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < _CUT_WITHIN + 10
        assert httpx.get(f"{server.base}/metadata").status_code == 200
