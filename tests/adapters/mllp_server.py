"""A listener on loopback whose deliveries a test decides, and a plain client that speaks MLLP byte by byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.transport.mllp import MllpListener
from adapters.transport.mllp_frames import framed

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def adt(number: str = "1", trigger: str = "A01", *, version: str = "2.5", more: str = "") -> bytes:
    """A message that a hospital sends."""
    return (
        f"MSH|^~\\&|KIS|KH|PLATZFREI|HUB|20261122080000||ADT^{trigger}^ADT_A01|{number}|P|{version}{more}\r"
        f"EVN|{trigger}|20261122080000\rPV1|1|I|KZP1^101^1||||||||||||||||F-1\r"
    ).encode()


class Recorder:
    """Takes deliveries and remembers them; `fate` decides over each."""

    def __init__(self, fate: Callable[[Delivery], Awaitable[Receipt]] | None = None) -> None:
        self.taken: list[Delivery] = []
        self._fate = fate

    async def __call__(self, delivery: Delivery) -> Receipt:
        self.taken.append(delivery)
        if self._fate is not None:
            return await self._fate(delivery)
        return Receipt(source=delivery.source, delivery=len(self.taken), records=1, taken=1)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> str:
        """The next answer without its frame; blank where the connection ends before it."""
        async with asyncio.timeout(10):
            try:
                whole = await self.reader.readuntil(b"\x1c\r")
            except (asyncio.IncompleteReadError, ConnectionError):
                return ""
        return whole[1:-2].decode("latin-1")

    async def ask(self, message: bytes) -> str:
        await self.send(framed(message))
        return await self.answer()

    async def rest(self) -> bytes:
        """All that still comes, until the other side closes."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def listening(
    deliver: Callable[[Delivery], Awaitable[Receipt]], *, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[MllpListener]:
    """A listener of the source `kis` on a free port of loopback."""
    listener = MllpListener(deliver, source="kis", clock=lambda: NOW, **options)
    await listener.start("127.0.0.1", 0, tls)
    try:
        yield listener
    finally:
        await listener.close(within=5)


@asynccontextmanager
async def connected(listener: MllpListener, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    """A client's connection to it."""
    server_name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=tls, server_hostname=server_name)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def msa(answer: str) -> tuple[str, str]:
    """MSA-1 and MSA-2 of an answer."""
    fields = answer.split("\rMSA|")[1].split("\r")[0].split("|")
    return fields[0], fields[1]
