"""`platzfrei listen`: HL7 v2 messages by MLLP, for the listeners that the operator declares."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from functools import partial

from hub.commands.options import opened, parser, run, settings, text
from hub.hub import Hub
from hub.listeners import Listener, Listeners
from hub.listening import listen, stop_on_signals
from hub.process import settle
from hub.purpose import Purpose, claim
from mappings.errors import Issue, Rejected

__all__ = ["FOLDER", "main"]

FOLDER = "listeners"
"""Beside `sources/`, where the listeners' files lie."""


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("listen", "Take HL7 v2 messages in by MLLP, where listeners/*.yaml beside the database say.")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    hub = opened(options, chosen, of_sources=True)
    try:
        claim(hub.database, Purpose.REGION)
        listeners = Listeners(chosen.folder / FOLDER, hub.sources)
        for issue in listeners.problems:
            print(f"platzfrei: {issue.place}: {text(options, issue.text_de, issue.text_en)}", file=sys.stderr)
        if not listeners:
            raise Rejected(_none(listeners))
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        hub.pipeline.resume()
        settle()
        asyncio.run(_listen(options, hub, listeners))
    finally:
        hub.close()
    return 0


async def _listen(options: argparse.Namespace, hub: Hub, listeners: Listeners) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop, (signal.SIGTERM, signal.SIGINT))
    await listen(listeners, hub.pipeline.submit, clock=hub.clock, stop=stop, told=partial(_told, options))


def _told(options: argparse.Namespace, one: Listener, port: int) -> None:
    safe = "TLS" if one.tls else text(options, "ohne TLS", "no TLS")
    print(f"{one.name}: mllp://{one.host}:{port} ({safe}) → {one.source}", flush=True)


def _none(listeners: Listeners) -> Issue:
    return Issue(
        code="listener",
        place=str(listeners.folder),
        text_de="hier liegt kein Zugang (NAME.yaml mit source: und port:)",
        text_en="no listener lies here (NAME.yaml with source: and port:)",
    )
