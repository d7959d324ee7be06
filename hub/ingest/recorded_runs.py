"""Writes down how long a source said the same of an offer, at the moment when it says something else.

Numbers and codes alone: what changes of a facility or of single places ends no run.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select

from hub.ingest.statements import Known
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Transaction
from hub.store.tables import course_run
from mappings.vacancy import BlockStatus, State, VacancyReport

__all__ = ["KEPT", "Current", "end", "forget_some", "places_said"]

KEPT = timedelta(days=400)
"""A year with its seasons, and what a year's comparison is late by."""

_SOME = 5_000
_COLUMNS = ("source", "offer", "care_form", "state", "accepting", "since", "until", "ended", "said")
_END = Prepared(insert(course_run).inline().values({name: bindparam(name) for name in _COLUMNS}))
_OLDEST = Prepared(select(course_run.c.id, course_run.c.ended).order_by(course_run.c.id).limit(_SOME))
_FORGET = Prepared(delete(course_run).where(one_of(course_run.c.id, "ids")))


class Current(NamedTuple):
    """The run that a newest statement belongs to; `at` is the statement's own moment."""

    since: int
    said: int
    state: str
    accepting: int | None
    at: int
    ends_another: bool
    """Whether what was stored says something else."""

    @classmethod
    def of(cls, report: VacancyReport, at: int, stored: Known | None) -> "Current":
        """The run of a report that takes the place of what is stored."""
        state, accepting = places_said(report)
        if stored is None:
            return cls(at, 1, state, accepting, at, ends_another=False)
        if (state, accepting, report.offer.care_form) != (stored.state, stored.accepting, stored.care_form):
            return cls(at, 1, state, accepting, at, ends_another=True)
        return cls(stored.since, stored.said + (at > stored.ordered_at), state, accepting, at, ends_another=False)


def places_said(report: VacancyReport) -> tuple[str, int | None]:
    """The state and how many places are free, where a report says so: what `mappings.view.effective` leaves of it."""
    state, accepting = report.state, report.counts.accepting
    if state is State.NONE:
        return state.value, 0
    if state is State.UNKNOWN:
        return state.value, None
    if accepting is None or (accepting <= 0 and state is State.SOME):
        listed = sum(block.count for block in report.blocks if block.status is BlockStatus.FREE and block.count > 0)
        if listed:
            return state.value, listed
        if accepting is not None:
            return State.NONE.value, 0
    return state.value, None if accepting is None else max(accepting, 0)


def end(transaction: Transaction, source: str, runs: Iterable[tuple[Current, Known | None]]) -> None:
    """Write down the runs of what is stored that others end."""
    rows = [
        (
            source,
            stored.offer,
            stored.care_form,
            stored.state,
            stored.accepting,
            stored.since,
            stored.ordered_at,
            run.at,
            stored.said,
        )
        for run, stored in runs
        if run.ends_another and stored is not None
    ]
    transaction.many_rows(_END, rows)


def forget_some(transaction: Transaction, before: int) -> int:
    """Forget some of the runs that ended before then, as they were written; returns how many, 0: none is left."""
    old = []
    for number, ended in transaction.all(_OLDEST):
        if ended >= before:
            break
        old.append(number)
    if old:
        transaction.run(_FORGET, {"ids": old})
    return len(old)
