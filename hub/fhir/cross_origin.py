"""What browsers are told, so that pages of other origins may use the API (https://fetch.spec.whatwg.org/#http-cors-protocol).

Nobody is signed in by a cookie here: a page of another origin gets what anybody gets.
"""

from starlette.types import Message, Scope, Send

__all__ = ["allow", "is_preflight", "sharing"]

_ANYBODY = (b"access-control-allow-origin", b"*")
_READ = b"ETag, Last-Modified, Location, Retry-After, X-Request-Id"
_READING = b"GET, HEAD, OPTIONS, POST"
"""By POST is searched, too."""
_WRITING = b"DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks first what a page may do."""
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
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
