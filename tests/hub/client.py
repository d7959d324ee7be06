"""An HTTP client that talks to an application in the same process."""

import asyncio
from typing import Any

import httpx
import orjson
from starlette.types import ASGIApp

from hub.app import application
from hub.hub import Hub

BASE = "http://127.0.0.1:8080"


class Client:
    """Sends requests to a hub's application, one at a time."""

    def __init__(self, hub: Hub, *, sandbox: bool = False) -> None:
        self.app: ASGIApp = application(hub, sandbox=sandbox)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, **arguments)

        return asyncio.run(send())

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", path, **arguments)

    def json(self, path: str, *, status: int = 200, **arguments: Any) -> Any:
        """The body of a GET, which must be answered with the status."""
        response = self.get(path, **arguments)
        assert response.status_code == status, response.text
        return orjson.loads(response.content)

    def matches(self, path: str) -> list[Any]:
        """The matches of a search, over all its pages."""
        found: list[Any] = []
        url: str | None = path
        while url is not None:
            bundle = self.json(url)
            found += [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        return found
