"""A work list over HTTP, where a coordination office may: in the sandbox alone, until sign-in exists."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hub.body import read_body
from hub.errors import Malformed, NotFound
from hub.fhir.cross_origin import refuse_foreign
from hub.fhir.endpoint import answered
from hub.fhir.request import Answer
from hub.posted import only, posted
from mappings.errors import Issue

__all__ = ["MOST", "WorkListEndpoint"]

MOST = 100
"""How many items of a list are told at once."""

_BYTES_MAX = 10_000


class WorkListEndpoint:
    """An ASGI application below `prefix`: `GET` what `read` has, `POST` one of `actions` as a JSON object."""

    prefix: ClassVar[str]
    actions: ClassVar[Collection[str]]
    lists: ClassVar[tuple[str, str]]
    """What `read` has, in German and English, as an error names it."""
    expected: ClassVar[Issue]
    """What is wrong with a body that is not as `act` wants it."""

    def read(self, name: str, query: Mapping[str, str], /) -> dict[str, Any] | None:
        """What is told by `GET`; None where nothing has the name."""
        raise NotImplementedError

    def act(self, action: str, told: Mapping[str, Any]) -> dict[str, Any]:
        """Does what a person decided, and tells what came of it; raises `Malformed(self.expected)`."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await answered(self._answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        request = Request(scope)
        refuse_foreign(", ".join(request.headers.getlist("origin")))
        name = scope["path"].removeprefix(self.prefix)
        if name in self.actions:
            if request.method != "POST":
                raise only("POST")
            told = posted(request, await read_body(scope, receive, most=_BYTES_MAX), Malformed(self.expected))
            found = await run_in_threadpool(self.act, name, told)
        else:
            if request.method not in ("GET", "HEAD"):
                raise only("GET")
            read = await run_in_threadpool(self.read, name, request.query_params)
            if read is None:
                raise self._unknown()
            found = read
        return Answer(content=orjson.dumps(found), headers={"Content-Type": "application/json"})

    def _unknown(self) -> NotFound:
        german, english = self.lists
        actions = ", ".join(self.actions)
        return NotFound(
            Issue(
                code="unknown-address",
                fhir_code="not-found",
                place="http",
                text_de=f"es gibt {german}, und mit POST {actions}",
                text_en=f"there are {english}, and by POST {actions}",
            )
        )
