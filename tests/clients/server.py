"""A server of the sandbox on a free port of loopback, for clients that open sockets of their own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from hub.app import application
from hub.hub import Hub

__all__ = ["running"]


@contextmanager
def running(hub: Hub) -> Iterator[str]:
    """The address of the FHIR API, served until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(application(hub, sandbox=True), log_level="warning", access_log=False, server_header=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            _await(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
        finally:
            server.should_exit = True
            thread.join()


def _await(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server ended while it was starting")
        time.sleep(0.005)
