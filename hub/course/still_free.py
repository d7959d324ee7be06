"""How likely it is that places which a source said to be free still are, by what it said so far.

What is taken for granted: a source's next word is true of its moment, and comes when it comes whatever happened to the
places (a source that speaks because of a change is found out by its rhythm, and nothing is estimated for it); homes of
one source and care form are alike; what was so far goes on. A source that lies in all its words cannot be told from one
that does not by its words alone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from hub.course.curve import EDGES, FLAT, Curve, Looked, fitted, share_left
from hub.course.looks import FOLDS, RUNGS, Cells, Looks
from hub.course.run import Run
from mappings.source_map import Ladder

__all__ = ["MOST_PLACES", "Asked", "Group", "Model", "Points", "Score", "Showing", "fit"]

MOST_PLACES = 2
"""Of more places nothing is foretold."""
_LEAST_LOOKS = 60
_LEAST_GONE = 10
_SURE = 2.0
"""By so many standard errors the estimate must be better."""


class Asked(StrEnum):
    """Places asked for, of so many that were said to be free; the last two as the public hears of them."""

    ONE_OF_1 = "1/1"
    ONE_OF_2 = "1/2"
    ONE_OF_MORE = "1/3+"
    TWO_OF_2 = "2/2"
    TWO_OF_MORE = "2/3+"
    ONE_OF_2_OR_MORE = "1/2+"
    TWO_OF_2_OR_MORE = "2/2+"

    @property
    def places(self) -> int:
        """So many are asked for."""
        return int(self.value[0])

    @property
    def reported(self) -> tuple[int, ...]:
        """So many were said to be free; 3 is 3 and more."""
        return {"1": (1,), "2": (2,), "3+": (3,), "2+": (2, 3)}[self.value[2:]]

    @classmethod
    def of(cls, places: int, accepting: int | None, *, coarsened: bool) -> "Asked | None":
        """What is asked where `accepting` were said to be free; None where nothing is foretold of that.

        None as a number is "some". `coarsened`: a count of 2 means two or more.
        """
        reported = 1 if accepting is None else accepting
        if not 1 <= places <= min(reported, MOST_PLACES):
            return None
        if reported == 1:
            return cls.ONE_OF_1
        how_many = ("2+" if coarsened else "2") if reported == 2 else "3+"
        return cls(f"{places}/{how_many}")


_ALL = tuple(Asked)
_EXACT = tuple(one for one in Asked if one.reported != (2, 3))
_Curves = Mapping[Asked, Curve]
Points = tuple[float, ...]
"""Probabilities at `EDGES`; between them the hazard is constant."""
Group = tuple[str, str]
"""A source, and a care form of CodeSystem care-form."""


class Showing(StrEnum):
    """Whether a probability is shown, or why not."""

    SHOWN = "shown"
    FEW = "few"
    """Too few looks, or hardly anything ever went: where no number moves nothing is proven."""
    ON_CHANGE = "on-change"
    """The source speaks because something changed: its next word is no look at random."""
    WEEKLY = "weekly"
    """The source speaks often, and enters what changed once a week: its next word is as old as its last."""
    NO_BETTER = "no-better"
    """The constant of the rung foretells as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well looks were foretold by curves that did not know them; lower is better."""

    looks: int
    gone: int
    brier: float
    baseline: float
    """The Brier score of one constant per rung of the ladder, fitted over all sources."""
    verdict: Showing


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What was learnt: curves by source and care form, and how they did; `ladder` is the baseline, by places asked for
    and place in `RUNGS`."""

    curves: Mapping[Group, Mapping[Asked, Points]]
    scores: Mapping[tuple[str, str, int], Score]
    ladder: Mapping[tuple[int, int], float]

    def probability(
        self,
        source: str,
        care_form: str,
        accepting: int | None,
        age: timedelta,
        *,
        places: int = 1,
        coarsened: bool = False,
    ) -> float | None:
        """How likely so many places are still free `age` after a source said so; None where that is not shown.

        `accepting` is as the view shows it, None where "some" was said without a number; `coarsened`: 2 means two or
        more.
        """
        score = self.scores.get((source, care_form, places))
        if score is None or score.verdict is not Showing.SHOWN:
            return None
        return self.estimate(source, care_form, accepting, age, places=places, coarsened=coarsened)

    def estimate(
        self,
        source: str,
        care_form: str,
        accepting: int | None,
        age: timedelta,
        *,
        places: int = 1,
        coarsened: bool = False,
    ) -> float | None:
        """The same, shown or not; None where nothing was learnt."""
        curves = self.curves.get((source, care_form))
        asked = Asked.of(places, accepting, coarsened=coarsened)
        if curves is None or asked is None:
            return None
        return _between(curves[asked], age.total_seconds() / 3600)


