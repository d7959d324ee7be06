"""How well the hub foretells whether a place is still free, on invented regions of which the truth is known.

    python benchmarks/still_free.py [--offers N] [--days N] [--seeds A-B] [--regimes NAME …] [--plot FILE] [--json]

Each region is learnt from its own runs alone, up to a day; at random moments of the weeks after it, whoever finds a
place that was said to be free is told how likely it still is, and that is held against the truth. What the baseline
tells is one constant a rung of the ladder (fresh, aging, stale): `ladder`, fitted on the same runs; `ladder+`, on
the truth itself of regions of other seeds, which no hub knows. Constants of the estimator were chosen on the seeds
1 to 3 of `calm` and `mixed`; no other regime was looked at then.
"""

import argparse
import json
import random
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hub.course.looks import HOUR, RUNGS, rung
from hub.course.run import Run
from hub.course.still_free import Model, fit
from hub.demo.courses import Courses, courses, heard
from hub.demo.regimes import REGIMES
from mappings.source_map import Ladder
from mappings.vacancy import State

DAY = 24 * HOUR
TRAINING = (1, 2, 3)
"""Seeds on which the estimator's constants were chosen, and from whose truth `ladder+` is."""
LEARNT_ON = ("calm", "mixed")
BINS = 10


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody finds a place at a moment."""

    source: str
    care_form: str
    habit: str
    accepting: int | None
    hours: float
    rung: int
    still: bool


@dataclass(slots=True)
class Calibration:
    """Answers and how good they were, as sums."""

    asked: int = 0
    loss: float = 0.0
    ladder: float = 0.0
    knowing: float = 0.0
    bins: list[list[float]] = field(default_factory=lambda: [[0.0, 0.0, 0.0] for _ in range(BINS)])

    def add(self, told: float, ladder: float, knowing: float, still: bool) -> None:
        """One answer."""
        self.asked += 1
        self.loss += (told - still) ** 2
        self.ladder += (ladder - still) ** 2
        self.knowing += (knowing - still) ** 2
        sums = self.bins[min(int(told * BINS), BINS - 1)]
        sums[0] += 1
        sums[1] += told
        sums[2] += still

    def merge(self, other: "Calibration") -> None:
        """Add the answers of another."""
        self.asked += other.asked
        self.loss += other.loss
        self.ladder += other.ladder
        self.knowing += other.knowing
        for mine, theirs in zip(self.bins, other.bins, strict=True):
            mine[:] = [one + two for one, two in zip(mine, theirs, strict=True)]


def questions(told: Courses, since: int, count: int, rng: random.Random) -> Iterator[Question]:
    """Places that are said to be free at random moments, and whether they are."""
    by_offer: dict[str, list[Run]] = {}
    for run in told.runs:
        by_offer.setdefault(run.offer, []).append(run)
    offers = sorted(by_offer)
    begins = {offer: [run.since for run in mine] for offer, mine in by_offer.items()}
    ladder = Ladder()
    for _ in range(count):
        at, offer = rng.randrange(since, told.as_of), rng.choice(offers)
        place = bisect_right(begins[offer], at) - 1
        if place < 0:
            continue
        run = by_offer[offer][place]
        if run.state is not State.SOME:
            continue
        said = told.said_at[offer]
        hours = (at - said[bisect_right(said, at) - 1]) / HOUR
        on = rung(hours, ladder)
        if on is not None:
            still = told.truly_free(offer, at) >= 1
            yield Question(run.source, run.care_form, told.habits[run.source], run.accepting, hours, on, still)


def known_ladder(options: argparse.Namespace) -> dict[int, float]:
    """The true share on each rung, over regions of the training seeds."""
    counts = {place: [0, 0] for place in range(len(RUNGS))}
    for name in LEARNT_ON:
        for seed in TRAINING:
            told = courses(seed, REGIMES[name], offers=options.offers, days=options.days)
            for one in questions(told, told.since, options.questions, random.Random(f"{seed} ladder")):
                counts[one.rung][0] += one.still
                counts[one.rung][1] += 1
    return {place: still / max(asked, 1) for place, (still, asked) in counts.items()}


def judged(
    told: Courses, options: argparse.Namespace, known: Mapping[int, float], seed: int
) -> tuple[Calibration, Calibration, dict[str, Calibration], Model, float]:
    """What is shown, what would be were all shown, and what is shown by the habit of the source."""
    split = told.as_of - options.judged * DAY
    began = time.process_time()
    model = fit(heard(told, split), now=split)
    took = time.process_time() - began
    shown, everything, habits = Calibration(), Calibration(), dict[str, Calibration]()
    for one in questions(told, split, options.questions, random.Random(f"{seed} questions")):
        age = timedelta(hours=one.hours)
        ladder, knowing = model.ladder[1, one.rung], known[one.rung]
        found = model.estimate(one.source, one.care_form, one.accepting, age)
        everything.add(ladder if found is None else found, ladder, knowing, one.still)
        told_to = model.probability(one.source, one.care_form, one.accepting, age)
        if told_to is not None:
            shown.add(told_to, ladder, knowing, one.still)
            habits.setdefault(one.habit, Calibration()).add(told_to, ladder, knowing, one.still)
    return shown, everything, habits, model, took


def plot(tallies: Mapping[str, Calibration], path: Path) -> bool:
    """Draw how often places were still free of which something was told; False where nothing can draw."""
    try:
        # No dependency: most have it not, and who has it may have it typed.
        from matplotlib import pyplot as plt  # type: ignore[import-not-found,unused-ignore]
        from matplotlib import use  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return False
    use("Agg")
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(6, 7.5), height_ratios=(3, 1), sharex=True)
    upper.plot((0, 1), (0, 1), color="0.7", linewidth=1)
    for place, (name, tally) in enumerate(tallies.items()):
        style = "-" if place < 10 else "--"  # the colours begin again
        known = [(told / count, still / count) for count, told, still in tally.bins if count >= 50]
        upper.plot(*zip(*known, strict=True), marker="o", markersize=3, linestyle=style, label=name) if known else None
    every = Calibration()
    for tally in tallies.values():
        every.merge(tally)
    lower.bar([(one + 0.5) / BINS for one in range(BINS)], [sums[0] for sums in every.bins], width=0.9 / BINS)
    upper.set_ylabel("share that was still free")
    lower.set_xlabel("probability that was told")
    lower.set_ylabel("answers")
    upper.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """The benchmark; exit status 0."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--offers", type=int, default=400)
    made.add_argument("--days", type=int, default=180)
    made.add_argument("--judged", type=int, default=30, help="days at the end of which nothing is learnt")
    made.add_argument("--questions", type=int, default=40_000, help="random moments and offers of a region")
    made.add_argument("--seeds", default="101-105", help="first and last; 1 to 3 are those of training")
    made.add_argument("--regimes", nargs="+", default=list(REGIMES), choices=list(REGIMES))
    made.add_argument("--plot", type=Path, metavar="FILE", help="a calibration plot, PNG; needs matplotlib")
    made.add_argument("--json", action="store_true", help="the figures as JSON")
    made.add_argument("--habits", action="store_true", help="also by how the sources report")
    options = made.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    known = known_ladder(options)
    figures, tallies, overall = [], dict[str, Calibration](), (Calibration(), Calibration())
    by_habit: dict[str, Calibration] = {}
    for name in options.regimes:
        shown, everything, took, verdicts = Calibration(), Calibration(), 0.0, dict[str, int]()
        for seed in seeds:
            told = courses(seed, REGIMES[name], offers=options.offers, days=options.days)
            one_shown, one_all, habits, model, seconds = judged(told, options, known, seed)
            shown.merge(one_shown)
            everything.merge(one_all)
            took += seconds
            for habit, tally in habits.items():
                by_habit.setdefault(habit, Calibration()).merge(tally)
            for (_, _, places), score in model.scores.items():
                if places == 1:
                    verdicts[score.verdict.value] = verdicts.get(score.verdict.value, 0) + 1
        tallies[name] = shown
        overall[0].merge(shown)
        overall[1].merge(everything)
        figures.append({"regime": name, **_figures(shown, everything), "verdicts": verdicts, "seconds": round(took, 1)})
    figures.append({"regime": "all", **_figures(*overall)})
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            f"{options.offers} offers, learnt from {options.days - options.judged} days, judged in {options.judged}; "
            f"seeds {options.seeds}; ladder+ {', '.join(f'{RUNGS[one]} {share:.2f}' for one, share in known.items())}"
        )
        print(_table(figures))
        if options.habits:
            print(_table([{"regime": name, **_figures(one, one)} for name, one in sorted(by_habit.items())]))
    if options.plot is not None and not plot(tallies, options.plot):
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return 1
    return 0


def _figures(shown: Calibration, everything: Calibration) -> dict[str, float | int]:
    asked = max(shown.asked, 1)
    return {
        "asked": everything.asked,
        "shown": shown.asked,
        "brier": round(shown.loss / asked, 4),
        "ladder": round(shown.ladder / asked, 4),
        "ladder+": round(shown.knowing / asked, 4),
        "miscalibration": round(_miscalibration(shown), 4),
        "all: brier": round(everything.loss / max(everything.asked, 1), 4),
        "all: ladder+": round(everything.knowing / max(everything.asked, 1), 4),
    }


def _miscalibration(tally: Calibration) -> float:
    """By how much what was told differs from the share that was still free, on average over ten bins."""
    return sum(abs(told - still) for _, told, still in tally.bins) / max(tally.asked, 1)


def _table(figures: Iterable[Mapping[str, object]]) -> str:
    rows = [{key: str(value) for key, value in one.items()} for one in figures]
    heads = list(rows[0])
    cells = [heads, *([row.get(head, "") for head in heads] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)) for row in cells)


if __name__ == "__main__":
    raise SystemExit(main())
