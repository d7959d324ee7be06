"""What the sources of an invented region say of their offers over months, and what was true.

Deterministic: the same for the same seed and regime.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from hub.course.run import Run
from hub.demo.regimes import HABITS, Entry, Habit, Phantom, Regime, Sending
from hub.demo.turnover import DAY, HOUR, TURNOVERS, Truth, is_weekend, truth
from mappings.vacancy import State

__all__ = ["Courses", "courses", "heard"]

_START = 20_458 * DAY
"""Monday 5 January 2026."""
_MINUTE = HOUR // 60
_PER_SOURCE = 12
"""Offers of a source, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courses:
    """`runs` as a hub would have recorded them until `as_of`, by source and offer and in order of time."""

    runs: tuple[Run, ...]
    since: int
    as_of: int
    habits: Mapping[str, str]
    """Source → the name of its habit."""
    phantoms: Mapping[str, Phantom]
    """Offer → what is wrong with it; all others are honest."""
    phantom_sources: Mapping[str, Phantom]
    """Sources of which all offers are phantoms of the same kind."""
    truths: Mapping[str, Truth]
    said_at: Mapping[str, tuple[int, ...]]
    """Offer → when anything was said of it, in order."""

    def truly_free(self, offer: str, at: int) -> int:
        """How many places were really free at a moment."""
        return self.truths[offer].at(at)


@dataclass(frozen=True, slots=True)
class _Said:
    at: int
    state: State
    accepting: int | None


