"""Addresses at which nothing is, and what is done to those at which something is."""

import pytest

from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.fhir.resources import put, sent, text_of


@pytest.mark.parametrize(
    ("sandbox", "path", "allowed"),
    [
        (False, "Organization", "GET, HEAD, OPTIONS"),
        (False, "Organization/x", "GET, HEAD, OPTIONS"),
        (False, "Organization/_search", "GET, HEAD, OPTIONS, POST"),
        (False, "HealthcareService/$find-vacancies", "GET, HEAD, OPTIONS, POST"),
        (True, "Organization", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        (True, "Organization/x/_history", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_tell_what_is_done(sqlite_hub: Hub, sandbox: bool, path: str, allowed: str) -> None:
    client = Client(sqlite_hub, sandbox=sandbox)
    answer = sent(client, "OPTIONS", path, status=204)
    assert answer.headers["allow"] == allowed
    assert sent(client, "TRACE", path, status=405).headers["allow"] == allowed
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
        is_refused = sent(client, method, path, {}).status_code == 405
        assert is_refused is (method not in allowed.split(", ")), method


def test_options_of_nothing_are_refused(sqlite_hub: Hub) -> None:
    for path in ("Nothing", "Organization/$nothing", "Organization/x/_history/1/2"):
        sent(Client(sqlite_hub), "OPTIONS", path, status=404)


def test_the_public_is_told_how_to_read_and_where_to_write(sqlite_hub: Hub) -> None:
    told = text_of(sent(Client(sqlite_hub), "PUT", "Organization/x", {}, status=405))
    for word in ("POST (_search", "platzfrei serve --sandbox", "POST /ingest/"):
        assert word in told


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize(
    ("path", "perhaps"),
    [
        ("Locations", "Location"),
        ("location", None),
        ("organization/x", None),
        ("Organisation", "Organization"),
        ("ORGANIZATION", "Organization"),
        ("HealthCareService", "HealthcareService"),
    ],
)
def test_a_type_misspelt_is_guessed(sqlite_hub: Hub, sandbox: bool, path: str, perhaps: str | None) -> None:
    told = text_of(sent(Client(sqlite_hub, sandbox=sandbox), "GET", path, status=404))
    expected = perhaps or path.partition("/")[0].capitalize()
    assert told.endswith((f"perhaps {expected}", f"vielleicht {expected}"))


def test_what_resembles_no_type_is_not_guessed_and_not_repeated(sqlite_hub: Hub) -> None:
    for sandbox in (True, False):
        told = text_of(sent(Client(sqlite_hub, sandbox=sandbox), "GET", "Xylophone", status=404))
        assert "/fhir/metadata" in told
        assert not any(word in told for word in ("perhaps", "vielleicht", "Xylophone"))


def test_an_unknown_operation_is_told_those_of_the_type(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub)
    told = text_of(sent(client, "GET", "ValueSet/$expnd", status=404))
    for address in ("ValueSet/$expand", "ValueSet/{id}/$expand", "ValueSet/{id}/$validate-code", "ValueSet/$validate"):
        assert address in told
    assert "CodeSystem" not in told
    assert "$expnd" not in told
    at_an_instance = text_of(sent(client, "GET", "CodeSystem/care-form/$lookup", status=404))
    assert "CodeSystem/$lookup" in at_an_instance
    assert "CodeSystem/{id}/$lookup" not in at_an_instance


def test_an_operation_of_another_type_is_found(sqlite_hub: Hub) -> None:
    for path in ("Location/$find-vacancies", "$find-vacancies", "Location/x/$find-vacancy"):
        told = text_of(sent(Client(sqlite_hub), "GET", path, status=404))
        assert "HealthcareService/$find-vacancies" in told, path


def test_an_unknown_version_of_what_is_there_points_to_its_history(sqlite_hub: Hub) -> None:
    client = Client(sqlite_hub, sandbox=True)
    put(client, "a", status=201)
    told = text_of(sent(client, "GET", "Organization/a/_history/99", status=404))
    assert "99" in told
    assert "Organization/a/_history" in told
    assert "secret" not in text_of(sent(client, "GET", "Organization/a/_history/secret", status=404))
    assert "_history" not in text_of(sent(client, "GET", "Organization/b/_history/1", status=404))
