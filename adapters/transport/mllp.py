"""An MLLP listener: frames in, one message after the other to whoever takes it, its acknowledgement back
(HL7 v2 Minimal Lower Layer Protocol, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=55).

An answer is sent when the message's fate is on disk. Where that cannot be had now, nothing is said and the connection
ends: that alone makes every sender send again.
"""

import asyncio
import contextlib
import itertools
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.reply.hl7v2_ack import Header, Policy, acknowledgements, header
from adapters.reply.hl7v2_refusal import refusal
from adapters.transport.deadline import Deadline
from adapters.transport.mllp_frames import Frames, Unframed, framed
from mappings.errors import Issue, Rejected

__all__ = ["Deliver", "Limits", "MllpListener", "Senders"]

Deliver = Callable[[Delivery], Awaitable[Receipt]]
"""Takes a delivery; done when its receipt is on disk.

Raises `Rejected` for what must not be sent again unaltered; any other exception means that nothing is known of its
fate, and that the same message is to come again.
"""

_log = logging.getLogger(__name__)
_POLICY = Policy()
_CHUNK = 64 * 1024
_GRACE_SECONDS = 0.05
"""How long the last byte of an end block is waited for."""
_LINGER_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a listener bears; times in seconds."""

    largest: int = 1024 * 1024
    """Bytes of a message."""
    frame: float = 15.0
    """From the first byte of a message to its last, for a new connection to say anything, to take an answer."""
    idle: float = 3600.0
    """Between two messages."""
    deliver: float = 30.0
    """Until a message is on disk."""
    connections: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """Whose messages are taken; what is empty is not asked for."""

    names: frozenset[str] = frozenset()
    """`MSH-3|MSH-4`, as their messages say it."""
    certificates: frozenset[str] = frozenset()
    """Names that a client's certificate bears: a DNS name, or else its common name."""
    processing: frozenset[str] = frozenset({"P"})
    """MSH-11; a message without any is taken for `P`."""


@dataclass(slots=True, kw_only=True)
class _State:
    """What is going on."""

    connections: set[asyncio.Task[None]] = field(default_factory=set)
    busy: set[asyncio.Task[None]] = field(default_factory=set)
    """Those with a message in flight."""
    closing: bool = False


