"""The days and the district that a report is asked for."""

from dataclasses import dataclass
from datetime import date

__all__ = ["DAYS", "DAYS_OF_DISTRICT", "ROWS", "Period"]

DAYS, DAYS_OF_DISTRICT = 31, 366
"""What is told at once over HTTP, of all districts and of one."""
ROWS = 20_000
"""Likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days, both inclusive, of one district (5 digits of its AGS; None: of all)."""

    first: date
    last: date
    district: str | None = None

    @property
    def is_too_long(self) -> bool:
        """Whether it ends before it begins, or has more days than are told at once."""
        return not 0 <= (self.last - self.first).days < (DAYS if self.district is None else DAYS_OF_DISTRICT)
