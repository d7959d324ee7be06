"""Codes of a vacancy as numbers: what ingest writes to the search's tables, and search asks for."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from mappings import terminology
from mappings.vacancy import Room, Sex

__all__ = ["ROOMS", "SEXES", "language_list", "mask", "operator_number"]

ROOMS: Mapping[str, int] = MappingProxyType({room.value: 1 << bit for bit, room in enumerate(Room)})
SEXES: Mapping[str, int] = MappingProxyType({sex.value: 1 << bit for bit, sex in enumerate(Sex)})


def mask(system: str, codes: Iterable[str]) -> int:
    """The set of codes of one of our CodeSystems as a bit mask."""
    bits = terminology.bits(system)
    found = 0
    for code in codes:
        found |= bits[code]
    return found


@lru_cache(maxsize=10_000)
def operator_number(name: str) -> int:
    """A number for the legal body of a name, the same whichever source names it; 0 for none."""
    folded = " ".join(name.split()).casefold()
    return int.from_bytes(hashlib.sha256(folded.encode()).digest()[:8]) >> 1 if folded else 0


def language_list(languages: Iterable[str]) -> str:
    """Languages of BCP 47 as one text in which each stands between commas; blank for none."""
    told = ",".join(sorted({one.partition("-")[0].lower() for one in languages}))
    return f",{told}," if told else ""
