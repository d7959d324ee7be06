"""One of several processes that serve: what `platzfrei serve --workers N` starts N times."""

import atexit
import logging
import os
import sys
from pathlib import Path

from starlette.types import ASGIApp

from hub.app import Hub, application
from hub.metrics.board import FOLDER, Board
from hub.settings import Settings

__all__ = ["TURN_SECONDS", "public", "sandbox"]

TURN_SECONDS = 0.0005
"""Threads take turns ten times as often as Python's default: who writes waits for its turn after every statement."""


def public() -> ASGIApp:
    """The application of this process in the public view, by the settings in its environment."""
    return _made(sandbox=False)


def sandbox() -> ASGIApp:
    """The same as a sandbox."""
    return _made(sandbox=True)


def _made(*, sandbox: bool) -> ASGIApp:
    sys.setswitchinterval(TURN_SECONDS)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    hub = Hub.open(Settings.of())
    atexit.register(hub.close)
    folder = os.environ.get(FOLDER)
    return application(hub, sandbox=sandbox, board=Board(Path(folder)) if folder else None)
