"""What another thread answers reaches who awaits it, and wakes the loop once for all of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any

import pytest

from hub.awaiting import awaited


def in_a_thread(work: Callable[[], object]) -> None:
    thread = Thread(target=work)
    thread.start()
    thread.join()


def test_what_is_answered_at_once_wakes_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        loop, woken = asyncio.get_running_loop(), []
        wake = loop.call_soon_threadsafe

        def counted(*told: Any) -> asyncio.Handle:
            woken.append(1)
            return wake(*told)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        for _ in range(2):
            work: list[Future[int]] = [Future() for _ in range(50)]
            answers = [awaited(one) for one in work]
            in_a_thread(lambda work=work: [one.set_result(number) for number, one in enumerate(work)])  # type: ignore[misc]
            assert await asyncio.gather(*answers) == list(range(50))
        assert len(woken) == 2

    asyncio.run(run())


def test_an_error_reaches_who_waits_for_it() -> None:
    async def run() -> None:
        work: Future[int] = Future()
        answer = awaited(work)
        in_a_thread(lambda: work.set_exception(LookupError("no")))
        with pytest.raises(LookupError, match="no"):
            await answer

    asyncio.run(run())


def test_who_waits_no_longer_takes_nothing_back_and_stops_nobody() -> None:
    async def run() -> None:
        left, kept = Future[int](), Future[int]()
        gone, waits = awaited(left), awaited(kept)
        gone.cancel()
        in_a_thread(lambda: left.set_result(1))
        in_a_thread(lambda: kept.set_result(2))
        assert await waits == 2
        assert left.result() == 1

    asyncio.run(run())