class MllpListener:
    """One address that one source's messages come to."""

    def __init__(
        self,
        deliver: Deliver,
        *,
        source: str,
        clock: Callable[[], datetime],
        limits: Limits = Limits(),
        senders: Senders = Senders(),
        policy: Policy = _POLICY,
    ) -> None:
        self._deliver = deliver
        self._source = source
        self._clock = clock
        self._limits = limits
        self._senders = senders
        self._policy = policy
        self._state = _State()
        self._server: asyncio.Server | None = None
        self._numbers = itertools.count(1)
        self.told: Counter[str] = Counter()
        """How often what was said: `AA`, `AE` …, and `silent` for connections that ended without an answer due."""

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen; raises OSError where that cannot be."""
        options = {"ssl_handshake_timeout": self._limits.frame, "ssl_shutdown_timeout": 2.0} if tls else {}
        self._server = await asyncio.start_server(self._connected, host, port, ssl=tls, limit=_CHUNK, **options)

    async def close(self, within: float = 20.0) -> None:
        """Take no more; what is in flight gets its answer, if that takes no more than some seconds."""
        self._state.closing = True
        if self._server is not None:
            self._server.close()
        for task in self._state.connections - self._state.busy:
            task.cancel()
        if self._state.connections:
            _, late = await asyncio.wait(self._state.connections, timeout=within)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2.0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        state = self._state
        state.connections.add(task)
        try:
            if state.closing or len(state.connections) > self._limits.connections:
                self._silent("too many connections")
                return
            deadline = Deadline()
            try:
                await self._converse(reader, writer, task, deadline)
            finally:
                deadline.close()
        except TimeoutError:
            self._silent("time is up")
        except (OSError, EOFError):
            self._silent("the connection broke")
        except Exception as error:
            # What asyncio would write of it could repeat the message.
            self._silent(type(error).__name__)
            _log.error("%s: %s in a conversation", self._source, type(error).__name__)
        except asyncio.CancelledError:
            # By `close` alone: whoever waits for an answer sends again.
            self._silent("the listener closes")
        finally:
            state.connections.discard(task)
            state.busy.discard(task)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()
            with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(2.0):
                    await writer.wait_closed()

    async def _converse(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[None],
        deadline: Deadline,
    ) -> None:
        if not self._is_known(writer):
            self.told["silent"] += 1
            _log.warning("%s: a certificate of a name that is not among `names`", self._source)
            return
        frames = Frames(self._limits.largest)
        wait = self._limits.frame
        while not self._state.closing:
            try:
                message = await self._message(reader, frames, wait, deadline)
            except Unframed as error:
                _log.info("%s: a connection ended: %s", self._source, error.issue.text_en)
                if not error.begun:
                    self.told["silent"] += 1
                    return
                await self._say(writer, header(error.begun), (error.issue,))
                await self._linger(reader, writer)
                return
            if message is None:
                return
            self._state.busy.add(task)
            if not await self._answered(message, writer, deadline):
                return
            self._state.busy.discard(task)
            wait = self._limits.idle

    def _is_known(self, writer: asyncio.StreamWriter) -> bool:
        if not self._senders.certificates:
            return True
        shown = writer.get_extra_info("peercert") or {}
        names = {value for kind, value in shown.get("subjectAltName", ()) if kind == "DNS"}
        if not names:
            names = {value for part in shown.get("subject", ()) for kind, value in part if kind == "commonName"}
        return not names.isdisjoint(self._senders.certificates)

    async def _message(
        self, reader: asyncio.StreamReader, frames: Frames, wait: float, deadline: Deadline
    ) -> bytes | None:
        """The next message; None where the sender has gone."""
        if (message := frames.take()) is not None:
            return message
        loop = asyncio.get_running_loop()
        since = loop.time() if frames.begun else None
        while True:
            until = loop.time() + wait if since is None else since + self._limits.frame
            try:
                with deadline.at(min(until, loop.time() + _GRACE_SECONDS) if frames.perhaps_whole else until):
                    data = await reader.read(_CHUNK)
            except TimeoutError:
                if frames.perhaps_whole and (message := frames.take(last=True)) is not None:
                    return message
                raise
            if not data:
                message = frames.take(last=True)
                if message is None and frames.begun:
                    self._silent("a message was cut off")
                return message
            frames.feed(data)
            if (message := frames.take()) is not None:
                return message
            if since is None and frames.begun:
                since = loop.time()

    async def _answered(self, message: bytes, writer: asyncio.StreamWriter, deadline: Deadline) -> bool:
        """Whether the conversation goes on."""
        asked = header(message)
        if asked is not None and asked.is_answer:
            return True
        told: Receipt | Sequence[Issue]
        if refused := refusal(asked, message, processing=self._senders.processing, names=self._senders.names):
            told = (refused,)
        else:
            assert asked is not None
            delivery = Delivery(
                source=self._source, body=message, received_at=self._clock(), message_id=asked.message_id
            )
            try:
                with deadline.within(self._limits.deliver):
                    told = await self._deliver(delivery)
            except Rejected as error:
                told = error.issues
            except Exception as error:
                # No word of the message, nor of an exception that may repeat it, reaches the log.
                self._silent(f"{type(error).__name__} while taking a message")
                return False
        await self._say(writer, asked, told)
        return True

    async def _say(self, writer: asyncio.StreamWriter, asked: Header | None, told: Receipt | Sequence[Issue]) -> None:
        at = self._clock()
        control_id = f"PF{int(at.timestamp()):x}{next(self._numbers):x}"
        answers = acknowledgements(asked, told, control_id=control_id, at=at, policy=self._policy)
        if not answers:
            return
        for answer in answers:
            self.told[answer.split(b"\rMSA", 1)[1][1:3].decode("latin-1")] += 1
        writer.write(b"".join(map(framed, answers)))
        if writer.transport.get_write_buffer_size():
            async with asyncio.timeout(self._limits.frame):
                await writer.drain()

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let the last answer arrive: a connection closed on bytes that nobody read takes its answers with it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                if writer.can_write_eof():
                    writer.write_eof()
                while await reader.read(_CHUNK):
                    pass

    def _silent(self, reason: str) -> None:
        self.told["silent"] += 1
        _log.info("%s: a connection ended without an answer: %s", self._source, reason)