def courses(seed: int, regime: Regime, *, offers: int = 400, days: int = 120, start: int = _START) -> Courses:
    """So many offers of several sources over so many days from `start` on (microseconds since 1970)."""
    runs: list[Run] = []
    habits: dict[str, str] = {}
    phantoms: dict[str, Phantom] = {}
    phantom_sources: dict[str, Phantom] = {}
    truths: dict[str, Truth] = {}
    said_at: dict[str, tuple[int, ...]] = {}
    end = start + days * DAY
    rng = Random(f"{seed} courses")
    made = 0
    while made < offers:
        name = f"source-{len(habits) + 1}"
        count = min(max(round(rng.lognormvariate(math.log(_PER_SOURCE), 0.8)), 1), offers - made)
        wrong = regime.phantoms or {}
        habits[name] = rng.choices(list(regime.habits), list(regime.habits.values()))[0]
        source = _source(rng, name, habits[name], regime, start, end)
        if count > 2 and rng.random() < wrong.get(Phantom.COPIED_DAY, 0.0):
            phantom_sources[name] = Phantom.COPIED_DAY
        elif count > 2 and rng.random() < wrong.get(Phantom.COPIED_WEEK, 0.0):
            phantom_sources[name] = Phantom.COPIED_WEEK
        for number in range(1, count + 1):
            offer = f"{name}/{number}"
            own = Random(f"{seed} {offer}")
            kind = phantom_sources.get(name) or _kind(own, wrong)
            if kind is not None:
                phantoms[offer] = kind
            care_form, truths[offer], said = _offer(own, source, regime, kind)
            said_at[offer] = tuple(one.at for one in said)
            runs += _runs(name, offer, care_form, said)
        made += count
    return Courses(
        runs=tuple(runs),
        since=start,
        as_of=end,
        habits=habits,
        phantoms=phantoms,
        phantom_sources=phantom_sources,
        truths=truths,
        said_at=said_at,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    habit: Habit
    start: int
    end: int
    hour: int
    """When it sends, after midnight."""
    weekday: int
    silent: tuple[tuple[int, int], ...]
    copies_from: int
    """Where it copies: since when."""

    def is_silent(self, at: int) -> bool:
        return any(since <= at < until for since, until in self.silent)


def _source(rng: Random, name: str, habit: str, regime: Regime, start: int, end: int) -> _Source:
    silent = []
    now = start
    while regime.outages:
        now += round(rng.expovariate(regime.outages / 30) * DAY)
        if now >= end:
            break
        silent.append((now, now + round(rng.uniform(1, 7) * DAY)))
    if regime.weekends and rng.random() < 0.5:
        mornings = range(-(-start // DAY) * DAY, end, DAY)
        silent += [(one, one + DAY) for one in mornings if is_weekend(one)]
    return _Source(
        name,
        HABITS[habit],
        start,
        end,
        hour=rng.randrange(5 * 60, 20 * 60) * _MINUTE,
        weekday=rng.randrange(5),
        silent=tuple(silent),
        copies_from=start + round(rng.uniform(0.1, 0.5) * (end - start)),
    )


def _kind(rng: Random, wrong: Mapping[Phantom, float]) -> Phantom | None:
    draw = rng.random()
    for kind in (Phantom.GONE, Phantom.UNMOVED, Phantom.COPIED_WEEK):
        draw -= wrong.get(kind, 0.0)
        if draw < 0:
            return kind
    return None


def _offer(rng: Random, source: _Source, regime: Regime, kind: Phantom | None) -> tuple[str, Truth, Sequence[_Said]]:
    care_form = rng.choices(list(TURNOVERS), [one.share for one in TURNOVERS.values()])[0]
    surge = (source.start + source.end) // 2 if regime.surge else None
    real = truth(rng, TURNOVERS[care_form], start=source.start, end=source.end, weekends=regime.weekends, surge=surge)
    wordless = rng.random() < regime.wordless
    entered = _entered(rng, real, source, regime.weekends)
    if kind is Phantom.GONE:
        real, sent = _gone(rng, real, source)
    elif kind is Phantom.UNMOVED:
        since = source.start if rng.random() < 0.6 else source.copies_from
        number = rng.choice((1, 1, 2, 2, 2, 3, 4))
        sent = [(at, entered.at(at) if at < since else number) for at in _sendings(source, entered, repeats=True)]
    elif kind is Phantom.COPIED_DAY:
        sent = [(at, entered.at(min(at, source.copies_from))) for at in _sendings(source, entered, repeats=True)]
    elif kind is Phantom.COPIED_WEEK:
        first = source.copies_from
        week = [(at, entered.at(at if at < first else first + (at - first) % (7 * DAY))) for at in _days(source)]
        sent = week
    else:
        sent = [(at, entered.at(at)) for at in _sendings(source, entered)]
    return care_form, real, [_said(at, number, source.habit, wordless) for at, number in sent]


def _said(at: int, number: int, habit: Habit, wordless: bool) -> _Said:
    if number and habit.rounds_up:
        number += 1
    return _Said(at, State.SOME if number else State.NONE, None if wordless else number)


def _entered(rng: Random, real: Truth, source: _Source, weekends: bool) -> Truth:
    """What stands in the home's software from when on."""
    moments: list[int] = [real.moments[0]]
    for at in real.moments[1:]:
        match source.habit.entry:
            case Entry.PROMPT:
                at += round(rng.expovariate(1 / 45) * _MINUTE)
            case Entry.LATE:
                at += round(rng.expovariate(1 / 2) * DAY)
            case Entry.WEEKLY:
                days = (source.weekday - at // DAY - 3) % 7
                at += days * DAY + (9 * HOUR - at % DAY)
        while weekends and is_weekend(at):
            at = (at // DAY + 1) * DAY + round(rng.uniform(7, 10) * HOUR)
        # What is entered at last is what is so then.
        moments.append(max(at, moments[-1]))
    return Truth(tuple(moments), tuple(real.at(at) for at in moments))


def _sendings(source: _Source, entered: Truth, *, repeats: bool = False) -> list[int]:
    """When something of an offer is sent; `repeats`: who sends changes says every day that nothing changed."""
    if source.habit.sending is Sending.ON_CHANGE:
        changes = _changes(source, entered)
        return sorted({*changes, *_days(source)}) if repeats else changes
    return _days(source)


def _days(source: _Source) -> list[int]:
    match source.habit.sending:
        case Sending.HOURLY:
            times = range(source.start + source.hour % HOUR, source.end, HOUR)
        case Sending.WEEKLY:
            first = source.start + source.hour + (source.weekday - source.start // DAY - 3) % 7 * DAY
            times = range(first, source.end, 7 * DAY)
        case _:
            times = range(source.start + source.hour, source.end, DAY)
    return [at for at in times if not source.is_silent(at)]


def _changes(source: _Source, entered: Truth) -> list[int]:
    found = []
    for at in entered.moments:
        while source.is_silent(at):
            at = max(until for since, until in source.silent if since <= at < until)
        if at < source.end:
            found.append(at)
    return sorted(set(found))


def _gone(rng: Random, real: Truth, source: _Source) -> tuple[Truth, list[tuple[int, int]]]:
    """A home that has somebody for every place, and reports it free all the same.

    A place that comes free is free until half an hour after it is said, and at the next word of it no more.
    """
    freed = [at for number, at in enumerate(real.moments) if number and real.free[number] > real.free[number - 1]]
    moments, numbers, sent = [source.start], [0], []
    sendings = _days(source)
    on_change = source.habit.sending is Sending.ON_CHANGE
    if not on_change:
        sent = [(at, 0) for at in sendings]
    last = source.start
    for at in freed:
        said = at if on_change else next((one for one in sendings if one >= at), None)
        if said is None or said <= last or source.is_silent(said):
            continue
        taken = said + round(rng.uniform(10, 50) * _MINUTE)
        moments += [said - 1, taken]
        numbers += [1, 0]
        sent.append((said, 1))
        last = taken
        if on_change:
            last = taken + round(rng.uniform(5, 60) * _MINUTE)
            sent.append((last, 0))
    latest = dict(sorted(sent))  # of two at one moment the place that is free
    return Truth(tuple(moments), tuple(numbers)), [(at, latest[at]) for at in sorted(latest) if at < source.end]


def _runs(source: str, offer: str, care_form: str, told: Iterable[_Said]) -> Iterator[Run]:
    """What a hub keeps of it."""
    first: _Said | None = None
    until, said = 0, 0

    def run(begun: _Said, ended: int | None) -> Run:
        return Run(
            source=source,
            offer=offer,
            care_form=care_form,
            state=begun.state,
            accepting=begun.accepting,
            since=begun.at,
            until=until,
            ended=ended,
            said=said,
        )

    for one in told:
        if first is not None and (first.state, first.accepting) == (one.state, one.accepting):
            until, said = one.at, said + 1
            continue
        if first is not None:
            yield run(first, one.at)
        first, until, said = one, one.at, 1
    if first is not None:
        yield run(first, None)


def heard(told: Courses, until: int) -> Iterator[Run]:
    """The runs as a hub had them at a moment."""
    for run in told.runs:
        if run.since > until:
            continue
        if run.until <= until:
            yield run if run.ended is None or run.ended <= until else replace(run, ended=None)
            continue
        said = told.said_at[run.offer]
        first, last = bisect_right(said, run.since), bisect_right(said, until)
        yield replace(run, until=said[last - 1], ended=None, said=last - first + 1)
