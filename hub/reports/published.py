"""Searches that found nothing, as they may be shown: every count rounded to a multiple of five before anything else.

Each smallest count is rounded up or down by chance, so that it is right on average, and always the same way: the
chance is drawn from a secret and the names of the cell. All totals are sums of what is rounded. So whatever is shown,
summed or subtracted tells no more than the rounded counts do, and each of those leaves many true counts possible: a 0
stands for 0 to 4, a 5 for 1 to 9, a 10 for 6 to 14.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mappings import terminology
from mappings.district_figures import ALL

__all__ = ["BASE", "Missed", "by_care_form", "by_need", "draw_of", "published", "rounded"]

BASE = 5
"""Every count that is shown is a multiple of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Searches of one day that found nothing, for one municipality (blank: for the district), the care forms and the
    needs that were asked, each in order."""

    day: int
    district: str
    municipality: str
    care_forms: tuple[str, ...]
    needs: tuple[str, ...]
    searches: int


def draw_of(secret: bytes) -> Callable[[Missed], int]:
    """The chance of a cell, 0 to 4, by its names alone."""

    def draw(cell: Missed) -> int:
        names = (str(cell.day), cell.district, cell.municipality, " ".join(cell.care_forms), " ".join(cell.needs))
        drawn = hmac.new(secret, "\n".join(names).encode(), hashlib.sha256).digest()
        return int.from_bytes(drawn[:8], "big") % BASE

    return draw


def rounded(count: int, draw: int) -> int:
    """The multiple of five below or above a count: above with the chance of its remainder."""
    return (count + draw) // BASE * BASE


def published(cells: Iterable[Missed], draw: Callable[[Missed], int]) -> list[Missed]:
    """The cells as they may be shown; those that are rounded to 0 are left out, as are those that are not there."""
    shown = (
        Missed(
            day=cell.day,
            district=cell.district,
            municipality=cell.municipality,
            care_forms=cell.care_forms,
            needs=cell.needs,
            searches=rounded(cell.searches, draw(cell)),
        )
        for cell in cells
    )
    return [cell for cell in shown if cell.searches]


def by_care_form(shown: Iterable[Missed]) -> Counter[tuple[int, str, str]]:
    """(day, district, care form) → searches, from what may be shown: a search counts for each care form that it asked
    for, once for each wider one, and once for `ALL`."""
    found: Counter[tuple[int, str, str]] = Counter()
    for cell in shown:
        for form in {ALL, *(wider for asked in cell.care_forms for wider in terminology.ancestors(asked))}:
            found[cell.day, cell.district, form] += cell.searches
    return found


def by_need(shown: Iterable[Missed]) -> Counter[tuple[str, str, str]]:
    """(district, municipality, need) → searches, from what may be shown: a search counts for each need that it asked
    for, and once for the blank one."""
    found: Counter[tuple[str, str, str]] = Counter()
    for cell in shown:
        for need in {"", *cell.needs}:
            found[cell.district, cell.municipality, need] += cell.searches
    return found
