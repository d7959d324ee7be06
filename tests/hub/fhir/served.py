"""A server in a process of its own, for what needs sockets, memory of its own, and a log."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

__all__ = ["Served", "served"]

_ROOT = Path(__file__).parents[3]
_STARTS_WITHIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A sandbox on loopback."""

    port: int
    pid: int
    log: Path

    @property
    def base(self) -> str:
        """The address of its FHIR API."""
        return f"http://127.0.0.1:{self.port}/fhir"

    def says(self, *pieces: bytes, seconds: float = 20, pause: float = 0) -> bytes:
        """What it answers to bytes on a connection, until it closes that or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            answer = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
                while received := connection.recv(1 << 16):
                    answer += received
            return answer

    def kib(self, field: str) -> int:
        """A figure of its memory: `VmRSS`, or `VmHWM`, the most since `forget_peak`."""
        for line in Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1])
        raise LookupError(field)

    def forget_peak(self) -> None:
        """Count the most memory from here on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", "ascii")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A server that runs as long as the block; all it writes is in its log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    arguments = ["serve", "--sandbox", "--port", str(port), "--database", f"sqlite:///{folder / 'served.db'}"]
    with (
        log.open("wb") as out,
        subprocess.Popen([sys.executable, "-m", "hub.cli", *arguments], stdout=out, stderr=out, cwd=_ROOT) as process,
    ):
        try:
            one = Served(port=port, pid=process.pid, log=log)
            _wait(one, process)
            yield one
        finally:
            process.terminate()
            process.wait(20)


def _wait(one: Served, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{one.base}/metadata?_summary=true")
            return
        time.sleep(0.1)
    raise RuntimeError(one.log.read_text())
