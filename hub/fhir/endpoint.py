"""The FHIR API by HTTP: bytes into a Request, an Answer into bytes; in between one snapshot, or one transaction.

https://hl7.org/fhir/R4/http.html
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from conformance.formats.grouped import grouped
from hub.body import read_body
from hub.errors import Malformed, TooLarge, http_part
from hub.fhir.context import Context
from hub.fhir.cross_origin import allow, is_preflight, may_write, sharing
from hub.fhir.form import BYTES_MAX, is_form
from hub.fhir.formats import rendered
from hub.fhir.negotiation import Format, wanted
from hub.fhir.refusal import refusal
from hub.fhir.request import Answer, Request
from hub.fhir.router import routed, writes
from hub.store.database import LOST_RACES, UNAVAILABLE, Database
from hub.store.reader import Reader
from hub.store.writer import Writer
from mappings.errors import Fault, Issue, PlatzfreiError, Retriable

__all__ = ["PREFIX", "FhirEndpoint", "answered"]

PREFIX = "/fhir"
T = TypeVar("T")
_BYTES_MAX = 40 * 1024 * 1024
_VALUES_MAX = 500_000
_LARGE = 100_000
"""Bytes of a body that is written by itself: nobody waits for the rest of it."""
_MARKS = (b",", b"{", b"[", b"<")
"""What stands before a value in JSON, and before an element in XML."""
_HOST = re.compile(r"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_THREADS = 3
"""Of PostgreSQL's readers: more of them wait for one another, at the interpreter, longer than for the database."""
_AT_ONCE = 20_000
"""Bytes of a body that is read in the event loop; what takes longer would hold up all others."""
_LOOK_AGAIN = timedelta(seconds=1)
_JSON_AS_EVER = ("", "*/*", "application/fhir+json", "application/json")
_ASKED_BY_FORM = "platzfrei.asked_by_form"
"""Where a scope keeps the format that a posted form asks for: it is known only once the body is there."""
_HEADERS = "platzfrei.headers"
"""Where a scope keeps its headers as they are read here."""
_REQUEST_ID_MAX = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirEndpoint:
    """An ASGI application. SQLite answers reads in the event loop, where they take a fraction of a millisecond and a
    thread hop would cost as much; PostgreSQL is waited for in a thread. Writes go through the writer.
    """

    context: Context
    database: Database
    writer: Writer
    is_due: Callable[[Reader], bool]
    """Whether a snapshot holds what may not be shown any more; `withdraw` takes that away, for the next snapshot."""
    withdraw: Callable[[], object]
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "reader"))
    _looked: list[datetime] = field(default_factory=list)
    """When it was seen last that nothing is due."""
    _joints: dict[Any, Callable[..., Any]] = field(default_factory=dict)
    """What answers several requests at once, by the module that can."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request by HTTP."""
        if "origin" in _headers(scope):
            if is_preflight(scope):
                await allow(send, writes=self.context.store is not None and may_write(scope))
                return
            send = sharing(send)
        await answered(self._take, scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive) -> Answer:
        headers = _headers(scope)
        host = headers.get("host", "")
        if not _HOST.fullmatch(host):
            raise _no_host()
        body = b"" if scope["method"] in ("GET", "HEAD") else await read_body(scope, receive, most=_BYTES_MAX)
        _refuse_many_values(body)
        request = Request(
            method="GET" if scope["method"] == "HEAD" else scope["method"],
            path=_path(scope),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=body,
            base=f"{scope['scheme']}://{host}{PREFIX}",
        )
        if 0 < len(body) <= BYTES_MAX and is_form(request):
            scope[_ASKED_BY_FORM] = _form(scope, body)
        return await self.answer(request)

    async def answer(self, request: Request) -> Answer:
        """The answer to a request; raises `PlatzfreiError`, or what the database raises."""
        module, found = routed(self.context, request)
        if not hasattr(module, "refused"):
            return await self._answer(module, found)
        try:
            return await self._answer(module, found)
        except Exception as error:
            ours = _as_ours(error)
            told: Answer | None = module.refused(found, ours)
            if told is None:
                raise ours from None
            return told

    async def _answer(self, module: Any, found: Request) -> Answer:
        if writes(self.context, module, found):
            if hasattr(module, "ahead"):
                found = found.with_ahead(await self._ahead(module, found))
            alone = len(found.body) >= _LARGE
            if hasattr(module, "joins") and module.joins(found):
                joint = self._joints.setdefault(module, partial(module.answers, self.context))
                work = self.writer.join(joint, found, alone=alone, limited=True)
            else:
                work = self.writer.submit(
                    lambda transaction: module.answer(self.context, transaction, found), alone=alone
                )
            answer: Answer = await asyncio.wrap_future(work)
            return answer
        in_loop = self.database.dialect == "sqlite"
        read = self._read(module, found) if in_loop else await self._in_thread(self._read, module, found)
        if read is None:
            # To withdraw is to write, and may have to wait for its turn: never in the loop.
            await asyncio.get_running_loop().run_in_executor(self._threads, self.withdraw)
            return self._read_now(module, found) if in_loop else await self._in_thread(self._read_now, module, found)
        return read

    async def _ahead(self, module: Any, request: Request) -> object:
        """What needs no turn at the writer is done before it: others write meanwhile."""
        if len(request.body) < _AT_ONCE:
            return module.ahead(self.context, request)
        return await asyncio.get_running_loop().run_in_executor(self._threads, module.ahead, self.context, request)

    async def _in_thread(self, work: Callable[[Any, Request], T], module: Any, request: Request) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, module, request)

    def _read(self, module: Any, request: Request) -> Answer | None:
        """The answer; None where something must be withdrawn first."""
        return self._of_snapshot(
            module,
            lambda reader: None if self._must_withdraw(reader) else module.answer(self.context, reader, request),
        )

    def _read_now(self, module: Any, request: Request) -> Answer:
        answer: Answer = self._of_snapshot(module, lambda reader: module.answer(self.context, reader, request))
        return answer

    def _of_snapshot(self, module: Any, work: Callable[[Reader], T]) -> T:
        if getattr(module, "READS_ONCE", False):
            return self.database.once(work)
        with self.database.snapshot() as reader:
            return work(reader)

    def _must_withdraw(self, reader: Reader) -> bool:
        """What counts for days may be seen to have expired a second late."""
        now = self.context.clock()
        if self._looked and timedelta() <= now - self._looked[0] < _LOOK_AGAIN:
            return False
        if self.is_due(reader):
            return True
        self._looked[:] = [now]
        return False


