"""Why so few places fit: how many offers each criterion alone keeps out, and the smallest change that would bring more.

An offer that one criterion alone keeps out fits when that criterion is dropped, and all others stay as they are. What a
change promises is what its search finds, counted by the same rules.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np
from msgspec.structs import replace

from hub.search import vacancy_days
from hub.search.offers import NEVER, Flags, Numbers, Offers
from hub.search.reach import BITS
from hub.search.vacancies import Fitting, taking
from hub.search.vacancy_days import Block, Stay
from hub.search.vacancy_query import Criterion, VacancyQuery
from mappings import gazetteer, terminology
from mappings.vacancy import State

__all__ = ["FEW", "Change", "KeptOut", "WhyNot", "why_not"]

FEW = 10
"""Where fewer fit, it is always told."""
_WIDER = (1.3, 2.0, 4.0, math.inf)
_WIDER_FROM_NONE = (2.0, math.inf)
"""Where nothing fits, mostly nothing does a little farther."""
_KM_MOST = 200.0
_UNLIKE_MOST = 3
"""Care forms of another kind that are named where nobody serves the needs: those of which most do."""
_HOUR = 3_600_000_000
_EUROS_MOST = 99_999
"""What an own share can be asked for."""


class KeptOut(NamedTuple):
    """So many offers in reach fail by one criterion alone; `code` is the need, form or state where it has several.

    `unstated` of them say nothing of that: of needs, nothing of any.
    """

    criterion: str
    code: str
    offers: int
    unstated: int = 0


class Change(NamedTuple):
    """What to ask instead: the new value of a parameter (None: leave it out), and how many will fit then in all.

    Of a district the value is that of `near`, instead of it.
    `code` is the need that is given up, or what comes in addition; `days` how long the stay is that was asked for.
    """

    criterion: str
    value: str | int | None
    total: int
    code: str = ""
    days: int = 1


@dataclass(slots=True)
class WhyNot:
    """Of a search in which `total` fit."""

    total: int
    days: int
    kept_out: list[KeptOut] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def of(self, criterion: str, offers: int, code: str = "", *, unstated: int = 0) -> None:
        """Note how many a criterion keeps out."""
        if offers:
            self.kept_out.append(KeptOut(criterion, code, offers, unstated))

    def would(self, criterion: str, value: str | int | None, more: int, code: str = "") -> None:
        """Note what a change brings."""
        if more:
            self.changes.append(Change(criterion, value, self.total + more, code, self.days))


def why_not(query: VacancyQuery, there: Fitting, *, now: int) -> WhyNot:
    """What keeps offers out of a search in which these fit; the changes that bring most first, care forms of another
    kind last.
    """
    told = WhyNot(len(there.positions), query.days)
    near = _NearMisses(there, query, now)
    if query.needs or query.criteria:
        _criteria(told, near)
    _days(told, near)
    by_form = _other_kinds(told, there, query, now)
    _farther(told, there, query, now)
    told.kept_out.sort(key=lambda one: (-one.offers, one.criterion, one.code))
    told.changes.sort(key=lambda one: (-one.total, one.criterion, one.code))
    _unlike(told, query, by_form)
    return told


_CRITERIA = {bit: str(criterion) for criterion, bit in BITS.items()}


@cache
def _needs() -> Mapping[int, str]:
    return {bit: code for code, bit in terminology.bits("need").items()}


class _NearMisses:
    """The blocks that miss one criterion, or serve all needs but one, or miss nothing; whatever their days."""

    def __init__(self, there: Fitting, query: VacancyQuery, now: int) -> None:
        self.query = query
        self.now = now
        self.surroundings = there.surroundings
        self.reach = there.reach
        found = there.surroundings.current(there.reach, query, now, any_day=True)
        missed = there.surroundings.missed(found, query, now)
        missing = query.needs & ~found.rows["needs"]
        near = ((missing == 0) & (missed & (missed - 1) == 0)) | ((missed == 0) & (missing & (missing - 1) == 0))
        self.rows, self.missed, self.missing = found.rows.where(near), missed[near], missing[near]
        self.meets = (self.missed == 0) & (self.missing == 0)
        """Whether each meets all that is asked for but for days and places."""
        fitting = {rid for _, _, rid in there.positions}
        self.fits = np.array([rid in fitting for rid in self.rows["rid"].tolist()], np.bool_)
        """Whether the offer of each fits."""


def _criteria(told: WhyNot, near: _NearMisses) -> None:
    kept_out = _kept_out(near)
    stated = _Stated(near, [rid for offers in kept_out.values() for rid in offers])
    for (missed, missing), offers in kept_out.items():
        criterion, code = (_CRITERIA[missed], "") if missed else ("need", _needs()[missing])
        told.of(criterion, len(offers), code, unstated=stated.silent(criterion, offers))
        if criterion == Criterion.OWN_SHARE:
            _dearer(told, stated.own_shares(offers), len(offers))
        elif criterion == Criterion.MAX_AGE:
            ages = [near.now - based_on for based_on in offers.values()]
            hours = math.ceil(min(ages) / _HOUR)
            within = sum(age <= hours * _HOUR for age in ages)
            told.would(criterion, f"{hours}h" if hours < 1000 else None, within if hours < 1000 else len(offers))
        elif criterion == Criterion.DISTRICT:
            _around_district(told, near, list(offers))
        else:
            told.would(criterion, None, len(offers), code)


def _kept_out(near: _NearMisses) -> dict[tuple[int, int], dict[int, int]]:
    """The offers that one criterion, or one need, alone keeps out: rid, and from when on its statement ages."""
    stay = Stay.of(near.query)
    others = ~near.fits
    offers = Offers(near.rows.where(others))
    missed, missing = near.missed[others], near.missing[others]
    alike = offers.alike(missed) & offers.alike(missing)
    misses_one = ((missed != 0) | (missing != 0))[offers.first]
    alone = (misses_one & alike & offers.take(stay)).nonzero()[0]
    heads, first = offers.heads.at(alone), offers.first[alone]
    found: dict[tuple[int, int], dict[int, int]] = {}
    misses = zip(missed[first].tolist(), missing[first].tolist(), strict=True)
    for miss, rid, based_on in zip(misses, heads["rid"].tolist(), heads.based_on.tolist(), strict=True):
        found.setdefault(miss, {})[rid] = based_on
    first_day = vacancy_days.first_days(stay)
    for offer, there in offers.several(~alike):
        by_miss: dict[tuple[int, int], list[Block]] = {}
        misses = zip(missed[there].tolist(), missing[there].tolist(), strict=True)
        for miss, block in zip(misses, offers.blocks[there], strict=True):
            by_miss.setdefault(miss, []).append(block)
        meets = by_miss.pop((0, 0), [])
        for miss, blocks in by_miss.items():
            if first_day([*meets, *blocks]) is not None:
                found.setdefault(miss, {})[int(offers.heads["rid"][offer])] = int(offers.heads.based_on[offer])
    return found


class _Stated:
    """What offers say at all, whichever of their blocks it is said of, of what only who states it is found by."""

    _NAMES: ClassVar[Mapping[str, str]] = {
        "need": "needs",
        Criterion.ROOM: "rooms",
        Criterion.LANGUAGE: "languages",
        Criterion.PAYER: "payers",
        Criterion.OWN_SHARE: "own_share",
    }

    def __init__(self, near: _NearMisses, rids: Sequence[int]) -> None:
        every = near.reach.rows
        wanted = set(rids)
        self._rows = every.where(np.array([rid in wanted for rid in every["rid"].tolist()], np.bool_))
        self._surroundings = near.surroundings

    def silent(self, criterion: str, rids: Collection[int]) -> int:
        """How many of some say nothing of a criterion."""
        if criterion not in self._NAMES:
            return 0
        values = self._rows[self._NAMES[criterion]]
        if criterion == Criterion.LANGUAGE:
            says = self._surroundings.names(values)
        else:
            says = values > (-1 if criterion == Criterion.OWN_SHARE else 0)
        speaking = set(self._rows["rid"][says].tolist())
        return sum(rid not in speaking for rid in rids)

    def own_shares(self, rids: Collection[int]) -> list[int]:
        """The own share of each of some that tell it, cents a month."""
        rows = self._rows
        told = dict(sorted(zip(rows["rid"].tolist(), rows["own_share"].tolist(), strict=True)))
        return [told[rid] for rid in rids if told[rid] >= 0]


def _around_district(told: WhyNot, near: _NearMisses, outside: Sequence[int]) -> None:
    """The least circle around the middle of the district that takes in somebody outside, and all that stand inside."""
    query = near.query
    standing = near.reach.where(near.reach.rows["by_area"] == 0)
    rids = standing.rows["rid"]
    inside = standing.where(np.isin(rids, near.rows["rid"][near.fits])).kilometres()
    rim = math.ceil(max([*inside, min(standing.where(np.isin(rids, outside)).kilometres())]))
    # As it is asked for by a point.
    codes: tuple[int, ...] = ()
    if not terminology.ambulatory().isdisjoint(query.care_forms):
        codes = (int(gazetteer.nearest(query.latitude, query.longitude).postal_code),)
    circle = replace(query, box=None, district=None, kilometres=rim, postal_codes=codes)
    total = len(taking(near.surroundings, near.surroundings.of(circle), circle, near.now).rows)
    if total > told.total:
        around = f"{query.latitude!r}|{query.longitude!r}|{rim}|km"
        told.would(Criterion.DISTRICT, around, total - told.total)


def _dearer(told: WhyNot, shares: Sequence[int], offers: int) -> None:
    """The smallest larger own share at which something fits, in whole euros; none at all, where that brings more."""
    euros = math.ceil(min(shares) / 100) if shares else _EUROS_MOST + 1
    within = sum(cents <= euros * 100 for cents in shares) if euros <= _EUROS_MOST else 0
    told.would(Criterion.OWN_SHARE, euros, within)
    if offers > within:
        told.would(Criterion.OWN_SHARE, None, offers)


def _days(told: WhyNot, near: _NearMisses) -> None:
    """What other days, fewer days and fewer places would bring."""
    query, stay = near.query, Stay.of(near.query)
    offers = Offers(near.rows.where(near.meets & ~near.fits))
    if not len(offers):
        return
    if stay.exact:
        told.of("start", _number(offers.take(stay._replace(start=query.today, exact=False))))
        first = int(offers.first_days(stay._replace(exact=False)).min())
        if first != NEVER:
            # Of those that fit on the day asked for some may not fit later.
            total = _number(Offers(near.rows.where(near.meets)).take(stay._replace(start=first)))
            if total > told.total:
                told.changes.append(Change("start", first, total, "", query.days))
    if query.days > 1:
        _fewer(told, "duration", offers.longest(stay))
    if query.places > 1:
        _fewer(told, "places", offers.most(stay))


def _fewer(told: WhyNot, criterion: str, possible: Numbers) -> None:
    """What fewer days, or places, would bring: as many as possible for somebody."""
    told.of(criterion, _number(possible >= 1))
    best = int(possible.max())
    told.would(criterion, best, _number(possible >= best) if best else 0)


def _other_kinds(told: WhyNot, there: Fitting, query: VacancyQuery, now: int) -> Mapping[str, int]:
    """What other states, and other care forms, would bring; the offers of each of these forms."""
    of_any_state = replace(query, states=tuple(State))
    found = taking(there.surroundings, there.surroundings.beside(query), of_any_state, now)
    by_state = there.surroundings.by_state(found)
    for state in sorted(by_state.keys() - query.states):
        told.of("state", by_state[state], state)
        if state in (State.SOME, State.ASK):
            told.would("state", ",".join((*(one.value for one in query.states), state)), by_state[state], state)
    by_form = there.surroundings.by_care_form(found)
    by_form = {form: offers for form, offers in by_form.items() if form not in query.care_forms}
    told.of("care-form", sum(by_form.values()))
    for form in _alike(query.care_forms) & by_form.keys():
        _also(told, form, by_form)
    return by_form


def _unlike(told: WhyNot, query: VacancyQuery, by_form: Mapping[str, int]) -> None:
    """Forms of another kind, for who needs what nobody of the form serves: whoever is ventilated finds intensive care,
    and no home-care service.
    """
    if query.needs and not told.total:
        unlike = sorted(by_form.keys() - _alike(query.care_forms), key=lambda form: (-by_form[form], form))
        for form in unlike[:_UNLIKE_MOST]:
            _also(told, form, by_form)


def _also(told: WhyNot, form: str, by_form: Mapping[str, int]) -> None:
    told.would("care-form", form, sum(by_form.get(one, 0) for one in terminology.descendants(form)), form)


def _alike(care_forms: Sequence[str]) -> frozenset[str]:
    """The other forms of the same kind."""
    kinds = {terminology.ancestors(form)[-1] for form in care_forms}
    return frozenset(one for kind in kinds for one in terminology.descendants(kind)) - set(care_forms)


def _farther(told: WhyNot, there: Fitting, query: VacancyQuery, now: int) -> None:
    if query.box is not None:
        return
    for times in _WIDER if told.total else _WIDER_FROM_NONE:
        farther = math.ceil(min(max(query.kilometres, 1.0) * times, _KM_MOST))
        if farther <= query.kilometres:
            return
        wider = replace(query, kilometres=farther)
        found = taking(there.surroundings, there.surroundings.beyond(wider, query.kilometres), wider, now)
        if len(found.rows):
            rim = math.ceil(min(found.kilometres()))
            told.would("distance", rim, found.number_within(rim))
            return


def _number(flags: Flags) -> int:
    return int(np.count_nonzero(flags))
