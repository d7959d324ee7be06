"""What happens where two servers on one database are asked alike at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hub.hub import Hub
from hub.settings import Settings
from tests.hub.client import Client
from tests.hub.fhir.resources import organization, put, sent

NUMBER = "urn:example:number"
ROUNDS = 5


@pytest.fixture
def two(hub: Hub, database_url: str, tmp_path: Path) -> Iterator[tuple[Client, Client]]:
    """Two servers on one database."""
    other = Hub.open(Settings(database=database_url, folder=tmp_path), clock=hub.clock)
    yield Client(hub, sandbox=True), Client(other, sandbox=True)
    other.close()


def at_once(clients: tuple[Client, Client], ask: Callable[[Client], int]) -> list[int]:
    ready = Barrier(2)

    def one(client: Client) -> int:
        ready.wait()
        return ask(client)

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(one, clients))


def test_a_conditional_create_creates_one(two: tuple[Client, Client]) -> None:
    for number in range(ROUNDS):
        body = organization(identifier=[{"system": NUMBER, "value": str(number)}])
        criteria = f"identifier={NUMBER}|{number}"

        def create(client: Client, body: object = body, criteria: str = criteria) -> int:
            return sent(client, "POST", "Organization", body, if_none_exist=criteria).status_code

        assert at_once(two, create) == [200, 201]


def test_one_of_two_updates_of_a_version_is_refused(two: tuple[Client, Client]) -> None:
    put(two[0], "a", 201)
    for number in range(1, ROUNDS):

        def update(client: Client, number: int = number) -> int:
            body = organization(id="a", name=f"{number} {client is two[0]}")
            return sent(client, "PUT", "Organization/a", body, if_match=f'W/"{number}"').status_code

        assert at_once(two, update) == [200, 412]


def test_two_patches_are_both_made(two: tuple[Client, Client]) -> None:
    put(two[0], "a", 201, alias=["x"])
    for _ in range(ROUNDS):

        def patch(client: Client) -> int:
            operations = [{"op": "add", "path": "/alias/-", "value": "y"}]
            return sent(
                client, "PATCH", "Organization/a", operations, media_type="application/json-patch+json"
            ).status_code

        assert at_once(two, patch) == [200, 200]
    assert len(two[0].json("/fhir/Organization/a")["alias"]) == 1 + 2 * ROUNDS


def test_both_can_create_the_same_id(two: tuple[Client, Client]) -> None:
    for number in range(ROUNDS):

        def create(client: Client, number: int = number) -> int:
            body = organization(id=f"n{number}", name=f"{client is two[0]}")
            return sent(client, "PUT", f"Organization/n{number}", body).status_code

        assert at_once(two, create) == [200, 201]
