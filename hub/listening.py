"""Runs MLLP listeners: what they hear goes to the pipeline, and is answered when it is on disk."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime

from sqlalchemy import exc

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.transport.mllp import Deliver, MllpListener
from hub.awaiting import awaited
from hub.listeners import Listener
from hub.store.database import UNAVAILABLE
from mappings.errors import Issue, PlatzfreiError, Rejected

__all__ = ["Submit", "delivering", "listen", "stop_on_signals"]

Submit = Callable[[Delivery], "Future[Receipt]"]
"""Hands a delivery to whoever takes it in; the future has its receipt when that is on disk."""

_log = logging.getLogger(__name__)
_NOT_NOW = (*UNAVAILABLE, exc.InterfaceError, exc.InternalError, OSError, MemoryError)
"""What says nothing of the message: it is to come again."""


async def listen(
    listeners: Sequence[Listener],
    submit: Submit,
    *,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    told: Callable[[Listener, int], None],
) -> None:
    """Listen until `stop` is set, then answer what is in flight; `told` hears of each listener and its port.

    Raises `Rejected` where an address cannot be had.
    """
    deliver = delivering(submit)
    running: list[MllpListener] = []
    try:
        for one in listeners:
            made = MllpListener(
                deliver, source=one.source, clock=clock, limits=one.limits, senders=one.senders, policy=one.policy
            )
            try:
                await made.start(one.host, one.port, one.tls)
            except OSError as error:
                raise Rejected(_no_address(one)) from error
            running.append(made)
            told(one, made.port)
        await stop.wait()
    finally:
        await asyncio.gather(*(made.close() for made in running))


def delivering(submit: Submit) -> Deliver:
    """What a listener calls: what our side makes of a message for ever is told its sender, what may pass is not."""

    async def deliver(delivery: Delivery) -> Receipt:
        try:
            return await awaited(submit(delivery))
        except (PlatzfreiError, *_NOT_NOW):
            raise
        except Exception as error:
            # Sent again it would fail again, and hold up all that comes after it. Its text may repeat the message.
            _log.error("%s while taking a message of %s", type(error).__name__, delivery.source)
            raise Rejected(_our_fault()) from None

    return deliver


def stop_on_signals(stop: asyncio.Event, signals: Sequence[int]) -> None:
    """Let signals end what waits for `stop`."""
    loop = asyncio.get_running_loop()
    for number in signals:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)


def _no_address(one: Listener) -> Issue:
    return Issue(
        code="port-taken",
        place=f"{one.name}.yaml: port",
        text_de=f"{one.host}, Port {one.port} ist nicht frei oder nicht von diesem Rechner",
        text_en=f"{one.host}, port {one.port} is not free or not of this machine",
    )


def _our_fault() -> Issue:
    return Issue(
        code="fault",
        fhir_code="exception",
        text_de="das ist unser Fehler: die Nachricht wurde nicht übernommen; bitte melden, dann neu senden",
        text_en="this is our fault: the message was not taken; report it, then send it again",
    )
