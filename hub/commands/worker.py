"""One of several processes that serve: what `platzfrei serve --workers N` starts N times."""

import atexit
import logging
import os
from pathlib import Path
from threading import Thread

from starlette.types import ASGIApp

from hub.app import application
from hub.hub import Hub
from hub.metrics.board import FOLDER, Board
from hub.process import settle
from hub.search.read_ahead import read_ahead
from hub.settings import Settings
from hub.store.tables import PUBLIC

__all__ = ["public", "sandbox", "served"]


def public() -> ASGIApp:
    """The application of this process in the public view, by the settings in its environment."""
    return _made(sandbox=False)


def sandbox() -> ASGIApp:
    """The same as a sandbox."""
    return _made(sandbox=True)


def _made(*, sandbox: bool) -> ASGIApp:
    hub = Hub.open(Settings.of())
    atexit.register(hub.close)
    folder = os.environ.get(FOLDER)
    return served(hub, sandbox=sandbox, board=Board(Path(folder)) if folder else None)


def served(hub: Hub, *, sandbox: bool, board: Board | None = None) -> ASGIApp:
    """The application of an open hub, and this process made ready to serve it."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    made = application(hub, sandbox=sandbox, board=board)
    settle()
    if not sandbox:
        # In the sandbox each search reads for itself, in a transaction.
        Thread(target=read_ahead, args=(hub.database, PUBLIC), name="read-ahead", daemon=True).start()
    return made
