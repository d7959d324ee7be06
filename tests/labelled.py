"""An invented, labelled set: the same homes as three sources write them, and what makes that hard.

Of every facility the truth is known: spelling, telephone formats and missing numbers vary between sources, some homes
moved and one source does not know, some share a house, chains share one IK, one name or one hotline.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from random import Random

from hub.demo.region import region
from mappings.identity import resource_id
from mappings.joining import Level, Pair, partition
from mappings.likeness import COMMON_KEY, Facts, Likeness, Verdict, contradict, facts_of, likeness, match_keys
from mappings.vacancy import Contact, Facility, Position

__all__ = ["Figures", "Labelled", "evaluated", "labelled", "recognised"]

SOURCES = ("amtlich", "export", "portal")
_KINDS = {"Seniorenzentrum": "SZ", "Altenzentrum": "AZ", "Seniorenresidenz": "Residenz", "Pflegezentrum": "Pflegeheim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A facility as one source writes it, and which one it is in truth."""

    truth: str
    source: str
    facility: Facility

    @property
    def id(self) -> str:
        return resource_id(self.source, "Organization/facility", self.facility.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Pairs of facilities of two sources."""

    true: int
    joined: int
    joined_rightly: int
    proposed: int
    proposed_rightly: int

    @property
    def precision(self) -> float:
        return self.joined_rightly / self.joined

    @property
    def recall(self) -> float:
        return self.joined_rightly / self.true

    @property
    def proposal_precision(self) -> float:
        return self.proposed_rightly / self.proposed

    @property
    def proposal_recall(self) -> float:
        """Of the true pairs that were not joined, how many are on the list."""
        return self.proposed_rightly / (self.true - self.joined_rightly)


def labelled(*, seed: int, size: int) -> list[Labelled]:
    """The demo's region, `size` providers and those that make it hard, each as one to three sources write it."""
    rng = Random(f"labelled {seed}")
    providers = region(seed=seed, size=size, as_of=datetime(2026, 11, 22, 9, tzinfo=UTC)).providers
    truths = [replace(one.facility, telematik_id="") for one in providers]
    return [
        Labelled(truth=truth.key, source=source, facility=written)
        for truth in _made_hard(rng, truths)
        for source, written in _as_written(rng, truth)
    ]


def _made_hard(rng: Random, truths: list[Facility]) -> Iterator[Facility]:
    hotlines = (Contact(system="phone", value="0800 555-1000"), Contact(system="phone", value="0441 555-1000"))
    for place, truth in enumerate(truths):
        if not truth.iks:
            yield truth
        elif place % 25 == 7:
            # Two homes of one operator in one house, under one IK and one telephone.
            yield replace(truth, key=f"{truth.key}-N", name=f"{truth.name} Haus Nord")
            yield replace(truth, key=f"{truth.key}-S", name=f"{truth.name} Haus Süd")
        elif place % 25 == 11:
            # A home, and the same operator's care service in its house.
            yield truth
            word = truth.name.split()[1]
            yield replace(
                truth,
                key=f"{truth.key}-D",
                name=f"Pflegedienst {word}",
                iks=(f"{'50' if truth.iks[0][:2] == '46' else '46'}{truth.iks[0][2:]}",),
            )
        elif place % 25 in (15, 16, 17):
            # A chain: one IK, one name, one telephone, many sites.
            first = next(one for one in truths[place - place % 25 + 15 :] if one.iks)
            town = truth.address.city
            name = f"Seniorenresidenz Morgenrot {town}"
            yield replace(truth, name=name, iks=first.iks, contacts=(hotlines[place // 25 % 2],))
        elif place % 25 == 19:
            # Namesakes in one town.
            yield truth
            other = truths[place - 1]
            yield replace(
                truth,
                key=f"{truth.key}-B",
                iks=(f"51{truth.iks[0][2:8]}0",),
                address=replace(truth.address, street="Ostring", house_number="77"),
                contacts=other.contacts[:0],
                position=Position(52.9, 8.1),
            )
        else:
            yield truth


def _as_written(rng: Random, truth: Facility) -> Iterator[tuple[str, Facility]]:
    telematik = f"9-2.245.{truth.key}"
    moved = rng.random() < 0.04
    for source in SOURCES:
        if rng.random() < 0.08:
            continue  # not every source knows everybody
        has_ik, has_telematik = {"amtlich": (1.0, 0.0), "export": (0.85, 0.45), "portal": (0.5, 0.45)}[source]
        written = replace(
            truth,
            key=f"{source}/{truth.key}",
            name=_name(rng, truth, source),
            iks=truth.iks if rng.random() < has_ik else (),
            telematik_id=telematik if rng.random() < has_telematik else "",
            contacts=tuple(_phone(rng, source, one) for one in truth.contacts if one.system == "phone"),
            position=_position(rng, source, truth.position),
        )
        written = _address(rng, source, written)
        if moved and source == "portal":
            old = replace(truth.address, street="Alte Poststraße", house_number="12")
            written = replace(written, address=old, position=None)
        yield source, written


def _name(rng: Random, truth: Facility, source: str) -> str:
    name = truth.name
    if source == "amtlich":
        return name
    if rng.random() < 0.35:
        name = name.replace(f" {truth.address.city}", "")
    if rng.random() < 0.3:
        for long, short in _KINDS.items():
            name = name.replace(long, short)
    if rng.random() < 0.25:
        name = f"{name} {rng.choice(('gGmbH', 'GmbH', 'e. V.'))}"
    if rng.random() < 0.15:
        name = name.upper()
    if rng.random() < 0.1:
        name = _misspelt(rng, name)
    return name


def _misspelt(rng: Random, name: str) -> str:
    place = rng.randrange(1, len(name) - 1)
    return name[:place] + rng.choice((name[place] * 2, "")) + name[place + 1 :]


def _phone(rng: Random, source: str, contact: Contact) -> Contact:
    digits = contact.value
    if source == "export":
        digits = f"+49 {digits[1:]}".replace("-", "")
    elif source == "portal":
        digits = digits.replace(" ", "/").replace("-", " - ")
        if rng.random() < 0.1:
            digits = digits[:-1] + "9"
    return replace(contact, value=digits)


def _position(rng: Random, source: str, position: Position | None) -> Position | None:
    if source == "portal" or position is None or rng.random() < 0.2:
        return None
    return Position(position.latitude + rng.gauss(0, 0.0004), position.longitude + rng.gauss(0, 0.0006))


def _address(rng: Random, source: str, facility: Facility) -> Facility:
    address = facility.address
    street, number = address.street, address.house_number
    if source == "export":
        street = street.replace("straße", "str.").replace("Straße", "Str.")
        if rng.random() < 0.5:
            street, number = f"{street} {number}", ""
    elif source == "portal":
        street = street.upper().replace("ß", "SS") if rng.random() < 0.3 else street.replace(" ", "-")
        number = number.replace("a", " A").replace("b", " B")
        if rng.random() < 0.05:
            number = ""
    return replace(facility, address=replace(address, street=street, house_number=number))


def recognised(told: list[Labelled]) -> tuple[list[frozenset[str]], dict[Pair, Likeness]]:
    """Who is joined, and every pair that is not nothing: all of them at once, as the hub does one by one."""
    facts = {one.id: facts_of(one.facility) for one in told}
    source = {one.id: one.source for one in told}
    blocks: dict[str, list[str]] = {}
    for facility, own in facts.items():
        for key in match_keys(own):
            blocks.setdefault(key, []).append(facility)
    pairs: dict[Pair, Likeness] = {}
    for block in blocks.values():
        for one, other in combinations(sorted(block), 2) if len(block) <= COMMON_KEY else ():
            if source[one] != source[other] and (one, other) not in pairs:
                told_alike = likeness(facts[one], facts[other])
                if told_alike.verdict is not Verdict.DIFFERENT:
                    pairs[one, other] = told_alike

    def apart(one: str, other: str) -> bool:
        return source[one] == source[other] or contradict(facts[one], facts[other])

    same = {
        pair: _certain(facts[pair[0]], facts[pair[1]]) for pair, one in pairs.items() if one.verdict is Verdict.SAME
    }
    levels = [
        Level(pairs=[pair for pair, sure in same.items() if sure is wanted], apart=apart) for wanted in (True, False)
    ]
    return partition(sorted(facts), levels), pairs


def _certain(one: Facts, other: Facts) -> bool:
    return bool(one.telematik_id) and one.telematik_id == other.telematik_id


def evaluated(told: list[Labelled]) -> Figures:
    """What was joined and proposed, held against the truth."""
    parts, pairs = recognised(told)
    truth = {one.id: one.truth for one in told}
    by_truth: dict[str, list[str]] = {}
    for one in told:
        by_truth.setdefault(one.truth, []).append(one.id)
    joined = [pair for part in parts for pair in combinations(sorted(part), 2)]
    together = set(joined)
    # Who is joined with one of a source is not proposed to another of it.
    sources = {one.id: one.source for one in told}
    with_it = {one: {sources[member] for member in part} for part in parts for one in part}
    proposed = [pair for pair in pairs if pair not in together and not with_it[pair[0]] & with_it[pair[1]]]
    return Figures(
        true=sum(len(own) * (len(own) - 1) // 2 for own in by_truth.values()),
        joined=len(joined),
        joined_rightly=sum(truth[one] == truth[other] for one, other in joined),
        proposed=len(proposed),
        proposed_rightly=sum(truth[one] == truth[other] for one, other in proposed),
    )
