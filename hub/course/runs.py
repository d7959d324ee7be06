"""Reads how long sources said the same of their offers: what is recorded, and what still stands."""

from collections.abc import Iterator
from heapq import merge

from sqlalchemy import bindparam, null, select, true, tuple_

from hub.course.run import Run
from hub.store.prepared import Prepared
from hub.store.reader import Reader
from hub.store.tables import course_run, statement
from mappings.vacancy import State

__all__ = ["runs"]

_SOME = 5_000
_FINISHED = (course_run.c.offer, course_run.c.ended, course_run.c.id)


def runs(reader: Reader, *, source: str | None = None, since: int | None = None) -> Iterator[Run]:
    """Every run of which something was said from `since` on (microseconds), those of an offer together and in their
    order, the one that stands last; some rows at a time are in memory.

    `reader` must be given the time that it takes: `Database.snapshot` is over after a moment.
    """
    binds = {"source": source or "", "since": since if since is not None else 0}
    finished = _finished(reader, source is not None, binds)
    # Offers are sorted by their bytes on both engines, as Python does.
    return merge(finished, _standing(reader, source is not None, binds), key=lambda run: run.offer)


def _finished(reader: Reader, of_source: bool, binds: dict[str, object]) -> Iterator[Run]:
    after: tuple[str, int, int] = ("", 0, 0)
    while True:
        there = {"offer": after[0], "ended": after[1], "id": after[2]}
        rows = reader.all(_NEXT_FINISHED[of_source], {**binds, **there})
        for number, *told in rows:
            yield _run(*told)
            after = (told[1], told[7], number)
        if len(rows) < _SOME:
            return


def _standing(reader: Reader, of_source: bool, binds: dict[str, object]) -> Iterator[Run]:
    after = ""
    while True:
        rows = reader.all(_NEXT_STANDING[of_source], {**binds, "offer": after})
        for told in rows:
            yield _run(*told)
        if len(rows) < _SOME:
            return
        after = rows[-1][1]


def _run(
    source: str,
    offer: str,
    care_form: str,
    state: str,
    accepting: int | None,
    since: int,
    until: int,
    ended: int | None,
    said: int,
) -> Run:
    return Run(
        source=source,
        offer=offer,
        care_form=care_form,
        state=State(state),
        accepting=accepting,
        since=since,
        until=until,
        ended=ended,
        said=said,
    )


_NEXT_FINISHED = {
    of_source: Prepared(
        select(
            course_run.c.id,
            *(course_run.c[name] for name in ("source", "offer", "care_form", "state", "accepting", "since")),
            *(course_run.c[name] for name in ("until", "ended", "said")),
        )
        .where(
            tuple_(*_FINISHED) > tuple_(bindparam("offer"), bindparam("ended"), bindparam("id")),
            course_run.c.until >= bindparam("since"),
            course_run.c.source == bindparam("source") if of_source else true(),
        )
        .order_by(*_FINISHED)
        .limit(_SOME)
    )
    for of_source in (False, True)
}
_NEXT_STANDING = {
    of_source: Prepared(
        select(
            *(statement.c[name] for name in ("source", "offer", "care_form", "state", "accepting", "since")),
            statement.c.ordered_at,
            null(),
            statement.c.said,
        )
        .where(
            statement.c.offer > bindparam("offer"),
            statement.c.ordered_at >= bindparam("since"),
            statement.c.source == bindparam("source") if of_source else true(),
        )
        .order_by(statement.c.offer)
        .limit(_SOME)
    )
    for of_source in (False, True)
}
