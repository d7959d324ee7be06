"""The answer to an HL7 v2 message in its sender's words: ACK with MSA and ERR
(HL7 v2.5 chapter 2.9, 2.14 and 2.15, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=144).

AA: on disk, and read. AE: on disk, and something in it is wrong. AR: refused before anything of it was read. Whoever
cannot say one of these says nothing: only silence makes every sender send again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from adapters.receipt import Receipt, in_language
from conformance.formats import hl7v2
from mappings.errors import Issue

__all__ = ["Code", "Header", "Policy", "acknowledgements", "header"]

_STANDARD = b"|^~\\&"
_TEXT_MAX = 80
"""MSA-3 is an ST of 80 characters."""
_MESSAGE_MAX = 250
"""ERR-8 is a TX of 250."""
_ERRORS_MAX = 10
_LAST_FIELD = 25
_FIRST_WITH_ERL = (2, 5)
"""From v2.5 on ERR names places, codes and texts in fields of their own."""
_FIRST_WITH_EVENT, _FIRST_WITH_STRUCTURE = (2, 3), (2, 4)
_PLACE = re.compile(r"(?:.*, )?([A-Z][A-Z0-9]{2})(?:-([0-9]+)(?:\.([0-9]+))?)?")
_GROUP = re.compile(r"patient ([0-9])")
_VERSION = re.compile(rb"2(?:\.[0-9]{1,2}){0,2}")
_TRIGGER = re.compile(rb"[A-Z][A-Z0-9]{2}")
_PLAIN = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "„": '"', "“": '"', "–": "-"}
    | {"…": "...", "≤": "<=", "≥": ">=", "→": "->", "’": "'", "‚": "'", "‘": "'"}
)


class Code(StrEnum):
    """Table 0008; the first letter says which of the two kinds of acknowledgement it is."""

    ACCEPTED = "AA"
    ERROR = "AE"
    REFUSED = "AR"
    COMMIT_ACCEPTED = "CA"
    COMMIT_ERROR = "CE"
    COMMIT_REFUSED = "CR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a sender is told where not all is well: some send AE again and never AR, others stop at AE."""

    content: Code = Code.ERROR
    """A message that is on disk, and of which something is set aside or rejected."""
    refusal: Code = Code.REFUSED
    """A message of a kind, version or sender that is not taken here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """MSH as sent: `fields[n]` are the bytes of MSH-n, in the sender's delimiters; an empty one is not there."""

    marks: bytes
    """The field separator and MSH-2's first four characters."""
    fields: tuple[bytes, ...]

    def field(self, number: int) -> bytes:
        """MSH-n as sent; empty where it is not there."""
        return self.fields[number] if number < len(self.fields) else b""

    def part(self, number: int, component: int = 1) -> str:
        """A component of MSH-n's first repetition, as it stands; for comparing, not for reading."""
        parts = self.field(number).split(self.marks[2:3], 1)[0].split(self.marks[1:2])
        return parts[component - 1].decode("latin-1").strip() if component <= len(parts) else ""

    @property
    def message_id(self) -> str | None:
        """What tells the message from every other: MSH-3, MSH-4 and MSH-10; None without MSH-10."""
        if not self.field(10).strip():
            return None
        return "\x1f".join(self.field(number).decode("latin-1") for number in (3, 4, 10))

    @property
    def is_answer(self) -> bool:
        """An acknowledgement, which must not be acknowledged."""
        return self.part(9) in ("ACK", "MCF")

    @property
    def version(self) -> tuple[int, ...]:
        """MSH-12 as numbers; v2.5 where it says none."""
        told = self.field(12).split(self.marks[1:2])[0].strip()
        return tuple(int(number) for number in told.split(b".")) if _VERSION.fullmatch(told) else (2, 5)

    @property
    def codec(self) -> str:
        """Python's name of MSH-18's character set; ASCII where it names none, or one that is not read here."""
        try:
            return hl7v2.codec(self.part(18))
        except LookupError:
            return "ascii"

    @property
    def is_enhanced(self) -> bool:
        """Whether MSH-15 or MSH-16 ask for acknowledgements by kind."""
        return bool(self.field(15).strip() or self.field(16).strip())

    def wants(self, number: int, *, good: bool) -> bool:
        """Whether MSH-15 or MSH-16 (table 0155) asks for an acknowledgement; not stated is never, as HL7 has it."""
        return {"AL": True, "SU": good, "ER": not good}.get(self.part(number), False)


