"""What the writer's thread answers, awaited in an event loop: however much of it comes at once, the loop wakes once."""

import asyncio
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["awaited"]

T = TypeVar("T")


def awaited(work: "Future[T]") -> "asyncio.Future[T]":
    """The same in the running event loop; who waits no longer takes nothing back."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    answers = _ANSWERS.get(loop)
    if answers is None:
        answers = _ANSWERS[loop] = _Answers()
    work.add_done_callback(lambda done: answers.add(loop, answer, done))
    return answer


class _Answers:
    """Those that an event loop is still to hear of; it does not keep the loop, or no loop would ever be let go."""

    def __init__(self) -> None:
        self._told: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._woken = False

    def add(self, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Any]", done: "Future[Any]") -> None:
        """Called in whatever thread has done the work."""
        self._told.append((answer, done))
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # The loop is closed, and nobody waits.
                loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        # Before all else: what comes from now on wakes the loop again.
        self._woken = False
        while self._told:
            answer, done = self._told.popleft()
            if answer.done():
                continue
            if done.cancelled():
                answer.cancel()
            elif (error := done.exception()) is not None:
                answer.set_exception(error)
            else:
                answer.set_result(done.result())


_ANSWERS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Answers] = WeakKeyDictionary()
