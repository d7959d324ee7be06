"""The districts that a demo region covers, and how many providers stand in each.

Weser-Ems comes first and has 1,400 providers; a larger region takes in the districts around it, nearest first, until
32,000 providers cover Germany; a smaller one thins Weser-Ems out. On average 80 providers stand in a district.
"""

import math
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
        if count == 0:
            continue
        covered.append(District(ags=ags, name=names[ags], places=settled[ags], size=count))
        left -= count
    return tuple(covered)


def _sizes(total: int, keys: list[str]) -> tuple[int, ...]:
    # The root, because the number of postal codes grows faster than that of providers: Berlin has 190.
    return apportioned(total, tuple(math.sqrt(len(_settled()[ags])) for ags in keys))


@cache
def _settled() -> dict[str, tuple[Place, ...]]:
    settled: dict[str, list[Place]] = {}
    for place in gazetteer.places():
        if place.district_ags:
            settled.setdefault(place.district_ags, []).append(place)
    centre = _centre([place for ags in WESER_EMS for place in settled[ags]])
    outwards = sorted(
        (ags not in WESER_EMS, ags not in WESER_EMS and kilometres(_centre(places), centre), ags)
        for ags, places in settled.items()
    )
    return {ags: tuple(settled[ags]) for _, _, ags in outwards}


def _centre(places: list[Place]) -> Position:
    return Position(
        sum(place.latitude for place in places) / len(places), sum(place.longitude for place in places) / len(places)
    )
