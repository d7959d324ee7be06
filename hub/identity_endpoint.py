"""The work list of identity over HTTP, where a coordination office may: in the sandbox alone, until sign-in exists."""

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
from hub.identity_work import ACTIONS, IdentityWork
from hub.posted import only, posted
from mappings.errors import Issue

__all__ = ["PREFIX", "IdentityEndpoint"]

PREFIX = "/identity/"
_BYTES_MAX = 10_000
_MOST = 100


class IdentityEndpoint:
    """An ASGI application: `GET proposals`, `decisions` and `facilities/{id}`; `POST confirm`, `refuse`, `merge`,
    `split` and `undo` with `{"facilities": […], "decision": …, "who": …, "why": …}`."""

    def __init__(self, work: IdentityWork) -> None:
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
            names = [str(told["decision"])] if name == "undo" and "decision" in told else told.get("facilities", [])
            if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
                raise _malformed()
            who, why = str(told.get("who", "")), str(told.get("why", ""))
            found = await run_in_threadpool(lambda: self._work.act(name, names, who=who, why=why))
        else:
            if request.method not in ("GET", "HEAD"):
                raise only("GET")
            found = await run_in_threadpool(self._read, name)
        return Answer(content=orjson.dumps(found), headers={"Content-Type": "application/json"})

    def _read(self, name: str) -> dict[str, Any]:
        if name == "proposals":
            return self._work.proposals(most=_MOST)
        if name == "decisions":
            return self._work.decisions(most=_MOST)
        kind, _, facility = name.partition("/")
        if kind == "facilities" and facility:
            return self._work.explain(facility)
        raise NotFound(
            Issue(
                code="unknown-address",
                fhir_code="not-found",
                place="http",
                text_de="es gibt proposals, decisions, facilities/{Id}, und mit POST " + ", ".join(ACTIONS),
                text_en="there are proposals, decisions, facilities/{id}, and by POST " + ", ".join(ACTIONS),
            )
        )


def _malformed() -> Malformed:
    return Malformed(
        Issue(
            code="identity-body",
            fhir_code="structure",
            place="http",
            text_de='erwartet wird {"facilities": ["Id", …], "who": "…", "why": "…"}, bei undo {"decision": Nummer, …}',
            text_en='expected {"facilities": ["id", …], "who": "…", "why": "…"}, for undo {"decision": number, …}',
        )
    )
