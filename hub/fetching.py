"""Runs feeds: when one is due, one round at a time whoever asks, and what came of it.

A round is claimed by a row before it begins and may write its end only while that claim is its own: a process that
was taken for dead writes nothing over what its successor wrote.
"""

import logging
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from adapters import transports
from adapters.feed import Deliver, Feed, Round, Taken
from adapters.gate import Gate
from hub.errors import VersionConflict
from hub.feeds import Feeds
from hub.store.clock import micros, moment
from hub.store.database import LOST_RACES, Database
from hub.store.tables import delivery as deliveries
from hub.store.tables import feed as table
from hub.store.tables import set_aside
from mappings.errors import Issue, PlatzfreiError

__all__ = ["LOOK", "FeedState", "Fetcher", "NotTaken"]

LOOK = timedelta(seconds=5)
"""How often it is looked whether a feed is due."""
_log = logging.getLogger(__name__)
_CLAIM = timedelta(minutes=15)
"""A round that has not ended by then has ended without a word."""
_JITTER = 0.1
"""Of the time until the next round: feeds that began together must not stay so."""
_FIRST_AGAIN = timedelta(minutes=1)
_LAST_AGAIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A delivery that a feed brought, and that is rejected, held, or lies aside with some records."""

    delivery: int
    rejected: bool = False
    held: bool = False
    set_aside: int = 0
    """Records that lie aside still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """How a feed stands; None and no issues where it never ran."""

    attempted_at: datetime | None = None
    succeeded_at: datetime | None = None
    due_at: datetime | None = None
    """None also while it runs, and where its first round ended without a word."""
    failures: int = 0
    issues: tuple[Issue, ...] = ()
    running_since: datetime | None = None
    not_taken: NotTaken | None = None
    """The first such of the last round that brought any; None once an operator, or its sender, has seen to it."""