def _between(points: Points, hours: float) -> float:
    begin, before = 0.0, 1.0
    for end, after in zip(EDGES, points, strict=True):
        if hours < end:
            return before * (after / before) ** max((hours - begin) / (end - begin), 0.0) if before else 0.0
        begin, before = end, after
    return before


def _foretold(curves: _Curves, asked: Asked, hours: float) -> float:
    """The share that is still free: of more places never less, of two asked for never more."""
    found = share_left(curves[asked], max(hours, 0.0))
    match asked:
        case Asked.ONE_OF_2 | Asked.ONE_OF_2_OR_MORE:
            return max(found, share_left(curves[Asked.ONE_OF_1], hours))
        case Asked.ONE_OF_MORE:
            return max(found, _foretold(curves, Asked.ONE_OF_2, hours))
        case Asked.TWO_OF_2:
            return min(found, _foretold(curves, Asked.ONE_OF_2, hours))
        case Asked.TWO_OF_MORE:
            least = _foretold(curves, Asked.TWO_OF_2, hours)
            return min(max(found, least), _foretold(curves, Asked.ONE_OF_MORE, hours))
        case Asked.TWO_OF_2_OR_MORE:
            return min(found, _foretold(curves, Asked.ONE_OF_2_OR_MORE, hours))
    return found


def fit(runs: Iterable[Run], *, now: int, ladder_of: Callable[[str], Ladder] = lambda _source: Ladder()) -> Model:
    """Learn from runs until `now` (microseconds), which come offer by offer and in their order.

    The curves of a source's care form are drawn towards those of the care form over all sources, and these towards
    those of all. Each part of the looks is foretold by curves that were learnt from the other parts; where that beats
    the constants of the ladder by more than chance brings, the probability is shown.
    """
    looks = Looks.of(runs, now=now, ladder_of=ladder_of)
    wrong = {
        **dict.fromkeys(looks.entered_weekly(), Showing.WEEKLY),
        **dict.fromkeys(looks.follow_changes(), Showing.ON_CHANGE),
    }
    # What is no look at random teaches nothing, neither the curves of others nor the constants of the ladder.
    cells_of = {group: {} if group in wrong else cells for group, cells in sorted(looks.groups.items())}
    groups = {group: _looked(cells) for group, cells in cells_of.items()}
    trials: dict[tuple[str, str, int], list[_Trial]] = {}
    for fold in range(FOLDS):
        others = [one for one in range(FOLDS) if one != fold]
        curves, ladder = _curves(groups, others), _ladder(cells_of.values(), others)
        for group, cells in looks.groups.items():
            for places in range(1, MOST_PLACES + 1):
                trial = _tried(cells, fold, curves[group], ladder, places)
                trials.setdefault((*group, places), []).append(trial)
    every = list(range(FOLDS))
    return Model(
        curves={
            group: {asked: tuple(_foretold(curves, asked, hours) for hours in EDGES) for asked in _ALL}
            for group, curves in _curves(groups, every).items()
        },
        scores={
            key: _score(mine, wrong.get(key[:2]))
            for key, mine in sorted(trials.items())
            if any(one.looks for one in mine)
        },
        ladder=_ladder(cells_of.values(), every),
    )


_Folded = Mapping[Asked, list[list[Looked]]]
"""Looks by what is asked, and by fold."""


def _looked(cells: Cells) -> _Folded:
    """The looks of a group as its curves need them, alike ones together."""
    found: dict[Asked, list[dict[int, list[float]]]] = {asked: [{} for _ in range(FOLDS)] for asked in _ALL}
    for cell, (count, hours) in sorted(cells.items()):
        for asked in _ALL:
            if cell.reported in asked.reported:
                sums = found[asked][cell.fold].setdefault(cell.step, [0.0, 0.0, 0.0])
                sums[0] += hours
                sums[1 if cell.left < asked.places else 2] += count
    return {
        asked: [
            [Looked(hours / (gone + still), gone, still) for hours, gone, still in steps.values()] for steps in folds
        ]
        for asked, folds in found.items()
    }