def header(message: bytes) -> Header | None:
    """The first MSH of a message, however little of it there is; None where there is none."""
    begin = 0 if message.startswith(b"MSH") else _header_at(message)
    if begin < 0:
        return None
    line = re.split(rb"[\r\n\x00\x0b\x1c]", message[begin : begin + 10_000], maxsplit=1)[0]
    separator = line[3:4]
    if not _is_mark(separator):
        return Header(marks=_STANDARD, fields=())
    fields = line.split(separator)[: _LAST_FIELD + 1]
    told = fields[1][:4] if len(fields) > 1 else b""
    marks = separator + told
    if len(set(marks)) < 5 or not all(_is_mark(marks[at : at + 1]) for at in range(5)):
        # Only what stands between separators can be told apart: taken over whole, it needs no other delimiter.
        marks = separator + bytes(mark for mark in b"^~\\&$@!" if mark != separator[0])[:4]
    return Header(marks=marks, fields=(b"MSH", separator, *fields[1:]))


def acknowledgements(
    asked: Header | None,
    told: Receipt | Sequence[Issue],
    *,
    control_id: str,
    at: datetime,
    policy: Policy = Policy(),
) -> tuple[bytes, ...]:
    """What is to be sent back, in its order: nothing to an acknowledgement, two messages to who asked for both kinds.

    `told` is the receipt of what is committed, or why the message was refused; `control_id` becomes MSH-10.
    """
    if asked is not None and asked.is_answer:
        return ()
    answer = _Answer(asked or Header(marks=_STANDARD, fields=()), told, control_id=control_id, at=at, policy=policy)
    return tuple(answer.message(code) for code in answer.codes())


def _header_at(message: bytes) -> int:
    found = re.search(rb"(?:^(?:\xef\xbb\xbf)?|[\r\n\x0b])\s*(?=MSH[^A-Za-z0-9])", message[:10_000])
    return found.end() if found else -1


