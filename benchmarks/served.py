"""A server that is measured: a process of its own on this machine, and what it has used of it."""

import http.client
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

__all__ = [
    "Process",
    "connected",
    "cpu_seconds",
    "family",
    "free_port",
    "get",
    "machine",
    "platzfrei",
    "resident_mb",
    "running",
]

Process = subprocess.Popen[bytes]


def platzfrei(database: str, port: int) -> list[str]:
    """The command that serves a database by one worker."""
    return [sys.executable, "-m", "hub.cli", "serve", "--database", database, "--port", str(port)]


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[Process]:
    """The command's process, once it listens on the port; ended afterwards."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **environment}) as server:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                raise SystemExit("the server does not listen")
            yield server
        finally:
            server.terminate()


def connected(port: int) -> http.client.HTTPConnection:
    """A connection to a hub that answers."""
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            get(connection, "/health/live")
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise SystemExit("the server does not answer")


def get(connection: http.client.HTTPConnection, path: str) -> bytes:
    """The body of a good answer; any other ends the measurement."""
    connection.request("GET", path.replace("|", "%7C"))
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{response.status} for {path}: {body[:500]!r}")
    return body


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def machine(database: str) -> str:
    """When, on what, and with which database is measured, as each result begins."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {platform.python_implementation()} {platform.python_version()} "
        f"({', '.join(platform.python_build())}), "
        f"{os.cpu_count()} cores, {database.split(':')[0]}, one worker, public view"
    )


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system seconds of processes (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)."""
    spent = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """A process and those that it started."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
        yield from family(int(child))


def resident_mb(pid: int) -> float:
    """The memory that a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