def _curves(groups: Mapping[Group, _Folded], folds: Iterable[int]) -> dict[Group, _Curves]:
    """The curves of all groups, learnt from some of the folds."""
    folds = list(folds)
    mine = {
        group: [[one for fold in folds for one in folded[asked][fold]] for asked in _ALL]
        for group, folded in groups.items()
    }
    by_form: dict[str, list[list[Looked]]] = {}
    for (_, care_form), looks in mine.items():
        known = by_form.setdefault(care_form, [[] for _ in _ALL])
        for place, some in enumerate(looks):
            known[place] += some
    by_form = {form: [_together(some) for some in looks] for form, looks in by_form.items()}
    everything = [_together([one for looks in by_form.values() for one in looks[place]]) for place in range(len(_ALL))]
    of_all = fitted(everything, [FLAT] * len(_ALL))
    of_forms = {form: fitted(looks, of_all) for form, looks in by_form.items()}
    return {
        group: dict(zip(_ALL, fitted([_together(some) for some in looks], of_forms[group[1]]), strict=True))
        for group, looks in mine.items()
    }


def _together(looks: Iterable[Looked]) -> list[Looked]:
    """Looks after about as many hours are as good as one."""
    sums: dict[int, list[float]] = {}
    for one in looks:
        mine = sums.setdefault(round(one.hours * 4), [0.0, 0.0, 0.0])
        count = one.gone + one.still
        mine[0] += one.hours * count
        mine[1] += one.gone
        mine[2] += one.still
    return [Looked(hours / (gone + still), gone, still) for hours, gone, still in sums.values()]


def _ladder(groups: Iterable[Cells], folds: Iterable[int]) -> dict[tuple[int, int], float]:
    """The share that was still free on each rung, over all sources."""
    counts = {(places, place): [1, 2] for places in range(1, MOST_PLACES + 1) for place in range(len(RUNGS))}
    folds = set(folds)
    for cells in groups:
        for cell, (count, _) in cells.items():
            if cell.fold in folds:
                for places in range(1, min(cell.reported, MOST_PLACES) + 1):
                    sums = counts[places, cell.rung]
                    sums[0] += count * (cell.left >= places)
                    sums[1] += count
    return {key: still / looks for key, (still, looks) in counts.items()}


@dataclass(frozen=True, slots=True)
class _Trial:
    """One part of the looks, foretold by the others."""

    looks: int
    gone: int
    loss: float
    baseline: float


def _tried(cells: Cells, fold: int, curves: _Curves, ladder: Mapping[tuple[int, int], float], places: int) -> _Trial:
    looks = gone = 0
    loss = baseline = 0.0
    for cell, (count, hours) in sorted(cells.items()):
        if cell.fold != fold or cell.reported < places:
            continue
        asked = next(one for one in _EXACT if one.places == places and cell.reported in one.reported)
        still = 1.0 if cell.left >= places else 0.0
        looks += count
        gone += count * (cell.left < places)
        loss += count * (_foretold(curves, asked, hours / count) - still) ** 2
        baseline += count * (ladder[places, cell.rung] - still) ** 2
    return _Trial(looks, gone, loss, baseline)


def _score(trials: list[_Trial], wrong: Showing | None) -> Score:
    looks, gone = sum(one.looks for one in trials), sum(one.gone for one in trials)
    better = sum(one.baseline - one.loss for one in trials) / looks
    # The standard error of a ratio, the folds being what varies.
    squares = sum((one.baseline - one.loss - better * one.looks) ** 2 for one in trials)
    error = (squares * FOLDS / (FOLDS - 1)) ** 0.5 / looks
    if wrong is not None:
        verdict = wrong
    elif looks < _LEAST_LOOKS or gone < _LEAST_GONE:
        verdict = Showing.FEW
    else:
        verdict = Showing.SHOWN if better > _SURE * error else Showing.NO_BETTER
    return Score(
        looks=looks,
        gone=gone,
        brier=sum(one.loss for one in trials) / looks,
        baseline=sum(one.baseline for one in trials) / looks,
        verdict=verdict,
    )
