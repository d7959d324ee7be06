"""What several sources say of one facility, as one: who belongs together, whose facts and whose statement count.

Pure functions of sets: nothing depends on the order in which sources were heard.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from conformance.spec import CANONICAL
from mappings.identity import Kind, resource_id
from mappings.terminology import ancestors
from mappings.to_fhir import SOURCE, to_fhir
from mappings.vacancy import Facility, Operator, VacancyReport

__all__ = [
    "JOINED",
    "REPLACED",
    "Joined",
    "JoinedOffer",
    "Level",
    "Pair",
    "Teller",
    "Told",
    "joined",
    "joined_id",
    "joined_key",
    "joined_offers",
    "joined_resources",
    "partition",
]

Resource = dict[str, Any]
Pair = tuple[str, str]
"""Two facilities by id, the smaller first."""

JOINED = "+"
"""Stands in the place of a source in ids of what was joined: no source can be called so."""
REPLACED = f"{CANONICAL}/sid/replaced"
"""The identifier system of ids that a source's own resource has while a joined one stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Pairs of one certainty, and who may not be joined by them."""

    pairs: Collection[Pair]
    apart: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Teller:
    """A facility as one source tells of it: in order of rank (1 is best), then of names, so that the order stands."""

    rank: int
    source: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A statement that competes: between sources of one rank the greater `order` wins, `expired` yields to all others.

    `offer` is the id of the source's own HealthcareService.
    """

    teller: Teller
    offer: str
    report: VacancyReport
    order: tuple[int, int]
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedOffer:
    """One offer of a joined facility: its key there, the statement that counts, and all that compete for it."""

    key: str
    winner: Told
    rivals: tuple[Told, ...]
    pool: str = ""
    """One name for the places that offers share, where any of their sources says that they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Facilities of several sources as one; its operator is the leading source's, by that source's id."""

    anchor: str
    facility: Facility
    operator: tuple[str, Operator] | None
    tellers: tuple[Teller, ...]


def partition(nodes: Collection[str], levels: Sequence[Level]) -> list[frozenset[str]]:
    """The sets of facilities that are one, by pairs of falling certainty; who belongs to nobody is a set of its own.

    What is paired grows together, level by level. Where that would join two that are apart, the level joins none of all
    that hang together there: which of the two a third belongs to would be a guess. What an earlier level joined stays.
    """
    parts = {node: frozenset((node,)) for node in nodes}
    for level in levels:
        for whole in _grown(parts, level.pairs):
            members = sorted(whole)
            torn = any(
                parts[one] != parts[other] and level.apart(one, other)
                for place, one in enumerate(members)
                for other in members[place + 1 :]
            )
            if not torn:
                parts.update(dict.fromkeys(members, whole))
    return sorted(set(parts.values()), key=min)


def _grown(parts: Mapping[str, frozenset[str]], pairs: Iterable[Pair]) -> set[frozenset[str]]:
    """The parts that pairs tie together, as wholes."""
    wholes = dict(parts)
    for one, other in pairs:
        if wholes[one] != wholes[other]:
            both = wholes[one] | wholes[other]
            wholes.update(dict.fromkeys(both, both))
    return {whole for node, whole in wholes.items() if whole != parts[node]}


def joined_id(members: Iterable[str], kind: Kind = "Organization/facility") -> str:
    """The id of a joined facility: its smallest member's stands for the set, so the same set has the same id again."""
    return resource_id(JOINED, kind, min(members))


def joined(members: Mapping[str, tuple[Teller, Facility]]) -> Joined:
    """Members by id as one facility: what the best ranked source says, and from the next what that one leaves out.

    Not what was said last: names and streets that two sources spell differently would change with every report.
    """
    anchor = min(members)
    ordered = sorted(members.values(), key=lambda one: one[0])
    facilities = [facility for _, facility in ordered]
    first = facilities[0]
    addressed = next((one for one in facilities if one.address.postal_code and one.address.street), first)
    placed = addressed if addressed.position else next((one for one in facilities if one.position), first)
    return Joined(
        anchor=anchor,
        facility=Facility(
            key=anchor,
            name=first.name,
            iks=tuple(sorted({ik for one in facilities for ik in one.iks})),
            telematik_id=next((one.telematik_id for one in facilities if one.telematik_id), ""),
            address=addressed.address,
            position=placed.position,
            contacts=next((one.contacts for one in facilities if one.contacts), ()),
        ),
        operator=next(
            ((teller.source, one.operator) for teller, one in ordered if one.operator is not None),
            None,
        ),
        tellers=tuple(teller for teller, _ in ordered),
    )