def _is_of(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _is_mark(mark: bytes) -> bool:
    return b"!" <= mark <= b"~" and not mark.isalnum()


@dataclass(frozen=True, slots=True)
class _Condition:
    """A row of table 0357; whether what it says refuses the message, or means that nothing of it could be kept."""

    number: int
    text: str
    refuses: bool = False
    unread: bool = False


_SEQUENCE = _Condition(100, "Segment sequence error")
_REQUIRED = _Condition(101, "Required field missing")
_DATA_TYPE = _Condition(102, "Data type error")
_TABLE = _Condition(103, "Table value not found")
_TYPE = _Condition(200, "Unsupported message type", refuses=True)
_PROCESSING = _Condition(202, "Unsupported processing id", refuses=True)
_VERSION_ID = _Condition(203, "Unsupported version id", refuses=True)
_UNKNOWN_KEY = _Condition(204, "Unknown key identifier")
_DUPLICATE_KEY = _Condition(205, "Duplicate key identifier")
_INTERNAL = _Condition(207, "Application internal error")

_CONDITIONS: Mapping[str, _Condition] = {
    "bed-not-declared": _UNKNOWN_KEY,
    "fault": _INTERNAL,
    "hl7-batch": _Condition(100, "Segment sequence error", refuses=True),
    "hl7-charset": _Condition(103, "Table value not found", refuses=True),
    "hl7-control": _Condition(102, "Data type error", unread=True),
    "hl7-cut-header": _Condition(101, "Required field missing", refuses=True),
    "hl7-delimiters": _Condition(102, "Data type error", refuses=True),
    "hl7-encoding": _Condition(102, "Data type error", unread=True),
    "hl7-field-missing": _REQUIRED,
    "hl7-message-id": _Condition(101, "Required field missing", refuses=True),
    "hl7-message-type": _TYPE,
    "hl7-no-header": _Condition(100, "Segment sequence error", refuses=True),
    "hl7-processing-id": _PROCESSING,
    "hl7-second-message": _Condition(100, "Segment sequence error", refuses=True),
    "hl7-segment-missing": _SEQUENCE,
    "hl7-segment-repeated": _SEQUENCE,
    "hl7-sender": _Condition(204, "Unknown key identifier", refuses=True),
    "hl7-value": _DATA_TYPE,
    "hl7-version": _VERSION_ID,
    "message-id-reused": _DUPLICATE_KEY,
    "mllp-frame": _Condition(100, "Segment sequence error", refuses=True),
    "mllp-too-large": _Condition(207, "Application internal error", refuses=True),
    "time-in-future": _DATA_TYPE,
    "time-unreadable": _DATA_TYPE,
    "unknown-source": _Condition(204, "Unknown key identifier", refuses=True),
}
"""Our stable codes → table 0357; all others are of the FHIR code that they have."""

_BY_FHIR_CODE: Mapping[str, _Condition] = {
    "structure": _SEQUENCE,
    "required": _REQUIRED,
    "value": _DATA_TYPE,
    "code-invalid": _TABLE,
    "not-supported": _TYPE,
    "duplicate": _DUPLICATE_KEY,
    "not-found": _UNKNOWN_KEY,
}

_LOCATIONS: Mapping[str, tuple[str, int]] = {
    "hl7-charset": ("MSH", 18),
    "hl7-delimiters": ("MSH", 2),
    "message-id-reused": ("MSH", 10),
}
"""Where what is wrong stands, for issues whose place is a byte or a part of HTTP."""


def _condition(issue: Issue) -> _Condition:
    return _CONDITIONS.get(issue.code) or _BY_FHIR_CODE.get(issue.fhir_code) or _INTERNAL


def _located(issue: Issue) -> tuple[str, str, str, str]:
    """Segment, which of them, field and component that an issue is about; each blank where it does not say."""
    if issue.code in _LOCATIONS:
        segment, field = _LOCATIONS[issue.code]
        return segment, "1", str(field), ""
    found = _PLACE.fullmatch(issue.place)
    if found is None:
        return "", "", "", ""
    group = _GROUP.search(issue.place)
    return found[1], group[1] if group else "1", found[2] or "", found[3] or ""


class _Answer:
    def __init__(
        self, asked: Header, told: Receipt | Sequence[Issue], *, control_id: str, at: datetime, policy: Policy
    ) -> None:
        self._asked = asked
        self._told = told
        self._control_id = control_id
        self._at = at
        found = told.issues if isinstance(told, Receipt) else told
        # Of a swap both records tell the faults of either.
        self._errors = list(dict.fromkeys(issue for issue in found if issue.severity == "error"))[:_ERRORS_MAX]
        self._good = isinstance(told, Receipt) and told.good
        refused = not self._good and (not self._errors or any(_condition(each).refuses for each in self._errors))
        self._code = Code.ACCEPTED if self._good else policy.refusal if refused else policy.content
        # What could not be read is kept as hash and length alone: that is no commit.
        lost = isinstance(told, Receipt) and (told.rejected or any(_condition(each).unread for each in self._errors))
        self._committed = isinstance(told, Receipt) and not lost and not refused
        self._refused = refused
        self._language = "en" if asked.field(19)[:2].lower() == b"en" else "de"
        self._codec = asked.codec

    def codes(self) -> tuple[Code, ...]:
        if not self._asked.is_enhanced:
            return (self._code,)
        commit = Code.COMMIT_REFUSED if self._refused else Code.COMMIT_ERROR
        codes = []
        if self._asked.wants(15, good=self._committed):
            codes.append(Code.COMMIT_ACCEPTED if self._committed else commit)
        # What was not taken over is never processed: its commit acknowledgement is all that there is to say.
        if self._asked.wants(16, good=self._good) and (self._committed or not codes):
            codes.append(self._code)
        return tuple(codes)

    def message(self, code: Code) -> bytes:
        segments = [self._header(code), self._acknowledgement(code)]
        if code is not Code.COMMIT_ACCEPTED:
            segments += [self._error(issue) for issue in self._errors]
        return b"".join(segment.rstrip(self._asked.marks[:1]) + b"\r" for segment in segments)

    def _header(self, code: Code) -> bytes:
        asked, marks = self._asked, self._asked.marks
        version = asked.field(12) if _VERSION.match(asked.field(12).strip()) else b"2.5"
        kind = [b"ACK"]
        trigger = asked.part(9, 2).encode("latin-1")
        if asked.version >= _FIRST_WITH_EVENT and _TRIGGER.fullmatch(trigger):
            kind.append(trigger)
            if asked.version >= _FIRST_WITH_STRUCTURE:
                kind.append(b"ACK")
        processing = asked.field(11) if asked.part(11) in ("P", "T", "D") else b"P"
        silent = b"NE" if asked.is_enhanced else b""
        fields = [
            b"MSH",
            marks[1:],
            *(asked.field(number) for number in (5, 6, 3, 4)),
            self._at.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000").encode(),
            b"",
            marks[1:2].join(kind),
            self._written(self._control_id if code.startswith("A") else f"{self._control_id}C"),
            processing,
            version,
            *(b"",) * 2,
            *(silent,) * 2,
            b"",
            asked.field(18) if self._codec != "ascii" or asked.part(18) in ("", "ASCII") else b"ASCII",
        ]
        return marks[:1].join(fields)

    def _acknowledgement(self, code: Code) -> bytes:
        condition = b""
        if self._errors and self._asked.version < _FIRST_WITH_ERL:
            found = _condition(self._errors[0])
            condition = self._coded(found.number, found.text, "HL70357", self._asked.marks[1:2])
        text = self._written(self._said() if code.startswith("A") or not self._committed else "", most=_TEXT_MAX)
        fields = [b"MSA", code.encode(), self._asked.field(10), text, b"", b"", condition]
        return self._asked.marks[:1].join(fields)

    def _said(self) -> str:
        if self._errors:
            return self._placed(self._errors[0])
        if isinstance(self._told, Receipt):
            return next((in_language(reason, self._language) for reason in self._told.left_out), "")
        return ""

    def _placed(self, issue: Issue) -> str:
        """What is wrong, the place first: many systems log MSA-3 and no ERR."""
        text = self._in_language(issue)[0]
        segment, _, field, part = _located(issue)
        place = "-".join(filter(None, (segment, ".".join(filter(None, (field, part))))))
        return f"{place}: {text}" if place and not text.startswith(place) else text

    def _error(self, issue: Issue) -> bytes:
        separator, component, subcomponent = (self._asked.marks[at : at + 1] for at in (0, 1, 4))
        condition, location = _condition(issue), self._location(issue, component)
        if self._asked.version < _FIRST_WITH_ERL:
            # ELD: segment, sequence, field, and the code as a CE of subcomponents.
            places = [*location.split(component), *(b"",) * 3][:3] if location else [b""] * 3
            coded = self._coded(condition.number, condition.text, "HL70357", subcomponent)
            return separator.join((b"ERR", component.join((*places, coded))))
        first, second = self._in_language(issue)
        number = str(self._told.delivery).encode() if isinstance(self._told, Receipt) and self._told.delivery else b""
        fields = [
            b"ERR",
            b"",
            location,
            self._coded(condition.number, condition.text, "HL70357", component),
            b"E",
            self._coded(issue.code, "", "PLATZFREI", component),
            number,
            self._written(second),
            self._written(first, most=_MESSAGE_MAX),
        ]
        return separator.join(fields)

    def _location(self, issue: Issue, component: bytes) -> bytes:
        segment, group, place, part = _located(issue)
        told = [segment, group, *([place] if place else []), *(["1", part] if part else [])] if segment else []
        return component.join(each.encode() for each in told)

    def _in_language(self, issue: Issue) -> tuple[str, str]:
        texts = issue.text_de, issue.text_en
        return texts if self._language == "de" else texts[::-1]

    def _coded(self, code: object, text: str, system: str, between: bytes) -> bytes:
        return between.join(self._written(str(each)) for each in (code, text, system))

    def _written(self, text: str, *, most: int | None = None) -> bytes:
        """Text of ours, in the sender's character set, with all escaped that would be read as structure; of more than
        `most` characters, so written, the last words are left out."""
        if most is None and text.isascii() and text.isalnum():
            return text.encode()
        return _escaped(text, self._asked.marks, self._codec, most) if text else b""


@lru_cache(maxsize=256)
def _escaped(text: str, sent_marks: bytes, codec: str, most: int | None) -> bytes:
    if codec != "utf-8" and not text.isascii():
        text = "".join(each if _is_of(each, codec) else _PLAIN.get(ord(each), "?") for each in text)
    marks = sent_marks.decode("latin-1")
    escape = marks[3]
    signs = {
        ord(mark): f"{escape}{letter}{escape}"
        for mark, letter in zip(marks, "FSRET", strict=True)
        if not mark.isalnum()
    }
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    whole = plain.translate(signs)
    if most is not None and len(whole) > most:
        whole = _shortened(plain, signs, most, "…" if _is_of("…", codec) else "...")
    return whole.encode(codec, "replace")


def _shortened(plain: str, signs: Mapping[int, str], most: int, ellipsis: str) -> str:
    """The first words that there is room for; of one that is too long its first characters."""
    left = most - len(ellipsis)
    ends = [0, *(at for at, sign in enumerate(plain) if sign == " ")]
    fitting = max(end for end in ends if end == 0 or len(plain[:end].translate(signs)) < left)
    if fitting:
        return f"{plain[:fitting].translate(signs)} {ellipsis}"
    while len(plain.translate(signs)) > left:
        plain = plain[:-1]
    return plain.translate(signs) + ellipsis
