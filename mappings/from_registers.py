"""What other registers' formats say of places in several ways at once: the conversions by which the maps `have`, `hsds`
and `isik-betten` in `mappings/sources/` read them (EDXL-HAVE 2.0:
http://docs.oasis-open.org/emergency/edxl-have/v2.0/; HSDS 3.1: https://docs.openreferral.org/; HL7 table 0116:
https://terminology.hl7.org/CodeSystem-v2-0116.html).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from mappings import terminology
from mappings.census import Beds
from mappings.census_event import BedStatus
from mappings.conversions import Unreadable, codes, count, text, yes_no
from mappings.reader import is_blank
from mappings.to_fhir import OPS_CARE_GRADES
from mappings.vacancy import ZONE, Block, Counts, State

__all__ = ["CONVERSIONS"]

_CARE_GRADES = {code: grade for grade, code in OPS_CARE_GRADES.items()}
_LATER = re.compile(r"([0-9]{1,6}) from ([0-9]{4}-[0-9]{2}-[0-9]{2}\S*)")
_NOT_IN_USE = frozenset({"inactive", "defunct", "temporarily closed"})


def have_state(nodes: Any) -> State | None:
    """The state from `[isAvailable, availability, colourStatus, availableCount, later]`; nothing where the number says.

    A service that is not available, inactive or full has no places, whatever else is said, unless it will have some.
    Else the number goes before the availability, and that before the colour, which tells of the service and not of its
    beds.
    """
    available, availability, colour, number, later = _parts(nodes, 5)
    stated = None if is_blank(availability) else _state("have-availability", availability)
    shown = None if is_blank(colour) else _state("have-colour", colour)
    if not is_blank(available) and not yes_no(available):
        return State.NONE
    sooner_or_later = free_now_and_later([number, later])
    if stated is State.NONE and (is_blank(later) or not sooner_or_later):
        return State.NONE
    return stated or shown if sooner_or_later is None else None


def free_now_and_later(nodes: Any) -> int | None:
    """The places that can be taken, today or later, from `[number, later]`: the number of today, and how many there
    will be from which days on (`2 from 2026-12-11; 3 from 2027-01-01`)."""
    number, later = _parts(nodes, 2)
    return None if is_blank(number) else count(number) + sum(_places_later(number, later).values())


def blocks_now_and_later(nodes: Any) -> tuple[Block, ...]:
    """The same places as blocks, each from its day on."""
    number, later = _parts(nodes, 2)
    if is_blank(number):
        return ()
    now = count(number)
    today = (Block(count=now),) if now > 0 else ()
    return (*today, *(Block(count=added, start=start) for start, added in _places_later(number, later).items()))


def _places_later(number: Any, later: Any) -> dict[date, int]:
    """How many places more there are from which days on; what there are fewer of is nothing that could be taken."""
    if is_blank(later) or is_blank(number):
        return {}
    found: list[tuple[date, int]] = []
    for told in text(later).split(";"):
        match = _LATER.fullmatch(told.strip())
        if match is None:
            raise _no_later()
        found.append((_day(match[2]), int(match[1])))
    most, more = max(count(number), 0), {}
    for start, there in sorted(found):
        if there > most:
            more[start] = there - most
            most = there
    return more


def _day(told: str) -> date:
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise _no_later() from None
    return moment.date() if moment.tzinfo is None else moment.astimezone(ZONE).date()


def _no_later() -> Unreadable:
    return Unreadable("Zahlen und Tage wie „2 from 2026-12-11“", "numbers and days like '2 from 2026-12-11'")


def hsds_state(nodes: Any) -> State | None:
    """The state from `[state, status]`: a service that is not active has no places, whatever else is said."""
    stated, status = _parts(nodes, 2)
    if not is_blank(status):
        known = ["active", *sorted(_NOT_IN_USE)]
        if status not in known:
            raise _one_of(known)
        if status in _NOT_IN_USE:
            return State.NONE
    if is_blank(stated):
        return None
    states = sorted(State)
    if stated not in states:
        raise _one_of(states)
    return State(stated)


def ops_care_grades(value: Any) -> tuple[int, ...]:
    """Care grades (Pflegegrade) as codes of the OPS."""
    try:
        found = codes(value)
    except Unreadable:
        raise _one_of(_CARE_GRADES) from None
    if not _CARE_GRADES.keys() >= set(found):
        raise _one_of(_CARE_GRADES)
    return tuple(sorted({_CARE_GRADES[code] for code in found}))


def bed_counts(value: Any) -> Counts:
    """The numbers that come of the beds of a ward, a list with the code of each in HL7's table 0116, or `unknown`.

    Only `U` is free: a bed that is cleaned, contaminated or isolated is neither free nor occupied, one that is closed
    cannot be operated (`mappings.census.Beds.counts`).
    """
    known = {status.value or "unknown": status for status in BedStatus}
    if not isinstance(value, list) or not all(isinstance(code, str) and code in known for code in value):
        raise _one_of(sorted(known))
    return Beds(statuses={str(number): known[code] for number, code in enumerate(value)}).counts


def _state(table: str, code: Any) -> State | None:
    try:
        found = terminology.translate(table, text(code)).codes
    except (KeyError, Unreadable):
        raise _one_of(terminology.known(table)) from None
    return State(found[0]) if found else None


def _one_of(known: Iterable[str]) -> Unreadable:
    expected = ", ".join(known)
    return Unreadable(f"eines von: {expected}", f"one of: {expected}")


def _parts(nodes: Any, number: int) -> list[Any]:
    if not isinstance(nodes, list) or len(nodes) != number:
        raise Unreadable(f"{number} Werte", f"{number} values")
    return nodes


_ALL = (bed_counts, blocks_now_and_later, free_now_and_later, have_state, hsds_state, ops_care_grades)
CONVERSIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType({function.__name__: function for function in _ALL})
"""The conversions by the name that the maps call them."""
