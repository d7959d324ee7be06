"""A home without software: what the coordination office has written down of it, and how its reports read.

A report is our simple JSON, as any sender's (`mappings/sources/homes.yaml`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.errors import Invalid
from mappings import terminology
from mappings.conversions import Unreadable, plz
from mappings.errors import Issue
from mappings.identity import resource_id
from mappings.insurance_number import has_insurance_number
from mappings.vacancy import ReportedBy

__all__ = ["PLACES_MAX", "SOURCE", "Home", "HomeOffer"]

SOURCE = "homes"
"""The source that all homes without software report as."""
PLACES_MAX = 999

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
"""What HTML takes as an address: https://html.spec.whatwg.org/#valid-e-mail-address"""
_TEXT_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOffer:
    """One care form of a home; `licensed` is the number of its places, where it is known."""

    care_form: str
    licensed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home that reports by link; `number` is what its links name, `generation` which of them are valid.

    Raises `Invalid` for what cannot be, naming the option of `platzfrei homes add`.
    """

    id: str
    name: str
    offers: tuple[HomeOffer, ...]
    postal_code: str
    city: str = ""
    street: str = ""
    house_number: str = ""
    phone: str = ""
    email: str = field(default="", repr=False)
    """Where reminders go; it is in no resource."""
    number: int = 0
    generation: int = 1
    added_at: int = 0

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise Invalid(*problems)

    def key(self, care_form: str) -> str:
        """The source's name of one of the home's offers."""
        return f"{self.id}/{care_form}"

    def offer_id(self, care_form: str) -> str:
        """The id of the HealthcareService of one of the home's offers."""
        return resource_id(SOURCE, "HealthcareService", self.key(care_form))

    def report(self, free: Mapping[str, int], by: ReportedBy) -> bytes:
        """The delivery that says how many places are free: care form → number; other offers are not spoken of."""
        offers = [
            {
                "id": self.key(offer.care_form),
                "careForm": offer.care_form,
                "licensed": offer.licensed,
                "free": free[offer.care_form],
                "reportedBy": by.value,
            }
            for offer in self.offers
            if offer.care_form in free
        ]
        return orjson.dumps({"facilities": [{**self._facility(), "offers": offers}]})

    def to_json(self) -> bytes:
        """What is written down, without what has a column of its own."""
        offers = [{"careForm": offer.care_form, "licensed": offer.licensed} for offer in self.offers]
        return orjson.dumps({**self._facility(), "offers": offers})

    @classmethod
    def from_row(cls, row: Any) -> "Home":
        """The home of a row of the table `home`."""
        told = orjson.loads(row.facility)
        return cls(
            id=row.id,
            name=told["name"],
            offers=tuple(HomeOffer(care_form=one["careForm"], licensed=one["licensed"]) for one in told["offers"]),
            postal_code=told["postalCode"],
            city=told.get("city", ""),
            street=told.get("street", ""),
            house_number=told.get("houseNumber", ""),
            phone=told.get("phone", ""),
            email=row.email,
            number=row.number,
            generation=row.generation,
            added_at=row.added_at,
        )

    def _facility(self) -> dict[str, Any]:
        told = {
            "id": self.id,
            "name": self.name,
            "street": self.street,
            "houseNumber": self.house_number,
            "postalCode": self.postal_code,
            "city": self.city,
            "phone": self.phone,
        }
        return {name: value for name, value in told.items() if value}

    def _problems(self) -> Iterator[Issue]:
        if not _ID.fullmatch(self.id):
            yield _wrong("ID", "kleine Buchstaben, Ziffern und Striche, höchstens 41", "small letters, digits, dashes")
        try:
            plz(self.postal_code)
        except Unreadable as unreadable:
            yield _wrong("--postal-code", unreadable.expected_de, unreadable.expected_en)
        if self.email and not _EMAIL.fullmatch(self.email):
            yield _wrong("--email", "eine Adresse wie leitung@haus.example", "an address such as head@home.example")
        for option, text in (("--name", self.name), *self._texts()):
            if len(text) > _TEXT_MAX or not text.isprintable() or (option == "--name" and not text.strip()):
                yield _wrong(option, f"1 bis {_TEXT_MAX} druckbare Zeichen", f"1 to {_TEXT_MAX} printable characters")
        for option, text in (("ID", self.id), ("--name", self.name), *self._texts()):
            if has_insurance_number(text):
                # Else each report of the home would be refused for it.
                yield _wrong(option, "etwas ohne Versichertennummer", "something without an insurance number")
        yield from _wrong_offers(self.offers)

    def _texts(self) -> tuple[tuple[str, str], ...]:
        return (
            ("--city", self.city),
            ("--street", self.street),
            ("--house-number", self.house_number),
            ("--phone", self.phone),
        )


def _wrong_offers(offers: Iterable[HomeOffer]) -> Iterator[Issue]:
    told = [offer.care_form for offer in offers]
    known = terminology.codes("care-form")
    if not told or not known.issuperset(told):
        listed = ", ".join(sorted(known))
        yield _wrong("--offer", f"wenigstens eine Versorgungsform: {listed}", f"at least one care form: {listed}")
    if len(set(told)) < len(told):
        yield _wrong("--offer", "jede Versorgungsform einmal", "each care form once")
    if any(offer.licensed is not None and not 0 < offer.licensed <= PLACES_MAX for offer in offers):
        yield _wrong("--offer", f"1 bis {PLACES_MAX} Plätze", f"1 to {PLACES_MAX} places")


def _wrong(option: str, german: str, english: str) -> Issue:
    return Issue(code="home", place=option, text_de=f"erwartet: {german}", text_en=f"expected: {english}")
