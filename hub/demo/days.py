"""A region day by day: places are taken and come free, some say nothing, providers join, as in a year's run of exports.

Deterministic like the region itself. On weekends fewer say anything; for a fortnight from the fortieth day a wave of
infections closes homes to admissions.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from hub.demo.region import Provider, Region
from mappings.vacancy import Block, BlockStatus, State, VacancyReport, derived_state

__all__ = ["days"]

_AT_FIRST = 0.9
"""The share of providers that report from the first day; the others join, many of them on one day."""
_JOINING_DAY = 30
_WAVE = range(40, 54)


def days(region: Region, count: int, *, joining: bool = True) -> Iterator[Region]:
    """The region as it stands on so many days, its own day first; without `joining` all providers are there from it."""
    rng = Random(f"{region.seed} days")
    joined = {provider.facility.key: _joins(rng, count) if joining else 0 for provider in region.providers}
    providers = {provider.facility.key: provider for provider in region.providers}
    for number in range(count):
        as_of = region.as_of + timedelta(days=number)
        if number:
            providers = {key: _next(rng, provider, as_of, number) for key, provider in providers.items()}
        there = tuple(provider for key, provider in providers.items() if joined[key] <= number)
        yield replace(region, as_of=as_of, providers=there)


def _joins(rng: Random, count: int) -> int:
    draw = rng.random()
    if draw < _AT_FIRST:
        return 0
    return _JOINING_DAY if draw < _AT_FIRST + 0.06 else rng.randrange(1, max(count, 2))


def _next(rng: Random, provider: Provider, as_of: datetime, number: int) -> Provider:
    weekend = as_of.weekday() >= 5
    if rng.random() > (0.35 if weekend else 0.9):
        return provider  # its export says what it said yesterday
    closed = number in _WAVE and rng.random() < 0.15
    moves = 0.08 if weekend else 0.25
    said = as_of.replace(second=0, microsecond=0) - timedelta(minutes=rng.randrange(5, 600))
    return replace(provider, reports=tuple(_report(rng, one, said, moves, closed) for one in provider.reports))


def _report(rng: Random, report: VacancyReport, said: datetime, moves: float, closed: bool) -> VacancyReport:
    counts = report.counts
    accepting = counts.accepting
    if report.valid_at is None or (accepting is None and report.state is not State.UNKNOWN):
        return report
    if accepting is None:
        if counts.licensed is None or rng.random() > 0.03:
            return replace(report, valid_at=said)
        accepting = rng.randint(0, 2)
    elif rng.random() < 0.002:
        silent = replace(counts, accepting=None, occupied=None, held=None, waiting=None)
        return replace(report, valid_at=said, state=State.UNKNOWN, counts=silent, blocks=())
    elif rng.random() < moves:
        # Rather taken the more are free: the share of free places stays what it is.
        accepting += -1 if rng.random() < accepting / (accepting + 1.2) else 1
    operable = counts.operable if counts.operable is not None else counts.licensed
    if operable is not None:
        accepting = max(0, min(accepting, operable - (counts.held or 0)))
    if closed:
        accepting = 0
    occupied = None if operable is None else operable - accepting - (counts.held or 0)
    others = tuple(block for block in report.blocks if block.status is not BlockStatus.FREE)
    free = (Block(count=accepting),) if accepting else ()
    return replace(
        report,
        valid_at=said,
        state=derived_state(accepting),
        counts=replace(counts, accepting=accepting, occupied=occupied, waiting=None if accepting else counts.waiting),
        blocks=(*free, *others),
    )
