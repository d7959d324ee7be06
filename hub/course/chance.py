"""How improbable what an offer did is by what others do, when each of them has a pace of its own.

The paces of offers are gamma distributed around what is usual, so events are counted by a negative binomial; how often
weeks repeat is beta distributed. Both are fitted by maximum likelihood over a grid, which needs no library.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Paces", "Repeats", "discoveries"]

_SAMPLE = 1500
_SHAPES = tuple(0.25 * 1.35**step for step in range(17))
_MEANS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.09, 0.13, 0.18, 0.25, 0.33, 0.42, 0.52, 0.62, 0.72, 0.82, 0.9, 0.96, 0.99)
_WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_REMEMBERED = 5.0

_Counts = TypeVar("_Counts")


@dataclass(frozen=True, slots=True)
class Paces:
    """The paces of offers: gamma distributed with this mean (1: as often as expected) and this shape."""

    mean: float
    shape: float

    @classmethod
    def of(cls, counted: Iterable[tuple[float, float]]) -> "Paces | None":
        """Fitted to (events, events expected) of many; none where nobody was expected to have any."""
        sample = _sampled([(events, expected) for events, expected in counted if expected > 0])
        if not sample:
            return None
        best, found = -math.inf, None
        for shape in _SHAPES:
            paces = cls(_mean(sample, shape), shape)
            likelihood = sum(paces._log(events, expected) for events, expected in sample)
            if likelihood > best:
                best, found = likelihood, paces
        return found

    def chance_of_so_many(self, events: float, expected: float) -> float:
        """The probability of so many events or more."""
        mean = max(self.mean * expected, 1e-12)
        if events <= mean:
            # Most of the probability lies above: what lies below is what can be added up.
            return max(1.0 - sum(math.exp(self._log(fewer, expected)) for fewer in range(int(events))), 0.0)
        total, term, number = 0.0, math.exp(self._log(events, expected)), events
        while term > total * 1e-9 and term > 0.0:
            total += term
            term *= mean / (mean + self.shape) * (number + self.shape) / (number + 1)
            number += 1
        return min(total, 1.0)

    def chance_of_none(self, expected: float, *, before: tuple[float, float] = (0, 0.0)) -> float:
        """The probability of no event, for one who had so many of so many expected `before`.

        What was before counts for no more than five events expected: a pace may change.
        """
        events, known = before
        share = min(1.0, _REMEMBERED / known) if known > 0 else 0.0
        rate = self.shape / max(self.mean, 1e-9) + known * share
        return math.exp((self.shape + events * share) * math.log(rate / (rate + expected)))

    def _log(self, events: float, expected: float) -> float:
        mean, shape = max(self.mean * expected, 1e-12), self.shape
        return (
            math.lgamma(events + shape)
            - math.lgamma(shape)
            - math.lgamma(events + 1)
            + shape * math.log(shape / (shape + mean))
            + events * math.log(mean / (shape + mean))
        )


@dataclass(frozen=True, slots=True)
class Repeats:
    """How likely a change is one of the week before over again: beta distributed over offers."""

    mean: float
    weight: float

    @classmethod
    def of(cls, counted: Iterable[tuple[int, int]]) -> "Repeats | None":
        """Fitted to (repeated, changes) of many; none where nobody changed anything."""
        sample = _sampled([(repeated, changes) for repeated, changes in counted if changes])
        if not sample:
            return None
        found = (cls(mean, weight) for mean in _MEANS for weight in _WEIGHTS)
        return max(found, key=lambda one: sum(one._log(*counts) for counts in sample))

    def chance_of_all(self, changes: int, *, before: tuple[int, int] = (0, 0)) -> float:
        """The probability that so many changes in a row are all those of the week before, for one of whose changes
        `before` so many of so many were."""
        repeated, known = before
        return math.exp(self._log(repeated + changes, known + changes) - self._log(repeated, known))

    def _log(self, repeated: int, changes: int) -> float:
        ours, others = self.mean * self.weight, (1 - self.mean) * self.weight
        return (
            math.lgamma(ours + repeated)
            + math.lgamma(others + changes - repeated)
            - math.lgamma(self.weight + changes)
            + math.lgamma(self.weight)
            - math.lgamma(ours)
            - math.lgamma(others)
        )


def discoveries(chances: Sequence[float], rate: float) -> float:
    """The greatest chance that still counts when so many were looked at, by Benjamini and Hochberg (1995).

    Of those that count, no more than `rate` are expected to be chance. Negative where none counts.
    """
    found = -1.0
    for rank, chance in enumerate(sorted(chances), start=1):
        if chance <= rate * rank / len(chances):
            found = chance
    return found


def _sampled(counted: list[_Counts]) -> list[_Counts]:
    step = -(-len(counted) // _SAMPLE) or 1
    return counted[::step]


def _mean(sample: Sequence[tuple[float, float]], shape: float) -> float:
    mean = 1.0
    for _ in range(12):
        weighed = [(events, expected, 1 / (1 + mean * expected / shape)) for events, expected in sample]
        mean = sum(events * weight for events, _, weight in weighed) / sum(
            expected * weight for _, expected, weight in weighed
        )
    return max(mean, 1e-6)
