"""What one ADT message does to a census: a movement of a visit, its cancel, where it is, or the status of a bed
(HL7 v2.5 chapter 3; IHE PAM for the segment ZBE, https://profiles.ihe.net/ITI/TF/Volume2/ITI-31.html).

The events of a source are a set: an event is the hash of what it says, so that said again it is the same event.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from conformance.formats.hl7v2 import Precision, Timestamp, timestamp
from mappings.errors import Issue
from mappings.reader import Fields
from mappings.wards import UNDECLARED, Ward, WardIndex

__all__ = [
    "Bed",
    "BedStatus",
    "CensusEvent",
    "EventReading",
    "Kind",
    "admitted",
    "admitted_event",
    "event_of",
    "forgotten",
    "pseudonymised",
]

_HISTORICAL = "keine Wirkung auf die Belegung (nachgetragene Bewegung) / no census effect (historical movement)"
_ELSEWHERE = (
    "keine Wirkung auf die Belegung (Bett außerhalb der erklärten Stationen) / "
    "no census effect (bed outside the declared wards)"
)

_UNDATED = (
    "keine Wirkung auf die Belegung (angekündigte Entlassung ohne Termin) / "
    "no census effect (pending discharge without a date)"
)

_NUMBER = re.compile(r"(?:PV1-19|ZBE-1)(?:[^0-9].*)?", re.DOTALL)
"""The names of visit and movement number, and of parts of them."""

_TRIGGER = "[A-Z][0-9]{2}"
_CODES: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "MSH-9.1": "ADT",
        "MSH-9.2": _TRIGGER,
        "EVN-1": _TRIGGER,
        "NPU-2": "[CHIKOU]",
        "PV1-2": "[BCEINOPRU]",
        "ZBE-4": "INSERT|UPDATE|CANCEL",
        "ZBE-5": "[YN]",
        "ZBE-6": _TRIGGER,
    }.items()
}
_TIMES = ("EVN-2", "EVN-6", "ZBE-2")
_EXPECTED = ("PV2-9", "EVN-3")
"""When a discharge is expected: PV2-9, of an announcement also EVN-3."""
_UNREADABLE = "?"
"""Stands for a time that cannot be read."""

_BED_PART = re.compile("[A-Za-zÄÖÜäöü]{0,2}[0-9]{1,4}[A-Za-z]?|[A-Za-z]")
"""A room or bed as hospitals number them; a name that is longer may be somebody's."""

_SORTED = json.JSONEncoder(sort_keys=True)

_CLOCK_SKEW = timedelta(hours=2)
"""How far a sender's clock may be ahead of ours; beyond, an event would decide a bed's status until then."""


class Kind(StrEnum):
    """What an event tells."""

    ADMIT = "admit"
    TRANSFER = "transfer"
    DISCHARGE = "discharge"
    UPDATE = "update"
    """The visit is in this bed, as far as its sender knew when it was written down; nobody says that it moved."""
    LEAVE = "leave"
    """The visit is away for some days, and keeps its bed."""
    RETURN = "return"
    EXPECT = "expect"
    """The visit is to end on a day."""
    BED_STATUS = "bed-status"


class BedStatus(StrEnum):
    """Codes of HL7 table 0116, and no statement at all."""

    CLOSED = "C"
    HOUSEKEEPING = "H"
    ISOLATED = "I"
    CONTAMINATED = "K"
    OCCUPIED = "O"
    FREE = "U"
    UNKNOWN = ""


_WHEREABOUTS = frozenset({Kind.UPDATE, Kind.LEAVE, Kind.RETURN})


@dataclass(frozen=True, slots=True, order=True)
class Bed:
    """A place on a declared ward (`Ward.key`); `name` is blank where a message names the ward alone."""

    ward: str
    name: str = ""


_MEANING: Mapping[str, tuple[Kind, bool]] = {
    "A01": (Kind.ADMIT, False),
    "A02": (Kind.TRANSFER, False),
    "A03": (Kind.DISCHARGE, False),
    # Who becomes an inpatient or an outpatient is then where PV1-3 says.
    "A06": (Kind.TRANSFER, False),
    "A07": (Kind.TRANSFER, False),
    "A08": (Kind.UPDATE, False),
    "A11": (Kind.ADMIT, True),
    "A12": (Kind.TRANSFER, True),
    "A13": (Kind.DISCHARGE, True),
    "A16": (Kind.EXPECT, False),
    # Of a swap the adapter makes two records, one for each visit.
    "A17": (Kind.TRANSFER, False),
    "A20": (Kind.BED_STATUS, False),
    "A21": (Kind.LEAVE, False),
    "A22": (Kind.RETURN, False),
    "A25": (Kind.EXPECT, True),
    "A52": (Kind.LEAVE, True),
    "A53": (Kind.RETURN, True),
}

