"""Other machines as a feed meets them: real servers on loopback, that count who came and can be told to misbehave."""

import asyncio
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncssh

from adapters.base import Delivery
from adapters.feed import Feed, Round
from adapters.gate import Gate
from adapters.receipt import Receipt
from tests.conftest import Clock

__all__ = ["Answer", "HttpPeer", "Hub", "SftpPeer", "a_round", "gzip_of_zeros", "http_peer", "raw_peer", "sftp_peer"]


@dataclass
class Answer:
    """What an HTTP peer says."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0
    """Seconds between two bytes of the body."""


@dataclass
class HttpPeer:
    """An HTTP server on loopback: `answer` decides by the request's path and headers."""

    port: int
    answer: Callable[[str, dict[str, str]], Answer]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def http_peer(answer: Callable[[str, dict[str, str]], Answer], *, host: str = "127.0.0.1") -> Iterator[HttpPeer]:
    """A server that runs while the block does."""
    peer = HttpPeer(port=0, answer=answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            peer.requests.append((self.path, headers))
            told = peer.answer(self.path, headers)
            self.send_response(told.status)
            for name, value in ({"Content-Length": str(len(told.body))} | told.headers).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                if told.drip:
                    for byte in told.body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(told.drip)
                else:
                    self.wfile.write(told.body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            """Nothing: tests are read by what they assert."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    peer.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def raw_peer(said: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does to each connection whatever `said` does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connected, _ = listening.accept()
                except OSError:
                    return
                with connected:
                    try:
                        said(connected)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def gzip_of_zeros(size: int) -> bytes:
    """A gzip that unpacks to `size` bytes, made without unpacking them: one block of zeros, as often as needed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03" + block * (size >> 24) + b"\x03\x00"


@dataclass
class SftpPeer:
    """An SFTP server on loopback over a folder; user `heim`, password `geheim`, or the key."""

    port: int
    folder: Path
    fingerprint: str
    key: str
    logins: int = 0

    @property
    def address(self) -> str:
        return f"sftp://127.0.0.1:{self.port}/"


@contextmanager
def sftp_peer(folder: Path) -> Iterator[SftpPeer]:
    """A server that runs while the block does."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key = asyncssh.generate_private_key("ssh-ed25519")
    peer = SftpPeer(
        port=0,
        folder=folder,
        fingerprint=host_key.get_fingerprint(),
        key=user_key.export_private_key().decode(),
    )

    class Door(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            peer.logins += 1
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("heim", "geheim")

    def rooted(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    started = threading.Event()
    stop: list[Callable[[], Any]] = []

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            server_factory=Door,
            authorized_client_keys=asyncssh.import_authorized_keys(user_key.export_public_key().decode()),
            sftp_factory=rooted,
        )
        peer.port = server.get_port()
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        started.set()
        await ended.wait()
        server.close()
        await server.wait_closed()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield peer
    finally:
        stop[0]()
        thread.join(10)


@dataclass
class Hub:
    """What takes deliveries in where no hub is needed: the same message id is told the same receipt."""

    delivered: list[Delivery] = field(default_factory=list)
    rejects: bool = False
    fails: Callable[[Delivery], bool] = lambda _delivery: False
    told: dict[str, Receipt] = field(default_factory=dict)

    def deliver(self, delivery: Delivery) -> Receipt:
        if self.fails(delivery):
            raise RuntimeError("the database is away")
        if delivery.message_id in self.told:
            return self.told[delivery.message_id]
        self.delivered.append(delivery)
        receipt = Receipt(source=delivery.source, delivery=len(self.delivered), records=1, taken=1)
        if self.rejects:
            receipt.taken, receipt.rejected = 0, 1
        if delivery.message_id is not None:
            self.told[delivery.message_id] = receipt
        return receipt

    @property
    def bodies(self) -> list[bytes]:
        return [delivery.body for delivery in self.delivered]


def a_round(feed: Feed, hub: Hub, *, gate: Gate | None = None, **more: Any) -> Round:
    """A round of a feed."""
    environment = {"PASSWORD": "geheim", "TOKEN": "pf_token"}
    return Round(
        feed=feed,
        deliver=hub.deliver,
        gate=gate or Gate(),
        clock=Clock(),
        environment=more.pop("environment", environment),
        **more,
    )
