"""Reads a request's body, up to a size and for a time, and no further; what is compressed is measured unpacked."""

import asyncio
import zlib

from starlette.types import Receive, Scope

from conformance.formats.grouped import grouped
from hub.errors import Malformed, TooLarge, TooSlow, UnsupportedMediaType, http_part
from mappings.errors import Issue

__all__ = ["read_body"]

_SECONDS = 15
_DIGITS = 18
_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 1 << 20


async def read_body(scope: Scope, receive: Receive, *, most: int) -> bytes:
    """The whole body; `TooLarge` as soon as it is longer than `most` bytes."""
    encoding = next((value for name, value in scope["headers"] if name == b"content-encoding"), b"identity").lower()
    if encoding not in (b"identity", b"gzip"):
        raise _other_encoding()
    told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    # Python reads no number of thousands of digits.
    if told.isdigit() and (len(told) > _DIGITS or int(told) > most):
        raise _too_large(most)
    body = _Body(most, packed=encoding == b"gzip")
    try:
        async with asyncio.timeout(_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _too_slow()
                body.add(message.get("body", b""))
                if not message.get("more_body", False):
                    return body.finished()
    except TimeoutError:
        raise _too_slow() from None


class _Body:
    """What has come so far."""

    def __init__(self, most: int, *, packed: bool) -> None:
        self._most = most
        self._unpack = zlib.decompressobj(_GZIP) if packed else None
        self._bytes = bytearray()

    def add(self, piece: bytes) -> None:
        if self._unpack is None:
            self._bytes += piece
            self._refuse_too_much()
            return
        try:
            while piece:
                self._bytes += self._unpack.decompress(piece, _PIECE)
                self._refuse_too_much()
                piece = self._unpack.unconsumed_tail
        except zlib.error:
            raise _not_gzip() from None

    def finished(self) -> bytes:
        if self._unpack is not None and not (self._unpack.eof and not self._unpack.unused_data):
            raise _not_gzip()
        return bytes(self._bytes)

    def _refuse_too_much(self) -> None:
        if len(self._bytes) > self._most:
            raise _too_large(self._most)


def _other_encoding() -> UnsupportedMediaType:
    return UnsupportedMediaType(
        Issue(
            code="content-encoding",
            fhir_code="not-supported",
            place=http_part("Content-Encoding"),
            text_de="verdichtet wird nur gzip angenommen; so oder unverdichtet senden",
            text_en="of compressed messages only gzip is taken; send it so, or uncompressed",
        ),
        headers={"Accept-Encoding": "gzip"},
    )


def _not_gzip() -> Malformed:
    return Malformed(
        Issue(
            code="gzip",
            fhir_code="structure",
            place=http_part("Content-Encoding"),
            text_de="der Inhalt ist kein vollständiges gzip; noch einmal verdichten oder unverdichtet senden",
            text_en="the content is no complete gzip; compress it again, or send it uncompressed",
        )
    )


def _too_large(most: int) -> TooLarge:
    return TooLarge(
        Issue(
            code="too-large",
            fhir_code="too-long",
            place="http",
            text_de=f"höchstens {grouped(most)} Bytes auf einmal; die Lieferung teilen",
            text_en=f"at most {most:,} bytes at once; divide the delivery",
        )
    )


def _too_slow() -> TooSlow:
    return TooSlow(
        Issue(
            code="too-slow",
            fhir_code="timeout",
            place="http",
            text_de=f"die Nachricht kam nicht binnen {_SECONDS} Sekunden an; noch einmal senden",
            text_en=f"the message did not arrive within {_SECONDS} seconds; send it again",
        )
    )
