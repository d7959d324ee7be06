"""The invented courses: what the runs say is what was delivered, the truth is bounded, phantoms are as labelled."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hub.course.run import Run
from hub.demo.courses import Courses, courses
from hub.demo.regimes import REGIMES, Phantom
from hub.demo.turnover import DAY, HOUR
from mappings.vacancy import State


def of_offers(made: Courses) -> dict[str, list[Run]]:
    found = defaultdict(list)
    for run in made.runs:
        found[run.offer].append(run)
    return found


@pytest.mark.parametrize("name", REGIMES)
def test_runs_follow_one_another(name: str) -> None:
    made = courses(3, REGIMES[name], offers=60, days=60)
    for runs in of_offers(made).values():
        for run, following in zip(runs, [*runs[1:], None], strict=True):
            assert made.since <= run.since <= run.until < made.as_of
            assert run.said >= 1
            assert (run.said == 1) == (run.since == run.until)
            assert (run.state is State.NONE) == (run.accepting == 0) or run.accepting is None
            if following is None:
                assert run.ended is None
            else:
                assert run.ended == following.since > run.until
                assert (run.state, run.accepting) != (following.state, following.accepting)


def test_the_same_seed_gives_the_same() -> None:
    assert courses(5, REGIMES["phantoms"], offers=40, days=40) == courses(5, REGIMES["phantoms"], offers=40, days=40)
    assert courses(5, REGIMES["mixed"], offers=40, days=40) != courses(6, REGIMES["mixed"], offers=40, days=40)


def test_who_sends_changes_promptly_is_nearly_always_right() -> None:
    made = courses(7, REGIMES["calm"], offers=150, days=60)
    pushing = [run for run in made.runs if made.habits[run.source] == "push"]
    middles = [(run, (run.since + run.ended) // 2) for run in pushing if run.ended]
    right = sum(made.truly_free(run.offer, at) == run.accepting for run, at in middles)
    assert len(middles) > 1000
    assert right > 0.9 * len(middles)


def test_kurzzeitpflege_turns_over_faster_than_dauerpflege() -> None:
    made = courses(7, REGIMES["calm"], offers=200, days=60)

    def length(care_form: str) -> float:
        ended = [run.ended - run.since for run in made.runs if run.care_form == care_form and run.ended]
        return sum(ended) / len(ended)

    assert length("dauerpflege") > 3 * length("kurzzeitpflege-solitaer")


def test_phantoms_are_as_labelled() -> None:
    kinds: dict[Phantom, int] = defaultdict(int)
    regime = replace(REGIMES["phantoms"], outages=0.0)
    for seed in range(4):
        made = courses(seed, regime, offers=200, days=90)
        runs = of_offers(made)
        for offer, kind in made.phantoms.items():
            kinds[kind] += _is_so(made, offer, kind, runs[offer])
    assert set(kinds) == set(Phantom)
    assert all(kinds.values())


def _is_so(made: Courses, offer: str, kind: Phantom, runs: Sequence[Run]) -> bool:
    match kind:
        case Phantom.GONE:
            free = [run for run in runs if run.state is State.SOME]
            assert all(made.truly_free(offer, run.since + HOUR) == 0 for run in free)
            return bool(free)
        case Phantom.UNMOVED:
            assert runs[-1].until - runs[-1].since > 30 * DAY
        case Phantom.COPIED_DAY:
            assert made.phantom_sources[runs[0].source] is kind
            assert runs[-1].until - runs[-1].since > 30 * DAY
        case Phantom.COPIED_WEEK:
            spoken: dict[int, tuple[State, int | None]] = {}
            for run in runs:
                spoken |= dict.fromkeys(range(run.since // DAY, run.until // DAY + 1), (run.state, run.accepting))
            late = [day for day in spoken if day > made.since // DAY + 55 and day - 7 in spoken]
            assert all(spoken[day] == spoken[day - 7] for day in late)
    return True