async def answered(
    work: Callable[[Scope, Receive], Awaitable[Answer]],
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    asked: Callable[[Scope], tuple[Format, bool]] | None = None,
) -> None:
    """Sends what `work` answers, or the OperationOutcome of what it raises, in the format that was asked for.

    `asked` says which that is and whether it is to be pretty, where a request is not negotiated as FHIR's are.
    """
    form, pretty = Format.JSON, False
    try:
        form, pretty = (asked or _form)(scope)
        answer = await work(scope, receive)
    except Exception as error:
        answer = refusal(_as_ours(error))
    if _ASKED_BY_FORM in scope:
        form, pretty = scope[_ASKED_BY_FORM]
    try:
        as_it_is = (form is Format.JSON and not pretty) or not answer.content or not answer.is_fhir
        content = answer.content if as_it_is else rendered(answer.content, form, pretty=pretty)
    except ValueError as error:
        answer = refusal(_as_ours(error))
        form, content = Format.JSON, answer.content
    headers = answer.http_headers(_base(scope) if answer.location else "")
    if content:
        headers.setdefault("content-type", form.media_type)
    if answer.status not in (204, 304):
        headers["content-length"] = str(len(content))
    if request_id := _headers(scope).get("x-request-id"):
        _tell_back(headers, request_id)
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def _base(scope: Scope) -> str:
    """The address under which the client reached the API."""
    host = _headers(scope).get("host", "")
    if not _HOST.fullmatch(host):
        host = "{}:{}".format(*(scope.get("server") or ("localhost", 80)))
    return f"{scope['scheme']}://{host}{PREFIX}"


def _refuse_many_values(body: bytes) -> None:
    """Raises `TooLarge` for more than can be read, checked and stored while others wait."""
    if len(body) > _VALUES_MAX and sum(body.count(mark) for mark in _MARKS) > _VALUES_MAX:
        raise _too_many_values()


