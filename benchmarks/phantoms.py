"""How many of the phantoms that are injected into invented courses are found, and how many accusations are false.

The seeds are held out: thresholds were chosen on seeds below 100, never on the regime `phantoms-late`. What is counted
is what a coordination office would be shown: a finding is right where the offer is a phantom of that kind, of a source
where each of its offers is. A number that is copied from week to week and happens never to change is `unmoved`, too; so
is each offer of a source that copies from day to day. All offers of a source that never move are `copied-day`.
"""

import argparse
import time
from collections import Counter, defaultdict

from hub.course.phantoms import Kind, Phantom, phantoms
from hub.demo.courses import Courses, courses
from hub.demo.regimes import REGIMES
from hub.demo.regimes import Phantom as Injected

_RIGHT = {
    Injected.GONE: {Kind.GONE},
    Injected.UNMOVED: {Kind.UNMOVED, Kind.COPIED_DAY},
    Injected.COPIED_DAY: {Kind.COPIED_DAY, Kind.UNMOVED},
    Injected.COPIED_WEEK: {Kind.COPIED_WEEK, Kind.UNMOVED},
}


def main() -> None:
    """Prints a table per regime."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--regimes", default=",".join(REGIMES), help="names, with commas between")
    made.add_argument("--first", type=int, default=2000, help="first seed")
    made.add_argument("--seeds", type=int, default=10)
    made.add_argument("--offers", type=int, default=400)
    made.add_argument("--days", type=int, default=120)
    options = made.parse_args()
    print(f"seeds {options.first}–{options.first + options.seeds - 1}, {options.offers} offers, {options.days} days")
    right, wrong, there, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for regime in options.regimes.split(","):
        tally = _Tally()
        spent = 0.0
        for seed in range(options.first, options.first + options.seeds):
            course = courses(seed, REGIMES[regime], offers=options.offers, days=options.days)
            begun = time.process_time()
            told = phantoms(course.runs, at=course.as_of)
            spent += time.process_time() - begun
            tally.add(course, told)
        print(f"\n{regime} ({spent / options.seeds:.2f} s of CPU a search)")
        tally.show(options.seeds * options.offers)
        for total, one in ((right, tally.right), (wrong, tally.wrong), (there, tally.there), (found, tally.found)):
            total.update(one)
    print("\nall together")
    everything = _Tally()
    everything.right, everything.wrong, everything.there, everything.found = right, wrong, there, found
    everything.show(options.seeds * options.offers * len(options.regimes.split(",")))


class _Tally:
    def __init__(self) -> None:
        self.right, self.wrong = Counter[str](), Counter[str]()
        self.there, self.found = Counter[str](), Counter[str]()

    def add(self, course: Courses, told: list[Phantom]) -> None:
        by_offer: dict[str, set[Kind]] = defaultdict(set)
        for one in told:
            for offer in one.offers:
                by_offer[offer].add(one.kind)
            injected = [course.phantoms.get(offer) for offer in one.offers]
            good = all(kind is not None and one.kind in _RIGHT[kind] for kind in injected)
            (self.right if good else self.wrong)[one.kind.value] += 1
        for offer, kind in course.phantoms.items():
            self.there[kind.value] += 1
            self.found[kind.value] += bool(by_offer[offer] & _RIGHT[kind])

    def show(self, offers: int) -> None:
        for kind in Kind:
            told, there = self.right[kind] + self.wrong[kind], self.there[kind]
            precision = f"{self.right[kind]}/{told} = {self.right[kind] / told:.2f}" if told else "–"
            recall = f"{self.found[kind]}/{there} = {self.found[kind] / there:.2f}" if there else "–"
            print(f"  {kind.value:<12} precision {precision:<16} recall {recall}")
        wrong = sum(self.wrong.values())
        print(f"  false accusations: {wrong}, among {offers - sum(self.there.values())} honest offers")


if __name__ == "__main__":
    main()
