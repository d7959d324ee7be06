"""How many places of an offer are really free over time: people leave, others move in, each care form at its pace.

Times are microseconds since 1970; hours and weekdays are those of UTC, which is near enough for an invented region.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from random import Random

__all__ = ["DAY", "HOUR", "TURNOVERS", "Truth", "Turnover", "is_weekend", "truth"]

HOUR = 3_600_000_000
DAY = 24 * HOUR

_OPEN = (8, 18)
"""The hours in which people move in."""


@dataclass(frozen=True, slots=True)
class Turnover:
    """The places of a care form; `stay` and `empty`: how long one is taken and then free, in days."""

    fewest: int
    most: int
    stay: float
    empty: float
    share: float
    """Of all offers, how many are of this care form."""
    leaving_on_weekends: float = 1.0
    """By how much rarer somebody leaves on a weekend; those who die do so on any day."""
    by_weekday: bool = False
    """Guests come on fixed weekdays, so that what is free follows the week."""


TURNOVERS = {
    "dauerpflege": Turnover(20, 120, 800, 6.0, 0.40),
    "kurzzeitpflege-solitaer": Turnover(8, 30, 18, 1.5, 0.14, leaving_on_weekends=0.4),
    "kurzzeitpflege-eingestreut": Turnover(2, 8, 18, 2.0, 0.18, leaving_on_weekends=0.4),
    "tagespflege": Turnover(12, 30, 300, 10.0, 0.14, by_weekday=True),
    "hospiz-stationaer": Turnover(6, 14, 25, 1.0, 0.06),
    "intensivpflege": Turnover(4, 16, 200, 12.0, 0.08),
}
"""Care form → its pace."""


@dataclass(frozen=True, slots=True)
class Truth:
    """How many places are free from each of some moments on."""

    moments: tuple[int, ...]
    free: tuple[int, ...]

    def at(self, moment: int) -> int:
        """How many are free at a moment; before the first, what was free then."""
        return self.free[max(bisect_right(self.moments, moment) - 1, 0)]


def truth(
    rng: Random,
    turnover: Turnover,
    *,
    start: int,
    end: int,
    weekends: bool = True,
    surge: int | None = None,
) -> Truth:
    """The places of one offer from `start` to `end`.

    `weekends`: hardly anybody moves in on one. From `surge` on places go three times as fast, as in a wave of flu.
    """
    size = round(rng.triangular(turnover.fewest, turnover.most))
    leave = size / turnover.stay * rng.lognormvariate(0, 0.4)
    enter = 1 / turnover.empty * rng.lognormvariate(0, 0.5)
    guests = _guests(rng) if turnover.by_weekday and rng.random() < 0.7 else None
    free = min(_poisson(rng, leave / enter), size)
    now, moments, numbers = start, [start], [free]
    while True:
        fastest = leave + free * enter * 3 * 24 / (_OPEN[1] - _OPEN[0])
        now += max(round(rng.expovariate(fastest) * DAY), 1)
        if now >= end:
            break
        draw = rng.random() * fastest
        leaving = leave * (turnover.leaving_on_weekends if is_weekend(now) else 1.0)
        entering = free * enter * _moving_in(now, weekends) * (3 if surge is not None and now >= surge else 1)
        if draw < leaving and free < size:
            free += 1
        elif leaving <= draw < leaving + entering:
            free -= 1
        else:
            continue
        moments.append(now)
        numbers.append(free)
    made = Truth(tuple(moments), tuple(numbers))
    return made if guests is None else _by_weekday(made, guests, size, start, end)


def is_weekend(moment: int) -> bool:
    """Whether a moment lies on a Saturday or Sunday."""
    return (moment // DAY + 3) % 7 >= 5  # 1970 began on a Thursday


def _moving_in(moment: int, weekends: bool) -> float:
    if not _OPEN[0] <= moment % DAY // HOUR < _OPEN[1]:
        return 0.0
    if weekends and is_weekend(moment):
        return 0.2
    return 24 / (_OPEN[1] - _OPEN[0])


def _guests(rng: Random) -> tuple[int, ...]:
    return (*rng.choices((0, 0, 1, 1, 2, 3), k=5), 0, 0)


def _by_weekday(made: Truth, guests: tuple[int, ...], size: int, start: int, end: int) -> Truth:
    mornings = range(-(-start // DAY) * DAY, end, DAY)
    moments = sorted({*made.moments, *mornings})
    numbers = [min(made.at(one) + guests[(one // DAY + 3) % 7], size) for one in moments]
    return Truth(tuple(moments), tuple(numbers))


def _poisson(rng: Random, mean: float) -> int:
    least, product, count = math.exp(-mean), rng.random(), 0
    while product > least:
        product *= rng.random()
        count += 1
    return count