def _headers(scope: Scope) -> dict[str, str]:
    """The headers of a request; several of one name are one, as a list of values is written."""
    headers: dict[str, str] | None = scope.get(_HEADERS)
    if headers is None:
        headers = scope[_HEADERS] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _tell_back(headers: dict[str, str], request_id: str) -> None:
    """The client's name of the request goes into the answer, so that it finds the two together."""
    if len(request_id) <= _REQUEST_ID_MAX and request_id.isascii() and request_id.isprintable():
        headers["x-request-id"] = request_id


def _path(scope: Scope) -> tuple[str, ...]:
    raw = scope.get("raw_path") or scope["path"].encode()
    below = raw.decode("latin-1").partition("?")[0][len(PREFIX) :].strip("/")
    if not below:
        return ()
    words = below.split("/")
    if "%" in below:
        try:
            words = [unquote(word, errors="strict") for word in words]
        except UnicodeDecodeError:
            raise _no_address() from None
    if len(words) > 8 or max(map(len, words)) > 256 or any("\0" in word for word in words):
        raise _no_address()
    return tuple(words)


def _form(scope: Scope, posted: bytes = b"") -> tuple[Format, bool]:
    """The format that a request asks for, by what was posted as a form before its address."""
    query: bytes = scope["query_string"] if not posted else b"%s&%s" % (scope["query_string"], posted)
    accept = _headers(scope).get("accept", "")
    if b"_format" not in query and b"_pretty" not in query and accept in _JSON_AS_EVER:
        return Format.JSON, False
    told = dict(part.partition("=")[::2] for part in query.decode("latin-1").split("&"))
    asked = told.get("_format")
    # A plus sign in a query string reads as a blank, and is meant as one in no media type.
    return wanted(accept, None if asked is None else unquote(asked).replace(" ", "+")), told.get("_pretty") == "true"


def _as_ours(error: Exception) -> PlatzfreiError:
    if isinstance(error, PlatzfreiError):
        return error
    if isinstance(error, (*UNAVAILABLE, *LOST_RACES)):
        # Never the exception itself: it carries the statement's values.
        _log.error("the database does not answer: %s", getattr(error, "sqlite_errorname", type(error).__name__))
        return _later()
    _log.error("unexpected %s in %s", type(error).__name__, _where(error))
    return _fault()


def _no_address() -> Malformed:
    return Malformed(
        Issue(
            code="address",
            fhir_code="structure",
            place="http",
            text_de="die Adresse ist nicht lesbar: erwartet wird UTF-8, prozentkodiert, ohne NUL",
            text_en="the address cannot be read: expected UTF-8, percent-encoded, without NUL",
        )
    )


def _no_host() -> Malformed:
    """Every link of an answer begins with the Host (RFC 9112, 3.2)."""
    return Malformed(
        Issue(
            code="host",
            fhir_code="structure",
            place=http_part("Host"),
            text_de="Host: erwartet wird genau einer, ein Name oder eine Adresse, auch mit Port",
            text_en="Host: expected exactly one, a name or an address, with or without a port",
        )
    )


def _too_many_values() -> TooLarge:
    return TooLarge(
        Issue(
            code="too-many-values",
            fhir_code="too-costly",
            place="http",
            text_de=f"höchstens {grouped(_VALUES_MAX)} Werte auf einmal; die Nachricht teilen",
            text_en=f"at most {_VALUES_MAX:,} values at once; divide the message",
        )
    )


def _later() -> Retriable:
    return Retriable(
        Issue(
            code="database-unavailable",
            fhir_code="transient",
            text_de="die Datenbank antwortet gerade nicht; in einigen Sekunden dasselbe noch einmal versuchen",
            text_en="the database does not answer just now; try the same again in a few seconds",
        )
    )


def _fault() -> Fault:
    return Fault(
        Issue(
            code="fault",
            fhir_code="exception",
            text_de="das ist unser Fehler; er ist vermerkt, und dieselbe Anfrage darf wiederholt werden",
            text_en="this is our fault; it is noted, and the same request may be repeated",
        )
    )


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
