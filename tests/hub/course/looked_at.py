"""Invented runs of which the truth is known: places that go at a constant rate, and words that come by the clock."""

import math
from collections.abc import Iterator, Sequence
from random import Random

from hub.course.looks import HOUR
from hub.course.run import Run
from mappings.vacancy import State

FORM = "kurzzeitpflege-solitaer"


def merged(source: str, offer: str, words: Sequence[tuple[float, int]], *, care_form: str = FORM) -> Iterator[Run]:
    """Runs of words: (hours, places that are free)."""
    begun = 0
    for place in range(1, len(words) + 1):
        if place < len(words) and words[place][1] == words[begun][1]:
            continue
        yield Run(
            source=source,
            offer=offer,
            care_form=care_form,
            state=State.SOME if words[begun][1] else State.NONE,
            accepting=words[begun][1],
            since=round(words[begun][0] * HOUR),
            until=round(words[place - 1][0] * HOUR),
            ended=round(words[place][0] * HOUR) if place < len(words) else None,
            said=place - begun,
        )
        begun = place


def memoryless(
    rng: Random, source: str, rate: float, *, offers: int, words: int, gaps: Sequence[float], shuffled: bool = False
) -> Iterator[Run]:
    """Places of one offer each that go at `rate` an hour, and are free again at the word after that.

    Each offer is spoken of every so many hours, as `gaps` has it for one after the other.

    `shuffled`: whether a place is still free has nothing to do with anything.
    """
    for number in range(offers):
        at, said, free, gap = 0.0, list[tuple[float, int]](), 1, gaps[number % len(gaps)]
        for _ in range(words):
            said.append((at, free))
            at += gap
            stays = 0.7 if shuffled else math.exp(-rate * gap)
            free = 1 if not free else int(rng.random() < stays)
        yield from merged(source, f"{source}/{number:03}", said)
