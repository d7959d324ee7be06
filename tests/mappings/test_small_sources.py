"""The drift alarm over sources of few homes: simulated deliveries, honest ones and such in which nothing is free.

Each home is full with a probability of its own, and changes its mind on some days; at weekends more are full.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mappings.delivery_tally import Snapshot
from mappings.drift import Profile, findings
from tests.drift_days import is_held

DAY = 86_400_000_000


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How homes are: the Beta distribution of their probabilities to be full, on how many days they change, and by how
    much weekends raise the probability."""

    beta: tuple[float, float]
    moving: float
    weekend: float = 0.0


CALM = Kind(beta=(1, 4), moving=0.1)
LIVELY = Kind(beta=(1, 4), moving=0.5)
EACH_DAY_ANEW = Kind(beta=(20, 80), moving=1.0)
WEEKENDS = Kind(beta=(1, 3), moving=0.5, weekend=0.3)
HALF_FULL = Kind(beta=(2, 2), moving=0.3)
MOSTLY_FULL = Kind(beta=(3, 1), moving=0.3, weekend=0.1)
KINDS = (CALM, LIVELY, EACH_DAY_ANEW, WEEKENDS, HALF_FULL, MOSTLY_FULL)


def days(chance: random.Random, kind: Kind, homes: int, length: int) -> Iterator[list[bool]]:
    """Day by day, of each home whether it says that nothing is free."""
    full = [min(0.95, max(0.02, chance.betavariate(*kind.beta))) for _ in range(homes)]
    said = [chance.random() < each for each in full]
    for day in range(length):
        for home, each in enumerate(full):
            if chance.random() < kind.moving:
                raised = min(0.97, each + kind.weekend) if day % 7 > 4 else each
                said[home] = chance.random() < raised
        yield list(said)


def snapshot(day: int, said: list[bool], before: list[bool] | None) -> Snapshot:
    homes = len(said)
    shares = {"zero": (sum(said), homes), "blank": (0, homes), "known": (homes if before else 0, homes)}
    if before is not None:
        was_free = [now for was, now in zip(before, said, strict=True) if not was]
        was_full = [not now for was, now in zip(before, said, strict=True) if was]
        shares |= {"emptied": (sum(was_free), len(was_free)), "opened": (sum(was_full), len(was_full))}
    return Snapshot(
        at=day * DAY, records=homes, shares={name: each for name, each in shares.items() if each[1]}, means={}
    )


@dataclass
class Seen:
    """Of so many honest deliveries so many were held, and of so many without a free place."""

    honest: int = 0
    false_alarms: int = 0
    empty: int = 0
    held: int = 0


def watched(kind: Kind, homes: int, *, seeds: int, length: int) -> Seen:
    seen = Seen()
    for seed in range(seeds):
        profile, before = Profile(), None
        for day, said in enumerate(days(random.Random(seed), kind, homes, length)):
            today = snapshot(day, said, before)
            seen.honest += 1
            seen.false_alarms += is_held(findings(profile, today))
            if day >= 6 and not all(said):
                seen.empty += 1
                seen.held += is_held(findings(profile, snapshot(day, [True] * homes, before)))
            profile = profile.with_one_more(today)
            before = said
    return seen


@pytest.mark.parametrize("homes", [5, 8, 12, 25, 60])
def test_honest_deliveries_of_few_homes_raise_hardly_an_alarm(homes: int) -> None:
    """Also while little is learnt: most of these histories are nine days long."""
    alarms, honest = 0, 0
    for kind in KINDS:
        for seeds, length in ((60, 9), (3, 60)):
            seen = watched(kind, homes, seeds=seeds, length=length)
            alarms += seen.false_alarms
            honest += seen.honest
    assert honest == 6 * (60 * 9 + 3 * 60)
    assert alarms <= 0.001 * honest


@pytest.mark.parametrize(
    ("homes", "kind", "share"),
    [
        (12, EACH_DAY_ANEW, 0.99),
        (12, CALM, 0.97),
        (12, LIVELY, 0.99),
        (12, WEEKENDS, 0.9),
        (8, EACH_DAY_ANEW, 0.97),
        (8, CALM, 0.85),
        (25, HALF_FULL, 0.95),
    ],
)
def test_where_a_fifth_is_full_a_delivery_without_a_free_place_is_held(homes: int, kind: Kind, share: float) -> None:
    seen = watched(kind, homes, seeds=40, length=14)
    assert seen.empty > 200
    assert seen.held >= share * seen.empty


def test_what_a_small_source_cannot_tell_passes() -> None:
    """The bound of the promise: where most homes are full most days, that all are is nothing unheard of."""
    seen = watched(MOSTLY_FULL, 12, seeds=20, length=14)
    assert seen.held <= 0.1 * seen.empty


def history(*zeros: int, homes: int = 12) -> Profile:
    made = Profile()
    for day, zero in enumerate(zeros):
        made = made.with_one_more(
            Snapshot(at=day * DAY, records=homes, shares={"zero": (zero, homes), "known": (homes, homes)}, means={})
        )
    return made


def nothing_free(homes: int = 12) -> Snapshot:
    return Snapshot(at=99 * DAY, records=homes, shares={"zero": (homes, homes), "known": (homes, homes)}, means={})


@pytest.mark.parametrize("zeros", [(2, 3, 2, 3, 2, 2), (0, 5, 2, 4, 1, 2), (1, 4, 2, 5, 1, 2)])
def test_twelve_homes_of_which_a_fifth_is_full_are_never_all_full_unheard(zeros: tuple[int, ...]) -> None:
    (issue,) = findings(history(*zeros), nothing_free())
    assert issue.code == "drift-numbers"
    assert "found 100 % (12/12)" in issue.text_en


@pytest.mark.parametrize("zeros", [(2, 3, 9, 3, 2, 2), (8, 9, 8, 9, 8, 9), (2, 12, 2, 3, 2, 2)])
def test_what_came_close_before_is_not_held(zeros: tuple[int, ...]) -> None:
    assert findings(history(*zeros), nothing_free()) == ()


def test_homes_that_fill_one_by_one_are_not_held() -> None:
    learnt = history(*([2] * 20), 3, 4, 5, 6, 7, 8, 9, 10, 11)
    assert findings(learnt, nothing_free()) == ()
