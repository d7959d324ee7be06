"""Reads a request's body, up to a size and no further."""

from starlette.requests import Request

from hub.errors import TooLarge, UnsupportedMediaType, http_part
from mappings.errors import Issue

__all__ = ["read_body"]


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
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise TooLarge(
                Issue(
                    code="too-large",
                    fhir_code="too-long",
                    text_de=f"höchstens {most:,} Bytes auf einmal; die Lieferung teilen",
                    text_en=f"at most {most:,} bytes at once; divide the delivery",
                )
            )
    return bytes(body)
