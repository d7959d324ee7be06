"""Group commit: what waits to be written shares one transaction and one sync, each part in a savepoint of its own."""

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from hub.store.database import LOST_RACES, Database
from hub.store.lock import take_turn
from hub.store.reader import Transaction, Undone

__all__ = ["Writer"]

T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[[Transaction], Any]
Joint = Callable[[Transaction, Sequence[Item]], Sequence[T | Exception]]
Failed = Callable[[Item, BaseException], object]
Act = Callable[[], object]
_log = logging.getLogger(__name__)

_TOGETHER = 64
"""Parts of one transaction at most: the first of them waits for the last."""
_PATIENCE = 0.005
"""Seconds at most that a transaction waits for more parts."""


class Part(NamedTuple):
    """What one request writes; `alone`: in a transaction of its own.

    With `joint`, work is done for several items at once: those that wait for the same; nobody takes it back, and
    `failed` hears first of what it raises.
    """

    done: Future[Any]
    alone: bool
    work: Work | None = None
    limited: bool = True
    joint: Joint[Any, Any] | None = None
    item: Any = None
    failed: Failed[Any] | None = None

    def is_wanted(self) -> bool:
        """Whether somebody still waits for it; from now on nobody can take it back."""
        return self.joint is not None or self.done.set_running_or_notify_cancel()

    def tell(self, answer: object) -> None:
        """Tell what came of it."""
        if not isinstance(answer, BaseException):
            self.done.set_result(answer)
            return
        try:
            if self.failed is not None:
                self.failed(self.item, answer)
        except Exception as error:
            # It would end the thread that writes for all.
            _log.error("%s while an error was told", type(error).__name__)
        self.done.set_exception(answer)


class Writer:
    """One thread that writes; answers come after the commit and its sync."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = _turn(database.path)
        self._waiting: SimpleQueue[Part | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, work: Callable[[Transaction], T], *, alone: bool = False, limited: bool = True) -> Future[T]:
        """The future result of `work`, which is there when all it wrote is durable; raises what `work` raises.

        `alone`: it is so large that nobody is to wait for it who need not. Not `limited`: it may read for as long as it
        needs.
        """
        done: Future[T] = Future()
        self._put(Part(done, alone, work, limited))
        return done

    def join(
        self,
        joint: "Joint[Item, T]",
        item: Item,
        *,
        alone: bool = False,
        limited: bool = False,
        failed: "Failed[Item]" = lambda _item, _error: None,
    ) -> Future[T]:
        """The same for work that is done for several items at once: it returns a result, or an error, for each.

        Where it raises, it is done again for each item alone. Nobody can take it back; `failed` is told of an item's
        error before anybody else is.
        """
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()
        self._put(Part(done, alone, limited=limited, joint=joint, item=item, failed=failed))
        return done

    def _put(self, part: Part) -> None:
        if self._thread is None:
            self._start()
        self._waiting.put(part)

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
        carried: Part | None = None
        expected, patience = 1, 0.0
        while True:
            first = carried or self._waiting.get()
            if first is None:
                return
            parts, carried, last = [first], None, False
            until = time.monotonic() + patience
            with contextlib.suppress(Empty):
                while not first.alone and len(parts) < _TOGETHER and not last:
                    left = until - time.monotonic() if len(parts) < expected else 0
                    part = self._waiting.get(left > 0, left)
                    if part is None:
                        last = True
                    elif part.alone:
                        carried = part
                        break
                    else:
                        parts.append(part)
            # Who has gone away meanwhile is not written for; nobody can go from here on.
            began = time.monotonic()
            self._write([part for part in parts if part.is_wanted()])
            # Who was answered just now says more in a moment, and then shares a sync with those who wait already. As
            # PostgreSQL advises for commit_delay: half of what a commit takes
            # (https://www.postgresql.org/docs/current/wal-configuration.html).
            expected = len(parts) + self._waiting.qsize()
            patience = min((time.monotonic() - began) / 2, _PATIENCE)
            if last:
                return

    def _write(self, parts: Sequence[Part]) -> None:
        answers: list[tuple[Part, Any]] = []
        acts: Sequence[Act] = ()
        try:
            with self._turn(), self._database.transaction() as transaction:
                take_turn(transaction)
                for together in _gathered(parts):
                    answers += _done(transaction, together)
                acts = transaction.after
        except (*LOST_RACES, Undone) as error:
            if len(parts) > 1:
                # One of them is at fault, and all are undone: each by itself.
                for part in parts:
                    self._write([part])
                return
            if not isinstance(error, Undone):
                self._again(parts[0], error)
                return
            answers, acts = [(parts[0], error.__cause__ or error)], ()
        except BaseException as error:
            answers, acts = [(part, error) for part in parts], ()
        _answered(answers, acts)

    def _again(self, part: Part, lost: Exception) -> None:
        """Once more, after another process wrote the same thing first: now it is seen."""
        acts: Sequence[Act] = ()
        try:
            with self._turn(), self._database.transaction() as transaction:
                take_turn(transaction)
                ((_, answer),) = _done(transaction, [part])
                acts = transaction.after
        except BaseException as error:
            error.__cause__ = lost
            answer, acts = error, ()
        _answered([(part, answer)], acts)


def _gathered(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Those that wait for the same joint work together, at the place of the first of them."""
    joined: dict[Joint[Any, Any], list[Part]] = {}
    order: list[list[Part]] = []
    for part in parts:
        if part.joint is None:
            order.append([part])
        elif part.joint in joined:
            joined[part.joint].append(part)
        else:
            order.append(joined.setdefault(part.joint, [part]))
    yield from order


def _done(transaction: Transaction, parts: Sequence[Part]) -> list[tuple[Part, Any]]:
    """What comes of a part, or of those that are done together: each undone where it raises."""
    first = parts[0]
    try:
        with transaction.part() if first.limited else transaction.unlimited_part():
            if first.work is not None:
                return [(first, first.work(transaction))]
            assert first.joint is not None, "a part has work of its own, or joint work"
            results = first.joint(transaction, [part.item for part in parts])
        return list(zip(parts, results, strict=True))
    except (*LOST_RACES, Undone):
        raise
    except Exception as error:
        if len(parts) == 1:
            return [(first, error)]
        return [one for part in parts for one in _done(transaction, [part])]


def _answered(answers: Iterable[tuple[Part, Any]], acts: Iterable[Act]) -> None:
    """Tell everybody, then do what waited for the commit: what fails there fails no write."""
    for part, answer in answers:
        part.tell(answer)
    for act in acts:
        try:
            act()
        except Exception as error:
            _log.error("%s after a commit", type(error).__name__)


def _turn(database: Path | None) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Where processes share an SQLite file they take turns by a lock that wakes who waits; SQLite itself only polls."""
    if database is None:
        return contextlib.nullcontext
    lock = database.with_name(f"{database.name}-writer")

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        file = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    return turn
