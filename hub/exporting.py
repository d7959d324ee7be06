"""GET /export/{format}: all offers of the public view, as other registers and spreadsheets read them.

An export is made into a file first, and sent from there: a slow client holds a file open, never a snapshot of the data.
The file is kept until the data differ, and for a while nobody asks whether they do: ten seconds, and ten times as long
as it took to make, so that exports never take more than a tenth of a processor.
"""

import os
import tempfile
import weakref
import zlib
from asyncio import Lock, get_running_loop
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from adapters import registry
from hub.errors import MethodNotAllowed, NotFound
from hub.exports import Exports
from hub.fhir.endpoint import answered
from hub.fhir.request import Answer
from hub.store.database import Database
from mappings.errors import Issue

__all__ = ["PREFIX", "ExportEndpoint"]

PREFIX = "/export/"
_AGAIN_AFTER = timedelta(seconds=10)
_TIMES_AS_LONG = 10
_PIECE = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


class _File:
    """A file without a name, closed with the last who holds it."""

    def __init__(self) -> None:
        self.fd, path = tempfile.mkstemp(prefix="platzfrei-export-")
        weakref.finalize(self, os.close, self.fd)
        Path(path).unlink()

    def write(self, piece: bytes) -> None:
        """Write at the end."""
        while piece:
            piece = piece[os.write(self.fd, piece) :]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """An export as it lies on the disk, compressed; the file goes with the last who reads it."""

    tag: str
    at: datetime
    looked_at: datetime
    again_after: timedelta
    file: _File

    @property
    def etag(self) -> str:
        """Weak: compressed or not, it says the same."""
        return f'W/"{self.tag}"'

    @property
    def modified(self) -> datetime:
        return self.at.astimezone(UTC).replace(microsecond=0)

    def pieces(self, *, packed: bool) -> Iterator[bytes]:
        """The bytes, compressed or not, in pieces of bounded size."""
        unpacker = zlib.decompressobj(_GZIP)
        position = 0
        while piece := os.pread(self.file.fd, _PIECE, position):
            position += len(piece)
            if packed:
                yield piece
                continue
            while piece:
                yield unpacker.decompress(piece, _PIECE)
                piece = unpacker.unconsumed_tail
        if not packed:
            yield unpacker.flush()

    def is_known(self, request: Request) -> bool:
        """Whether the client has it already (https://www.rfc-editor.org/rfc/rfc9110#section-13.1)."""
        tags = request.headers.get("if-none-match")
        if tags is not None:
            known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
            return "*" in known or f'"{self.tag}"' in known
        try:
            since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        except ValueError:
            return False
        return self.modified <= (since if since.tzinfo else since.replace(tzinfo=UTC))


class ExportEndpoint:
    """An ASGI application, for everybody; one export is made at a time, and who asks for the same waits for it."""

    def __init__(self, exports: Exports, database: Database, clock: Callable[[], datetime]) -> None:
        self._exports = exports
        self._database = database
        self._clock = clock
        self._copies: dict[str, _Copy] = {}
        self._making: defaultdict[str, Lock] = defaultdict(Lock)
        self._thread = ThreadPoolExecutor(1, "export")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request by HTTP."""
        request = Request(scope)
        try:
            name = _format(request)
            async with self._making[name]:
                copy = await get_running_loop().run_in_executor(self._thread, self._copy, name)
        except Exception as error:
            await answered(_raising(error), scope, receive, send)
            return
        encoder = registry.encoder(name)
        headers = {
            "ETag": copy.etag,
            "Last-Modified": format_datetime(copy.modified, usegmt=True),
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
        }
        if copy.is_known(request):
            await _start(send, 304, headers)
            await send({"type": "http.response.body", "body": b""})
            return
        packed = _takes_gzip(request)
        headers["Content-Type"] = encoder.MEDIA_TYPE
        headers["Content-Disposition"] = f'attachment; filename="platzfrei-{copy.at:%Y-%m-%d}{encoder.SUFFIX}"'
        headers["X-Content-Type-Options"] = "nosniff"
        if packed:
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(os.fstat(copy.file.fd).st_size)
        await _start(send, 200, headers)
        if request.method != "HEAD":
            for piece in copy.pieces(packed=packed):
                if piece:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _copy(self, name: str) -> _Copy:
        """The export as it lies here, made anew where the data differ from it."""
        now = self._clock()
        known = self._copies.get(name)
        if known is not None and timedelta() <= now - known.looked_at < known.again_after:
            return known
        with self._database.reading() as connection:
            stand = self._exports.stand(connection, now=now)
            if known is not None and known.tag == stand.tag:
                file = known.file
            else:
                file = _File()
                packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
                for piece in registry.encoder(name).encode(self._exports.reports(connection, now=now), at=stand.at):
                    file.write(packer.compress(piece))
                file.write(packer.flush())
        again_after = max(_AGAIN_AFTER, (self._clock() - now) * _TIMES_AS_LONG)
        copy = _Copy(tag=stand.tag, at=stand.at, looked_at=now, again_after=again_after, file=file)
        self._copies[name] = copy
        return copy


def _raising(error: Exception) -> Callable[[Scope, Receive], Awaitable[Answer]]:
    async def refuse(_scope: Scope, _receive: Receive) -> Answer:
        raise error

    return refuse


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    encoded = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


def _takes_gzip(request: Request) -> bool:
    for told in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = told.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _format(request: Request) -> str:
    name = request.url.path.removeprefix(PREFIX)
    if name not in registry.exports():
        known = ", ".join(registry.exports())
        raise NotFound(
            Issue(
                code="unknown-format",
                fhir_code="not-found",
                place="http",
                text_de=f"dieses Format gibt es nicht; es gibt {known}",
                text_en=f"there is no such format; there are {known}",
            )
        )
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(
            Issue(
                code="only-get",
                fhir_code="not-supported",
                place="http",
                text_de="Exporte gibt es mit GET",
                text_en="exports are had by GET",
            ),
            headers={"Allow": "GET, HEAD"},
        )
    return name
