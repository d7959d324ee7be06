"""The places in the canonical model that a source map can fill, by the names it calls them (`mappings/vacancy.py`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from mappings import terminology
from mappings.vacancy import BlockStatus, ReportedBy, Sex

__all__ = ["BLOCK", "CONTACTS", "ELEMENT", "FACILITY", "IMPLIED_BLOCK", "STATEMENT", "Target", "needs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a place in the model takes: the conversion where the map names none, and the codes it is confined to."""

    convert: str = "text"
    """Empty: the map must name one, since the place takes a whole object of the model."""
    codes: Callable[[], frozenset[str]] | None = None
    many: bool = False
    descriptive: bool = False
    """Not part of what is said about places: a value that cannot be read is left out with a warning."""
    required: bool = False
    below_zero: bool = True

    def allows(self, value: Any) -> bool:
        """Whether a converted value may stand here."""
        if self.codes is not None:
            return self.codes().issuperset(value if self.many else (value,))
        return self.below_zero or not isinstance(value, int) or value >= 0


def _system(name: str) -> Callable[[], frozenset[str]]:
    return cache(lambda: terminology.codes(name))


_TEXT = Target()
_WHOLE = Target(convert="")
_PLACES = Target(convert="count", below_zero=False)
_NEEDS = Target(convert="codes", codes=_system("need"), many=True)

CONTACTS: Mapping[str, tuple[str, bool]] = {
    "phone": ("phone", False),
    "fax": ("fax", False),
    "email": ("email", False),
    "url": ("url", False),
    "kim": ("kim", False),
    "internal_phone": ("phone", True),
    "internal_email": ("email", True),
}
"""Contacts by the name a source map calls them: FHIR's system, and whether they are for professionals alone."""

FACILITY: Mapping[str, Target] = {
    "facility.key": Target(required=True),
    "facility.name": Target(required=True),
    "facility.operator": _TEXT,
    "facility.iks": Target(convert="iks", many=True, descriptive=True),
    "facility.telematik_id": Target(convert="telematik_id", descriptive=True),
    "facility.address": _WHOLE,
    "facility.street": _TEXT,
    "facility.house_number": _TEXT,
    "facility.postal_code": Target(convert="plz"),
    "facility.city": _TEXT,
    "facility.precinct": _TEXT,
    "facility.ags": Target(convert="ags", descriptive=True),
    "facility.position": Target(convert="position", descriptive=True),
    "facility.latitude": Target(convert="decimal", descriptive=True),
    "facility.longitude": Target(convert="decimal", descriptive=True),
    "facility.contacts": Target(convert="", descriptive=True),
    **{
        f"facility.contacts.{name}": Target(convert="phone" if system == "fax" else system, descriptive=True)
        for name, (system, _) in CONTACTS.items()
    },
}
"""What is said of a facility."""

IMPLIED_BLOCK: Mapping[str, Target] = {
    "block.start": Target(convert="date"),
    "block.end": Target(convert="date"),
    "block.room": Target(codes=_system("room-type")),
    "block.sex": Target(codes=lambda: frozenset(Sex)),
}
"""What is said of the one block that the accepting count implies."""

STATEMENT: Mapping[str, Target] = {
    "offer.key": _TEXT,
    "offer.care_form": Target(codes=_system("care-form"), required=True),
    "offer.name": _TEXT,
    "offer.needs": _NEEDS,
    "offer.care_grades": Target(convert="care_grades", many=True),
    "offer.languages": Target(convert="languages", many=True, descriptive=True),
    "offer.catchment": Target(convert="plz_list", many=True),
    "offer.contacts": Target(convert="", descriptive=True),
    "offer.pool": _TEXT,
    "offer.hours": Target(convert="hours", descriptive=True),
    "offer.admission": Target(convert="", descriptive=True),
    "offer.admission.days": Target(convert="weekdays", descriptive=True),
    "offer.admission.latest": Target(convert="clock", descriptive=True),
    "offer.own_share": Target(convert="own_share", descriptive=True),
    "offer.own_share.as_of": Target(convert="date", descriptive=True),
    "offer.payers": Target(convert="codes", codes=_system("payer"), many=True, descriptive=True),
    "offer.payers.as_of": Target(convert="date", descriptive=True),
    "valid_at": Target(convert="datetime"),
    "sequence": Target(convert="integer"),
    "state": Target(codes=_system("vacancy-state")),
    "estimated": Target(convert="yes_no"),
    "reported_by": Target(codes=lambda: frozenset(ReportedBy)),
    "source_kind": Target(codes=_system("source-kind"), descriptive=True),
    "counts": _WHOLE,
    "counts.licensed": _PLACES,
    "counts.operable": _PLACES,
    "counts.occupied": _PLACES,
    "counts.held": _PLACES,
    "counts.accepting": Target(convert="count"),
    "counts.waiting": _PLACES,
    "blocks": _WHOLE,
    **IMPLIED_BLOCK,
}
"""What is said of an offer and its places."""

BLOCK: Mapping[str, Target] = {
    **IMPLIED_BLOCK,
    "block.count": Target(convert="count"),
    "block.status": Target(codes=lambda: frozenset(BlockStatus)),
    "block.needs": _NEEDS,
    "block.closing_reason": Target(codes=_system("closing-reason")),
}
"""What is said of one block of several."""

ELEMENT = Target(convert="yes_no")
"""One need by its code (`offer.needs.dialyse`): whether it is served."""


@cache
def needs(path: str) -> str | None:
    """The code of a need that a path names, None for any other path."""
    prefix, _, code = path.rpartition(".")
    return code if prefix in ("offer.needs", "block.needs") and code in terminology.codes("need") else None
