"""POST /ingest/{source}: a delivery by HTTP, answered with its receipt."""

from collections.abc import Callable
from datetime import datetime

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from adapters.base import Delivery
from hub.body import read_body
from hub.errors import Malformed, MethodNotAllowed, Unauthenticated, http_part
from hub.fhir.cross_origin import refuse_foreign
from hub.fhir.endpoint import answered
from hub.fhir.request import Answer
from hub.ingest.pipeline import Pipeline
from hub.sources import Sources
from mappings.errors import Issue

__all__ = ["PREFIX", "IngestEndpoint"]

PREFIX = "/ingest/"
_BYTES_MAX = 16 * 1024 * 1024
_MESSAGE_ID_MAX = 200


class IngestEndpoint:
    """An ASGI application; its sender shows the source's bearer token, in the sandbox nobody needs one."""

    def __init__(self, pipeline: Pipeline, sources: Sources, clock: Callable[[], datetime], *, sandbox: bool) -> None:
        self._pipeline = pipeline
        self._sources = sources
        self._clock = clock
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One delivery by HTTP."""
        await answered(self._take, scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        request = Request(scope)
        if request.method != "POST":
            raise _only_post()
        name = scope["path"].removeprefix(PREFIX)
        if self._sandbox:
            refuse_foreign(", ".join(request.headers.getlist("origin")))
        else:
            await run_in_threadpool(_authenticate, self._sources, name, request)
        body = await read_body(scope, receive, most=_BYTES_MAX)
        delivery = Delivery(source=name, body=body, received_at=self._clock(), message_id=_message_id(request))
        receipt = await run_in_threadpool(self._pipeline.receive, delivery)
        return Answer(
            status=422 if receipt.rejected else 202 if receipt.held else 200,
            content=orjson.dumps(receipt.to_json()),
            headers={"Content-Type": "application/json"},
        )


def _only_post() -> MethodNotAllowed:
    return MethodNotAllowed(
        Issue(
            code="only-post",
            fhir_code="not-supported",
            place="http",
            text_de="Lieferungen kommen mit POST",
            text_en="deliveries come by POST",
        ),
        headers={"Allow": "POST"},
    )


def _authenticate(sources: Sources, name: str, request: Request) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    # Unknown source and wrong token are answered alike.
    if scheme.lower() != "bearer" or not sources.holds(name, token.strip()):
        raise Unauthenticated(
            Issue(
                code="token",
                fhir_code="login",
                place=http_part("Authorization"),
                text_de="erwartet wird „Authorization: Bearer …“ mit dem Token dieser Quelle; "
                "ein Token macht: platzfrei sources token NAME",
                text_en="expected 'Authorization: Bearer …' with this source's token; "
                "a token is made by: platzfrei sources token NAME",
            ),
            headers={"WWW-Authenticate": 'Bearer realm="platzfrei"'},
        )


def _message_id(request: Request) -> str | None:
    told = request.headers.get("idempotency-key")
    if told is None:
        return None
    if not told or len(told) > _MESSAGE_ID_MAX or not told.isascii() or not told.isprintable():
        raise Malformed(
            Issue(
                code="message-id",
                place=http_part("Idempotency-Key"),
                text_de=f"erwartet werden 1 bis {_MESSAGE_ID_MAX} druckbare ASCII-Zeichen",
                text_en=f"expected 1 to {_MESSAGE_ID_MAX} printable ASCII characters",
            )
        )
    return told
