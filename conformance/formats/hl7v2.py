"""HL7 v2 messages from bytes: cut at MSH, with the sender's delimiters, character set, escapes and times
(HL7 v2.5 chapter 2, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=144).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import IntEnum, StrEnum
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

__all__ = [
    "Delimiters",
    "Flaw",
    "Leaf",
    "Message",
    "Precision",
    "Segment",
    "Timestamp",
    "Unreadable",
    "codec",
    "messages",
    "timestamp",
]

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]+")
_BLOCK_CHARACTERS = b"\x0b\x1c"
_CONTROL = re.compile(rb"[\x00\x0b\x1c]")
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_POSITION = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9][0-9]{0,2})(?:\.([1-9][0-9]{0,2}))?")
_TIME = re.compile(r"([0-9]{4,14})(\.[0-9]{1,4})?([+-][0-9]{4})?")

_CODECS = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "88591": "iso8859-1",
    "885915": "iso8859-15",
    "88592": "iso8859-2",
    "88599": "iso8859-9",
    "IR6": "ascii",
    "IR100": "iso8859-1",
    "IR192": "utf-8",
    "IR203": "iso8859-15",
    "UTF8": "utf-8",
    "CP1252": "cp1252",
    "WINDOWS1252": "cp1252",
}


class Flaw(StrEnum):
    """Why a stretch of bytes is no message."""

    NO_HEADER = "no-header"
    """It does not begin with MSH."""
    CUT_HEADER = "cut-header"
    """MSH ends before MSH-9, the message type."""
    DELIMITERS = "delimiters"
    """MSH-1 and MSH-2 are not five different punctuation marks."""
    CHARSET = "charset"
    """MSH-18 names a character set that is not read here."""
    ENCODING = "encoding"
    """The bytes are not of the character set."""
    CONTROL = "control"
    """NUL or an MLLP block character stands inside a segment."""


class Precision(IntEnum):
    """How much of a time was stated: the number of digits of its part before the fraction."""

    YEAR = 4
    MONTH = 6
    DAY = 8
    HOUR = 10
    MINUTE = 12
    SECOND = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """A time as HL7 v2 writes it; `ambiguous` says that it had no offset and that its zone has it twice or never."""

    instant: datetime
    precision: Precision
    ambiguous: bool = False


@dataclass(frozen=True, kw_only=True)
class Delimiters:
    """MSH-1 and the four characters of MSH-2."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str

    @cached_property
    def parting(self) -> str:
        """What parts the values of a field."""
        return self.repetition + self.component + self.subcomponent

    @cached_property
    def others(self) -> frozenset[str]:
        """All but what parts fields and components."""
        return frozenset((self.repetition, self.escape, self.subcomponent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value that is not blank, unescaped, and its position, counted from 1."""

    field: int
    repetition: int
    component: int
    subcomponent: int
    value: str


class Segment(NamedTuple):
    """One line: its name, and its fields as sent, by their numbers (`fields[0]` is the name)."""

    name: str
    fields: tuple[str, ...]
    delimiters: Delimiters
    codec: str

    def leaves(self) -> Iterator[Leaf]:
        """All values that are not blank, in their order; MSH-1 and MSH-2 are none."""
        for number in self.sent():
            yield from self.leaves_of(number)

    def sent(self) -> list[int]:
        """The numbers of the fields that are not empty; MSH-1 and MSH-2 are none."""
        first = 3 if self.name == "MSH" else 1
        return [number for number, text in enumerate(self.fields) if text and number >= first]

    def leaves_of(self, number: int) -> Iterator[Leaf]:
        """The values of one field that are not blank, in their order."""
        marks = self.delimiters
        for repetition, repeated in enumerate(self.fields[number].split(marks.repetition), 1):
            for component, part in enumerate(repeated.split(marks.component), 1):
                for subcomponent, text in enumerate(part.split(marks.subcomponent), 1):
                    if text:
                        yield Leaf(
                            field=number,
                            repetition=repetition,
                            component=component,
                            subcomponent=subcomponent,
                            value=_unescaped(text, marks, self.codec),
                        )

    def components(self, number: int) -> list[str] | None:
        """The components of a field that has neither repetitions nor subcomponents nor escapes; None for any other."""
        field = self.fields[number]
        return field.split(self.delimiters.component) if self.delimiters.others.isdisjoint(field) else None

    def value(self, field: int, component: int = 1) -> str:
        """The first subcomponent of a component of a field's first repetition; blank where it is not sent."""
        marks = self.delimiters
        if field >= len(self.fields):
            return ""
        components = self.fields[field].split(marks.repetition, 1)[0].split(marks.component)
        if component > len(components):
            return ""
        return _unescaped(components[component - 1].split(marks.subcomponent, 1)[0], marks, self.codec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: the `number`th of its file, beginning at byte `offset`.

    `terminated` is false where the file ends without the segment terminator that every segment must have.
    """

    number: int
    offset: int
    segments: tuple[Segment, ...]
    terminated: bool

    def named(self, name: str) -> tuple[Segment, ...]:
        """The segments of a name, in their order."""
        return tuple(segment for segment in self.segments if segment.name == name)

    def field(self, position: str) -> str:
        """The value at a position such as `PV1-3.1` (`PV1-2` is `PV1-2.1`) in the first segment of that name.

        Blank where it is not sent; ValueError for what is no position.
        """
        match = _POSITION.fullmatch(position)
        if match is None:
            raise ValueError(f"{position!r} is no position such as PV1-3.1")
        name, field, component = match.groups()
        segments = self.named(name)
        return segments[0].value(int(field), int(component or 1)) if segments else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The `number`th stretch of a file, where it is no message that can be read; the file's byte `at` shows it."""

    number: int
    offset: int
    body: bytes
    flaw: Flaw
    at: int


class _Line(NamedTuple):
    offset: int
    body: bytes


def messages(body: bytes, *, charset: str | None = None) -> Iterator[Message | Unreadable]:
    """The messages of a file or batch in their order; segments may end in CR, LF or both.

    `charset`, a name that `codec` knows, overrides MSH-18. Without either, a file with a byte-order mark is UTF-8, and
    a message of any other is UTF-8 where that fits, else Windows-1252.
    """
    marked = body.startswith(_BOM)
    override = codec(charset) if charset is not None else None
    for number, lines in enumerate(_stretches(body, len(_BOM) if marked else 0), 1):
        yield _read(body, number, lines, override=override, fallbacks=("utf-8",) if marked else ("utf-8", "cp1252"))


@lru_cache(maxsize=64)
def codec(name: str) -> str:
    """Python's name of a character set of table 0211 (or `CP1252`, or as DICOM names it, `ISO_IR 100`), however it is
    spelled; LookupError for one that is not read here.
    """
    folded = re.sub(r"[\s/_-]", "", name.upper()).removeprefix("UNICODE").removeprefix("ISO")
    if folded not in _CODECS:
        raise LookupError("unknown character set")
    return _CODECS[folded]


@lru_cache(maxsize=1024)
def timestamp(text: str, zone: tzinfo) -> Timestamp:
    """A time `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`; without an offset it is of `zone`, the earlier of two.

    ValueError for any other text.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("no HL7 time")
    digits, fraction, offset = match.groups()
    if len(digits) % 2 or (fraction and len(digits) != Precision.SECOND):
        raise ValueError("no HL7 time")
    whole = digits + "00000101000000"[len(digits) :]
    stated = _offset(offset) if offset else None
    instant = datetime(
        int(whole[:4]),
        int(whole[4:6]),
        int(whole[6:8]),
        int(whole[8:10]),
        int(whole[10:12]),
        int(whole[12:]),
        _microseconds(fraction),
        tzinfo=stated or zone,
    )
    try:
        instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("beyond the calendar") from error
    return Timestamp(
        instant=instant,
        precision=Precision(len(digits)),
        ambiguous=stated is None and instant.utcoffset() != instant.replace(fold=1).utcoffset(),
    )


def _microseconds(fraction: str | None) -> int:
    return int(fraction[1:].ljust(6, "0")) if fraction else 0


def _offset(text: str) -> timezone:
    hours, minutes = int(text[1:3]), int(text[3:])
    if minutes > 59:
        raise ValueError("no offset")
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if text[0] == "-" else span)


def _stretches(body: bytes, start: int) -> Iterator[list[_Line]]:
    """The lines of each message; lines of a batch's envelope belong to none."""
    lines: list[_Line] = []
    for match in _LINE.finditer(body, start):
        line = match.group()
        offset = match.start()
        if line[0] in _BLOCK_CHARACTERS or line[-1] in _BLOCK_CHARACTERS:
            line = line.lstrip(_BLOCK_CHARACTERS)
            offset = match.end() - len(line)
            line = line.rstrip(_BLOCK_CHARACTERS)
        if not line.strip():
            continue
        name = line[:3]
        header = name == b"MSH" and _begins(line, b"MSH")
        envelope = name in _ENVELOPE and _begins(line, *_ENVELOPE)
        if lines and (header or envelope):
            yield lines
            lines = []
        if not envelope:
            lines.append(_Line(offset, line))
    if lines:
        yield lines


def _begins(line: bytes, *names: bytes) -> bool:
    return line[:3] in names and not line[3:4].isalnum()


def _read(
    body: bytes, number: int, lines: list[_Line], *, override: str | None, fallbacks: tuple[str, ...]
) -> Message | Unreadable:
    offset, header = lines[0].offset, lines[0].body
    end = lines[-1].offset + len(lines[-1].body)

    def unreadable(flaw: Flaw, at: int) -> Unreadable:
        return Unreadable(number=number, offset=offset, body=body[offset:end], flaw=flaw, at=at)

    if not _begins(header, b"MSH"):
        return unreadable(Flaw.NO_HEADER, offset)
    if _CONTROL.search(body, offset, end):
        for line in lines:
            if control := _CONTROL.search(line.body):
                return unreadable(Flaw.CONTROL, line.offset + control.start())
    fields = header.split(header[3:4]) if len(header) > 3 else []
    if len(fields) < 9 or not fields[8].strip():
        return unreadable(Flaw.CUT_HEADER, offset + len(header))
    delimiters = _delimiters(header[3:4] + fields[1])
    if delimiters is None:
        return unreadable(Flaw.DELIMITERS, offset + 3)
    candidates = fallbacks
    declared = fields[17].split(delimiters.repetition.encode())[0].decode("latin-1") if len(fields) > 17 else ""
    if override is not None:
        candidates = (override,)
    elif declared.strip():
        try:
            candidates = (codec(declared),)
        except LookupError:
            return unreadable(Flaw.CHARSET, offset + len(header[3:4].join(fields[:17])) + 1)
    failed_at = offset
    for name in candidates:
        try:
            segments = tuple(_segment(line, delimiters, name) for line in lines)
        except _UndecodableError as error:
            failed_at = error.at
        else:
            return Message(number=number, offset=offset, segments=segments, terminated=end < len(body))
    return unreadable(Flaw.ENCODING, failed_at)


class _UndecodableError(Exception):
    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def _segment(line: _Line, delimiters: Delimiters, name: str) -> Segment:
    try:
        text = line.body.decode(name)
    except UnicodeDecodeError as error:
        raise _UndecodableError(line.offset + error.start) from error
    parts = text.split(delimiters.field)
    if parts[0] == "MSH":
        # MSH-1 is the delimiter itself, so that MSH's fields are counted one further than it splits them.
        parts.insert(1, delimiters.field)
    return Segment(name=parts[0], fields=tuple(parts), delimiters=delimiters, codec=name)


@lru_cache(maxsize=64)
def _delimiters(marks: bytes) -> Delimiters | None:
    # A sixth mark is the truncation character of v2.7, which means nothing to a reader.
    text = marks.decode("latin-1")
    known = len(text) in (5, 6) and len(set(text)) == len(text)
    if not known or any(not "!" <= mark <= "~" or mark.isalnum() for mark in text):
        return None
    return Delimiters(field=text[0], component=text[1], repetition=text[2], escape=text[3], subcomponent=text[4])


@cache
def _escape(mark: str) -> re.Pattern[str]:
    quoted = re.escape(mark)
    return re.compile(f"{quoted}([^{quoted}]*){quoted}")


def _unescaped(text: str, marks: Delimiters, codec_name: str) -> str:
    if marks.escape not in text:
        return text
    plain = {
        "F": marks.field,
        "S": marks.component,
        "T": marks.subcomponent,
        "R": marks.repetition,
        "E": marks.escape,
        "H": "",
        "N": "",
        ".br": "\n",
    }

    def meaning(match: re.Match[str]) -> str:
        sequence = match.group(1)
        if sequence in plain:
            return plain[sequence]
        if sequence.startswith("X"):
            try:
                return bytes.fromhex(sequence[1:]).decode(codec_name)
            except ValueError:
                return match.group()
        return match.group()

    return _escape(marks.escape).sub(meaning, text)
