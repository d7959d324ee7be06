"""Behind a reverse proxy: what it says of the client counts where the operator trusts it, and nowhere else."""

import asyncio
from typing import Any

import pytest
import uvicorn

from hub.app import application
from hub.commands.serve import _proxies
from hub.hub import Hub
from hub.settings import Settings


def told(hub: Hub, trusted: str, *, client: str = "127.0.0.1", path: str = "/fhir/metadata") -> tuple[int, bytes]:
    """Status and body of an answer of the application as the server wraps it."""
    settings = Settings.of(environment={"PLATZFREI_TRUSTED_PROXIES": trusted})
    config = uvicorn.Config(application(hub), **_proxies(settings))
    config.load()
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"platzfrei.example"),
            (b"x-forwarded-proto", b"https"),
            (b"x-forwarded-for", b"203.0.113.7"),
        ],
        "client": (client, 40000),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(config.loaded_app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("trusted", "client", "base"),
    [
        ("127.0.0.1", "127.0.0.1", b"https://platzfrei.example/fhir"),
        ("10.0.0.0/8,127.0.0.1", "10.1.2.3", b"https://platzfrei.example/fhir"),
        ("", "127.0.0.1", b"http://platzfrei.example/fhir"),
        ("127.0.0.1", "192.0.2.1", b"http://platzfrei.example/fhir"),
    ],
)
def test_a_trusted_proxy_says_how_the_client_came(sqlite_hub: Hub, trusted: str, client: str, base: bytes) -> None:
    status, body = told(sqlite_hub, trusted, client=client)
    assert status == 200
    assert b'"url":"' + base + b'"' in body


@pytest.mark.parametrize("trusted", ["", "127.0.0.1"])
def test_metrics_are_not_told_through_a_proxy_trusted_or_not(sqlite_hub: Hub, trusted: str) -> None:
    assert told(sqlite_hub, trusted, path="/metrics")[0] == 404