class Fetcher:
    """Every method may be called by several threads and programs at once."""

    def __init__(
        self,
        *,
        database: Database,
        feeds: Feeds,
        deliver: Deliver,
        clock: Callable[[], datetime],
        gate: Gate | None = None,
        environment: Mapping[str, str] = os.environ,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._deliver = deliver
        self._clock = clock
        self._gate = gate or Gate()
        self._environment = environment
        self._draw = draw
        self.feeds = feeds

    def state(self, feed: Feed) -> FeedState:
        """How a feed stands."""
        with self._database.reading() as connection:
            row = _row(connection, feed)
            not_taken = _not_taken(connection, row["not_taken"]) if row is not None and row["not_taken"] else None
        if row is None:
            return FeedState()
        attempted_at, runs = _told(row["attempted_at"]), row["claimed_until"] > micros(self._clock())
        return FeedState(
            attempted_at=attempted_at,
            succeeded_at=_told(row["succeeded_at"]),
            due_at=moment(row["due_at"]) if row["due_at"] and not runs else None,
            failures=row["failures"],
            issues=tuple(Issue(**issue) for issue in orjson.loads(row["problem"])) if row["problem"] else (),
            running_since=attempted_at if runs else None,
            not_taken=not_taken,
        )

    def states(self, source: str) -> list[tuple[Feed, FeedState]]:
        """The feeds of a source, and how each stands."""
        return [(feed, self.state(feed)) for feed in self.feeds.of(source)]

    def run_if_due(self, feed: Feed) -> None:
        """Run a feed whose time has come; what fails is kept in its state, and logged by its codes alone."""
        with self._database.reading() as connection:
            row = _row(connection, feed)
        if row is not None and row["due_at"] > micros(self._clock()):
            return
        try:
            self._run(feed, led=True)
        except VersionConflict:
            return
        except Exception as error:
            codes = ", ".join(issue.code for issue in error.issues) if isinstance(error, PlatzfreiError) else ""
            _log.warning("feed %s: %s %s", feed.name, type(error).__name__, codes)

    def run(self, feed: Feed, *, again: bool = False) -> list[Taken]:
        """Run a feed now, due or not; `again` forgets what was taken before. Returns what was taken.

        Raises `VersionConflict` where a round of it runs, and whatever the round ended with.
        """
        return self._run(feed, again=again)

    def take_over(self) -> None:
        """End the claims of who led before: nobody leads beside this process, and what they wrote late is refused."""
        with self._database.writing() as connection:
            connection.execute(update(table).where(table.c.led).values(claimed_until=0, led=False))

    def close(self) -> None:
        """End the rounds that wait for another machine: they are tried again."""
        self._gate.close()

    def _run(self, feed: Feed, *, again: bool = False, led: bool = False) -> list[Taken]:
        attempt, memory = self._claim(feed, again=again, led=led)
        one = Round(
            feed=feed,
            deliver=self._deliver,
            gate=self._gate,
            clock=self._clock,
            environment=self._environment,
            memory=memory,
        )
        failure: BaseException | None = None
        try:
            transports.named(feed.transport).fetch(one)
        except BaseException as error:
            failure = error
            raise
        finally:
            self._end(one, attempt, failure)
        return one.taken

    def _claim(self, feed: Feed, *, again: bool, led: bool) -> tuple[int, dict[str, Any]]:
        """The number of this round and what the last one remembered, once no other can begin."""
        now = self._clock()
        try:
            with self._database.writing() as connection:
                row = _row(connection, feed, claim=True)
                if row is not None and row["claimed_until"] > micros(now):
                    raise _running()
                same = row is not None and row["mark"] == feed.mark
                memory = orjson.loads(row["memory"]) if row is not None and same and not again else {}
                attempt = row["attempt"] + 1 if row is not None else 1
                values = {
                    "mark": feed.mark,
                    "attempt": attempt,
                    "attempted_at": micros(now),
                    "claimed_until": micros(now + _CLAIM),
                    "led": led,
                    "memory": orjson.dumps(memory),
                    "not_taken": row["not_taken"] if row is not None and same else None,
                }
                if row is None:
                    connection.execute(insert(table), {"name": feed.name, "due_at": 0, "failures": 0, **values})
                else:
                    connection.execute(update(table).where(table.c.name == feed.name).values(**values))
        except LOST_RACES:
            raise _running() from None
        return attempt, memory

    def _end(self, one: Round, attempt: int, failure: BaseException | None) -> None:
        now = self._clock()
        with self._database.writing() as connection:
            row = _row(connection, one.feed, claim=True)
            if row is None or row["attempt"] != attempt:
                _log.warning("feed %s: a round ended after its time, another has begun", one.feed.name)
                return
            failures = 0 if failure is None else row["failures"] + 1
            values: dict[str, Any] = {
                "claimed_until": 0,
                "led": False,
                "failures": failures,
                "problem": None if failure is None else orjson.dumps([one.fields() for one in _issues(failure)]),
                "due_at": micros(now + self._wait(one, failures, failure)),
                "memory": orjson.dumps(one.memory),
            }
            if failure is None:
                values["succeeded_at"] = micros(now)
            if one.taken:
                wanting = (taken.receipt.delivery for taken in one.taken if not taken.receipt.good)
                values["not_taken"] = next(wanting, None)
            connection.execute(update(table).where(table.c.name == one.feed.name).values(**values))

    def _wait(self, one: Round, failures: int, failure: BaseException | None) -> timedelta:
        """How long until the next round; a server that says when is heeded."""
        if failure is None:
            return timedelta() if one.more else self._jittered(one.feed.every)
        told = failure.headers.get("Retry-After") if isinstance(failure, PlatzfreiError) else None
        again = _FIRST_AGAIN * 2 ** min(failures - 1, 16)
        wait = self._jittered(min(again, max(one.feed.every, _LAST_AGAIN)))
        return max(wait, timedelta(seconds=int(told))) if told else wait

    def _jittered(self, span: timedelta) -> timedelta:
        return span * (1 + _JITTER * (2 * self._draw() - 1))


def _row(connection: Connection, feed: Feed, *, claim: bool = False) -> RowMapping | None:
    statement = select(table).where(table.c.name == feed.name)
    return connection.execute(statement.with_for_update() if claim else statement).mappings().first()


def _not_taken(connection: Connection, number: int) -> NotTaken | None:
    status = connection.execute(select(deliveries.c.status).where(deliveries.c.id == number)).scalar()
    if status in ("rejected", "held"):
        return NotTaken(delivery=number, rejected=status == "rejected", held=status == "held")
    aside = select(func.count()).select_from(set_aside).where(set_aside.c.delivery == number)
    left = connection.execute(aside).scalar_one()
    return NotTaken(delivery=number, set_aside=left) if left else None


def _told(stamp: int | None) -> datetime | None:
    return None if stamp is None else moment(stamp)


def _issues(failure: BaseException) -> tuple[Issue, ...]:
    if isinstance(failure, PlatzfreiError):
        return failure.issues
    name = type(failure).__name__
    return (
        Issue(
            code="fault",
            fhir_code="exception",
            text_de=f"ein Fehler auf unserer Seite ({name}); wird erneut versucht",
            text_en=f"a fault on our side ({name}); it is tried again",
        ),
    )


def _running() -> VersionConflict:
    return VersionConflict(
        Issue(
            code="feed-running",
            fhir_code="conflict",
            text_de="dieser Abruf läuft gerade; warten und erneut versuchen",
            text_en="this feed runs just now; wait and try again",
        )
    )
