"""No patient is kept: planted names and numbers are in no database, log, receipt or answer (P1)."""

import json
import logging

import pytest

from hub.commands.receipt_text import render
from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.deliveries import CANARIES, everything_stored, planted, send


def leaks(text: str | bytes) -> list[str]:
    told = text if isinstance(text, bytes) else text.encode()
    return [canary for canary in CANARIES if canary.encode() in told]


def test_the_planted_deliveries_hold_all_canaries() -> None:
    assert set(CANARIES) == {canary for _, body in planted() for canary in leaks(body)}


def test_planted_patients_are_kept_nowhere(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for source, body in planted():
        receipt = send(hub, source, body)
        assert leaks(json.dumps(receipt.to_json(), ensure_ascii=False)) == [], source
        assert leaks(render(receipt, "file", "de") + render(receipt, "file", "en")) == [], source
        assert leaks(everything_stored(hub)) == [], source
    for receipt in hub.pipeline.rerun():
        assert leaks(json.dumps(receipt.to_json(), ensure_ascii=False)) == []
    assert leaks(everything_stored(hub)) == []
    assert leaks(caplog.text) == []


def test_a_search_is_not_logged(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(hub)
    client.get("/fhir/HealthcareService/$find-vacancies?postal-code=49661&care-form=Canaria")
    client.get("/fhir/Location?name=Canaria")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert leaks("\n".join(ours)) == []


def test_the_search_for_canaries_finds_them_where_they_are(hub: Hub) -> None:
    """The control: a source whose map marks it free of patient data keeps what it sends."""
    body = {"angebote": [{"nr": "1", "art": "Canaria", "name": "Beratung", "plz": "49661"}]}
    send(hub, "hilfe-verzeichnis", json.dumps(body).encode())
    assert leaks(everything_stored(hub)) == ["Canaria"]
