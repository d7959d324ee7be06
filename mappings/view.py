"""The two views of a vacancy report: what professionals see, and what of it everybody may see.

In a home of 20 beds a place that opens is often a death, so the public learns neither exact numbers of free places nor
which places are held or closed (data minimisation, https://eur-lex.europa.eu/eli/reg/2016/679/oj art. 5(1)(c)).
"""

from collections import Counter
from dataclasses import replace
from datetime import date
from enum import StrEnum

from mappings.vacancy import Block, BlockStatus, Contact, Counts, Facility, Offer, State, VacancyReport

__all__ = ["View", "effective", "expired", "public_facility", "seen"]


class View(StrEnum):
    """Who looks: everybody, or who has signed in as a professional."""

    PUBLIC = "public"
    PROFESSIONAL = "professional"


def seen(report: VacancyReport, view: View, *, at_least: int = 2) -> VacancyReport:
    """The report as the view shows it; in the public one a number of `at_least` means that many or more.

    The public view keeps the licensed places as they are, and of the others only those accepting and the waiting list,
    coarsened; it leaves out held and closed blocks, internal contacts, the pool and who made the statement by hand, and
    shows the earliest free places alone, `at_least` in all, because their sum would tell what the coarsened number
    hides. `coarsened` is true where a number may mean more. Where nothing had to go it is the same object.
    """
    if view is View.PROFESSIONAL:
        return report
    blocks = _public_blocks(report.blocks, at_least)
    accepting = _coarsened(report.counts.accepting, at_least)
    waiting = _coarsened(report.counts.waiting, at_least)
    state = State.NONE if report.state is State.SOME and accepting == 0 and not blocks else report.state
    licensed = report.counts.licensed
    shown = VacancyReport(
        facility=public_facility(report.facility),
        offer=_public_offer(report.offer),
        valid_at=report.valid_at,
        sequence=report.sequence,
        state=state,
        counts=Counts(licensed=licensed, accepting=accepting, waiting=waiting),
        blocks=blocks,
        estimated=report.estimated,
        coarsened=at_least in (accepting, waiting, sum(block.count for block in blocks)),
        source_kind=report.source_kind,
    )
    return report if shown == report else shown


def public_facility(facility: Facility) -> Facility:
    """What everybody may see of a facility."""
    contacts = _public_contacts(facility.contacts)
    return facility if contacts is facility.contacts else replace(facility, contacts=contacts)


def _public_offer(offer: Offer) -> Offer:
    contacts = _public_contacts(offer.contacts)
    return offer if contacts is offer.contacts and not offer.pool else replace(offer, contacts=contacts, pool="")


def expired(report: VacancyReport) -> VacancyReport:
    """What is left of a statement that nobody has said again for too long: unknown, never a number."""
    return replace(report, state=State.UNKNOWN, counts=Counts(), blocks=(), estimated=False, reported_by=None)


def effective(report: VacancyReport) -> VacancyReport:
    """The report with numbers that say what its state says, for formats whose readers look at numbers alone.

    Of `none` and `unknown` no place is free, whatever number stands beside it. Of the others no more are listed than
    are said to be free, the earliest first; where none is, and some are listed all the same, those count.
    """
    free = [block for block in report.blocks if block.status is BlockStatus.FREE and block.count > 0]
    listed, accepting, state = sum(block.count for block in free), report.counts.accepting, report.state
    if state is State.NONE:
        accepting = None if accepting is None else min(accepting, 0)
    elif state is State.UNKNOWN:
        accepting = None
    elif listed and (accepting is None or (accepting <= 0 and state is State.SOME)):
        accepting = listed
    elif accepting is not None and accepting <= 0 and state is State.SOME:
        state = State.NONE
    kept, left = [], max(accepting or 0, 0)
    for block in sorted(free, key=_earliest_first):
        if left:
            kept.append(replace(block, count=min(block.count, left)))
            left -= kept[-1].count
    shown = free if sum(block.count for block in kept) == listed else kept
    others = (block for block in report.blocks if block.status is not BlockStatus.FREE)
    return replace(report, state=state, counts=replace(report.counts, accepting=accepting), blocks=(*shown, *others))


def _coarsened(count: int | None, at_least: int) -> int | None:
    return None if count is None else max(0, min(count, at_least))


def _public_contacts(contacts: tuple[Contact, ...]) -> tuple[Contact, ...]:
    shown = tuple(contact for contact in contacts if not contact.internal)
    return contacts if len(shown) == len(contacts) else shown


def _public_blocks(blocks: tuple[Block, ...], at_least: int) -> tuple[Block, ...]:
    free = [block for block in blocks if block.status is BlockStatus.FREE and block.count > 0]
    if len(free) < 2 and at_least:
        return tuple(block if block.count <= at_least else replace(block, count=at_least) for block in free)
    counts: Counter[Block] = Counter()
    for block in free:
        counts[replace(block, count=0)] += block.count
    shown = []
    left = at_least
    for alike in sorted(counts, key=_earliest_first):
        if left:
            shown.append(replace(alike, count=min(counts[alike], left)))
            left -= shown[-1].count
    return tuple(shown)


def _earliest_first(block: Block) -> tuple[date | str | tuple[str, ...], ...]:
    # The rest only keeps the choice from depending on the order in which the blocks were told.
    return block.start or date.min, block.room or "", block.sex or "", block.end or date.max, block.needs
