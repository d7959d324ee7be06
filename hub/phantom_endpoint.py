"""The work list of phantoms over HTTP, where a coordination office may: in the sandbox alone, until sign-in exists."""

from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hub.body import read_body
from hub.errors import Malformed, NotFound
from hub.fhir.cross_origin import refuse_foreign
from hub.fhir.endpoint import answered
from hub.fhir.request import Answer
from hub.phantom_work import ACTIONS, PhantomWork
from hub.posted import only, posted
from mappings.errors import Issue

__all__ = ["PREFIX", "PhantomEndpoint"]

PREFIX = "/phantoms/"
_BYTES_MAX = 10_000
_MOST = 100


class PhantomEndpoint:
    """An ASGI application: `GET found` (`?source=NAME`) and `decisions`; `POST confirm` and `dismiss` with
    `{"phantom": …, "who": …, "why": …}`."""

    def __init__(self, work: PhantomWork) -> None:
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await answered(self._answer, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        request = Request(scope)
        refuse_foreign(", ".join(request.headers.getlist("origin")))
        name = scope["path"].removeprefix(PREFIX)
        if name in ACTIONS:
            if request.method != "POST":
                raise only("POST")
            told = posted(request, await read_body(scope, receive, most=_BYTES_MAX), _malformed())
            phantom, who, why = (told.get(key, "") for key in ("phantom", "who", "why"))
            if not all(isinstance(one, str) for one in (phantom, who, why)):
                raise _malformed()
            found = await run_in_threadpool(lambda: self._work.act(name, phantom, who=who, why=why))
        else:
            if request.method not in ("GET", "HEAD"):
                raise only("GET")
            found = await run_in_threadpool(self._read, name, request.query_params.get("source"))
        return Answer(content=orjson.dumps(found), headers={"Content-Type": "application/json"})

    def _read(self, name: str, source: str | None) -> dict[str, Any]:
        if name == "found":
            return self._work.found(source=source)
        if name == "decisions":
            return self._work.decisions(most=_MOST)
        raise NotFound(
            Issue(
                code="unknown-address",
                fhir_code="not-found",
                place="http",
                text_de="es gibt found, decisions, und mit POST " + ", ".join(ACTIONS),
                text_en="there are found, decisions, and by POST " + ", ".join(ACTIONS),
            )
        )


def _malformed() -> Malformed:
    return Malformed(
        Issue(
            code="phantom-body",
            fhir_code="structure",
            place="http",
            text_de='erwartet wird {"phantom": "Kennung", "who": "…", "why": "…"}',
            text_en='expected {"phantom": "id", "who": "…", "why": "…"}',
        )
    )