def joined_offers(told: Collection[Told]) -> list[JoinedOffer]:
    """The offers of a joined facility, each with the statement that counts; every place is in one of them only.

    Statements compete where their care forms are the same or one includes the other. Sources that call an offer by the
    same key speak of the same offer; of sources that divide a care form differently, one speaks for it alone.
    """
    forms = {one.report.offer.care_form for one in told}
    by_form: dict[str, list[Told]] = {}
    for one in told:
        root = [form for form in ancestors(one.report.offer.care_form) if form in forms][-1]
        by_form.setdefault(root, []).append(one)
    return _pooled([offer for root in sorted(by_form) for offer in _of_form(root, by_form[root])])


def _pooled(offers: Sequence[JoinedOffer]) -> list[JoinedOffer]:
    """Sources name pools as they like: offers that one of them puts into one pool are in one, whoever wins each."""
    named = [{(one.teller, one.report.offer.pool) for one in offer.rivals if one.report.offer.pool} for offer in offers]
    pools: list[set[tuple[Teller, str]]] = []
    for names in named:
        if names:
            together = [pool for pool in pools if pool & names]
            pools = [pool for pool in pools if not pool & names] + [names.union(*together)]
    return [
        replace(offer, pool=min(next(pool for pool in pools if pool & names))[1]) if names else offer
        for offer, names in zip(offers, named, strict=True)
    ]


def _of_form(root: str, told: Sequence[Told]) -> list[JoinedOffer]:
    keys: dict[Teller, set[str]] = {}
    for one in told:
        keys.setdefault(one.teller, set()).add(one.report.offer.key)
    best = min(told, key=_standing)
    speaking = {best.teller}
    while grown := {
        teller
        for teller, own in keys.items()
        if teller not in speaking and any(own & keys[other] for other in speaking)
    }:
        speaking |= grown
    if all(len(own) == 1 for own in keys.values()):
        return [JoinedOffer(key=root, winner=best, rivals=tuple(sorted(told, key=_standing)))]
    by_key: dict[str, list[Told]] = {}
    for one in told:
        if one.teller in speaking:
            by_key.setdefault(one.report.offer.key, []).append(one)
    return [
        JoinedOffer(
            key=f"{root}\n{key}", winner=min(rivals, key=_standing), rivals=tuple(sorted(rivals, key=_standing))
        )
        for key, rivals in sorted(by_key.items())
    ]


def _standing(told: Told) -> tuple[bool, int, int, int, str, str, str]:
    """Smaller is better: what is not expired, rank, what is newer, and names, so that nothing is left to chance."""
    at, sequence = told.order
    return told.expired, told.teller.rank, -at, -sequence, told.teller.source, told.teller.key, told.offer


def joined_resources(
    of: Joined, offer: JoinedOffer, report: VacancyReport, *, at: datetime, care_forms: Collection[str]
) -> list[Resource]:
    """What `to_fhir` makes of a report of a joined offer, under the joined facility's ids.

    `report` is the winner's as it is to be shown. The identifiers are those of all sources; ids of the resources that
    these stand for are identifiers of the system `REPLACED`, use `old`. Who said it last stands in `meta.source`.
    """
    shown = replace(report, facility=of.facility, offer=replace(report.offer, key=joined_key(of, offer)))
    made = []
    for resource in to_fhir(shown, source=JOINED, at=at, care_forms=care_forms):
        kind = resource["resourceType"]
        of_facility = kind in ("Organization", "Location")
        source = of.tellers[0].source if of_facility else offer.winner.teller.source
        resource = {**resource, "meta": {"source": f"{SOURCE}{source}"}}
        if of_facility:
            own = resource["identifier"][1:]
            tellers = sorted({(one.source, one.key) for one in of.tellers})
            named: Kind = "Organization/facility" if kind == "Organization" else "Location"
            resource["identifier"] = [*_identifiers(tellers), *own, *_replaced(tellers, named)]
        elif kind in ("HealthcareService", "Schedule"):
            told = sorted({(one.teller.source, one.report.offer.key) for one in offer.rivals})
            resource["identifier"] = [*_identifiers(told), *_replaced(told, kind)]
        if kind == "Organization" and of.operator is not None:
            operator = resource_id(of.operator[0], "Organization/operator", of.operator[1].key)
            resource["partOf"] = {"reference": f"Organization/{operator}"}
        made.append(resource)
    return made


def joined_key(of: Joined, offer: JoinedOffer) -> str:
    """What an offer of a joined facility is called by, among all that is joined."""
    return f"{of.anchor}\n{offer.key}"


def _identifiers(told: Iterable[tuple[str, str]]) -> list[Resource]:
    return [{"system": f"{SOURCE}{source}", "value": key} for source, key in told]


def _replaced(told: Iterable[tuple[str, str]], kind: Kind) -> list[Resource]:
    return [{"use": "old", "system": REPLACED, "value": resource_id(source, kind, key)} for source, key in told]
