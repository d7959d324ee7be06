"""The time that a task has for one thing after the other, by a timer that is seldom set anew."""

import asyncio
from types import TracebackType

__all__ = ["Deadline"]


class Deadline:
    """Of the current task: `with deadline.at(when): await …` raises TimeoutError at `when` of the loop's clock.

    Not to be nested. What `asyncio.timeout` sets and takes back each time stays set here, and looks when it rings
    whether the time is up.
    """

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._next = 0.0
        self._until: float | None = None
        self._cancelling = 0
        self._expired = False

    def at(self, when: float) -> "Deadline":
        """The same, for what is done by `when`."""
        self._next = when
        return self

    def within(self, seconds: float) -> "Deadline":
        """The same, for what is done in so many seconds."""
        return self.at(self._loop.time() + seconds)

    def close(self) -> None:
        """Take the timer back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        self._until = until = self._next
        self._expired = False
        self._cancelling = self._task.cancelling()
        if self._timer is not None and self._timer.when() > until:
            self.close()
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._ring)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._until = None
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _ring(self) -> None:
        self._timer = None
        if self._until is None:
            return
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._ring)
        else:
            self._expired = True
            self._task.cancel()
