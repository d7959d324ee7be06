"""POST /ingest/{source}: a delivery by HTTP, answered with its receipt."""

from collections.abc import Awaitable, Callable

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from adapters.base import Delivery
from hub.body import read_body
from hub.errors import Malformed, Unauthenticated, http_part
from hub.fhir.context import Context
from hub.fhir.router import answered
from hub.ingest.pipeline import Pipeline
from hub.sources import Sources
from mappings.errors import Issue

__all__ = ["ingest_endpoint"]

_BYTES_MAX = 16 * 1024 * 1024
_MESSAGE_ID_MAX = 200


def ingest_endpoint(context: Context, pipeline: Pipeline, sources: Sources) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint; its sender shows the source's bearer token, in the sandbox nobody needs one."""

    async def take(_context: Context, request: Request) -> Response:
        name = request.path_params["source"]
        if not context.sandbox:
            await run_in_threadpool(_authenticate, sources, name, request)
        body = await read_body(request, most=_BYTES_MAX)
        delivery = Delivery(source=name, body=body, received_at=context.clock(), message_id=_message_id(request))
        receipt = await run_in_threadpool(pipeline.receive, delivery)
        status = 422 if receipt.rejected else 200
        return Response(orjson.dumps(receipt.to_json()), status_code=status, media_type="application/json")

    return answered(context, take)


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
