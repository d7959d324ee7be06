"""Places that several offers draw on are counted once, and the newest word of one offer holds for the others
(eingestreute Kurzzeitpflege lives in the places of the Dauerpflege).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from mappings.vacancy import Block, BlockStatus, State, VacancyReport

__all__ = ["Totals", "bound", "bounded", "bounds", "totals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Places of many offers, a pool counted once; `unknown` offers say no number and are in none."""

    offers: int = 0
    pools: int = 0
    licensed: int = 0
    operable: int = 0
    occupied: int = 0
    held: int = 0
    accepting: int = 0
    waiting: int = 0
    unknown: int = 0
    """Offers, or pools, of which nobody says how many places are free."""


def totals(reports: Iterable[VacancyReport]) -> Totals:
    """Add up the newest report of each offer; those of one facility that name the same pool count as one.

    Of a pool every number is the greatest that one of its offers states: each speaks of the same places. Who waits,
    waits for an offer, so those add up. Facilities must not repeat: what is one (`mappings/joining.py`) comes once.
    """
    pools: dict[tuple[str, str], list[VacancyReport]] = {}
    offers = shared = 0
    for ordinal, report in enumerate(reports):
        offers += 1
        own = report.offer.pool
        pools.setdefault((report.facility.key, own) if own else ("", str(ordinal)), []).append(report)
    said = dict.fromkeys(("licensed", "operable", "occupied", "held", "accepting", "waiting"), 0)
    unknown = 0
    for members in pools.values():
        shared += bool(members[0].offer.pool)
        counts = [member.counts for member in members]
        for name in ("licensed", "operable", "occupied", "held"):
            said[name] += max((getattr(one, name) or 0 for one in counts), default=0)
        accepting = [free for member in members if (free := _accepting(member)) is not None]
        said["accepting"] += max(accepting, default=0)
        unknown += not accepting
        said["waiting"] += sum(one.waiting or 0 for one in counts)
    return Totals(offers=offers, pools=shared, unknown=unknown, **said)


def bound(newer: VacancyReport) -> int | None:
    """How many places a report leaves for the other offers of its pool; None where it says nothing of them.

    An offer whose own places are all accounted for speaks of its own licence and not of the pool: four eingestreute
    places that are all free, or all taken, do not say that the home has no more.
    """
    accepting = _accepting(newer)
    counts = newer.counts
    own = counts.operable if counts.operable is not None else counts.licensed
    if accepting is not None and own is not None and accepting + (counts.occupied or 0) + (counts.held or 0) >= own:
        return None
    return None if accepting is None else max(accepting, 0)


def bounded(report: VacancyReport, most: int | None) -> VacancyReport:
    """The report with no more accepting places than `most`: it is never given more, and says so as of its own moment.

    Of its free blocks the earliest stay; where none is left, the state is `none`. What says no number stays as it is.
    """
    accepting = _accepting(report)
    if most is None or accepting is None or accepting <= most:
        return report
    left = most
    kept: dict[int, int] = {}
    free = [(block.start or date.min, place) for place, block in enumerate(report.blocks) if _is_free(block)]
    for _, place in sorted(free):
        kept[place] = min(report.blocks[place].count, left)
        left -= kept[place]
    blocks = tuple(
        replace(block, count=kept[place]) if place in kept else block
        for place, block in enumerate(report.blocks)
        if kept.get(place, 1) > 0
    )
    return replace(
        report,
        counts=replace(report.counts, accepting=most),
        blocks=blocks,
        state=State.SOME if most > 0 else State.NONE,
    )


def _accepting(report: VacancyReport) -> int | None:
    """How many it takes: its number, else the sum of its free blocks; `none` is 0, `ask` and `unknown` no number."""
    if report.state is State.NONE:
        return 0
    if report.state is not State.SOME:
        return None
    if report.counts.accepting is not None:
        return report.counts.accepting
    return sum(block.count for block in report.blocks if _is_free(block)) or None


def _is_free(block: Block) -> bool:
    return block.status is BlockStatus.FREE and block.count > 0


def bounds(told: Iterable[tuple[str, int, VacancyReport]]) -> dict[str, int]:
    """(offer, moment, report) of one facility → how many places offers have at most, by a newer word of their pool.

    Of several newer ones the newest that says something counts; what was said at the same moment was known to whoever
    said it, and bounds nothing. A function of the set: whichever report came first.
    """
    pools: dict[str, list[tuple[str, int, VacancyReport]]] = {}
    for one in told:
        if one[2].offer.pool:
            pools.setdefault(one[2].offer.pool, []).append(one)
    found: dict[str, int] = {}
    for members in pools.values():
        newest_first = sorted(
            ((at, most) for _, at, report in members if (most := bound(report)) is not None),
            key=lambda one: (-one[0], one[1]),
        )
        for offer, at, _ in members:
            newer = next((most for moment, most in newest_first if moment > at), None)
            if newer is not None:
                found[offer] = newer
    return found
