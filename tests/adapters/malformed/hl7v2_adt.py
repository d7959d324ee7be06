"""HL7 v2 ADT as interfaces send it when something is wrong with them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from mappings.census_event import event_of
from mappings.errors import Issue
from mappings.wards import WardIndex, parse_wards
from tests.adapters.malformed import Malformed

FORMAT = "hl7v2_adt"
OPTIONS: Mapping[str, Any] = {}

_WARDS = WardIndex(
    parse_wards(
        [
            {
                "hospital": "KH",
                "ward": "KZP1",
                "care_form": "kurzzeitpflege-solitaer",
                "beds": ["101/1", "101/2"],
                "facility": {"key": "kh", "name": "Klinikum"},
            }
        ]
    )
)
_RECEIVED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

_EVN = "EVN|{0}|20261122080000"
_PID = "PID|1||4711^^^KH||Muster^Erika"
_PV1 = "PV1|1|I|KZP1^101^1||||||||||||||||F-1"
_NPU = "NPU|KZP1^101^1|U"


def reading(fields: Mapping[str, Any]) -> Iterator[Issue]:
    """What the census says of a message that the adapter reads."""
    yield from event_of(fields, _WARDS, _RECEIVED).issues


def _msh(trigger: str = "A01", *, marks: str = "|^~\\&", kind: str = "ADT^{0}", tail: str = "|1|P|2.5") -> str:
    separator = marks[:1]
    head = ("MSH", marks[1:], "KIS", "KH", "PLATZFREI", "", "20261122080000", "", kind.format(trigger))
    return separator.join(head) + tail.replace("|", separator)


def _sent(*segments: str, end: str = "\r") -> bytes:
    return "".join(f"{segment}{end}" for segment in segments).encode()


def _adt(trigger: str, *segments: str, tail: str = "|1|P|2.5", end: str = "\r") -> bytes:
    """A message with EVN and what comes after it."""
    return _sent(_msh(trigger, tail=tail), _EVN.format(trigger), *segments, end=end)


_GOOD = _adt("A20", _NPU)


def _encoded(charset: str, name: str, codec: str) -> bytes:
    tail = f"|1|P|2.5||||||{charset}"
    return _sent(_msh("A01", tail=tail), _EVN.format("A01"), f"PID|1||4711||{name}", _PV1).decode().encode(codec)


def _case(name: str, body: bytes, code: str, place: str, text_en: str, **options: str) -> Malformed:
    return Malformed(name, body, code, place, text_en, options or None)


_NO_MESSAGE = "no HL7 v2 message found: segment MSH expected"

CASES = [
    # --- nothing that is a message
    _case("nothing", b"", "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("white space", b"\r\n\r\n  \r", "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("only framing", b"\x0b\x1c\r", "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("JSON", b'{"facilities": []}', "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("HL7 v3", b"<?xml version='1.0'?><PRPA_IN201305UV02/>", "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("HTTP", b"POST / HTTP/1.1\r\nHost: hub\r\n\r\n", "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("no MSH", _sent(_EVN.format("A01"), _PID, _PV1), "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("MSH in small letters", _GOOD.replace(b"MSH", b"msh"), "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("MSH run together", _GOOD.replace(b"MSH|", b"MSH1|"), "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case("UTF-16", _GOOD.decode().encode("utf-16"), "hl7-no-header", "byte 0", _NO_MESSAGE),
    _case(
        "an empty batch",
        _sent("FHS|^~\\&|KIS", "BHS|^~\\&|KIS", "BTS|0", "FTS|1"),
        "hl7-no-header",
        "byte 0",
        _NO_MESSAGE,
    ),
    _case(
        "a rest before the message", _sent(_PV1) + _GOOD, "hl7-no-header", "message 1, byte 0", "segment MSH expected"
    ),
    _case(
        "a rest in a batch",
        _sent("BHS|^~\\&|KIS") + _GOOD + _sent("BTS|1", _NPU),
        "hl7-no-header",
        "message 2, byte 118",
        "segment MSH expected",
    ),
    # --- MSH
    _case("MSH alone", b"MSH\r", "hl7-cut-header", "message 1, byte 3", "cut before MSH-9"),
    _case("MSH cut at its delimiters", b"MSH|^~\\&\r", "hl7-cut-header", "message 1, byte 8", "cut before MSH-9"),
    _case("MSH cut before its type", b"MSH|^~\\&|KIS|KH|||20261122\r", "hl7-cut-header", "message 1, byte 26", "cut"),
    _case(
        "an empty type", _sent(_msh(kind=""), _EVN.format("A01"), _PV1), "hl7-cut-header", "message 1, byte 51", "cut"
    ),
    _case(
        "a type without event",
        _sent(_msh(kind="ADT"), "EVN||20261122080000", _PV1),
        "hl7-field-missing",
        "message 1, MSH-9.2",
        "MSH-9.2 is missing",
    ),
    _case(
        "an event that is none",
        _sent(_msh(kind="ADT^Aufnahme"), "EVN||20261122080000", _PV1),
        "hl7-value",
        "message 1, MSH-9.2",
        "a trigger event such as A01",
    ),
    _case(
        "a type in small letters",
        _sent(_msh(kind="adt^A01"), _EVN.format("A01"), _PV1),
        "hl7-value",
        "message 1, MSH-9.1",
        "a message type such as ADT",
    ),
    _case(
        "delimiters that repeat",
        _sent(_msh(marks="|^^\\&"), _EVN.format("A01"), _PV1),
        "hl7-delimiters",
        "message 1, byte 3",
        "five different delimiters",
    ),
    _case(
        "two delimiters too few",
        _sent(_msh(marks="|^~"), _EVN.format("A01"), _PV1),
        "hl7-delimiters",
        "message 1, byte 3",
        "five different",
    ),
    _case(
        "seven delimiters",
        _sent(_msh(marks="|^~\\&#$"), _EVN.format("A01"), _PV1),
        "hl7-delimiters",
        "message 1, byte 3",
        "five different",
    ),
    _case(
        "letters for delimiters",
        _sent(_msh(marks="|ABCD"), _EVN.format("A01"), _PV1),
        "hl7-delimiters",
        "message 1, byte 3",
        "five different",
    ),
    _case(
        "a letter between fields",
        b"MSHx^~\\&xKISxKHxxx20261122xxADT^A01x1xPx2.5\r",
        "hl7-no-header",
        "byte 0",
        _NO_MESSAGE,
    ),
    _case("blanks between fields", _GOOD.replace(b"|", b" "), "hl7-delimiters", "message 1, byte 3", "five different"),
    _case(
        "HTML's ampersand",
        _sent(_msh(marks="|^~\\&amp;"), _EVN.format("A01"), _PV1),
        "hl7-delimiters",
        "message 1, byte 3",
        "five different",
    ),
    _case(
        "other delimiters in the segments",
        _sent(_msh(), "EVN#A01#20261122080000", "PV1#1#I#KZP1"),
        "hl7-segment-missing",
        "message 1, EVN",
        "segment EVN expected after MSH",
    ),
    _case(
        "a time of sending that is none",
        _sent(_msh().replace("20261122080000", "heute"), _EVN.format("A01"), _PV1),
        "hl7-value",
        "message 1, MSH-7",
        "a time YYYYMMDD",
    ),
    _case(
        "a message id with blanks",
        _adt("A01", _PV1, tail="|ID 1 2 3|P|2.5"),
        "hl7-value",
        "message 1, MSH-10",
        "no spaces",
    ),
    _case(
        "a message id without end",
        _adt("A01", _PV1, tail=f"|{'9' * 41}|P|2.5"),
        "hl7-value",
        "message 1, MSH-10",
        "at most 40 characters",
    ),
    _case(
        "a version that is none",
        _adt("A01", _PV1, tail="|1|P|zwei"),
        "hl7-value",
        "message 1, MSH-12",
        "a version such as 2.5",
    ),
    _case(
        "a hospital too long to be a code",
        _sent(_msh().replace("|KH|", f"|{'K' * 41}|"), _EVN.format("A01"), _PV1),
        "hl7-value",
        "message 1, MSH-4.1",
        "a number of at most 40",
    ),
    # --- character sets
    _case(
        "a character set that is none",
        _encoded("EBCDIC", "Muster", "ascii"),
        "hl7-charset",
        "message 1, byte 64",
        "UNICODE UTF-8, 8859/1",
    ),
    _case(
        "UTF-16 by name",
        _encoded("UNICODE UTF-16", "Muster", "ascii"),
        "hl7-charset",
        "message 1, byte 64",
        "not read here",
    ),
    _case(
        "Latin 1 that says UTF-8",
        _encoded("UNICODE UTF-8", "Müller", "latin-1"),
        "hl7-encoding",
        "message 1, byte 115",
        "not of the character set",
    ),
    _case(
        "UTF-8 that says ASCII",
        _encoded("ASCII", "Müller", "utf-8"),
        "hl7-encoding",
        "message 1, byte 107",
        "not of the character set",
    ),
    _case(
        "half a letter at the end",
        _encoded("UTF-8", "Muster", "ascii").rstrip(b"\r") + b"\xc3\r",
        "hl7-encoding",
        "message 1, byte 150",
        "not of the character set",
    ),
    _case(
        "Latin 1 where the map says UTF-8",
        _encoded("8859/1", "Müller", "latin-1"),
        "hl7-encoding",
        "message 1, byte 108",
        "the option charset",
        charset="UTF-8",
    ),
    _case(
        "a character set in the map that is none",
        _GOOD,
        "source-map",
        "options.charset",
        "UTF-8, 8859/1",
        charset="EBCDIC",
    ),
    # --- framing inside a file, segments
    _case(
        "0B inside a segment",
        _GOOD.replace(b"NPU|", b"NPU\x0b|"),
        "hl7-control",
        "message 1, byte 85",
        "a control character",
    ),
    _case(
        "1C inside a segment",
        _GOOD.replace(b"|U", b"\x1c|U"),
        "hl7-control",
        "message 1, byte 96",
        "a control character",
    ),
    _case(
        "NUL inside a segment",
        _GOOD.replace(b"|U", b"|\x00U"),
        "hl7-control",
        "message 1, byte 97",
        "a control character",
    ),
    _case(
        "two messages run together",
        _adt("A01", _PV1)[:-1] + _adt("A01", _PV1),
        "hl7-segment-repeated",
        "message 1, EVN",
        "is an MSH missing",
    ),
    _case(
        "segments that end in escapes",
        _sent(_msh(), _EVN.format("A01"), _PV1, end="\\.br\\"),
        "hl7-value",
        "message 1, MSH-12",
        "a version such as 2.5",
    ),
    _case(
        "segments that end in \\r as text",
        _sent(_msh(), _EVN.format("A01"), _PV1, end="\\r"),
        "hl7-value",
        "message 1, MSH-12",
        "a version such as 2.5",
    ),
    _case(
        "segments that end in form feeds",
        _sent(_msh(), _EVN.format("A01"), _PV1, end="\f"),
        "hl7-value",
        "message 1, MSH-12",
        "a version such as 2.5",
    ),
    _case(
        "LF ends and no EVN",
        _sent(_msh(), _PV1, end="\n"),
        "hl7-segment-missing",
        "message 1, EVN",
        "segment EVN expected after MSH",
    ),
    _case(
        "no EVN", _sent(_msh(), _PID, _PV1), "hl7-segment-missing", "message 1, EVN", "segment EVN expected after MSH"
    ),
    _case("no PV1", _adt("A01", _PID), "hl7-segment-missing", "message 1, PV1", "segment PV1 expected after EVN"),
    _case("no PV1 in a discharge", _adt("A03", _PID), "hl7-segment-missing", "message 1, PV1", "segment PV1 expected"),
    _case("no PV1 in a cancel", _adt("A11", _PID), "hl7-segment-missing", "message 1, PV1", "segment PV1 expected"),
    _case(
        "no PV1 in an announcement", _adt("A16", _PID), "hl7-segment-missing", "message 1, PV1", "segment PV1 expected"
    ),
    _case("no NPU", _adt("A20"), "hl7-segment-missing", "message 1, NPU", "segment NPU expected after EVN"),
    _case("PV1 for NPU", _adt("A20", _PV1), "hl7-segment-missing", "message 1, NPU", "segment NPU expected after EVN"),
    _case(
        "two EVN",
        _adt("A01", _EVN.format("A02"), _PV1),
        "hl7-segment-repeated",
        "message 1, EVN",
        "one segment EVN expected, not 2",
    ),
    _case(
        "two PV1", _adt("A01", _PV1, _PV1), "hl7-segment-repeated", "message 1, PV1", "one segment PV1 expected, not 2"
    ),
    _case("two NPU", _adt("A20", _NPU, _NPU), "hl7-segment-repeated", "message 1, NPU", "is an MSH missing"),
    _case(
        "two ZBE",
        _adt("A02", _PV1, "ZBE|1|20261122||INSERT|N", "ZBE|2|20261122||INSERT|N"),
        "hl7-segment-repeated",
        "message 1, ZBE",
        "one segment ZBE expected",
    ),
    _case(
        "a swap of one",
        _adt("A17", _PID, _PV1),
        "hl7-segment-missing",
        "message 1, PV1",
        "two patients with a PV1 each",
    ),
    _case(
        "a swap of nobody",
        _adt("A17"),
        "hl7-segment-missing",
        "message 1, PV1",
        "two patients with a PV1 each",
    ),
    _case(
        "a swap of three",
        _adt("A17", _PID, _PV1, _PID, _PV1, _PID, _PV1),
        "hl7-segment-missing",
        "message 1, PV1",
        "two patients",
    ),
    _case(
        "a swap whose second has no bed",
        _adt("A17", _PID, _PV1, _PID),
        "hl7-segment-missing",
        "message 1, patient 2, PV1",
        "segment PV1 expected",
    ),
    _case("cut inside PV1", _adt("A01", _PV1)[:-24], "hl7-unterminated", "message 1", "it may be cut"),
    _case("cut inside EVN", _adt("A01", _PV1)[:80], "hl7-value", "message 1, EVN-2", "a time YYYYMMDD"),
    # --- values
    _case(
        "EVN and MSH differ",
        _sent(_msh("A20"), _EVN.format("A01"), _NPU),
        "hl7-trigger-differs",
        "message 1, EVN-1",
        "MSH-9 counts",
    ),
    _case(
        "no bed for who is admitted",
        _adt("A01", "PV1|1|I"),
        "hl7-field-missing",
        "message 1, PV1-3.1",
        "PV1-3.1 is missing",
    ),
    _case(
        "a bed that is deleted",
        _adt("A02", 'PV1|1|I|""^""^""'),
        "hl7-field-missing",
        "message 1, PV1-3.1",
        "PV1-3.1 is missing",
    ),
    _case(
        "a ward in words",
        _adt("A01", "PV1|1|I|Kurzzeitpflege am Heidesee, Haus 2^101^1"),
        "hl7-value",
        "message 1, PV1-3.1",
        "a code of at most 20",
    ),
    _case(
        "a bed in words",
        _adt("A20", "NPU|KZP1^101^Bett am Fenster rechts hinten|U"),
        "hl7-value",
        "message 1, NPU-1.3",
        "a code of at most 20",
    ),
    _case("no status", _adt("A20", "NPU|KZP1^101^1"), "hl7-field-missing", "message 1, NPU-2", "NPU-2 is missing"),
    _case(
        "a status in words", _adt("A20", "NPU|KZP1^101^1|frei"), "hl7-value", "message 1, NPU-2", "C, H, I, K, O or U"
    ),
    _case("a status of another table", _adt("A20", "NPU|KZP1^101^1|A"), "hl7-value", "message 1, NPU-2", "table 0116"),
    _case(
        "a class in words",
        _adt("A01", _PV1.replace("|I|", "|stationär|")),
        "hl7-value",
        "message 1, PV1-2",
        "a class of table 0004",
    ),
    _case(
        "a visit number too long",
        _adt("A01", _PV1.replace("F-1", "F" * 41)),
        "hl7-value",
        "message 1, PV1-19",
        "a number of at most 40",
    ),
    _case(
        "segments smuggled in by an escape",
        _adt("A01", _PV1.replace("KZP1", r"KZP1\X0D\PV1")),
        "hl7-value",
        "message 1, PV1-3.1",
        "a code of",
    ),
    _case(
        "an action that is none",
        _adt("A02", _PV1, "ZBE|1|20261122||DELETE|N"),
        "hl7-value",
        "message 1, ZBE-4",
        "INSERT, UPDATE or CANCEL",
    ),
    _case(
        "historic in words", _adt("A02", _PV1, "ZBE|1|20261122||INSERT|ja"), "hl7-value", "message 1, ZBE-5", "Y or N"
    ),
    _case(
        "a German date",
        _sent(_msh(), "EVN|A01|22.11.2026 08:00", _PV1),
        "hl7-value",
        "message 1, EVN-2",
        "a time YYYYMMDD",
    ),
    _case(
        "an ISO date",
        _sent(_msh(), "EVN|A01|2026-11-22T08:00:00", _PV1),
        "hl7-value",
        "message 1, EVN-2",
        "a time YYYYMMDD",
    ),
    _case(
        "a thirteenth month", _sent(_msh(), "EVN|A01|20261322080000", _PV1), "hl7-value", "message 1, EVN-2", "a time"
    ),
    _case(
        "a thirtieth of February",
        _sent(_msh(), "EVN|A01|20260230080000", _PV1),
        "hl7-value",
        "message 1, EVN-2",
        "a time",
    ),
    _case(
        "a twenty-fifth hour", _sent(_msh(), "EVN|A01|20261122250000", _PV1), "hl7-value", "message 1, EVN-2", "a time"
    ),
    _case("an odd digit", _sent(_msh(), "EVN|A01|2026112208000", _PV1), "hl7-value", "message 1, EVN-2", "a time"),
    _case("the year nought", _sent(_msh(), "EVN|A01|00000000", _PV1), "hl7-value", "message 1, EVN-2", "a time"),
    _case(
        "an offset of 99 minutes",
        _sent(_msh(), "EVN|A01|20261122080000+0199", _PV1),
        "hl7-value",
        "message 1, EVN-2",
        "a time",
    ),
    # --- what the census finds
    _case("no time", _sent(_msh(), "EVN|A01", _PV1), "hl7-field-missing", "EVN-2", "EVN-2 is missing"),
    _case("a time of a month", _sent(_msh(), "EVN|A01|202611", _PV1), "time-unreadable", "EVN-2", "a time YYYYMMDD"),
    _case(
        "a clock that is a day ahead",
        _sent(_msh(), "EVN|A01|20261123080000", _PV1),
        "time-in-future",
        "EVN-2",
        "more than two hours",
    ),
    _case(
        "a movement of next year",
        _sent(_msh(), "EVN|A01|20261122080000||||20271122080000", _PV1),
        "time-in-future",
        "EVN-6",
        "more than two hours in the future",
    ),
    _case(
        "an hour that comes twice",
        _sent(_msh(), "EVN|A01|20261025023000", _PV1),
        "time-ambiguous",
        "EVN-2",
        "comes twice or never",
    ),
    _case(
        "an hour that never comes",
        _sent(_msh(), "EVN|A01|20260329023000", _PV1),
        "time-ambiguous",
        "EVN-2",
        "comes twice or never",
    ),
    _case(
        "a bed that is not declared",
        _adt("A01", _PV1.replace("^101^1", "^109^1")),
        "bed-not-declared",
        "PV1-3.3",
        "no such bed in the source map (beds: 101/1, 101/2)",
    ),
    _case(
        "a status of a bed that is not declared",
        _adt("A20", "NPU|KZP1^109^1|U"),
        "bed-not-declared",
        "NPU-1.3",
        "no such bed",
    ),
    _case(
        "an update to a bed that is not declared",
        _adt("A08", _PV1.replace("^101^1", "^109^1")),
        "bed-not-declared",
        "PV1-3.3",
        "no such bed",
    ),
    _case("a status of a ward", _adt("A20", "NPU|KZP1^101|U"), "hl7-field-missing", "NPU-1.3", "NPU-1.3 is missing"),
    _case(
        "a cancel of nobody's admission",
        _adt("A11", "PV1|1|I|KZP1^101^1"),
        "hl7-field-missing",
        "PV1-19",
        "PV1-19 is missing",
    ),
    _case(
        "a cancel of nobody's announcement",
        _adt("A25", "PV1|1|I|KZP1^101^1"),
        "hl7-field-missing",
        "PV1-19",
        "PV1-19 is missing",
    ),
]
