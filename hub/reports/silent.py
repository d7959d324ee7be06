"""Who does not report: what a coordination office rings up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from mappings.standing import Standing, district_of
from mappings.vacancy import Facility

__all__ = ["Silent", "in_order", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """An offer of which nothing is known now; `as_of` is that of the last word, None where there never was one."""

    district: str
    facility: Facility
    care_form: str
    source: str
    as_of: datetime | None

    @property
    def phone(self) -> str:
        """A number to ring, blank where none is known; an internal one before one that is for everybody."""
        numbers = [one for one in self.facility.contacts if one.system == "phone"]
        return next((one.value for one in sorted(numbers, key=lambda one: not one.internal)), "")


def silent(standings: Iterable[Standing], *, now: datetime) -> Iterator[Silent]:
    """The offers that never said anything of their places, and those whose last word has expired or was withdrawn."""
    for one in standings:
        if not one.tells or one.freshness(now) == "expired":
            yield Silent(
                district=district_of(one.report.facility),
                facility=one.report.facility,
                care_form=one.report.offer.care_form,
                source=one.source,
                as_of=one.as_of if one.told else None,
            )


def in_order(those: Iterable[Silent]) -> list[Silent]:
    """By district, in each those first that never said anything, then the oldest word first."""
    return sorted(
        those,
        key=lambda one: (
            one.district,
            one.as_of is not None,
            one.as_of.timestamp() if one.as_of is not None else 0.0,
            one.facility.name,
            one.facility.key,
            one.care_form,
        ),
    )
