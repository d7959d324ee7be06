"""Why so few places fit: how many offers each criterion alone keeps out, and the smallest change that would bring more.

An offer that one criterion alone keeps out fits when that criterion is dropped, and all others stay as they are. What a
change promises is what its search finds, counted by the same rules.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal, NamedTuple

from hub.search import vacancies, vacancy_rows
from hub.search.vacancies import InReach, first_day_for
from hub.search.vacancy_days import longest, most
from hub.search.vacancy_query import Criterion, Position, VacancyQuery
from hub.search.vacancy_rows import BASED_ON, BITS, CARE_FORM, MISSED, MISSING, STATE
from hub.store.reader import Reader, Row
from hub.store.tables import Projection
from mappings import terminology
from mappings.vacancy import State

__all__ = ["FEW", "Change", "KeptOut", "WhyNot", "why_not"]

FEW = 10
"""Where fewer fit, it is always told."""
_WIDER = (1.3, 2.0, 4.0, math.inf)
_WIDER_FROM_NONE = (2.0, math.inf)
"""Where nothing fits, mostly nothing does a little farther."""
_KM_MOST = 200.0
_HOUR = 3_600_000_000


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


def why_not(
    reader: Reader, projection: Projection, query: VacancyQuery, fitting: Sequence[Position], *, now: int
) -> WhyNot:
    """What keeps offers out of a search in which these fit; the changes that bring most first."""
    told = WhyNot(len(fitting), query.days)
    fit = frozenset(rid for _, _, rid in fitting)
    coming = vacancies.comers(reader, projection, query)
    shape = vacancies.shape_of(projection, query, near_misses=True)
    near_misses = vacancies.in_reach(reader, query, shape, now, coming)
    _criteria(told, reader, projection, query, near_misses, fit, now)
    _days(told, query, near_misses, fit)
    _states(told, reader, projection, query, coming, now)
    _care_forms(told, reader, projection, query, coming, now)
    _farther(told, reader, projection, query, fit, now)
    told.kept_out.sort(key=lambda one: (-one.offers, one.criterion, one.code))
    told.changes.sort(key=lambda one: (-one.total, one.criterion, one.code))
    return told


_CRITERIA = {bit: str(criterion) for criterion, bit in BITS.items()}


@cache
def _needs() -> Mapping[int, str]:
    return {bit: code for code, bit in terminology.bits("need").items()}


_SAID = {"need": 1, Criterion.ROOM: 2, Criterion.LANGUAGE: 3, Criterion.PAYER: 4, Criterion.OWN_SHARE: 5}
"""Where a row of `stated` has what only who states it is found by."""
_NOTHING = (0, "", -1)
_EUROS_MOST = 99_999


def _criteria(
    told: WhyNot,
    reader: Reader,
    projection: Projection,
    query: VacancyQuery,
    reach: InReach,
    fit: frozenset[int],
    now: int,
) -> None:
    if not query.needs and not query.criteria:
        return
    first_day = first_day_for(query)
    kept_out: dict[tuple[int, int], dict[int, list[Row]]] = {}
    for rid, rows in reach.rows.items():
        if rid in fit:
            continue
        by_miss: dict[tuple[int, int], list[Row]] = {}
        for row in rows:
            by_miss.setdefault((row[MISSED], row[MISSING]), []).append(row)
        base = by_miss.pop((0, 0), [])
        for miss, others in by_miss.items():
            with_them = [*base, *others]
            if first_day(with_them) is not None:
                kept_out.setdefault(miss, {})[rid] = with_them
    stated = _stated(reader, projection, kept_out)
    for (missed, missing), offers in kept_out.items():
        criterion, code = _named(missed, missing)
        said = [stated[rid][_SAID[criterion]] for rid in offers] if criterion in _SAID else ()
        told.of(criterion, len(offers), code, unstated=sum(one in _NOTHING for one in said))
        if criterion == Criterion.OWN_SHARE:
            _dearer(told, [cents for cents in said if cents not in _NOTHING], len(offers))
        elif criterion == Criterion.MAX_AGE:
            youngest = min(now - rows[0][BASED_ON] for rows in offers.values())
            hours = math.ceil(youngest / _HOUR)
            within = sum(now - rows[0][BASED_ON] <= hours * _HOUR for rows in offers.values())
            told.would(criterion, f"{hours}h" if hours < 1000 else None, within if hours < 1000 else len(offers))
        elif criterion == Criterion.DISTRICT:
            continue  # To look elsewhere is another search.
        else:
            told.would(criterion, None, len(offers), code)


def _named(missed: int, missing: int) -> tuple[str, str]:
    """What a row misses, and the need where it is one."""
    return (_CRITERIA[missed], "") if missed else ("need", _needs()[missing])


def _stated(
    reader: Reader, projection: Projection, kept_out: Mapping[tuple[int, int], Mapping[int, Sequence[Row]]]
) -> Mapping[int, Row]:
    """What offers say at all, by rid, of those that are kept out by what only who states it is found by."""
    rids = {rid for miss, offers in kept_out.items() if _named(*miss)[0] in _SAID for rid in offers}
    rows = reader.all(vacancy_rows.stated(projection.name), {"rids": list(rids)}) if rids else ()
    return {row[0]: row for row in rows}


def _dearer(told: WhyNot, shares: Sequence[int], offers: int) -> None:
    """The smallest larger own share at which something fits, in whole euros; none at all, where that brings more."""
    euros = math.ceil(min(shares) / 100) if shares else _EUROS_MOST + 1
    within = sum(cents <= euros * 100 for cents in shares) if euros <= _EUROS_MOST else 0
    told.would(Criterion.OWN_SHARE, euros, within)
    if offers > within:
        told.would(Criterion.OWN_SHARE, None, offers)


def _days(told: WhyNot, query: VacancyQuery, reach: InReach, fit: frozenset[int]) -> None:
    """What other days, fewer days and fewer places would bring."""
    start = query.today if query.start is None else query.start
    exact = query.start is not None
    offers = {rid: rows for rid, rows in _met(reach).items() if rid not in fit}
    if exact:
        some_day = first_day_for(replace(query, start=None))
        at_some_time = [rows for rows in offers.values() if some_day(rows) is not None]
        told.of("start", len(at_some_time))
        later = first_day_for(replace(query, start=None, today=start))
        first = min((day for rows in at_some_time if (day := later(rows)) is not None), default=None)
        if first is not None:
            # Of those that fit on the day asked for some may not fit later.
            then = first_day_for(replace(query, start=first))
            total = sum(then(rows) is not None for rows in _met(reach).values())
            if total > told.total:
                told.changes.append(Change("start", first, total, "", query.days))
    if query.days > 1:
        spans = [
            longest(rows, start=start, exact=exact, days=query.days, places=query.places) for rows in offers.values()
        ]
        told.of("duration", sum(span >= 1 for span in spans))
        best = max(spans, default=0)
        told.would("duration", best, sum(span >= best for span in spans) if best else 0)
    if query.places > 1:
        free = [most(rows, start=start, exact=exact, days=query.days, places=query.places) for rows in offers.values()]
        told.of("places", sum(number >= 1 for number in free))
        best = max(free, default=0)
        told.would("places", best, sum(number >= best for number in free) if best else 0)


def _met(reach: InReach) -> Mapping[int, Sequence[Row]]:
    """Of each offer the rows that meet all criteria but for days and places."""
    found = {rid: [row for row in rows if not row[MISSED] and not row[MISSING]] for rid, rows in reach.rows.items()}
    return {rid: rows for rid, rows in found.items() if rows}


def _states(
    told: WhyNot, reader: Reader, projection: Projection, query: VacancyQuery, coming: Sequence[int], now: int
) -> None:
    others = tuple(state for state in State if state not in query.states)
    if not others:
        return
    by_state = _counted(reader, projection, replace(query, states=others), coming, now, STATE)
    for state, offers in sorted(by_state.items()):
        told.of("state", offers, state)
        if state in (State.SOME, State.ASK):
            told.would("state", ",".join((*(one.value for one in query.states), state)), offers, state)


def _care_forms(
    told: WhyNot, reader: Reader, projection: Projection, query: VacancyQuery, coming: Sequence[int], now: int
) -> None:
    others = terminology.codes("care-form") - set(query.care_forms)
    if not others:
        return
    by_form = _counted(reader, projection, replace(query, care_forms=tuple(sorted(others))), coming, now, CARE_FORM)
    told.of("care-form", sum(by_form.values()))
    for form in _alike(query.care_forms) & by_form.keys():
        more = terminology.descendants(form)
        told.would("care-form", form, sum(by_form.get(one, 0) for one in more), form)


def _alike(care_forms: Sequence[str]) -> frozenset[str]:
    """The other forms of the same kind."""
    kinds = {terminology.ancestors(form)[-1] for form in care_forms}
    return frozenset(one for kind in kinds for one in terminology.descendants(kind)) - set(care_forms)


def _farther(
    told: WhyNot, reader: Reader, projection: Projection, query: VacancyQuery, fit: frozenset[int], now: int
) -> None:
    if query.box is not None:
        return
    shape = replace(vacancies.shape_of(projection, query), columns="days")
    first_day = first_day_for(query)
    for times in _WIDER if fit else _WIDER_FROM_NONE:
        farther = math.ceil(min(max(query.kilometres, 1.0) * times, _KM_MOST))
        if farther <= query.kilometres:
            return
        # Nearest first. Who comes to the place does so from however far, and is found already.
        reach = vacancies.in_reach(reader, replace(query, kilometres=farther), shape, now, ())
        beyond = {rid: away for rid, away in reach.kilometres.items() if away > query.kilometres and rid not in fit}
        nearest = next((away for rid, away in beyond.items() if first_day(reach.rows[rid]) is not None), None)
        if nearest is not None:
            rim = math.ceil(nearest)
            within = (rid for rid, away in beyond.items() if away <= rim)
            told.would("distance", rim, sum(first_day(reach.rows[rid]) is not None for rid in within))
            return


def _counted(
    reader: Reader, projection: Projection, query: VacancyQuery, coming: Sequence[int], now: int, column: int
) -> Mapping[str, int]:
    """How many fit, by state or care form."""
    shape = vacancies.shape_of(projection, query)
    found: Counter[str] = Counter()
    if query.counts and State.SOME in query.states:
        first_day = first_day_for(query)
        reach = vacancies.in_reach(reader, query, shape, now, coming)
        return Counter(rows[0][column] for rows in reach.rows.values() if first_day(rows) is not None)
    told = {**vacancy_rows.binds(query, now), "comers": coming}
    by: Literal["state", "care_form"] = "state" if column == STATE else "care_form"
    for arm in (shape, vacancies.of_comers(shape)) if shape.with_areas and coming else (shape,):
        for code, offers in reader.all(vacancy_rows.counted(arm, by, circle=query.box is None), told):
            found[code] += offers
    return found
