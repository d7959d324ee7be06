"""The canonical vacancy model: what one source says about one offer at one moment.

Everything that comes in is mapped to a `VacancyReport`, everything that goes out is made from one. The words are those
of the care sector: operator (Träger), facility (Einrichtung), offer (Angebot: one care form at one facility), place
(Platz), pool (places that several offers draw on), report (Freiplatzmeldung).
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

__all__ = [
    "ZONE",
    "Address",
    "Admission",
    "Block",
    "BlockStatus",
    "Contact",
    "Counts",
    "Facility",
    "Hours",
    "Offer",
    "Operator",
    "OwnShare",
    "Per",
    "Position",
    "ReportedBy",
    "Room",
    "Sex",
    "State",
    "VacancyReport",
    "Weekday",
    "derived_state",
]

ZONE = ZoneInfo("Europe/Berlin")
"""Whose days a report's dates are, and whose clock a time without an offset shows unless its source says otherwise."""


class State(StrEnum):
    """What is said of the offer as a whole; the four are never collapsed, a missing number is `unknown`, never 0."""

    SOME = "some"
    NONE = "none"
    ASK = "ask"
    UNKNOWN = "unknown"


class BlockStatus(StrEnum):
    """Whether the places of a block can be taken."""

    FREE = "free"
    HELD = "held"
    CLOSED = "closed"


class Room(StrEnum):
    """Room types, codes of CodeSystem room-type."""

    SINGLE = "single"
    DOUBLE = "double"
    SHARED = "shared"


class Sex(StrEnum):
    """The sex a place is restricted to, codes of FHIR's administrative-gender; no restriction is `None`."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class ReportedBy(StrEnum):
    """Who made a statement by hand, codes of CodeSystem reported-by; for professionals alone. What everybody sees is
    the kind of the source."""

    HOME = "home"
    OFFICE = "office"
    """The coordination office, on the home's behalf."""


class Weekday(StrEnum):
    """Days of the week in their order, codes of FHIR's days-of-week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Per(StrEnum):
    """The time that an amount of money is for."""

    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A German address; `ags` is the municipality key of 8 digits, `state` an ISO 3166-2 code (`DE-NI`)."""

    street: str = ""
    house_number: str = ""
    postal_code: str = ""
    city: str = ""
    precinct: str = ""
    ags: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """A point in WGS 84, degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach somebody; `internal` contacts are for professionals alone."""

    system: str
    """`phone`, `fax`, `email`, `url`, or `kim` for an address of KIM, which nobody reaches by common e-mail."""
    value: str
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The legal body that runs facilities; `key` is the source's own, stable name for it."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facility:
    """A home or a service at one site; `key` is the source's own, stable name for it."""

    key: str
    name: str
    operator: Operator | None = None
    iks: tuple[str, ...] = ()
    telematik_id: str = ""
    address: Address = Address()
    position: Position | None = None
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When somebody can be rung: on these days of every week, local time from `opens` to `closes` (both None: all day).

    The days stand in the order of the week, each once.
    """

    days: tuple[Weekday, ...]
    opens: time | None = None
    closes: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """When new people are taken in: the days (none: not said), in the order of the week, each once, and the latest hour
    of arrival, local time."""

    days: tuple[Weekday, ...] = ()
    latest: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnShare:
    """What the person pays (Eigenanteil) in cents, for a month or a day as the source states it.

    `as_of`: None where the source dates only its statement: then it is as of that. No date is made of it, or the offer
    would be another every day.
    """

    cents: int
    per: Per
    as_of: date | None = None

    @property
    def cents_a_month(self) -> int:
        """The same for a month, of 30.42 days (§ 87a SGB XI)."""
        return self.cents if self.per is Per.MONTH else round(self.cents * 30.42)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One care form at one facility; `key` is the source's own, stable name for it.

    Codes: `care_form` of CodeSystem care-form, `needs` of CodeSystem need, `languages` of BCP 47, `care_grades` 1 to 5,
    `payers` of CodeSystem payer, `payers_as_of` as `OwnShare.as_of`;
    `pool` names the places this offer draws on together with others of the facility (empty: its own);
    `catchment` are the postal codes an ambulatory service drives to.
    """

    key: str
    care_form: str
    name: str = ""
    needs: tuple[str, ...] = ()
    care_grades: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    catchment: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    pool: str = ""
    hours: tuple[Hours, ...] = ()
    admission: Admission | None = None
    own_share: OwnShare | None = None
    payers: tuple[str, ...] = ()
    payers_as_of: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Places by number, each possibly unknown (None): licensed ≥ operable ≥ occupied + held + accepting."""

    licensed: int | None = None
    operable: int | None = None
    occupied: int | None = None
    held: int | None = None
    accepting: int | None = None
    waiting: int | None = None
    """People on the waiting list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Like places grouped: `count` of them from `start` to `end` (None: open-ended), both days inclusive."""

    count: int
    status: BlockStatus = BlockStatus.FREE
    start: date | None = None
    """None: from the moment of the report."""
    end: date | None = None
    room: Room | None = None
    sex: Sex | None = None
    needs: tuple[str, ...] = ()
    closing_reason: str = ""
    """Code of CodeSystem closing-reason, where `status` is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VacancyReport:
    """What one source says about one offer at one moment.

    `valid_at` is the source's clock, with an offset; None where the source states none. `sequence` orders statements of
    equal `valid_at`. `estimated` says that the numbers are; `coarsened` that every count of 2, but for the licensed
    places, means "two or more", as the public sees it (`mappings/view.py`);
    `reported_by` is None where software speaks; `source_kind` is a code of CodeSystem source-kind, what `reported_by`
    says going before the kind of the source, and blank in statements that were stored before there were kinds.
    """

    facility: Facility
    offer: Offer
    valid_at: datetime | None = None
    sequence: int | None = None
    state: State = State.UNKNOWN
    counts: Counts = Counts()
    blocks: tuple[Block, ...] = ()
    estimated: bool = False
    coarsened: bool = False
    reported_by: ReportedBy | None = None
    source_kind: str = ""


def derived_state(accepting: int | None) -> State:
    """The state that a bare number says: unknown where there is none, none for zero or less, else some."""
    if accepting is None:
        return State.UNKNOWN
    return State.SOME if accepting > 0 else State.NONE
