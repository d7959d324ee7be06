"""What is usual: how often others of a care form change what they say, and how long what they report free stays so."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from hub.course.chance import Paces, Repeats
from hub.course.offer_course import OfferCourse

__all__ = ["Counted", "Peers"]

_FEWEST = 6
"""Offers, before anything is called usual."""
_FEWEST_PACES = 25
_FEWEST_SOURCES = 12
_SATURATED = 3.0
"""Events expected: an offer that was looked at for longer weighs hardly more, and one that never moves no more than it.
"""
_CAUTIOUS = Paces(1.0, 1.5)
_SHAPE_MOST = 4.0
_SHRUNK = 5.0
_LIMIT = 20.0
_FREE = "free"

_Stratum = tuple[str, str, int]
"""Care form, level, and how long after the last word it was looked at (of what ends: how often something is said)."""


class Counted(NamedTuple):
    """How often something happened, and how often it would usually have."""

    events: float
    expected: float

    def at(self, pace: float) -> "Counted":
        """The same, where so much more is expected."""
        return Counted(self.events, self.expected * pace)


class Peers:
    """Of offers without those that are suspected."""

    def __init__(self, offers: Sequence[OfferCourse], *, without: Collection[str] = ()) -> None:
        peers = [one for one in offers if one.offer not in without]
        self._moves = _rates([_looked(one) for one in peers])
        self._ends = _rates([_lasted(one) for one in peers])
        self._without = frozenset(without)
        self._moves_of_source = self._of_sources(peers, self.moves_in_general)
        self._ends_of_source = self._of_sources(peers, self.ends_in_general)
        self._moving = _paces(peers, self.moves)
        self._ending = _paces(peers, self.ends)
        self._moving_of_sources = _paces_of_sources(peers, self.moves_in_general)
        self._ending_of_sources = _paces_of_sources(peers, self.ends_in_general)
        self._repeats = {form: found for form, of in _by_form(peers).items() if (found := _repeats(of))}
        self._repeats_of_all = _repeats(peers)

    def moves(self, one: OfferCourse) -> Counted | None:
        """How often an offer changed what it said, by how often it was looked at and what is usual at its source.

        None where too few are like it, and of those who say only what changes.
        """
        counted = self.moves_in_general(one)
        return None if counted is None else counted.at(self._pace(one, counted, self._moves_of_source))

    def moves_of_standing(self, one: OfferCourse, *, since: int | None = None) -> Counted | None:
        """How often it would usually have changed what it says last, that it did not.

        `since`: of the time from then on alone, and by what is usual at other sources.
        """
        run, key, ever = one.last, one.standing_look, self.moves_in_general(one)
        if run is None or key is None or ever is None:
            return None
        expected = self._moves_expected(one, {key: run.said - 1})
        if expected is None:
            return None
        if since is None:
            return Counted(0, expected).at(self._pace(one, ever, self._moves_of_source))
        span = run.until - run.since
        return Counted(0, expected * max(0, run.until - max(since, run.since)) / span if span > 0 else 0.0)

    def ends(self, one: OfferCourse) -> Counted | None:
        """How often what an offer reported free became fewer, by how long it stood and what is usual at its source.

        None where too few are like it.
        """
        counted = self.ends_in_general(one)
        return None if counted is None else counted.at(self._pace(one, counted, self._ends_of_source))

    def usual_days(self, one: OfferCourse) -> float | None:
        """How long what others report free usually stands until it becomes fewer."""
        counted = self.ends_in_general(one)
        days = sum(days for _, days in one.lasting.values())
        return days / counted.expected if counted and counted.expected > 0 else None

    def moving(self, care_form: str) -> Paces:
        """At what paces offers change what they say."""
        return self._moving.get(care_form) or self._moving[""]

    def ending(self, care_form: str) -> Paces:
        """At what paces what is reported free becomes fewer."""
        return self._ending.get(care_form) or self._ending[""]

    def moving_of_sources(self) -> Paces:
        """At what paces all offers of a source together change."""
        return self._moving_of_sources

    def ending_of_sources(self) -> Paces:
        """At what paces what a source reports free becomes fewer."""
        return self._ending_of_sources

    def repeats(self, care_form: str) -> Repeats | None:
        """How often changes are those of the week before."""
        return self._repeats.get(care_form) or self._repeats_of_all

    def moves_in_general(self, one: OfferCourse) -> Counted | None:
        """The same as `moves`, by what is usual anywhere."""
        if not one.repeats:
            return None
        expected = self._moves_expected(one, {key: number for key, (number, _) in one.looks.items()})
        return None if expected is None else Counted(sum(moved for _, moved in one.looks.values()), expected)

    def ends_in_general(self, one: OfferCourse) -> Counted | None:
        """The same as `ends`, by what is usual anywhere."""
        expected = 0.0
        for here, (_, days) in one.lasting.items():
            rate = _first(self._ends, _strata(one.care_form, here, one.rhythm))
            if rate is None:
                return None
            expected += days * rate
        return Counted(round(sum(events for events, _ in one.lasting.values())), expected)

    def _of_sources(
        self, peers: Sequence[OfferCourse], counted: Callable[[OfferCourse], Counted | None]
    ) -> dict[str, Counted]:
        found: dict[str, Counted] = defaultdict(lambda: Counted(0, 0.0))
        for peer in peers:
            # Of one that is watched for long no more than of the others: it may be what is looked for.
            one = _limited(counted(peer))
            found[peer.source] = Counted(
                found[peer.source].events + one.events, found[peer.source].expected + one.expected
            )
        return found

    def _pace(self, one: OfferCourse, own: Counted, of_source: Mapping[str, Counted]) -> float:
        """How the other offers of the source do, between what is usual anywhere and that, the more they are."""
        events, expected = of_source.get(one.source, Counted(0, 0.0))
        if one.offer not in self._without:
            less = _limited(own)
            events, expected = events - less.events, expected - less.expected
        return (events + _SHRUNK) / (max(expected, 0.0) + _SHRUNK)

    def _moves_expected(self, one: OfferCourse, looks: Mapping[tuple[str, int], int]) -> float | None:
        total = 0.0
        for (here, gap), number in looks.items():
            rate = _first(self._moves, _strata(one.care_form, here, gap))
            if rate is None:
                return None
            total += number * min(rate, 1.0)
        return total


def _limited(counted: Counted | None) -> Counted:
    if counted is None or counted.expected <= 0:
        return Counted(0, 0.0)
    share = min(1.0, _LIMIT / counted.expected)
    return Counted(counted.events * share, counted.expected * share)


def _strata(care_form: str, here: str, gap: int) -> tuple[_Stratum, _Stratum, _Stratum]:
    """From the finest to the coarsest."""
    rough = here if here in ("none", "ask") else _FREE
    return (care_form, here, gap), (care_form, rough, gap), ("", rough, gap)


def _looked(one: OfferCourse) -> dict[_Stratum, list[float]]:
    found: dict[_Stratum, list[float]] = defaultdict(lambda: [0.0, 0.0])
    # Who says only what changes is looked at only when it changed.
    for (here, gap), (number, moved) in one.looks.items() if one.repeats else ():
        for stratum in dict.fromkeys(_strata(one.care_form, here, gap)):
            found[stratum][0] += moved
            found[stratum][1] += number
    return found


def _lasted(one: OfferCourse) -> dict[_Stratum, list[float]]:
    found: dict[_Stratum, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for here, (events, days) in one.lasting.items():
        for stratum in dict.fromkeys(_strata(one.care_form, here, one.rhythm)):
            found[stratum][0] += events
            found[stratum][1] += days
    return found


def _rates(counted: Sequence[dict[_Stratum, list[float]]]) -> dict[_Stratum, float]:
    cells: dict[_Stratum, list[list[float]]] = defaultdict(list)
    for of_one in counted:
        for stratum, cell in of_one.items():
            cells[stratum].append(cell)
    return {stratum: _rate(of) for stratum, of in cells.items() if len(of) >= _FEWEST}


def _rate(cells: Sequence[Sequence[float]]) -> float:
    rate = sum(events for events, _ in cells) / max(sum(exposure for _, exposure in cells), 1e-9)
    for _ in range(5):
        weighed = [(cell, 1 / (1 + cell[1] * rate / _SATURATED)) for cell in cells]
        exposure = sum(cell[1] * weight for cell, weight in weighed)
        rate = sum(cell[0] * weight for cell, weight in weighed) / max(exposure, 1e-9)
    return rate


def _first(rates: Mapping[_Stratum, float], strata: Sequence[_Stratum]) -> float | None:
    return next((rates[stratum] for stratum in strata if stratum in rates), None)


def _paces(peers: Sequence[OfferCourse], counted: Callable[[OfferCourse], Counted | None]) -> dict[str, Paces]:
    found = {"": Paces.of(_all(counted, peers)) or _CAUTIOUS}
    if sum(1 for _ in _all(counted, peers)) < _FEWEST_PACES:
        found[""] = _CAUTIOUS
    for form, of in _by_form(peers).items():
        pairs = _all(counted, of)
        if len(pairs) >= _FEWEST_PACES:
            found[form] = Paces.of(pairs) or found[""]
    return found


def _all(counted: Callable[[OfferCourse], Counted | None], peers: Sequence[OfferCourse]) -> list[Counted]:
    return [one for peer in peers if (one := counted(peer)) is not None and one.expected > 0]


def _paces_of_sources(peers: Sequence[OfferCourse], counted: Callable[[OfferCourse], Counted | None]) -> Paces:
    of_source: dict[str, list[OfferCourse]] = defaultdict(list)
    for peer in peers:
        of_source[peer.source].append(peer)
    pairs = []
    for of in of_source.values():
        found = _all(counted, of)
        if found:
            pairs.append(Counted(sum(one.events for one in found), sum(one.expected for one in found)))
    fitted = Paces.of(pairs) if len(pairs) >= _FEWEST_SOURCES else None
    # Few sources can look more alike than they are.
    return _CAUTIOUS if fitted is None else Paces(fitted.mean, min(fitted.shape, _SHAPE_MOST))


def _by_form(peers: Sequence[OfferCourse]) -> dict[str, list[OfferCourse]]:
    found: dict[str, list[OfferCourse]] = defaultdict(list)
    for peer in peers:
        found[peer.care_form].append(peer)
    return found


def _repeats(peers: Sequence[OfferCourse]) -> Repeats | None:
    pairs = [(peer.repeated, peer.changes) for peer in peers if peer.changes]
    return Repeats.of(pairs) if len(pairs) >= _FEWEST_PACES else None
