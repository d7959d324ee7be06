"""HL7 v2 ADT messages as flat fields, by an allow-list: what is not on it never leaves this module
(HL7 v2.5 chapter 3, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=144).

A field is named by its position (`EVN-2`), a part of a location by its component too (`PV1-3.1`). A value whose shape
is not that of its field is withheld, for free text can stand anywhere. A message is a record; a swap of two patients
(A17) is two, each with the PV1 of one of them, and both are good or neither.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from conformance.formats import hl7v2
from conformance.formats.hl7v2 import Flaw
from mappings.errors import Issue, Rejected
from mappings.patient_filter import WITHHELD_NAME
from mappings.vacancy import ZONE

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "hl7v2_adt"


def _matches(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


def _time(value: str) -> bool:
    try:
        # In the zone in which it is mostly read once more: what was read is kept in memory.
        hl7v2.timestamp(value, ZONE)
    except ValueError:
        return False
    return True


# A line that is no segment (a broken note, say) could begin with any word: only names of the standard are repeated.
_segment = _matches(
    "MSH|SFT|EVN|PID|PD1|ROL|NK1|PV1|PV2|ARV|DB1|OBX|AL1|IAM|DG1|DRG|PR1|GT1|IN1|IN2|IN3|ACC|UB1|UB2|PDA|NPU|MRG|NTE|"
    "DSC|ZBE"
)
_trigger = _matches(r"[A-Z][0-9]{2}")
_place = _matches(r"[\w./+ -]{1,20}")
_number = _matches(r"[\w./+ -]{1,40}")
_bed_status = _matches(r"[CHIKOU]")

_Shape = tuple[Callable[[str], object], str, str]
"""What is true of a value of the shape, and how it is called."""
_TIME: _Shape = (_time, "eine Zeit JJJJMMTT[HHMM[SS]][+/-HHMM]", "a time YYYYMMDD[HHMM[SS]][+/-HHMM]")
_PLACE: _Shape = (_place, "ein Kürzel von höchstens 20 Zeichen", "a code of at most 20 characters")
_NUMBER: _Shape = (_number, "eine Nummer von höchstens 40 Zeichen", "a number of at most 40 characters")
_TRIGGER: _Shape = (_trigger, "ein Ereignis wie A01", "a trigger event such as A01")
_BED_STATUS: _Shape = (_bed_status, "C, H, I, K, O oder U (Tabelle 0116)", "C, H, I, K, O or U (table 0116)")

_ALLOWED: Mapping[str, _Shape] = {
    "MSH-3.1": _NUMBER,
    "MSH-4.1": _NUMBER,
    "MSH-7": _TIME,
    "MSH-9.1": (_matches(r"[A-Z]{3}"), "ein Nachrichtentyp wie ADT", "a message type such as ADT"),
    "MSH-9.2": _TRIGGER,
    "MSH-9.3": (_matches(r"[A-Z0-9_]{1,10}"), "eine Struktur wie ADT_A01", "a structure such as ADT_A01"),
    "MSH-10": (_matches(r"[\w.:-]{1,40}"), "höchstens 40 Zeichen ohne Leerzeichen", "at most 40 characters, no spaces"),
    "MSH-12": (_matches(r"[0-9](\.[0-9]{1,2}){0,2}"), "eine Version wie 2.5", "a version such as 2.5"),
    "MSH-18": (
        _matches(r"[A-Za-z0-9/ _.-]{1,20}"),
        "ein Zeichensatz der Tabelle 0211",
        "a character set of table 0211",
    ),
    "EVN-1": _TRIGGER,
    "EVN-2": _TIME,
    "EVN-3": _TIME,
    "EVN-6": _TIME,
    "NPU-1.1": _PLACE,
    "NPU-1.2": _PLACE,
    "NPU-1.3": _PLACE,
    "NPU-2": _BED_STATUS,
    "ZBE-1": _NUMBER,
    "ZBE-2": _TIME,
    "ZBE-4": (_matches("INSERT|UPDATE|CANCEL"), "INSERT, UPDATE oder CANCEL", "INSERT, UPDATE or CANCEL"),
    "ZBE-5": (_matches("[YN]"), "Y oder N", "Y or N"),
    "ZBE-6": _TRIGGER,
    "PV1-2": (_matches("[BCEINOPRU]"), "eine Klasse der Tabelle 0004", "a class of table 0004"),
    "PV1-3.1": _PLACE,
    "PV1-3.2": _PLACE,
    "PV1-3.3": _PLACE,
    "PV1-6.1": _PLACE,
    "PV1-6.2": _PLACE,
    "PV1-6.3": _PLACE,
    "PV1-10": (_matches(r"[\w.-]{1,10}"), "ein Kürzel von höchstens 10 Zeichen", "a code of at most 10 characters"),
    "PV1-19": _NUMBER,
    "PV1-40": _BED_STATUS,
    "PV1-44": _TIME,
    "PV1-45": _TIME,
    "PV2-1.1": _PLACE,
    "PV2-1.2": _PLACE,
    "PV2-1.3": _PLACE,
    "PV2-8": _TIME,
    "PV2-9": _TIME,
}
_SHAPED = {name: is_shaped for name, (is_shaped, _, _) in _ALLOWED.items()}
_READ = frozenset(name.partition("-")[0] for name in _ALLOWED)
_PARTS_MAX = 20


def _parts(place: str) -> Sequence[str]:
    field = place.partition(".")[0]
    return (place, *(f"{field}.{part}" for part in range(2, _PARTS_MAX + 1)))


_FIELDS: Mapping[str, Mapping[int, Sequence[str]]] = {
    segment: {
        int(place.partition("-")[2].partition(".")[0]): _parts(place)
        for place in reversed(list(_ALLOWED))
        if place.startswith(f"{segment}-")
    }
    for segment in _READ
}
"""Segment → the number of each field that is read → the names of its components."""
_UNREAD: Mapping[str, Sequence[str]] = {
    segment: (*(f"{segment}-{number}" for number in range(100)), f"{segment}-100+") for segment in _READ
}
"""Segment → what a field of it is called that is not read."""

_MOVEMENT = {"EVN": (), "PV1": ("PV1-3.1",)}
_DEPARTURE: Mapping[str, tuple[str, ...]] = {"EVN": (), "PV1": ()}
_EXPECTED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "A01": _MOVEMENT,
    "A02": _MOVEMENT,
    "A03": _DEPARTURE,
    "A06": _MOVEMENT,
    "A07": _MOVEMENT,
    # What is updated may be anything: without PV1 it is not the bed.
    "A08": {"EVN": ()},
    "A11": _DEPARTURE,
    "A12": _DEPARTURE,
    "A13": _DEPARTURE,
    "A16": _DEPARTURE,
    "A17": _MOVEMENT,
    "A20": {"EVN": (), "NPU": ("NPU-1.1", "NPU-2")},
    "A21": _DEPARTURE,
    "A22": _DEPARTURE,
    "A25": _DEPARTURE,
    "A52": _DEPARTURE,
    "A53": _DEPARTURE,
}
"""The events that a census hears of, with the segments and fields without which they say nothing."""

_SWAP = "A17"

_idle = _matches(r"MSH-(?!4)(?!9\.[12]).*|EVN-[13]|PV1-6\..|PV1-(10|40|44|45)|PV2-.*")
"""Fields that a census can do without: withheld, they cost a warning, not the message."""

_FLAWS: Mapping[Flaw, tuple[str, str, str]] = {
    Flaw.NO_HEADER: ("structure", "erwartet wird das Segment MSH", "segment MSH expected"),
    Flaw.CUT_HEADER: (
        "structure",
        "MSH ist vor MSH-9 (Nachrichtentyp) abgeschnitten",
        "MSH is cut before MSH-9 (message type)",
    ),
    Flaw.DELIMITERS: (
        "structure",
        "in MSH-1 und MSH-2 werden fünf verschiedene Trennzeichen erwartet, üblich |^~\\&",
        "five different delimiters expected in MSH-1 and MSH-2, usually |^~\\&",
    ),
    Flaw.CHARSET: (
        "not-supported",
        "MSH-18 nennt einen unbekannten Zeichensatz; erwartet wird UNICODE UTF-8, 8859/1, 8859/15 oder ASCII",
        "MSH-18 names a character set that is not read here; UNICODE UTF-8, 8859/1, 8859/15 or ASCII expected",
    ),
    Flaw.ENCODING: (
        "structure",
        "die Bytes passen nicht zum Zeichensatz (MSH-18 oder Option charset)",
        "the bytes are not of the character set (MSH-18 or the option charset)",
    ),
    Flaw.CONTROL: (
        "structure",
        "ein Steuerzeichen (00, 0B oder 1C) steht mitten in einem Segment",
        "a control character (00, 0B or 1C) stands inside a segment",
    ),
}


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and for a character set that is not read here."""
    _charset(options)


