"""HTTP/1.1 whose head is bounded: what comes before a request's body has a size and a time; answers leave in one piece.

uvicorn's parser bounds neither: a head that never ends would take all memory, and connections that begin a request and
fall silent all places (https://cwe.mitre.org/data/definitions/770.html). So would those that send on what is answered
already, or never read what they asked for: these have a time, too. Those that wait for nothing give way to who comes.
"""

import asyncio
from heapq import nsmallest
from math import inf
from typing import Any, cast

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from hub.overload import overloaded

__all__ = ["BoundedHead"]

_BYTES_MAX = 64 * 1024
_PIECE_MAX = 256 * 1024
"""What a transport hands over at once: of a body too, where it comes with its head."""
_SECONDS = 15
_IDLE_SECONDS = 1
"""So long a connection may be for nothing though others need its place: its next request may be on its way."""
_UNREAD_SECONDS = 60
"""So long may a client that reads its answer take nothing of it: as long as a telephone is in a tunnel."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_CONTROLS = bytes(one for one in (*range(32), 127) if one != ord("\t"))
_WITHOUT_BODY = (204, 304)


class _InOnePiece(RequestResponseCycle):
    """Sends the head of an answer with its body: each piece costs as much as an answer."""

    _held: Any = None

    async def send(self, message: Any) -> None:
        """Send, unless it is a head: that waits for its body."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._held = message
            return
        start, self._held = self._held, None
        if start is not None:
            head = self._head_of_whole(start, message)
            if head is not None:
                self.response_started = self.response_complete = True
                self.transport.writelines((head, message.get("body", b"")))
                self.message_event.set()
                self.on_response()
                return
            await super().send(start)
        await super().send(message)

    def _head_of_whole(self, start: Any, message: Any) -> bytes | None:
        """The head of an answer as it is sent; None for what is no plain one: uvicorn knows the rest of HTTP."""
        body: bytes = message.get("body", b"")
        status: int = start["status"]
        if message.get("more_body") or not self.keep_alive or self.disconnected or self.flow.write_paused:
            return None
        if self.scope["method"] == "HEAD" or message["type"] != "http.response.body":
            return None
        headers = [*self.default_headers, *start["headers"]]
        length = None
        pieces = [STATUS_LINE[status]]
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name in (b"connection", b"transfer-encoding"):
                return None
            pieces += (name, b": ", value, b"\r\n")
        if length != b"%d" % len(body) and (length is not None or body or status not in _WITHOUT_BODY):
            return None
        pieces.append(b"\r\n")
        head = b"".join(pieces)
        # Two of each line, and none in what a line says (https://cwe.mitre.org/data/definitions/113.html).
        if len(head) - len(head.translate(None, _CONTROLS)) != 2 * (len(headers) + 2):
            return None
        return head


class BoundedHead(HttpToolsProtocol):
    """Closes a connection whose head is longer than 64 KiB, or takes longer than 15 seconds, or whose answer is not
    read; and one that waits for nothing where others need its place."""

    _in_head = True
    _head = 0
    _due = 0.0
    _unread = 0
    _unread_since = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        self._make_room()
        super().connection_made(cast(asyncio.Transport, transport))
        self._begin()
        self._timer = self.loop.call_later(_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._in_head:
            before, self._head = self._head, self._head + len(data)
            # A piece may hold body too: only what came before this one was head for certain.
            if before > _BYTES_MAX or self._head > _PIECE_MAX + _BYTES_MAX:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head has come."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request has come."""
        self._begin()
        super().on_message_complete()

    def resume_writing(self) -> None:
        """What waited was taken: more may be written."""
        self._unread = 0
        super().resume_writing()

    def on_response_complete(self) -> None:
        """The answer was made: what comes of the next head until now had nobody to wait for it, and nobody asks for
        the rest of this body, of which every byte puts off the server's own keep-alive.
        """
        self._due = self.loop.time() + _SECONDS
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn makes the cycle itself, and asks nobody of what class.
        cycle.__class__ = _InOnePiece
        super()._start_asgi_task(cycle, cast(Any, overloaded) if app is service_unavailable else app)

    def _unsupported_upgrade_warning(self) -> None:
        """Who asks for another protocol is answered in this one (RFC 9110, 7.8); no client's wish is worth a line."""

    def _make_room(self) -> None:
        """Close those that have been for nothing longest, so that an eighth of the places is free: a place is only when
        the loop comes round, and others come until then."""
        most = self.limit_concurrency
        if most is None or (too_many := len(self.connections) + 1 + most // 8 - most) <= 0:
            return
        # These are gone when the turn ends: else who comes in the same one would close for all who came before, too.
        too_many -= sum(
            one.transport.is_closing() and not one.transport.get_write_buffer_size() for one in self.connections
        )
        since = self.loop.time() - _IDLE_SECONDS
        idle = [one for one in self.connections if isinstance(one, BoundedHead) and one._idle_since() <= since]
        for one in nsmallest(too_many, idle, key=BoundedHead._idle_since):
            one.transport.close()

    def _idle_since(self) -> float:
        """Since when no answer is under way; never, where one is, or where the connection is being closed."""
        waits = self.cycle is not None and not self.cycle.response_complete
        return inf if waits or self.transport.is_closing() else self._due - _SECONDS

    def _begin(self) -> None:
        self._in_head, self._head, self._due = True, 0, self.loop.time() + _SECONDS

    def _look(self) -> None:
        """One timer a connection: to set one for each request costs as much as to read it."""
        now = self.loop.time()
        if self._is_unread(now):
            self.transport.abort()
            return
        left = self._due - now
        # Between requests a connection is closed by the server's keep-alive, and one whose answer is to come waits.
        if left <= 0 and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
        # Closed, it still is there until the last answer is read.
        self._timer = self.loop.call_later(left if left > 0 else _SECONDS, self._look)

    def _is_unread(self, now: float) -> bool:
        """Whether a client has taken nothing for long of what waits for it."""
        waiting = self.transport.get_write_buffer_size()
        if not waiting or waiting != self._unread:
            self._unread, self._unread_since = waiting, now
        return bool(waiting) and now - self._unread_since >= _UNREAD_SECONDS
