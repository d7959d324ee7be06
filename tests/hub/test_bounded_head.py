"""A head that is too long, or never ends, is cut; what is well-behaved is served, on the same server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from hub import bounded_head
from hub.bounded_head import BoundedHead

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n"


async def hello(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})  # type: ignore[operator]  # ASGI
    await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]


def answering(status: int, headers: list[tuple[bytes, bytes]], *bodies: bytes) -> Any:
    async def app(scope: object, receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, body in enumerate(bodies, 1):
            await send({"type": "http.response.body", "body": body, "more_body": number < len(bodies)})

    return app


@asynccontextmanager
async def serving(app: Any = hello, *, most: int | None = None) -> AsyncIterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=BoundedHead, log_level="critical", lifespan="off", limit_concurrency=most)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await task


async def told(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(4096), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_an_ordinary_request_is_answered() -> None:
    async def run() -> None:
        async with serving() as port:
            assert b"200 OK" in await told(port, ASK, b"\r\n", pause=0.01)

    asyncio.run(run())


def test_an_answer_without_a_body_is_sent_at_once() -> None:
    async def run() -> None:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
            writer.close()

    asyncio.run(run())


def test_a_head_that_does_not_end_is_cut() -> None:
    async def run() -> None:
        async with serving() as port:
            lines = [b"x-%d: %s\r\n" % (number, b"y" * 8000) for number in range(400)]
            answer = await told(port, ASK, *lines)
            assert answer == b"" or b"431" in answer
            assert b"200 OK" in await told(port, ASK + b"\r\n")

    asyncio.run(run())


def test_a_head_that_falls_silent_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "_SECONDS", 0.2)

    async def run() -> None:
        async with serving() as port:
            assert await told(port, b"GET / HT") == b""
            assert b"200 OK" in await told(port, ASK + b"\r\n")

    asyncio.run(run())


def test_a_head_that_follows_a_slow_answer_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "_SECONDS", 1.0)

    async def slow(scope: object, receive: object, send: Any) -> None:
        await asyncio.sleep(1.5)
        await hello(scope, receive, send)

    async def run() -> None:
        async with serving(slow) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(ASK + b"\r\n")
            await reader.readuntil(b"\r\n\r\nok")
            writer.write(ASK)
            await asyncio.sleep(0.7)
            writer.write(b"\r\n")
            assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("head", "drop"),
    [(b"content-length: 100000\r\n\r\n", b"x"), (b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n")],
)
def test_what_goes_on_after_its_answer_is_cut(head: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "_SECONDS", 0.2)

    async def run() -> None:
        async with serving() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\n" + head)
            assert b"200 OK" in await asyncio.wait_for(reader.read(4096), 5)
            with pytest.raises(ConnectionError):
                async with asyncio.timeout(5):
                    while True:
                        writer.write(drop)
                        await writer.drain()
                        await asyncio.sleep(0.02)
            writer.close()

    asyncio.run(run())


LONG = 64 * 1024 * 1024


@pytest.mark.parametrize(("piece", "bodies"), [(LONG, 1), (LONG // 64, 64)], ids=["in one piece", "in pieces"])
def test_an_answer_that_nobody_reads_is_not_kept(piece: int, bodies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "_SECONDS", 0.1)
    monkeypatch.setattr(bounded_head, "_UNREAD_SECONDS", 0.5)
    headers = [(b"content-length", b"%d" % LONG)]

    async def taken(port: int, *, silent: float, pause: float) -> int:
        """How many bytes come, after a silence and with pauses."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(ASK + b"\r\n")
        length = 0
        try:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            await asyncio.sleep(silent)
            while length < LONG and (data := await asyncio.wait_for(reader.read(LONG // 16), 5)):
                length += len(data)
                await asyncio.sleep(pause)
        except ConnectionError:
            pass
        finally:
            writer.close()
        return length

    async def run() -> None:
        async with serving(answering(200, headers, *[b"x" * piece] * bodies)) as port:
            assert await taken(port, silent=2.0, pause=0.0) < LONG
            assert await taken(port, silent=0.2, pause=0.001) == LONG

    asyncio.run(run())


def test_a_connection_that_is_used_again_is_served_again() -> None:
    async def run() -> None:
        async with serving() as port:
            answers = await told(port, ASK + b"\r\n", ASK + b"\r\n", pause=0.05)
            assert answers.count(b"200 OK") == 2

    asyncio.run(run())


def test_an_answer_that_comes_in_pieces_is_sent_in_pieces() -> None:
    async def run() -> None:
        async with serving(answering(200, [], b"one", b"two")) as port:
            assert b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" in await told(port, ASK + b"connection: close\r\n\r\n")

    asyncio.run(run())


def test_an_answer_that_has_no_body_says_no_length() -> None:
    async def run() -> None:
        async with serving(answering(204, [(b"x-one", b"1")], b"")) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(ASK + b"\r\n")
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)
            assert b"204 No Content" in head
            assert b"x-one: 1" in head
            assert b"content-length" not in head
            assert b"transfer-encoding" not in head
            writer.close()

    asyncio.run(run())


def test_a_connection_that_is_to_end_ends() -> None:
    async def run() -> None:
        async with serving() as port:
            answer = await told(port, ASK + b"connection: close\r\n\r\n")
            assert b"connection: close" in answer
            assert answer.endswith(b"\r\n\r\nok")

    asyncio.run(run())


def test_a_header_that_would_begin_another_is_not_sent() -> None:
    for value in (b"a\r\nset-cookie: b", b"a\nb", b"a\0b"):

        async def run(value: bytes = value) -> None:
            headers = [(b"content-length", b"2"), (b"etag", value)]
            async with serving(answering(200, headers, b"ok")) as port:
                answer = await told(port, ASK + b"\r\n")
                assert b"200 OK" not in answer
                assert value not in answer

        asyncio.run(run())


def test_an_answer_of_another_length_than_it_says_is_not_sent_as_if_it_were_right() -> None:
    async def run() -> None:
        async with serving(answering(200, [(b"content-length", b"2")], b"more")) as port:
            assert not (await told(port, ASK + b"\r\n")).endswith(b"more")

    asyncio.run(run())


async def waiting_for_nothing(port: int, number: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connections that were answered, and stay."""
    kept = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASK + b"\r\n")
        await reader.readuntil(b"\r\n\r\nok")
        kept.append((reader, writer))
    return kept


@pytest.mark.parametrize(("idle", "status"), [(0.0, b"200 OK"), (60.0, b"503")])
def test_who_waits_for_nothing_gives_way(monkeypatch: pytest.MonkeyPatch, idle: float, status: bytes) -> None:
    monkeypatch.setattr(bounded_head, "_IDLE_SECONDS", idle)

    async def run() -> None:
        async with serving(most=8) as port:
            kept = await waiting_for_nothing(port, 7)
            for _ in range(10):
                answer = await told(port, ASK, b"\r\n", pause=0.01)
                assert status in answer
                if status == b"503":
                    assert b"retry-after: 5" in answer
                    assert b"connection: close" in answer
                    assert b'"OperationOutcome"' in answer
                    assert b'"throttled"' in answer
            for _, writer in kept:
                writer.close()

    asyncio.run(run())


def test_as_many_give_way_as_come_and_those_who_waited_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "_IDLE_SECONDS", 0.0)

    async def run() -> None:
        async with serving(most=16) as port:
            kept = await waiting_for_nothing(port, 14)
            came = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(4)))
            await asyncio.sleep(0.2)
            assert [reader.at_eof() for reader, _ in kept] == [True] * 4 + [False] * 10
            for _, writer in (*kept, *came):
                writer.close()

    asyncio.run(run())


def test_who_waits_for_an_answer_never_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_head, "_IDLE_SECONDS", 0.0)
    go = asyncio.Event()

    async def slow(scope: object, receive: object, send: object) -> None:
        await go.wait()
        await hello(scope, receive, send)

    async def run() -> None:
        async with serving(slow, most=8) as port:
            waiting = [asyncio.create_task(told(port, ASK + b"\r\n")) for _ in range(7)]
            await asyncio.sleep(0.2)
            assert b"503" in await told(port, ASK + b"\r\n")
            go.set()
            assert all(b"200 OK" in answer for answer in await asyncio.gather(*waiting))

    asyncio.run(run())
