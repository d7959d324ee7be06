"""The districts that a demo region covers, and how many providers stand in each.

Weser-Ems comes first and has 1,400 providers; a larger region takes in the districts around it, nearest first, until
32,000 providers cover Germany; a smaller one thins Weser-Ems out. On average 80 providers stand in a district.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from mappings import gazetteer
from mappings.gazetteer import Place
from mappings.vacancy import Position

__all__ = ["GERMANY", "WESER_EMS", "WESER_EMS_SIZE", "District", "apportioned", "districts", "kilometres"]

WESER_EMS = (
    *("03401", "03402", "03403", "03404", "03405"),
    *("03451", "03452", "03453", "03454", "03455", "03456", "03457", "03458", "03459", "03460", "03461", "03462"),
)
"""The keys (AGS) of the five cities and twelve Landkreise."""

WESER_EMS_SIZE = 1_400
GERMANY = 32_000

# The gazetteer also knows postal codes of single large recipients, by their names (companies, authorities, even
# people). Only what is built like the name of a settlement is one.
_SETTLEMENT = re.compile(
    r"(?:Bad |Groß |Klein |Hohen |Alt |Neu )?[A-ZÄÖÜ][a-zäöüß]{2,}(?:-[A-ZÄÖÜ][a-zäöüß]+)?"
    r"(?: (?:am|an der|auf|bei|im|in der|ob der|vor der) [A-ZÄÖÜ][a-zäöüß]+)?(?: \([A-ZÄÖÜ][a-zäöüß]+\.?\))?"
)
_NO_SETTLEMENT = re.compile(
    r"amt\b|anzeiger|anstalt|bank\b|behörde|betrieb|büro|druck|gericht|genossenschaft|gesellschaft|hochschule|institut"
    r"|kasse\b|kirche\b|klinik|krankenhaus|logistik|ministerium|präsidium|regierung|telekom|verband|verlag|verein\b"
    r"|versand|versicherung|verwaltung|vorstand|werke?\b|zeitung|zentrale|zentrum",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """A Landkreis or a city of that rank; `places` are its settlements by postal code, `size` its providers."""

    ags: str
    name: str
    places: tuple[Place, ...]
    size: int

    @property
    def city(self) -> bool:
        """Whether the district is one municipality, whose key is then known."""
        return len({place.name for place in self.places}) == 1 and not self.name.startswith(("Landkreis", "Kreis"))


def kilometres(one: Position, other: Position) -> float:
    """The distance between two points, good enough to tell near from far."""
    north = one.latitude - other.latitude
    east = (one.longitude - other.longitude) * math.cos(math.radians((one.latitude + other.latitude) / 2))
    return 111.2 * math.hypot(north, east)


def apportioned(total: int, weights: tuple[float, ...]) -> tuple[int, ...]:
    """Whole numbers in the ratio of the weights that add up to the total (largest remainders)."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    counts = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: (counts[index] - exact[index], index))
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return tuple(counts)


def districts(size: int) -> tuple[District, ...]:
    """The districts of a region of so many providers, Weser-Ems first, then outwards; ValueError for an odd size."""
    if not 1 <= size <= GERMANY:
        raise ValueError(f"a demo region has 1 to {GERMANY} providers, not {size}")
    settled = _settled()
    names = gazetteer.districts()
    inner = [ags for ags in settled if ags in WESER_EMS]
    outer = [ags for ags in settled if ags not in WESER_EMS]
    full = dict(zip(inner, _sizes(min(size, WESER_EMS_SIZE), inner), strict=True))
    full |= zip(outer, _sizes(GERMANY - WESER_EMS_SIZE, outer), strict=True)
    covered: list[District] = []
    left = size
    for ags, providers in full.items():
        if left == 0:
            break
        count = min(providers, left)
        covered.append(District(ags=ags, name=names[ags], places=settled[ags], size=count))
        left -= count
    return tuple(covered)


def _sizes(total: int, keys: list[str]) -> tuple[int, ...]:
    # The root, because the number of postal codes grows faster than that of providers: Berlin has 190.
    return apportioned(total, tuple(math.sqrt(len(_settled()[ags])) for ags in keys))


@cache
def _settled() -> dict[str, tuple[Place, ...]]:
    by_district: dict[str, list[Place]] = {}
    for place in gazetteer.places():
        if place.district_ags:
            by_district.setdefault(place.district_ags, []).append(place)
    settled = {ags: _settlements(places) for ags, places in by_district.items()}
    centre = _centre(tuple(place for ags in WESER_EMS for place in settled[ags]))
    outwards = sorted(
        (ags not in WESER_EMS, kilometres(_centre(places), centre) if ags not in WESER_EMS else 0.0, ags)
        for ags, places in settled.items()
    )
    return {ags: settled[ags] for _, _, ags in outwards}


def _settlements(places: list[Place]) -> tuple[Place, ...]:
    named = [place for place in places if _SETTLEMENT.fullmatch(place.name) and not _NO_SETTLEMENT.search(place.name)]
    common = Counter(place.name for place in named).most_common(1)
    if common and common[0][1] >= max(3, len(named) // 2):
        # A city: whatever else has a postal code of its own there is a recipient or a part of it.
        named = [place for place in named if place.name == common[0][0]]
    return tuple(named or places)


def _centre(places: tuple[Place, ...]) -> Position:
    return Position(
        sum(place.latitude for place in places) / len(places), sum(place.longitude for place in places) / len(places)
    )
