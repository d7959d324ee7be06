"""Free places that are none: what a source's own words show when they are held against those of others.

Nothing here is proof: it is a reason to ring the home, with the evidence. To be wrong harms who is accused, so each
finding is improbable (`chance`) by the paces of comparable offers, however many were looked at (`_FALSE`), and has an
effect that would be seen without statistics, too.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter

from hub.course.chance import discoveries
from hub.course.offer_course import DAY, OfferCourse, day_of, offer_course
from hub.course.peers import Counted, Peers
from hub.course.run import Run

__all__ = ["Kind", "Phantom", "phantoms"]

_FALSE = 0.02
"""Of what is found, how much may be chance."""
_UNLIKE = 0.003
_ROUNDS = 4
_CURRENT = 7 * DAY
"""What nobody said again for longer has expired, and misleads nobody."""
_LEAST_DAYS = 14
"""Of sameness, before it counts: somebody who enters the numbers may be on holiday."""
_LEAST_MOVES = 5.0
_LEAST_GONE = 5
_GONE_SHARE = 0.85
_FASTER = 6.0
_RECENT = 60 * DAY
_LEAST_WEEKS = 3
_LEAST_CHANGES = 6
_BY_WEEKDAY = frozenset({"tagespflege", "nachtpflege"})
"""Where guests have their weekdays, one week is like another."""
_LEAST_OFFERS = 3


class Kind(StrEnum):
    """What is wrong."""

    GONE = "gone"
    """Reported free, it hardly ever is any more at the next word."""
    UNMOVED = "unmoved"
    """The number does not move, while those of others did many times."""
    COPIED_DAY = "copied-day"
    """Day after day all offers of a source say what they said the day before."""
    COPIED_WEEK = "copied-week"
    """Every day says what the same weekday said a week before, changes included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """An offer, or a source as a whole (`offer` is None), of which what is reported free is hardly so.

    `since`: when what shows it began, microseconds since 1970. `weight`: how much shows it, as a number that grows with
    it (times gone; changes that should have been; changes copied). `figures`: what is told of it (`sentences`).
    """

    kind: Kind
    source: str
    offer: str | None
    care_form: str | None
    since: int
    weight: float
    chance: float
    figures: Mapping[str, float | None]
    offers: tuple[str, ...]
    """Of a source: the offers that it is about."""

    @property
    def id(self) -> str:
        """The same for the same kind, source and offer, whenever it is found: eight hexadecimal digits."""
        said = "\n".join((self.kind, self.source, self.offer or ""))
        return blake2b(said.encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class _Tested:
    """What was looked at, and how improbable it is; `made` says what it is, if it has an effect."""

    chance: float
    offers: tuple[str, ...]
    made: Callable[[], Phantom | None]


def phantoms(runs: Iterable[Run], *, at: int) -> list[Phantom]:
    """What is found by the runs until a moment, the least probable first.

    `runs`: those of an offer together and in order of time. What is said of single offers of a source that is found as
    a whole goes with it.
    """
    offers = [offer_course(list(of)) for _, of in groupby(runs, key=attrgetter("source", "offer"))]
    offers.sort(key=attrgetter("source", "offer"))
    found: list[Phantom] = []
    suspected: set[str] = set()
    for _ in range(_ROUNDS):
        # Who is unlike the others does not say what is usual, accused or not.
        tested = list(_tests(offers, Peers(offers, without=suspected), at))
        least = discoveries([one.chance for one in tested], _FALSE)
        found = [made for one in tested if one.chance <= least and (made := one.made()) is not None]
        now = {offer for one in tested if one.chance <= max(least, _UNLIKE) for offer in one.offers}
        if now <= suspected:
            break
        suspected |= now
    return sorted(_folded(found), key=lambda one: (one.chance, one.source, one.offer or ""))


def _tests(offers: Sequence[OfferCourse], peers: Peers, at: int) -> Iterator[_Tested]:
    for _, group in groupby(offers, key=attrgetter("source")):
        of = list(group)
        for one in of:
            yield from _unmoved(one, peers, at)
            yield from _gone(one, peers, at)
            yield from _copied_week(one, peers, at)
        if len(of) >= _LEAST_OFFERS:
            yield from _frozen_source(of, peers, at)
            yield from _gone_source(of, peers, at)
            yield from _copying_source(of, peers, at)


def _unmoved(one: OfferCourse, peers: Peers, at: int) -> Iterator[_Tested]:
    run = one.standing
    if run is None or run.accepting is None or run.until < at - _CURRENT:
        return
    stands, ever = peers.moves_of_standing(one), peers.moves(one)
    if stands is None or ever is None:
        return
    before = (ever.events, max(ever.expected - stands.expected, 0.0))
    chance = peers.moving(one.care_form).chance_of_none(stands.expected, before=before)
    days = (run.until - run.since) / DAY

    def made() -> Phantom | None:
        if stands.expected < _LEAST_MOVES or days < _LEAST_DAYS:
            return None
        return _of_offer(
            Kind.UNMOVED,
            one,
            since=run.since,
            weight=stands.expected,
            chance=chance,
            days=math.floor(days),
            places=run.accepting,
            expected=stands.expected,
            others_days=days / stands.expected,
        )

    yield _Tested(chance, (one.offer,), made)


def _gone(one: OfferCourse, peers: Peers, at: int) -> Iterator[_Tested]:
    counted = peers.ends(one)
    if counted is None or not one.ended or one.follows_the_week:
        return
    chance = peers.ending(one.care_form).chance_of_so_many(*counted)

    def made() -> Phantom | None:
        if not _is_gone([one], counted, peers, at):
            return None
        return _of_offer(
            Kind.GONE,
            one,
            since=one.begun,
            weight=float(one.gone),
            chance=chance,
            days=math.ceil((at - one.begun) / DAY),
            reported=one.ended,
            gone=one.gone,
            hours=one.gone_after / one.gone,
            others_days=peers.usual_days(one),
        )

    yield _Tested(chance, (one.offer,), made)


def _is_gone(of: Sequence[OfferCourse], counted: Counted, peers: Peers, at: int) -> bool:
    gone, ended = sum(one.gone for one in of), sum(one.ended for one in of)
    in_general = sum(each.expected for one in of if (each := peers.ends_in_general(one)) is not None)
    usual = max(counted.expected, in_general)
    return (
        gone >= _LEAST_GONE
        and gone >= _GONE_SHARE * ended
        and counted.events >= _FASTER * usual
        and max(one.last_gone for one in of) >= at - _RECENT
    )


def _copied_week(one: OfferCourse, peers: Peers, at: int) -> Iterator[_Tested]:
    repeats = peers.repeats(one.care_form)
    if repeats is None or one.copied_from is None or one.copied_until < day_of(at - _CURRENT):
        return
    changes = len(one.copied_changes)
    if not changes:
        return
    first, chance = one.copied_from, repeats.chance_of_all(changes, before=one.copied_before)
    days = one.copied_until - first + 1

    def made() -> Phantom | None:
        if changes < _LEAST_CHANGES or days < _LEAST_WEEKS * 7 or one.care_form in _BY_WEEKDAY:
            return None
        return _of_offer(
            Kind.COPIED_WEEK,
            one,
            since=(first - 7) * DAY,
            weight=float(changes),
            chance=chance,
            days=days,
            changes=changes,
            others_share=repeats.mean,
        )

    yield _Tested(chance, (one.offer,), made)


def _frozen_source(of: Sequence[OfferCourse], peers: Peers, at: int) -> Iterator[_Tested]:
    current = [
        (one, one.last)
        for one in of
        if one.repeats and one.last and one.last.accepting is not None and one.last.until >= at - _CURRENT
    ]
    if len(current) < _LEAST_OFFERS:
        return
    since = max(last.since for _, last in current)
    still = [peers.moves_of_standing(one, since=since) for one, _ in current]
    ever = [peers.moves_in_general(one) for one, _ in current]
    if sum(1 for one in still if one is not None) < _LEAST_OFFERS:
        return
    expected = sum(one.expected for one in still if one is not None)
    before = (
        sum(one.events for one in ever if one is not None),
        max(sum(one.expected for one in ever if one is not None) - expected, 0.0),
    )
    chance = peers.moving_of_sources().chance_of_none(expected, before=before)
    days = (max(last.until for _, last in current) - since) / DAY

    def made() -> Phantom | None:
        if expected < 2 * _LEAST_MOVES or days < _LEAST_DAYS:
            return None
        return _of_source(
            Kind.COPIED_DAY,
            [one for one, _ in current],
            since=since,
            weight=expected,
            chance=chance,
            days=math.floor(days),
            number=len(current),
            expected=expected,
        )

    yield _Tested(chance, tuple(one.offer for one, _ in current), made)


def _gone_source(of: Sequence[OfferCourse], peers: Peers, at: int) -> Iterator[_Tested]:
    known = [
        (one, counted)
        for one in of
        if one.ended and not one.follows_the_week and (counted := peers.ends_in_general(one)) is not None
    ]
    if len(known) < _LEAST_OFFERS:
        return
    told = [one for one, _ in known]
    counted = Counted(sum(each.events for _, each in known), sum(each.expected for _, each in known))
    chance = peers.ending_of_sources().chance_of_so_many(*counted)

    def made() -> Phantom | None:
        if not _is_gone(told, counted, peers, at):
            return None
        gone, ended = sum(one.gone for one in told), sum(one.ended for one in told)
        days = sum(days for one in told for _, days in one.lasting.values())
        return _of_source(
            Kind.GONE,
            told,
            since=min(one.begun for one in told),
            weight=float(gone),
            chance=chance,
            days=math.ceil((at - min(one.begun for one in told)) / DAY),
            number=len(told),
            reported=ended,
            gone=gone,
            hours=sum(one.gone_after for one in told) / gone,
            others_days=days / counted.expected,
        )

    yield _Tested(chance, tuple(one.offer for one in told), made)


def _copying_source(of: Sequence[OfferCourse], peers: Peers, at: int) -> Iterator[_Tested]:
    current = [one for one in of if one.last is not None and one.last.until >= at - _CURRENT]
    begun = [one.copied_from for one in current if one.copied_from is not None]
    if len(begun) < max(len(current), _LEAST_OFFERS):
        return
    first = max(begun)
    changed = {one.offer: sum(day > first for day in one.copied_changes) for one in current}
    changes, days = sum(changed.values()), max(one.copied_until for one in current) - first + 1
    if not changes:
        return
    usual = [repeats for one in current if (repeats := peers.repeats(one.care_form)) is not None]
    if not usual:
        return
    # By that care form of the source of which most is the same anyway.
    chance = max(repeats.chance_of_all(changes) for repeats in usual)

    def made() -> Phantom | None:
        if changes < 2 * _LEAST_CHANGES or days < _LEAST_WEEKS * 7 or sum(map(bool, changed.values())) < 2:
            return None
        return _of_source(
            Kind.COPIED_WEEK,
            current,
            since=(first - 7) * DAY,
            weight=float(changes),
            chance=chance,
            days=days,
            number=len(current),
            changes=changes,
            others_share=max(repeats.mean for repeats in usual),
        )

    yield _Tested(chance, tuple(one.offer for one in current), made)


def _of_offer(
    kind: Kind, one: OfferCourse, *, since: int, weight: float, chance: float, **figures: float | None
) -> Phantom:
    return Phantom(
        kind=kind,
        source=one.source,
        offer=one.offer,
        care_form=one.care_form,
        since=since,
        weight=weight,
        chance=chance,
        figures=figures,
        offers=(one.offer,),
    )


def _of_source(
    kind: Kind, of: Sequence[OfferCourse], *, since: int, weight: float, chance: float, **figures: float | None
) -> Phantom:
    return Phantom(
        kind=kind,
        source=of[0].source,
        offer=None,
        care_form=None,
        since=since,
        weight=weight,
        chance=chance,
        figures=figures,
        offers=tuple(one.offer for one in of),
    )


_GOES_WITH: Mapping[Kind, frozenset[Kind]] = {
    Kind.GONE: frozenset({Kind.GONE}),
    Kind.COPIED_DAY: frozenset({Kind.UNMOVED, Kind.COPIED_WEEK, Kind.COPIED_DAY}),
    Kind.COPIED_WEEK: frozenset({Kind.UNMOVED, Kind.COPIED_WEEK}),
}


def _folded(found: Sequence[Phantom]) -> list[Phantom]:
    """Without what a finding of its source says, too."""
    wholes: dict[str, set[Kind]] = defaultdict(set)
    for one in found:
        if one.offer is None:
            wholes[one.source] |= _GOES_WITH[one.kind]
    return [one for one in found if one.offer is None or one.kind not in wholes[one.source]]
