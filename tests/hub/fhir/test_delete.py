"""Deletes over HTTP."""

import pytest

from hub.hub import Hub
from tests.hub.client import Client
from tests.hub.fhir.resources import put, sent


@pytest.fixture
def client(hub: Hub) -> Client:
    return of_three(hub)


@pytest.fixture
def sqlite_client(sqlite_hub: Hub) -> Client:
    return of_three(sqlite_hub)


def of_three(hub: Hub) -> Client:
    """A sandbox with three organizations, two of one name."""
    client = Client(hub, sandbox=True)
    for resource_id, name in (("a", "Haus"), ("b", "Heim"), ("c", "Heim")):
        put(client, resource_id, 201, name=name)
    return client


def names(client: Client) -> list[str]:
    return sorted(entry["resource"]["id"] for entry in client.matches("/fhir/Organization"))


def test_what_is_deleted_is_neither_read_nor_found(client: Client) -> None:
    response = sent(client, "DELETE", "Organization/a", status=204)
    assert response.headers["etag"] == 'W/"2"'
    client.json("/fhir/Organization/a", status=410)
    assert names(client) == ["b", "c"]


def test_to_delete_what_is_not_there_is_no_error(client: Client) -> None:
    for path in ("Organization/a", "Organization/a", "Organization/never", "Organization/a b"):
        sent(client, "DELETE", path, status=204)
    assert client.json("/fhir/Organization/a/_history")["total"] == 2


def test_an_outcome_comes_where_it_is_preferred(client: Client) -> None:
    outcome = sent(client, "DELETE", "Organization/a", status=200, prefer="return=OperationOutcome").json()
    assert (outcome["resourceType"], outcome["issue"][0]["severity"]) == ("OperationOutcome", "information")


def test_a_version_that_is_another_is_not_deleted(client: Client) -> None:
    sent(client, "DELETE", "Organization/a", status=412, if_match='W/"2"')
    sent(client, "DELETE", "Organization/a", status=204, if_match='W/"1"')
    sent(client, "DELETE", "Organization/a", status=412, if_match='W/"1"')


def test_a_condition_deletes_the_one_that_meets_it(client: Client) -> None:
    sent(client, "DELETE", "Organization?name=Haus", status=204)
    assert names(client) == ["b", "c"]
    sent(client, "DELETE", "Organization?name=Haus", status=204)


def test_a_condition_that_several_meet_deletes_none(client: Client) -> None:
    sent(client, "DELETE", "Organization?name=Heim", status=412)
    assert names(client) == ["a", "b", "c"]


@pytest.mark.parametrize("query", ["", "?", "?colour=red", "?_count=1", "?_format=json", "?name="])
def test_nothing_is_deleted_without_a_condition(sqlite_client: Client, query: str) -> None:
    sent(sqlite_client, "DELETE", f"Organization{query}", status=400)
    assert names(sqlite_client) == ["a", "b", "c"]
