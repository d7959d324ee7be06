"""How the share of places that are still free goes down with the age of what was said: hazards per step of age.

A place that was still free when it was looked at stood all the time until then; of one that was gone it is only known
that it went before. Which step it went in is shared out by the hazards themselves, until that changes no more
(expectation-maximisation; Turnbull 1976, https://doi.org/10.1111/j.2517-6161.1976.tb01597.x). Each hazard is drawn
towards that of a larger group, as if so many more places had gone there (gamma-Poisson).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["EDGES", "FLAT", "Curve", "Looked", "fitted", "share_left"]

EDGES = (6.0, 12.0, 24.0, 48.0, 72.0, 120.0, 168.0, 336.0, 720.0)
"""Hours at which the steps of age end."""
_BEGINS = (0.0, *EDGES[:-1])
_ROUNDS = 30
_WEIGHT_OF_SHAPE = 8.0
"""So many places gone, in each step, count as much as all that the larger group knows of it."""
_WEIGHT_OF_PACE = 5.0
"""The same of how fast a group is in all."""

Curve = tuple[float, ...]
"""Hazards an hour, one a step."""
FLAT: Curve = (0.004,) * len(EDGES)
"""Where nothing is known at all: one in ten is gone after a day."""


class Looked(NamedTuple):
    """Looks after some hours."""

    hours: float
    gone: float
    still: float


def share_left(curve: Curve, hours: float) -> float:
    """The share that is still free after so long."""
    return math.exp(-_cumulated(curve, hours))


def fitted(looks: Sequence[Sequence[Looked]], parents: Sequence[Curve]) -> list[Curve]:
    """The curves of classes of places of one group, which have their pace in common, beside those of a larger one."""
    curves = list(parents)
    stood = [_stood(mine) for mine in looks]
    gone = [[(one.hours, one.gone) for one in mine if one.gone] for mine in looks]
    if not any(gone) and not any(any(mine) for mine in stood):
        return curves
    pace = 1.0
    for _ in range(_ROUNDS):
        shared = [_shared(curve, mine) for curve, mine in zip(curves, gone, strict=True)]
        events = expected = 0.0
        for parent, known, (went, hours) in zip(parents, stood, shared, strict=True):
            events += sum(went)
            expected += sum((known[step] + hours[step]) * parent[step] for step in range(len(EDGES)))
        pace = (events + _WEIGHT_OF_PACE) / (expected + _WEIGHT_OF_PACE)
        curves = [
            tuple(
                (went[step] + _WEIGHT_OF_SHAPE) / (known[step] + hours[step] + _WEIGHT_OF_SHAPE / (pace * parent[step]))
                for step in range(len(EDGES))
            )
            for parent, known, (went, hours) in zip(parents, stood, shared, strict=True)
        ]
    return curves


def _stood(looks: Sequence[Looked]) -> list[float]:
    """Hours in each step that places stood which were still free at the end."""
    hours = [0.0] * len(EDGES)
    for one in looks:
        if one.still:
            for step, (begin, end) in enumerate(zip(_BEGINS, EDGES, strict=True)):
                if one.hours <= begin:
                    break
                hours[step] += one.still * (min(end, one.hours) - begin)
    return hours


def _shared(curve: Curve, gone: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """In which steps places went of which it is known by when, and hours that they stood in each, by the hazards."""
    went, hours = [0.0] * len(EDGES), [0.0] * len(EDGES)
    for until, count in gone:
        gone_by_then = -math.expm1(-_cumulated(curve, until))
        left = 1.0
        for step, (begin, end) in enumerate(zip(_BEGINS, EDGES, strict=True)):
            span = min(end, until) - begin
            if span <= 0:
                break
            stays = math.exp(-curve[step] * span)
            here = left * (1 - stays)
            # Of those that went: who goes in this step stands half of it, about; who goes later stands all of it.
            later = gone_by_then - (1 - left) - here
            went[step] += count * here / gone_by_then
            hours[step] += count * (here * _mean_stay(curve[step], span) + max(later, 0.0) * span) / gone_by_then
            left *= stays
    return went, hours


def _mean_stay(hazard: float, span: float) -> float:
    """How long those stand who go within a span."""
    steps = hazard * span
    if steps < 1e-3:
        return span / 2
    return 1 / hazard - span / math.expm1(steps)


def _cumulated(curve: Curve, hours: float) -> float:
    total = 0.0
    for hazard, begin, end in zip(curve, _BEGINS, EDGES, strict=True):
        if hours <= begin:
            break
        total += hazard * (min(end, hours) - begin)
    return total
