"""One of several processes that serve: what `platzfrei serve --workers N` starts N times."""

import atexit
import logging

from starlette.types import ASGIApp

from hub.app import Hub, application
from hub.settings import Settings

__all__ = ["public", "sandbox"]


def public() -> ASGIApp:
    """The application of this process in the public view, by the settings in its environment."""
    return _made(sandbox=False)


def sandbox() -> ASGIApp:
    """The same as a sandbox."""
    return _made(sandbox=True)


def _made(*, sandbox: bool) -> ASGIApp:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    hub = Hub.open(Settings.of())
    atexit.register(hub.close)
    return application(hub, sandbox=sandbox)