def decode(body: bytes, options: Options) -> Decoded:
    """One record a message, holding the fields of the allow-list; the option `charset` overrides MSH-18.

    Raises `Rejected` where the file holds no message at all.
    """
    return Decoded(records=folded(_records(body, _charset(options)), between=b"\r"))


def _charset(options: Options) -> str | None:
    option.only(options, {"charset"})
    charset = option.text(options, "charset")
    try:
        if charset is not None:
            hl7v2.codec(charset)
    except LookupError:
        raise option.refused(
            "options.charset",
            "UTF-8, 8859/1, 8859/15, CP1252 oder ASCII",
            "UTF-8, 8859/1, 8859/15, CP1252 or ASCII",
        ) from None
    return charset


def _records(body: bytes, charset: str | None) -> Iterator[Record | Broken]:
    headless = True
    held: list[Broken] = []
    for found in hl7v2.messages(body, charset=charset):
        if isinstance(found, hl7v2.Message):
            results: Sequence[Record | Broken] = _of_message(found)
        else:
            broken = _broken(found)
            if headless and found.flaw is Flaw.NO_HEADER:
                held.append(broken)
                continue
            results = (broken,)
        headless = False
        yield from held
        held.clear()
        yield from results
    if headless:
        raise Rejected(
            Issue(
                code="hl7-no-header",
                text_de="keine HL7-v2-Nachricht gefunden: erwartet wird das Segment MSH; der Absender prüft die Datei",
                text_en="no HL7 v2 message found: segment MSH expected; the sender checks the file",
                place="byte 0",
                fhir_code="structure",
            )
        )


