"""Reads a request's body, up to a size and for a time, and no further."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from hub.errors import TooLarge, TooSlow, UnsupportedMediaType, http_part
from mappings.errors import Issue

__all__ = ["read_body"]

_SECONDS = 15


async def read_body(request: Request, *, most: int) -> bytes:
    """The whole body; `TooLarge` as soon as it is longer than `most` bytes."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType(
            Issue(
                code="content-encoding",
                fhir_code="not-supported",
                place=http_part("Content-Encoding"),
                text_de="verdichtete Nachrichten werden noch nicht angenommen; unverdichtet senden",
                text_en="compressed messages are not taken yet; send it uncompressed",
            )
        )
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise _too_large(most)
    except (TimeoutError, ClientDisconnect):
        raise _too_slow() from None
    return bytes(body)


def _too_large(most: int) -> TooLarge:
    return TooLarge(
        Issue(
            code="too-large",
            fhir_code="too-long",
            place="http",
            text_de=f"höchstens {most:,} Bytes auf einmal; die Lieferung teilen",
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
