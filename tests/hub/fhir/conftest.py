"""Clients of the sandbox, where everything can be written."""

import pytest

from hub.hub import Hub
from tests.hub.client import Client


@pytest.fixture
def client(hub: Hub) -> Client:
    """Of a hub on each database."""
    return Client(hub, sandbox=True)


@pytest.fixture
def sqlite_client(sqlite_hub: Hub) -> Client:
    """For what has nothing to do with the database."""
    return Client(sqlite_hub, sandbox=True)