def _broken(found: hl7v2.Unreadable) -> Broken:
    fhir_code, text_de, text_en = _FLAWS[found.flaw]
    place = f"message {found.number}, byte {found.at}"
    return Broken(
        place=place,
        body=found.body,
        issue=Issue(
            code=f"hl7-{found.flaw}",
            text_de=f"{text_de}; der Absender berichtigt die Nachricht",
            text_en=f"{text_en}; the sender corrects the message",
            place=place,
            fhir_code=fhir_code,
        ),
    )


def _of_message(message: hl7v2.Message) -> Sequence[Record]:
    place = f"message {message.number}"
    if message.field("MSH-9.2") != _SWAP:
        return (_record(message, place),)
    patients = _patients(message)
    if len(patients) != 2:
        return (_record(message, place, extra=(_no_swap(place),)),)
    records = [_record(one, f"{place}, patient {number}") for number, one in enumerate(patients, 1)]
    wrong = [issue for record in records for issue in record.issues if issue.severity == "error"]
    return [
        replace(record, issues=(*(issue for issue in record.issues if issue.severity != "error"), *wrong))
        for record in records
    ]


def _patients(message: hl7v2.Message) -> list[hl7v2.Message]:
    """A swap as one message for each patient, whose segments begin at PID, or where there is none at PV1."""
    begins = "PID" if message.named("PID") else "PV1"
    starts = [at for at, segment in enumerate(message.segments) if segment.name == begins]
    if not starts:
        return []
    ends = [*starts[1:], len(message.segments)]
    shared = message.segments[: starts[0]]
    return [
        replace(message, segments=(*shared, *message.segments[start:end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def _no_swap(place: str) -> Issue:
    return Issue(
        code="hl7-segment-missing",
        text_de="ein Platztausch (A17) nennt zwei Patienten mit je einem PV1; der Absender schickt die Nachricht ganz",
        text_en="a swap (A17) names two patients with a PV1 each; the sender sends the whole message",
        place=f"{place}, PV1",
        fhir_code="structure",
    )


def _record(message: hl7v2.Message, place: str, *, extra: tuple[Issue, ...] = ()) -> Record:
    fields: dict[str, str] = {}
    dropped: dict[str, None] = {}
    misshapen: list[str] = []
    seen: set[str] = set()
    for segment in message.segments:
        read = _FIELDS.get(segment.name)
        if read is None or segment.name in seen:
            dropped[segment.name if _segment(segment.name) else WITHHELD_NAME] = None
            continue
        seen.add(segment.name)
        unread = _UNREAD[segment.name]
        for number in segment.sent():
            names = read.get(number)
            if names is None:
                if segment.fields[number].strip(segment.delimiters.parting):
                    dropped[unread[min(number, 100)]] = None
                continue
            components = segment.components(number)
            told: Iterable[tuple[str, str]]
            if components is None or len(components) > _PARTS_MAX:
                told = ((_name(segment.name, leaf), leaf.value) for leaf in segment.leaves_of(number))
            else:
                told = zip(names, components, strict=False)
            for name, text in told:
                if not text:
                    continue
                value, is_shaped = text.strip(), _SHAPED.get(name)
                if is_shaped is None:
                    dropped[name] = None
                elif not value or value == '""':
                    continue
                elif is_shaped(value):
                    fields[name] = value
                else:
                    misshapen.append(name)
    return Record(
        place=place,
        fields=fields,
        issues=extra or tuple(_issues(message, place, fields, misshapen)),
        dropped=tuple(dropped),
    )


def _name(segment: str, leaf: hl7v2.Leaf) -> str:
    """A leaf's name: that of its field, and of its part where parts of the field are read.

    `PV1-3~` is a further repetition, `PV1-3.1&` a further subcomponent, `PV1-100+` a field no segment has.
    """
    name = f"{segment}-{leaf.field}"
    part = f"{name}.{min(leaf.component, 100)}"
    if leaf.field > 99:
        return f"{segment}-100+"
    if name not in _ALLOWED and f"{name}.1" not in _ALLOWED:
        return name
    if leaf.repetition > 1:
        return f"{name}~"
    if leaf.subcomponent > 1:
        return f"{part}&"
    return part if leaf.component > 1 or f"{name}.1" in _ALLOWED else name


def _issues(message: hl7v2.Message, place: str, fields: Mapping[str, str], misshapen: list[str]) -> Iterator[Issue]:
    trigger = fields.get("MSH-9.2") or fields.get("EVN-1", "")
    expected = _EXPECTED.get(trigger) if fields.get("MSH-9.1") == "ADT" else None
    for name in misshapen:
        _, text_de, text_en = _ALLOWED[name]
        decisive = name in ("MSH-9.1", "MSH-9.2") or (expected is not None and not _idle(name))
        yield Issue(
            code="hl7-value",
            text_de=f"erwartet wird {text_de}; der Wert wurde nicht übernommen; der Absender berichtigt das Feld",
            text_en=f"{text_en} expected; the value was withheld; the sender corrects the field",
            place=f"{place}, {name}",
            severity="error" if decisive else "warning",
        )
    if not trigger and "MSH-9.2" not in misshapen:
        yield _missing("MSH-9.2", place)
    if fields.get("EVN-1", trigger) != trigger:
        yield Issue(
            code="hl7-trigger-differs",
            text_de=f"EVN-1 nennt {fields['EVN-1']}, MSH-9 {trigger}; MSH-9 gilt",
            text_en=f"EVN-1 says {fields['EVN-1']}, MSH-9 says {trigger}; MSH-9 counts",
            place=f"{place}, EVN-1",
            severity="warning",
        )
    if expected is None:
        return
    present = [segment.name for segment in message.segments]
    yield from _structure(present, place, expected)
    for segment, names in expected.items():
        if segment in present:
            for name in names:
                if name not in fields and name not in misshapen:
                    yield _missing(name, place)
    # A20 ends with a status of one letter, which cannot be cut without being missed.
    if not message.terminated and trigger != "A20" and set(expected).issubset(present):
        yield Issue(
            code="hl7-unterminated",
            text_de="die Datei endet ohne Segmentende (CR): vielleicht ist sie abgeschnitten; der Absender prüft sie",
            text_en="the file ends without a segment terminator (CR): it may be cut; the sender checks it",
            place=place,
            severity="warning",
            fhir_code="incomplete",
        )


def _structure(present: Sequence[str], place: str, expected: Mapping[str, tuple[str, ...]]) -> Iterator[Issue]:
    before = "MSH"
    for segment in expected:
        if segment not in present:
            yield Issue(
                code="hl7-segment-missing",
                text_de=f"nach {before} wird das Segment {segment} erwartet; der Absender schickt die Nachricht ganz",
                text_en=f"segment {segment} expected after {before}; the sender sends the whole message",
                place=f"{place}, {segment}",
                fhir_code="structure",
            )
            return
        before = segment
    for segment in ("EVN", "NPU", "PV1", "ZBE"):
        if (count := present.count(segment)) > 1:
            yield Issue(
                code="hl7-segment-repeated",
                text_de=f"erwartet wird ein Segment {segment}, nicht {count}; fehlt dazwischen ein MSH?",
                text_en=f"one segment {segment} expected, not {count}; is an MSH missing between them?",
                place=f"{place}, {segment}",
                fhir_code="structure",
            )


def _missing(name: str, place: str) -> Issue:
    return Issue(
        code="hl7-field-missing",
        text_de=f"{name} fehlt; der Absender ergänzt das Feld",
        text_en=f"{name} is missing; the sender fills the field in",
        place=f"{place}, {name}",
        fhir_code="required",
    )
