"""Group commit: what waits to be written shares one transaction and one sync, each part in a savepoint of its own."""

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from hub.store.database import LOST_RACES, Database
from hub.store.reader import Transaction

__all__ = ["Writer"]

T = TypeVar("T")
Work = Callable[[Transaction], Any]

_TOGETHER = 64
"""Parts of one transaction at most: the first of them waits for the last."""


class Writer:
    """One thread that writes; answers come after the commit and its sync."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = _turn(database.path)
        self._waiting: SimpleQueue[tuple[Work, Future[Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, work: Callable[[Transaction], T]) -> Future[T]:
        """The future result of `work`, which is there when all it wrote is durable; raises what `work` raises."""
        if self._thread is None:
            self._start()
        done: Future[T] = Future()
        self._waiting.put((work, done))
        return done

    def close(self) -> None:
        """Write what waits, then stop."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            parts, last = [first], False
            with contextlib.suppress(Empty):
                while len(parts) < _TOGETHER and not last:
                    part = self._waiting.get_nowait()
                    if part is None:
                        last = True
                    else:
                        parts.append(part)
            self._write(parts)
            if last:
                return

    def _write(self, parts: list[tuple[Work, Future[Any]]]) -> None:
        answers: list[tuple[Future[Any], Any]] = []
        try:
            with self._turn(), self._database.transaction() as transaction:
                for work, done in parts:
                    try:
                        with transaction.savepoint():
                            answers.append((done, work(transaction)))
                    except LOST_RACES:
                        raise
                    except Exception as error:
                        answers.append((done, error))
        except LOST_RACES:
            if len(parts) > 1:
                for part in parts:
                    self._write([part])
            else:
                self._again(*parts[0])
            return
        except BaseException as error:
            for _, done in parts:
                done.set_exception(error)
            return
        for done, answer in answers:
            if isinstance(answer, Exception):
                done.set_exception(answer)
            else:
                done.set_result(answer)

    def _again(self, work: Work, done: Future[Any]) -> None:
        """Once more, after another process wrote the same thing first: now it is seen."""
        try:
            with self._turn(), self._database.transaction() as transaction:
                answer = work(transaction)
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(answer)


def _turn(database: Path | None) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Where processes share an SQLite file they take turns by a lock that wakes who waits; SQLite itself only polls."""
    if database is None:
        return contextlib.nullcontext
    lock = database.with_name(f"{database.name}-writer")

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return turn