_NOT_THERE = frozenset("OPN")
"""Classes (table 0004) whose PV1-3 says where somebody is expected or seen, not who lies where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusEvent:
    """One statement about a visit or a bed; with `cancels` it only takes back the visit's event of this kind.

    `visit` and `movement` are pseudonyms, blank where the message states none.
    """

    kind: Kind
    occurred_at: datetime
    """When it happened; of a cancel: when that happened which it takes back, if the sender says so."""
    recorded_at: datetime
    """When the sender wrote it down."""
    visit: str = ""
    movement: str = ""
    cancels: bool = False
    from_bed: Bed | None = None
    """The bed left, where it is on a declared ward."""
    to_bed: Bed | None = None
    """The bed taken, or whose status this is, where it is on a declared ward."""
    status: BedStatus = BedStatus.UNKNOWN
    expected: date | None = None
    """The day on which the visit is to end."""
    key: str = ""
    """Hash of all the rest."""

    @property
    def wards(self) -> frozenset[str]:
        """The keys of the declared wards that the event names."""
        return frozenset(bed.ward for bed in (self.from_bed, self.to_bed) if bed)

    @property
    def stay(self) -> str:
        """What the event must be seen together with: all of its visit, else of its movement, else nothing."""
        if self.visit:
            return f"visit {self.visit}"
        return f"movement {self.movement}" if self.movement else f"event {self.key}"

    @property
    def said_at(self) -> datetime:
        """The latest moment the event speaks of."""
        return max(self.occurred_at, self.recorded_at)

    def keyed(self) -> "CensusEvent":
        """The same event with its key."""
        content = self.to_json() | {"key": ""}
        digest = hashlib.sha256(_SORTED.encode(content).encode()).hexdigest()
        return replace(self, key=digest[:32])

    def to_json(self) -> dict[str, Any]:
        """The event as plain JSON."""
        expected = {"expected": self.expected.isoformat()} if self.expected else {}
        return expected | {
            "kind": self.kind.value,
            "occurred_at": self.occurred_at.isoformat(),
            "recorded_at": self.recorded_at.isoformat(),
            "visit": self.visit,
            "movement": self.movement,
            "cancels": self.cancels,
            "from_bed": _bed_to_json(self.from_bed),
            "to_bed": _bed_to_json(self.to_bed),
            "status": self.status.value,
            "key": self.key,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "CensusEvent":
        """The event that `to_json` wrote."""
        return cls(
            kind=Kind(content["kind"]),
            occurred_at=datetime.fromisoformat(content["occurred_at"]),
            recorded_at=datetime.fromisoformat(content["recorded_at"]),
            visit=content["visit"],
            movement=content["movement"],
            cancels=content["cancels"],
            from_bed=_bed_from_json(content["from_bed"]),
            to_bed=_bed_from_json(content["to_bed"]),
            status=BedStatus(content["status"]),
            expected=date.fromisoformat(content["expected"]) if "expected" in content else None,
            key=content["key"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReading:
    """What a message came to: an event, or the reason why it has no census effect, or an issue of severity error."""

    event: CensusEvent | None = None
    left_out: str = ""
    issues: tuple[Issue, ...] = ()


def pseudonymised(fields: Fields, pseudonym: Callable[[str], str]) -> dict[str, Any]:
    """The fields with visit and movement number replaced; what `pseudonym` gets tells hospitals and numbers apart."""
    hospital = _text(fields, "MSH-4.1")
    hashed = {
        name: pseudonym("\x1f".join((name, hospital, str(fields[name]))))
        for name in ("PV1-19", "ZBE-1")
        if name in fields
    }
    return {**fields, **hashed}


def admitted(fields: Fields, wards: WardIndex) -> dict[str, Any]:
    """What of a message may be kept: only what `event_of` reads and makes the same event of.

    A ward stays where it is declared, a bed by its declared name, or, so that it can be declared later, where it is
    numbered as beds are. The visit and movement numbers stay as they are: `pseudonymised` comes first.
    """
    return _Message(fields, wards).admitted()


def forgotten(fields: Fields) -> dict[str, Any]:
    """The fields without visit and movement number, and so about nobody: what may be kept once the event is."""
    return {name: value for name, value in fields.items() if not _NUMBER.fullmatch(name)}


def event_of(fields: Fields, wards: WardIndex, received_at: datetime) -> EventReading:
    """The event of a message's fields (`adapters/inbound/hl7v2_adt.py`), for the declared wards of its source.

    What is said of a visit after its admission is an event wherever it happens: the visit may have been on a ward by a
    message that is yet to come. Times without an offset are of the hospital's zone, the earlier of two; a time more
    than two hours ahead of `received_at` is an error.
    """
    return _Message(fields, wards).reading(received_at)


def admitted_event(fields: Fields, wards: WardIndex, received_at: datetime) -> tuple[dict[str, Any], EventReading]:
    """What `admitted` keeps of a message, and what `event_of` makes of it."""
    message = _Message(fields, wards)
    return message.admitted(), message.reading(received_at)


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _no_effect(trigger: str) -> str:
    return f"keine Wirkung auf die Belegung ({trigger}) / no census effect ({trigger})"


def _bed_to_json(bed: Bed | None) -> list[str] | None:
    return None if bed is None else [bed.ward, bed.name]


def _bed_from_json(content: list[str] | None) -> Bed | None:
    return None if content is None else Bed(*content)


class _Message:
    def __init__(self, fields: Fields, wards: WardIndex) -> None:
        self._texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        self._wards = wards
        self._received_at = self._latest = datetime.max.replace(tzinfo=UTC)
        self._issues: list[Issue] = []
        self._zone = wards.zone(self._text("MSH-4.1"))
        self._meaning = self._meant()

    def reading(self, received_at: datetime) -> EventReading:
        self._received_at = received_at
        self._latest = received_at + _CLOCK_SKEW
        meaning = self._meaning
        if isinstance(meaning, str):
            return EventReading(left_out=meaning)
        if meaning is None:
            self._missing("MSH-9.2")
            return self._result(None)
        kind, cancels = meaning
        if kind is Kind.BED_STATUS:
            return self._bed_status()
        if cancels:
            return self._cancel(kind)
        if kind is Kind.EXPECT:
            return self._announcement()
        return self._whereabouts(kind) if kind in _WHEREABOUTS else self._movement(kind)

    def admitted(self) -> dict[str, Any]:
        kept = {name: self._code(name) for name in _CODES if name != "PV1-2"}
        if self._wards.knows(self._text("MSH-4.1")):
            kept["MSH-4.1"] = self._text("MSH-4.1")
        meaning = self._meaning
        if isinstance(meaning, tuple):
            kind, cancels = meaning
            for name in _TIMES:
                readable = not self._text(name) or self._stated(name) is not None
                kept[name] = self._text(name) if readable else _UNREADABLE
            if kind is Kind.BED_STATUS:
                kept.update(self._place("NPU-1"))
            else:
                kept.update({name: self._text(name) for name in ("PV1-19", "ZBE-1")})
                kept.update(self._place("PV1-3"))
                if cancels or kind in (Kind.TRANSFER, Kind.UPDATE):
                    kept.update(self._place("PV1-6"))
                if kind in (Kind.UPDATE, Kind.EXPECT) and not cancels:
                    dated = [name for name in (*_EXPECTED, "PV1-45") if self._stated(name) is not None]
                    kept.update({name: self._text(name) for name in dated})
                if kind is Kind.UPDATE and not cancels:
                    kept["PV1-2"] = self._code("PV1-2")
        return {name: text for name, text in kept.items() if text}

    def _place(self, location: str) -> dict[str, str]:
        """What of a location may be kept."""
        name, room, bed = (self._text(f"{location}.{part}") for part in (1, 2, 3))
        ward = self._ward(location)
        if ward is None:
            return {f"{location}.1": UNDECLARED if name else ""}
        declared = ward.bed(room, bed) if bed else ""
        if declared is None:
            room = room if _BED_PART.fullmatch(room) else ""
            declared = bed if _BED_PART.fullmatch(bed) else UNDECLARED
        else:
            room = ""
        return {f"{location}.1": ward.ward, f"{location}.2": room, f"{location}.3": declared}

    def _meant(self) -> tuple[Kind, bool] | str | None:
        """What the message tells, and whether it takes it back; else why that is nothing; None without a trigger."""
        trigger = self._code("MSH-9.2") or self._code("EVN-1")
        action = self._code("ZBE-4")
        if not self._code("MSH-9.1"):
            return "keine Wirkung auf die Belegung (kein ADT) / no census effect (not ADT)"
        if trigger == "Z99" and action in ("UPDATE", "CANCEL"):
            # IHE PAM: an update or cancel of an earlier movement, whose own trigger stands in ZBE-6.
            trigger = self._code("ZBE-6") or trigger
        if not trigger:
            return None
        if trigger not in _MEANING or not self._wards:
            return _no_effect(trigger)
        if self._code("ZBE-5") == "Y":
            return _HISTORICAL
        kind, cancels = _MEANING[trigger]
        return kind, cancels or (action == "CANCEL" and kind is not Kind.BED_STATUS)

    def _bed_status(self) -> EventReading:
        if not self._text("NPU-1.1"):
            self._missing("NPU-1.1")
            return self._result(None)
        ward = self._ward("NPU-1")
        if ward is None:
            return EventReading(left_out=_ELSEWHERE)
        if not self._text("NPU-1.3"):
            self._missing("NPU-1.3")
        if not self._code("NPU-2"):
            self._missing("NPU-2")
        bed = self._taken("NPU-1")
        if self._issues:
            return self._result(None)
        return self._event(Kind.BED_STATUS, to_bed=bed, status=BedStatus(self._code("NPU-2")))

    def _cancel(self, kind: Kind) -> EventReading:
        if not self._text("PV1-19") and not self._text("ZBE-1"):
            if self._text("PV1-3.1") and self._ward("PV1-3") is None and self._ward("PV1-6") is None:
                return EventReading(left_out=_ELSEWHERE)
            self._missing("PV1-19")
            return self._result(None)
        return self._event(kind, cancels=True, from_bed=self._named("PV1-6"), to_bed=self._named("PV1-3"))

    def _movement(self, kind: Kind) -> EventReading:
        visit = self._text("PV1-19")
        if not self._text("PV1-3.1") and (kind is not Kind.DISCHARGE or not visit):
            self._missing("PV1-3.1")
            return self._result(None)
        if kind is Kind.DISCHARGE:
            from_bed, to_bed = self._named("PV1-3"), None
        else:
            from_bed, to_bed = self._named("PV1-6") if kind is Kind.TRANSFER else None, self._taken("PV1-3")
        outside = from_bed is None and to_bed is None
        elsewhere = kind is Kind.ADMIT and self._code("ZBE-4") != "UPDATE"
        if outside and not self._issues and (elsewhere or not (visit or self._text("ZBE-1"))):
            return EventReading(left_out=_ELSEWHERE)
        return self._event(kind, from_bed=from_bed, to_bed=to_bed)

    def _whereabouts(self, kind: Kind) -> EventReading:
        """Where a visit is, by a message that tells no movement."""
        trigger = self._code("MSH-9.2") or self._code("EVN-1")
        unmoved = EventReading(left_out=_no_effect(trigger))
        if not self._text("PV1-19"):
            return unmoved
        left_at = self._stated("PV1-45")
        over = left_at is not None and left_at.instant <= self._received_at
        if kind is Kind.UPDATE and (over or self._code("PV1-2") in _NOT_THERE or not self._text("PV1-3.1")):
            return unmoved
        to_bed = self._taken("PV1-3")
        from_bed, expected = (self._named("PV1-6"), self._day("PV2-9")) if kind is Kind.UPDATE else (None, None)
        if not self._issues and to_bed is None and from_bed is None and self._text("PV1-3.1"):
            return EventReading(left_out=_ELSEWHERE)
        return self._event(kind, from_bed=from_bed, to_bed=to_bed, expected=expected)

    def _announcement(self) -> EventReading:
        """A discharge that is to come; today's census stays as it is."""
        bed = self._named("PV1-3")
        if bed is None or not self._text("PV1-19"):
            return EventReading(left_out=_ELSEWHERE)
        expected = next((day for name in _EXPECTED if (day := self._day(name))), None)
        if expected is None:
            return EventReading(left_out=_UNDATED)
        return self._event(Kind.EXPECT, to_bed=bed, expected=expected)

    def _day(self, name: str) -> date | None:
        """The hospital's day of a time that may lie ahead."""
        stated = self._stated(name)
        if stated is None:
            return None
        try:
            return stated.instant.astimezone(self._zone).date()
        except OverflowError:
            return None

    def _event(
        self,
        kind: Kind,
        *,
        cancels: bool = False,
        from_bed: Bed | None = None,
        to_bed: Bed | None = None,
        status: BedStatus = BedStatus.UNKNOWN,
        expected: date | None = None,
    ) -> EventReading:
        recorded_at = self._time("EVN-2")
        # Of what is only announced EVN-6 and ZBE-2 may say when it is to be.
        ahead = kind is Kind.EXPECT and recorded_at is not None
        occurred_at = recorded_at if ahead else self._time("EVN-6") or self._time("ZBE-2") or recorded_at
        if occurred_at is None:
            self._missing("EVN-2")
            return self._result(None)
        # A bed's status belongs to the bed; a visit in the message would tie it to a stay that it outlives.
        of_visit = kind is not Kind.BED_STATUS
        event = CensusEvent(
            kind=kind,
            occurred_at=occurred_at,
            recorded_at=recorded_at or occurred_at,
            visit=self._text("PV1-19") if of_visit else "",
            movement=self._text("ZBE-1") if of_visit else "",
            cancels=cancels,
            from_bed=from_bed,
            to_bed=to_bed,
            status=status,
            expected=expected,
        )
        return self._result(event.keyed())

    def _result(self, event: CensusEvent | None) -> EventReading:
        failed = any(issue.severity == "error" for issue in self._issues)
        return EventReading(event=None if failed else event, issues=tuple(self._issues))

    def _text(self, name: str) -> str:
        return self._texts.get(name, "")

    def _code(self, name: str) -> str:
        text = self._texts.get(name)
        return text if text and _CODES[name].fullmatch(text) else ""

    def _ward(self, location: str) -> Ward | None:
        return self._wards.located(self._text("MSH-4.1"), self._text(f"{location}.1"))

    def _named(self, location: str) -> Bed | None:
        """The bed at a location, None where it is not declared."""
        ward, name = self._ward(location), self._text(f"{location}.3")
        if ward is None:
            return None
        bed = ward.bed(self._text(f"{location}.2"), name) if name else ""
        return None if bed is None else Bed(ward.key, bed)

    def _taken(self, location: str) -> Bed | None:
        """The bed at a location; one that a declared ward does not know is an error, or its patient would vanish."""
        bed, ward = self._named(location), self._ward(location)
        if bed is None and ward is not None:
            declared = ", ".join(ward.beds)
            self._issues.append(
                Issue(
                    code="bed-not-declared",
                    text_de=f"die Station {ward.key} hat dieses Bett in der Quellenkarte nicht (Betten: {declared}); "
                    "wer sie pflegt, trägt es nach",
                    text_en=f"ward {ward.key} has no such bed in the source map (beds: {declared}); "
                    "whoever keeps it adds the bed",
                    place=f"{location}.3",
                    fhir_code="code-invalid",
                )
            )
        return bed

    def _time(self, name: str) -> datetime | None:
        if not self._text(name):
            return None
        stated = self._stated(name)
        if stated is None:
            self._issues.append(
                Issue(
                    code="time-unreadable",
                    text_de="erwartet wird eine Zeit JJJJMMTT[HHMM[SS]][+/-HHMM]; der Absender berichtigt das Feld",
                    text_en="a time YYYYMMDD[HHMM[SS]][+/-HHMM] expected; the sender corrects the field",
                    place=name,
                )
            )
            return None
        if stated.instant > self._latest:
            self._issues.append(
                Issue(
                    code="time-in-future",
                    text_de="die Zeit liegt mehr als zwei Stunden in der Zukunft; der Absender prüft Feld und Uhr",
                    text_en="the time is more than two hours in the future; the sender checks the field and the clock",
                    place=name,
                )
            )
        if stated.ambiguous:
            self._issues.append(
                Issue(
                    code="time-ambiguous",
                    text_de="diese Uhrzeit gibt es bei der Zeitumstellung doppelt oder gar nicht; gelesen wird die "
                    "frühere; der Absender schickt den Abstand zu UTC mit",
                    text_en="at the change of clocks this time comes twice or never; the earlier one is read; the "
                    "sender states the offset from UTC",
                    place=name,
                    severity="warning",
                )
            )
        # Of one zone, Python compares the hands of the clock, which an hour at the change of clocks shows twice.
        return stated.instant.astimezone(UTC)

    def _stated(self, name: str) -> Timestamp | None:
        text = self._texts.get(name)
        if not text:
            return None
        try:
            stated = timestamp(text, self._zone)
        except ValueError:
            return None
        return stated if stated.precision >= Precision.DAY else None

    def _missing(self, name: str) -> None:
        self._issues.append(
            Issue(
                code="hl7-field-missing",
                text_de=f"{name} fehlt; der Absender ergänzt das Feld",
                text_en=f"{name} is missing; the sender fills the field in",
                place=name,
                fhir_code="required",
            )
        )
