"""POST /ingest/{source}: a delivery by HTTP, answered with what became of it; GET …/status, …/deliveries/{number} and
…/aside: how the source stands, a receipt again, and what lies aside."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.reply.hl7v2_ack import acknowledgements, header
from adapters.reply.hl7v2_refusal import refusal as hl7v2_refusal
from adapters.reply.operation_outcome import outcome_of_errors, outcome_of_receipt
from adapters.resend import TAKEN
from hub.awaiting import awaited
from hub.body import read_body
from hub.errors import Malformed, MethodNotAllowed, NotFound, Unauthenticated, http_part
from hub.fetching import Fetcher
from hub.fhir.cross_origin import refuse_foreign
from hub.fhir.endpoint import answered
from hub.fhir.refusal import refusal
from hub.fhir.request import Answer
from hub.ingest import ledger
from hub.ingest.duplicates import unknown_delivery
from hub.ingest.pipeline import Pipeline
from hub.multipart import is_multipart, uploaded
from hub.records_aside import records_aside
from hub.reply import Words, wanted_words
from hub.source_status import source_status
from hub.sources import Sources
from hub.store.database import Database
from mappings.errors import Issue, PlatzfreiError, Rejected

__all__ = ["PREFIX", "IngestEndpoint"]

PREFIX = "/ingest/"
_BYTES_MAX = 40 * 1024 * 1024
_MESSAGE_ID_MAX = 200
_DIGITS = 18


_JSON = {"Content-Type": "application/json"}
_AT_ONCE = 8_000
"""Bytes of a delivery that is read in the event loop; what takes longer would hold up all others."""
_PACKED = b"PK"
_WORDS = "platzfrei.words"
"""Where a scope keeps in whose words it is answered."""
_CHARSETS = {"ascii": "us-ascii", "cp1252": "windows-1252"}
"""What HTTP calls the character sets of an HL7 v2 message, where Python has other names."""


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
        await answered(self._answer, scope, receive, send, asked=lambda scope: (_words(scope).form, False))

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            return await self._take(scope, receive)
        except PlatzfreiError as error:
            answer = refusal(error)
            of_delivery = scope["method"] == "POST" and "/" not in scope["path"].removeprefix(PREFIX)
            answer.content = orjson.dumps(outcome_of_errors(error.issues, of_delivery=of_delivery))
            return answer

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
        words = _words(scope)
        if words.is_acknowledgement:
            return await self._acknowledged(name, body, _message_id(request), words)
        delivery = Delivery(source=name, body=body, received_at=self._clock(), message_id=_message_id(request))
        receipt = await self._received(delivery, wants_it_now="respond-async" not in request.headers.get("prefer", ""))
        if isinstance(receipt, int):
            where = f"{PREFIX}{name}/deliveries/{receipt}"
            told = {"source": name, "delivery": receipt, "status": "received", "receipt": where}
            told["resend"] = TAKEN.to_json()
            return Answer(status=202, content=orjson.dumps(told), headers={**_JSON, "Location": where}, is_fhir=False)
        status = 422 if receipt.nothing_taken else 202 if receipt.held else 200
        if words.is_outcome:
            return Answer(status=status, content=orjson.dumps(outcome_of_receipt(receipt)))
        return Answer(status=status, content=orjson.dumps(receipt.to_json()), headers=_JSON, is_fhir=False)

    async def _acknowledged(self, name: str, body: bytes, message_id: str | None, words: Words) -> Answer:
        """The answer to one HL7 v2 message: an ACK of any code is 200, only what may yet be taken is not."""
        asked = header(body)
        at = self._clock()
        told: Receipt | Sequence[Issue]
        if asked is not None and asked.is_answer:
            return Answer(status=204)
        if refused := hl7v2_refusal(asked, body):
            told = (refused,)
        else:
            assert asked is not None
            delivery = Delivery(source=name, body=body, received_at=at, message_id=message_id or asked.message_id)
            try:
                receipt = await self._received(delivery, wants_it_now=True)
                assert isinstance(receipt, Receipt)
                told = receipt
            except Rejected as error:
                told = error.issues
        control_id = f"PF{int(at.timestamp()):x}{secrets.token_hex(3)}"
        answers = acknowledgements(asked, told, control_id=control_id, at=at)
        if not answers:
            return Answer(status=204)
        # HTTP has one answer: where both kinds were asked for, that the content is good says that it is kept.
        codec = asked.codec if asked is not None else "ascii"
        charset = _CHARSETS.get(codec, codec.replace("iso8859", "iso-8859"))
        headers = {"Content-Type": f"{words.media_type}; charset={charset}"}
        return Answer(content=answers[-1], headers=headers, is_fhir=False)

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
        receipt = awaited(submit() if at_once else await run_in_threadpool(submit))
        if wants_it_now:
            return await receipt
        await asyncio.wait((receipt, number), return_when=asyncio.FIRST_COMPLETED)
        if receipt.done():
            return receipt.result()
        # Its sender asks for the receipt; what fails is finished by a job, and told in the log there.
        receipt.add_done_callback(lambda ended: None if ended.cancelled() else ended.exception())
        return number.result()

    def _told(self, name: str, asked: str) -> Answer:
        """How a source stands, or the receipt of one of its deliveries."""
        source_map = self._sources.named(name)
        if asked == "status":
            told_of = self._fetcher.states(source_map.name)
            with self._database.reading() as connection:
                return _json(source_status(connection, source_map, told_of, self._clock()).to_json())
        if asked == "aside":
            with self._database.reading() as connection:
                told_aside = records_aside(connection, source_map.name).to_json()
            return _json({"source": source_map.name, **told_aside})
        what, _, number = asked.partition("/")
        if what == "deliveries" and number.isascii() and number.isdigit() and len(number) <= _DIGITS:
            with self._database.reading() as connection:
                told = ledger.receipt_of(connection, source_map.name, int(number))
            if told is None:
                raise NotFound(unknown_delivery("http"))
            return _json(told)
        raise _nothing_there()


def _words(scope: Scope) -> Words:
    words: Words | None = scope.get(_WORDS)
    if words is None:
        request = Request(scope)
        asked = request.query_params.get("_format") if scope["query_string"] else None
        # A plus sign in a query string reads as a blank, and is meant as one in no media type.
        asked = None if asked is None else asked.replace(" ", "+")
        headers = request.headers
        words = wanted_words(", ".join(headers.getlist("accept")), headers.get("content-type", ""), asked)
        scope[_WORDS] = words
    return words


def _json(told: object) -> Answer:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(content=orjson.dumps(told), headers=headers, is_fhir=False)


def _nothing_there() -> NotFound:
    return NotFound(
        Issue(
            code="unknown-delivery",
            fhir_code="not-found",
            place="http",
            text_de="das gibt es bei dieser Quelle nicht; es gibt …/status, …/aside und …/deliveries/{Nummer}",
            text_en="there is no such thing at this source; there are …/status, …/aside and …/deliveries/{number}",
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
