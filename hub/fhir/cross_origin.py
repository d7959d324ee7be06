"""What browsers are told, so that pages of other origins may read (https://fetch.spec.whatwg.org/#http-cors-protocol).

Nobody is signed in by a cookie here: a page of another origin reads what anybody reads. But where anybody writes who
reaches the server, only pages of this machine may: any web site reaches a sandbox through its visitor's browser.
"""

import re

from starlette.types import Message, Scope, Send

from hub.errors import Forbidden, http_part
from mappings.errors import Issue

__all__ = ["allow", "is_preflight", "may_write", "refuse_foreign", "sharing"]

_ANYBODY = (b"access-control-allow-origin", b"*")
_READ = b"ETag, Last-Modified, Location, Retry-After, X-Request-Id"
_READING = b"GET, HEAD, OPTIONS, POST"
"""By POST is searched, too."""
_WRITING = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_HERE = re.compile(r"[a-z][a-z0-9+.\-]*://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
"""An origin on this machine. One that has the server's own name is none: whoever owns a name can have it lead here."""


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks first what a page may do."""
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


def may_write(scope: Scope) -> bool:
    """Whether a request comes from no page, or from one of this machine."""
    origins = (value.decode("latin-1") for name, value in scope["headers"] if name == b"origin")
    return all(_HERE.fullmatch(origin) for origin in origins)


def refuse_foreign(origin: str) -> None:
    """Raises `Forbidden` where the `Origin` of what is to be written is a page of another machine."""
    if origin and not _HERE.fullmatch(origin):
        raise Forbidden(
            Issue(
                code="foreign-origin",
                fhir_code="forbidden",
                place=http_part("Origin"),
                text_de="Webseiten schreiben hier nur, wenn sie von diesem Rechner kommen: erwartet wird eine Origin "
                "mit localhost, 127.0.0.1 oder [::1]; andere lesen",
                text_en="web pages write here only where they come from this machine: expected an Origin with "
                "localhost, 127.0.0.1 or [::1]; others read",
            )
        )


async def allow(send: Send, *, writes: bool) -> None:
    """Answers a preflight: every header, and the methods that are there."""
    headers = [
        _ANYBODY,
        (b"access-control-allow-methods", _WRITING if writes else _READING),
        # The star does not mean Authorization.
        (b"access-control-allow-headers", b"*, Authorization"),
        (b"access-control-max-age", b"86400"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def sharing(send: Send) -> Send:
    """Sends answers that a page of any origin may read."""

    async def shared(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = [*message["headers"], _ANYBODY, (b"access-control-expose-headers", _READ)]
            message = {**message, "headers": told}
        await send(message)

    return shared
