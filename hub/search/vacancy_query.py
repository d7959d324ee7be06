"""What is looked for: the criteria of a search for places, as what is said of free blocks can be compared with them."""

from enum import StrEnum

import msgspec

from mappings.vacancy import State

__all__ = ["Criterion", "Position", "Sort", "VacancyQuery"]

Position = tuple[float, float, int]
"""Where a hit stands in the order: the value of the key, the kilometres, the rid."""


class Criterion(StrEnum):
    """What of an offer decides besides place, form, state and days: names of the operation's parameters."""

    CARE_GRADE = "care-grade"
    SEX = "sex"
    ROOM = "room"
    OPERATOR = "operator"
    LANGUAGE = "language"
    PAYER = "payer"
    OWN_SHARE = "own-share"
    MAX_AGE = "max-age"
    DISTRICT = "district"


class Sort(StrEnum):
    """In which order hits stand; those that are equal by distance, and at last by their row."""

    DISTANCE = "distance"
    FRESHNESS = "freshness"
    START = "start"
    SCORE = "score"


# Not a dataclass: why-not changes some of it for each search, which took 9 µs each time, and takes 0.2.
class VacancyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; days are days since 1970, times microseconds, sets of codes bit masks (0: not asked for).

    `kilometres` around the point, and in a rectangle of `box` (south, north, west, east) instead where a district is
    asked for, `district` being the first and the last key of its municipalities. A service that says to which
    `postal_codes` it comes is found by these.
    """

    latitude: float
    longitude: float
    kilometres: float
    box: tuple[float, float, float, float] | None = None
    district: tuple[int, int] | None = None
    postal_codes: tuple[int, ...] = ()
    care_forms: tuple[str, ...]
    states: tuple[State, ...]
    today: int
    start: int | None = None
    """None: any day from `today` on will do."""
    days: int = 1
    """So many in a row, all of them taken together by one block or by several of the offer."""
    places: int = 1
    needs: int = 0
    """All of them must be met."""
    care_grade: int = 0
    """Offers that name no grades take all."""
    sex: int = 0
    rooms: int = 0
    operator: int | None = None
    language: str = ""
    payers: int = 0
    own_share: int | None = None
    """Cents a month at most."""
    max_age: int | None = None
    prefer_needs: int = 0
    prefer_rooms: int = 0
    sort: Sort = Sort.DISTANCE
    count: int
    after: Position | None = None
    """Where the last hit of the page before stands."""

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Those that are asked for."""
        asked = (
            (Criterion.CARE_GRADE, self.care_grade),
            (Criterion.SEX, self.sex),
            (Criterion.ROOM, self.rooms),
            (Criterion.OPERATOR, self.operator is not None),
            (Criterion.LANGUAGE, self.language),
            (Criterion.PAYER, self.payers),
            (Criterion.OWN_SHARE, self.own_share is not None),
            (Criterion.MAX_AGE, self.max_age is not None),
            (Criterion.DISTRICT, self.district is not None),
        )
        return tuple([criterion for criterion, told in asked if told])

    @property
    def counts(self) -> bool:
        """Whether the free places of an offer's blocks have to be held against each other day by day."""
        return self.places > 1 or self.days > 1
