"""HTTP/1.1 whose head is bounded: what comes before a request's body has a size and a time; answers leave in one piece.

uvicorn's parser bounds neither: a head that never ends would take all memory, and connections that begin a request and
fall silent all places (https://cwe.mitre.org/data/definitions/770.html).
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedHead"]

_BYTES_MAX = 64 * 1024
_PIECE_MAX = 256 * 1024
"""What a transport hands over at once: of a body too, where it comes with its head."""
_SECONDS = 15
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _InOnePiece:
    """A transport that holds the head of an answer until its body comes: each piece costs as much as an answer."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._held = b""
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        """Send, unless it is a head: that waits for its body."""
        if not self._held and data.startswith(b"HTTP/1.1 "):
            self._held = data
        else:
            held, self._held = self._held, b""
            self._transport.write(held + data if held else data)

    def flush(self) -> None:
        """Send what is held: there is no body."""
        if self._held:
            self.write(b"")

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedHead(HttpToolsProtocol):
    """Closes a connection whose head is longer than 64 KiB, or takes longer than 15 seconds."""

    _in_head = True
    _head = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        self._out = _InOnePiece(transport)
        super().connection_made(cast(asyncio.Transport, self._out))
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._in_head:
            before, self._head = self._head, self._head + len(data)
            # A piece may hold body too: only what came before this one was head for certain.
            if before > _BYTES_MAX or self._head > _PIECE_MAX + _BYTES_MAX:
                self._stop()
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head has come."""
        self._in_head = False
        self._stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has come."""
        self._begin()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is made."""
        self._out.flush()
        super().on_response_complete()

    def _begin(self) -> None:
        self._in_head, self._head = True, 0
        self._stop()
        self._timer = self.loop.call_later(_SECONDS, self._late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _late(self) -> None:
        # Between requests a connection is closed by the server's keep-alive, and one whose answer is to come waits.
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
