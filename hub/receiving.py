"""POST /ingest/{source}: a delivery by HTTP, answered with its receipt; GET …/status and …/deliveries/{number}: how the
source stands, and a receipt again."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.body import read_body
from hub.errors import Malformed, MethodNotAllowed, NotFound, Unauthenticated, http_part
from hub.fetching import Fetcher
from hub.fhir.cross_origin import refuse_foreign
from hub.fhir.endpoint import answered
from hub.fhir.request import Answer
from hub.ingest import ledger
from hub.ingest.pipeline import Pipeline
from hub.multipart import is_multipart, uploaded
from hub.source_status import source_status
from hub.sources import Sources
from hub.store.database import Database
from mappings.errors import Issue

__all__ = ["PREFIX", "IngestEndpoint"]

PREFIX = "/ingest/"
_BYTES_MAX = 16 * 1024 * 1024
_MESSAGE_ID_MAX = 200
_DIGITS = 18


_JSON = {"Content-Type": "application/json"}
_AT_ONCE = 20_000
"""Bytes of a delivery that is read in the event loop; what takes longer would hold up all others."""
_PACKED = b"PK"


class IngestEndpoint:
    """An ASGI application; its sender shows the source's bearer token, in the sandbox nobody needs one."""

    def __init__(
        self,
        pipeline: Pipeline,
        sources: Sources,
        clock: Callable[[], datetime],
        *,
        database: Database,
        fetcher: Fetcher,
        sandbox: bool,
    ) -> None:
        self._pipeline = pipeline
        self._database = database
        self._fetcher = fetcher
        self._sources = sources
        self._clock = clock
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One delivery by HTTP, or a question about what was delivered."""
        await answered(self._take, scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        request = Request(scope)
        name, _, asked = scope["path"].removeprefix(PREFIX).partition("/")
        if asked and request.method not in ("GET", "HEAD"):
            raise _only_get()
        if not asked and request.method != "POST":
            raise _only_post()
        if self._sandbox:
            refuse_foreign(", ".join(request.headers.getlist("origin")))
        elif self._database.dialect == "sqlite":
            _authenticate(self._sources, name, request)
        else:
            await run_in_threadpool(_authenticate, self._sources, name, request)
        if asked:
            return await run_in_threadpool(self._told, name, asked)
        body = await read_body(scope, receive, most=_BYTES_MAX)
        if is_multipart(content_type := request.headers.get("content-type", "")):
            body = uploaded(body, content_type)
        delivery = Delivery(source=name, body=body, received_at=self._clock(), message_id=_message_id(request))
        receipt = await self._received(delivery, wants_it_now="respond-async" not in request.headers.get("prefer", ""))
        if isinstance(receipt, int):
            where = f"{PREFIX}{name}/deliveries/{receipt}"
            told = {"source": name, "delivery": receipt, "status": "received", "receipt": where}
            return Answer(status=202, content=orjson.dumps(told), headers={**_JSON, "Location": where})
        status = 422 if receipt.rejected else 202 if receipt.held else 200
        return Answer(status=status, content=orjson.dumps(receipt.to_json()), headers=_JSON)

    async def _received(self, delivery: Delivery, *, wants_it_now: bool) -> Receipt | int:
        """The receipt; where it need not be now, and would take long, the number under which it will be told."""
        loop = asyncio.get_running_loop()
        number: asyncio.Future[int] = loop.create_future()

        def tell(told: int) -> None:
            if not number.done():
                number.set_result(told)

        def arrived(told: int) -> None:
            loop.call_soon_threadsafe(tell, told)

        def submit() -> Future[Receipt]:
            return self._pipeline.submit(delivery, arrived=arrived)

        # What is packed can take long to read, however short it is.
        at_once = len(delivery.body) < _AT_ONCE and not delivery.body.startswith(_PACKED)
        receipt = asyncio.wrap_future(submit() if at_once else await run_in_threadpool(submit))
        if wants_it_now:
            return await receipt
        await asyncio.wait((receipt, number), return_when=asyncio.FIRST_COMPLETED)
        return receipt.result() if receipt.done() else number.result()

    def _told(self, name: str, asked: str) -> Answer:
        """How a source stands, or the receipt of one of its deliveries."""
        source_map = self._sources.named(name)
        if asked == "status":
            told_of = self._fetcher.states(source_map.name)
            with self._database.reading() as connection:
                return _json(source_status(connection, source_map, told_of, self._clock()).to_json())
        what, _, number = asked.partition("/")
        if what == "deliveries" and number.isascii() and number.isdigit() and len(number) <= _DIGITS:
            with self._database.reading() as connection:
                told = ledger.receipt_of(connection, source_map.name, int(number))
            if told is not None:
                return _json(told)
        raise _nothing_there()


def _json(told: object) -> Answer:
    return Answer(content=orjson.dumps(told), headers={"Content-Type": "application/json", "Cache-Control": "no-store"})


def _nothing_there() -> NotFound:
    # What another source sent and what nobody sent are answered alike.
    return NotFound(
        Issue(
            code="unknown-delivery",
            fhir_code="not-found",
            place="http",
            text_de="das gibt es bei dieser Quelle nicht; es gibt …/status und …/deliveries/{Nummer}",
            text_en="there is no such thing at this source; there are …/status and …/deliveries/{number}",
        )
    )


def _only_get() -> MethodNotAllowed:
    return MethodNotAllowed(
        Issue(
            code="only-get",
            fhir_code="not-supported",
            place="http",
            text_de="Stand und Quittungen werden mit GET gefragt",
            text_en="status and receipts are asked for by GET",
        ),
        headers={"Allow": "GET, HEAD"},
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
