"""Workbooks as spreadsheet programs save them: their sheets, and of a sheet the cells as text, row by row
(Office Open XML, ECMA-376 part 1, https://ecma-international.org/publications-and-standards/standards/ecma-376/).

Nothing is calculated, nothing outside the file is looked at, and all that is read is read in bounded memory.
"""

import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from posixpath import dirname, join, normpath
from typing import Any

from lxml import etree

from conformance.formats import safe_xml

__all__ = ["Cell", "Flaw", "Merge", "NotAWorkbook", "Row", "Sheet", "Workbook", "column_name"]

_MOST_PARTS = 2_000
_MOST_SHEETS = 100
_MOST_MERGES = 10_000
_MOST_ELEMENTS = 8_000_000
_MOST_WITHIN = 200_000
_MOST_REMEMBERED = 20_000
_LARGEST_PART = 256 * 1024 * 1024
_LARGEST_TEXTS = 64 * 1024 * 1024
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
_LONGEST_NUMBER = 40

_MAIN = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
_PACKAGE = ("http://schemas.openxmlformats.org/package/2006/relationships",)
_ID = tuple(
    f"{{{namespace}}}id"
    for namespace in (
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "http://purl.oclc.org/ooxml/officeDocument/relationships",
    )
)


class NotAWorkbook(Exception):
    """Bytes that are no workbook that we read: why, and what to do about it; a stable code, German and English."""

    def __init__(self, code: str, text_de: str, text_en: str) -> None:
        super().__init__(text_en)
        self.code = code
        self.text_de = text_de
        self.text_en = text_en


class _OutOfPlace(Exception):
    """A row or cell that says of itself that it stands where none can."""


class Flaw(StrEnum):
    """Why a cell has no text, though it is not blank."""

    ERROR = "error"
    """Its formula ended in an error value such as #REF!."""
    NOT_CALCULATED = "not-calculated"
    """It has a formula whose value was not saved, or not calculated before it was."""
    UNREADABLE = "unreadable"
    """What is written there is of no kind that the format has."""


Cell = str | Flaw


@dataclass(frozen=True, slots=True)
class Row:
    """A row that has cells: its number from 1, and its cells that are not blank by column, from 1."""

    number: int
    cells: Mapping[int, Cell]


@dataclass(frozen=True, slots=True)
class Merge:
    """Cells that are shown as one, whose content is that of the first; the bounds are inclusive."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet by the name on its tab."""

    name: str
    hidden: bool
    part: str


class Workbook:
    """An open workbook."""

    def __init__(self, body: bytes) -> None:
        """Raises `NotAWorkbook`, as every method does where the file breaks."""
        self._parts = _parts(body)
        self._texts: list[str] | None = None
        self._numbers: dict[tuple[str, str], Cell] = {}
        main = self._main()
        related = {one.id: one for one in self._relationships(main)}
        self._text_part = next((one.target for one in related.values() if one.kind == "sharedStrings"), None)
        style_part = next((one.target for one in related.values() if one.kind == "styles"), None)
        self._starts_1904 = False
        self._uncalculated = False
        sheets = []
        for element in self._elements(main, "workbookPr", "calcPr", "sheet"):
            name = _local(element)
            if name == "workbookPr":
                self._starts_1904 = _is_true(element.get("date1904"))
            elif name == "calcPr":
                self._uncalculated = _is_true(element.get("fullCalcOnLoad"))
            elif name == "sheet":
                to = related.get(next((element.get(each, "") for each in _ID if element.get(each)), ""))
                if to is not None and to.kind == "worksheet":
                    hidden = element.get("state", "visible") != "visible"
                    sheets.append(Sheet(name=element.get("name", ""), hidden=hidden, part=to.target))
        self.sheets = tuple(sheets[:_MOST_SHEETS])
        self._formats = self._styles(style_part) if style_part is not None and style_part in self._parts.names else ()

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """The rows of a sheet that have cells which are not blank, in their order, as they are asked for."""
        try:
            yield from self._rows(sheet)
        except _OutOfPlace:
            raise _damaged(sheet.part) from None

    def _rows(self, sheet: Sheet) -> Iterator[Row]:
        number = 0
        for row in self._elements(sheet.part, "row"):
            if row.tag not in _ROW:
                continue
            stated = row.get("r")
            following = number + 1 if stated is None else _whole(stated, _MOST_ROWS)
            if following <= number:
                raise _OutOfPlace
            number, column = following, 0
            cells: dict[int, Cell] = {}
            for element in row:
                if element.tag not in _CELL:
                    continue
                reference = element.get("r")
                column = column + 1 if reference is None else _column(reference)
                if column > _MOST_COLUMNS:
                    raise _OutOfPlace
                cell = self._cell(element)
                if cell != "":
                    cells[column] = cell
            if cells:
                yield Row(number, cells)

    def merges(self, sheet: Sheet) -> tuple[Merge, ...]:
        """The merged cells of a sheet, by their first row."""
        if not self._parts.mentions(sheet.part, b"mergeCell "):
            return ()
        found = []
        for element in self._elements(sheet.part, "mergeCell"):
            match = _RANGE.fullmatch(element.get("ref", "")) if element.tag in _MERGE else None
            if match is not None:
                try:
                    found.append(_merge(match))
                except _OutOfPlace:
                    raise _damaged(sheet.part) from None
            if len(found) > _MOST_MERGES:
                raise NotAWorkbook(
                    "too-many-merged-cells",
                    f"Mehr als {_MOST_MERGES} verbundene Zellen; der Absender hebt die Verbindungen auf",
                    f"more than {_MOST_MERGES} merged cells; the sender unmerges them",
                )
        return tuple(sorted(found, key=lambda merge: merge.first_row))

    def moment(self, serial: float, *, shows_time: bool = True) -> str | None:
        """The day `2026-03-01`, or with a time of day `2026-03-01 08:00:00`, that a serial number counts to."""
        if not 1 <= serial < _LAST_SERIAL:
            return None
        # The count from 1900 has a 29 February of that year, which there was not.
        start = _FROM_1904 if self._starts_1904 else _FROM_1900 if serial >= 60 else _FROM_1900 + timedelta(days=1)
        moment = start + timedelta(seconds=round(serial * 86_400))
        timed = shows_time and (moment.hour or moment.minute or moment.second)
        return moment.isoformat(" ") if timed else moment.date().isoformat()

    def _main(self) -> str:
        for one in self._relationships(""):
            if one.kind == "officeDocument":
                if one.target.endswith(".bin"):
                    raise _other_kind("XLSB")
                if "word/" in one.target or "ppt/" in one.target:
                    raise _other_kind("Word/PowerPoint")
                return one.target
        raise _damaged("_rels/.rels")

    def _relationships(self, part: str) -> "Iterator[_Relationship]":
        rels = join(dirname(part), "_rels", f"{part.rpartition('/')[2]}.rels")
        for element in self._elements(rels, "Relationship", namespaces=_PACKAGE):
            if element.get("TargetMode") != "External" and _local(element) == "Relationship":
                kind = element.get("Type", "").rpartition("/")[2]
                target = normpath(join("/", dirname(part), element.get("Target", "").replace("\\", "/"))).lstrip("/")
                yield _Relationship(id=element.get("Id", ""), kind=kind, target=target)

    def _styles(self, part: str) -> "tuple[_Format, ...]":
        codes: dict[str, str] = {}
        found = []
        for element in self._elements(part, "numFmt", "xf"):
            parent = element.getparent()
            if _local(element) == "numFmt":
                codes[element.get("numFmtId", "")] = element.get("formatCode", "")
            elif _local(element) == "xf" and parent is not None and _local(parent) == "cellXfs":
                number = element.get("numFmtId", "0")
                found.append(_format(codes.get(number), number))
        return tuple(found)

    def _cell(self, element: etree._Element) -> Cell:
        kind = element.get("t", "n")
        value: str | None = None
        formula = False
        for child in element:
            tag = child.tag
            if tag in _VALUE:
                value = child.text or ""
            elif tag in _FORMULA:
                formula = True
            elif tag in _INLINE and kind == "inlineStr":
                value = _text(child)
        if formula and (self._uncalculated or value is None or (value == "" and kind != "str")):
            return Flaw.NOT_CALCULATED
        if not value:
            return ""
        if kind == "s":
            return self._shared(value)
        if kind == "n":
            style = element.get("s", "")
            if (value, style) not in self._numbers:
                if len(self._numbers) > _MOST_REMEMBERED:
                    self._numbers.clear()
                self._numbers[value, style] = self._number(value, style)
            return self._numbers[value, style]
        if kind in ("str", "inlineStr"):
            return _unescaped(value)
        if kind == "b":
            return {"1": "true", "0": "false"}.get(value.strip(), Flaw.UNREADABLE)
        if kind == "d":
            return value.strip()
        return Flaw.ERROR if kind == "e" else Flaw.UNREADABLE

    def _shared(self, index: str) -> Cell:
        if self._texts is None:
            self._texts = list(self._shared_texts())
        position = index.strip()
        if not position.isascii() or not position.isdecimal() or len(position) > 9 or int(position) >= len(self._texts):
            return Flaw.UNREADABLE
        return self._texts[int(position)]

    def _shared_texts(self) -> Iterator[str]:
        if self._text_part is None:
            return
        for element in self._elements(self._text_part, "si", largest=_LARGEST_TEXTS):
            if element.tag in _ITEM:
                yield _unescaped(_text(element))

    def _number(self, written: str, style: str) -> Cell:
        plain = written.strip()
        if len(plain) > _LONGEST_NUMBER or not _NUMBER.fullmatch(plain):
            return Flaw.UNREADABLE
        form = _PLAIN
        if style.isascii() and style.isdecimal() and len(style) < 9:
            form = self._formats[int(style)] if int(style) < len(self._formats) else _PLAIN
        number = Decimal(plain)
        if not abs(number.adjusted()) < 30:  # also keeps what follows from writing out a million zeros
            return Flaw.UNREADABLE if number else "0"
        if form.day:
            moment = self.moment(float(number), shows_time=form.time)
            return Flaw.UNREADABLE if moment is None else moment
        if form.time and 0 <= number < 1:
            seconds = round(float(number) * 86_400) % 86_400
            return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")
        if number == number.to_integral_value():
            return str(int(number)).zfill(form.digits)
        # Fifteen digits are what a spreadsheet keeps of a number; the rest is its error.
        return f"{Decimal(f'{number:.15g}').normalize():f}"

    def _elements(
        self,
        part: str,
        *names: str,
        namespaces: Collection[str] = _MAIN,
        largest: int | None = None,
    ) -> Iterator[etree._Element]:
        """The elements of a part with these names, the root first."""
        tags = frozenset(f"{{{namespace}}}{name}" for namespace in namespaces for name in names)
        try:
            yield from safe_xml.iterate(
                self._parts.stream(part, largest or _LARGEST_PART), tags, most=_MOST_ELEMENTS, most_within=_MOST_WITHIN
            )
        except (safe_xml.NotXml, *_BREAKS):
            raise _damaged(part) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Relationship:
    id: str
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class _Format:
    """What a number format makes of a number: a day, a time of day, both, or so many digits at least."""

    day: bool = False
    time: bool = False
    digits: int = 0


_PLAIN = _Format()
_FROM_1900, _FROM_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - local, as the file
_LAST_SERIAL = 2_958_466
_BUILT_IN_DAYS = frozenset(map(str, (*range(14, 18), 22, *range(27, 32), 36, *range(50, 59))))
_BUILT_IN_TIMES = frozenset(map(str, (*range(18, 23), *range(32, 36), *range(45, 48))))
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?([A-Z]{1,3})\$?([0-9]{1,7})")
_USUAL_PART = re.compile(
    r"(?:xl/)?(?:(?:_rels/|worksheets/)?(?:workbook|styles|sharedStrings|sheet)[0-9]{0,4}\.xml(?:\.rels)?|_rels/\.rels)"
)
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_ROW, _CELL, _VALUE, _FORMULA, _INLINE, _TEXT, _READING, _MERGE, _ITEM = (
    frozenset(f"{{{namespace}}}{name}" for namespace in _MAIN)
    for name in ("row", "c", "v", "f", "is", "t", "rPh", "mergeCell", "si")
)
_BREAKS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)
"""What the archive raises where it is not what it says."""


def _format(code: str | None, number: str) -> _Format:
    if code is None:
        return _Format(day=number in _BUILT_IN_DAYS, time=number in _BUILT_IN_TIMES)
    if len(code) > 255:
        return _PLAIN
    bare = _LITERAL.sub("", code.partition(";")[0]).casefold().replace("am/pm", "").replace("a/p", "")
    if bare and not bare.strip("0"):
        return _Format(digits=min(len(bare), 20))
    if "general" in bare or "standard" in bare:
        return _PLAIN
    day = bool(re.search("[dytj]", bare)) or ("m" in bare and not re.search("[hs]", bare))
    return _Format(day=day, time=bool(re.search("[hs]", bare)))


class _Parts:
    """The parts of a package by name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._infos = {info.filename.replace("\\", "/").casefold(): info for info in archive.infolist()}
        self.names = _Names(self._infos)

    def stream(self, name: str, largest: int) -> "_Bounded":
        info = self._infos.get(name.casefold())
        if info is None:
            raise _damaged(name)
        if info.flag_bits & 1:
            raise _protected()
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _damaged(name)
        return _Bounded(self._archive.open(info), largest)

    def mentions(self, name: str, word: bytes) -> bool:
        """Whether a part has these bytes in it."""
        try:
            stream = self.stream(name, _LARGEST_PART)
            before = b""
            while chunk := stream.read(1 << 20):
                if word in before + chunk:
                    return True
                before = chunk[-len(word) :]
        except _BREAKS:
            raise _damaged(name) from None
        return False


class _Names:
    """The names of parts, whatever their case."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._names


class _Bounded:
    """A part's bytes, of which no more than so many come out."""

    def __init__(self, source: Any, most: int) -> None:
        self._source = source
        self._left = most

    def read(self, size: int, /) -> bytes:
        """Raises `NotAWorkbook` where there is more."""
        found: bytes = self._source.read(min(size, 1 << 20) if size > 0 else 1 << 20)
        self._left -= len(found)
        if self._left < 0:
            raise NotAWorkbook(
                "too-large",
                "Die Mappe ist ausgepackt zu groß; der Absender teilt sie auf oder liefert CSV",
                "unpacked, the workbook is too large; the sender splits it or sends CSV",
            )
        return found


def _parts(body: bytes) -> _Parts:
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        raise _protected() if "EncryptedPackage".encode("utf-16-le") in body else _other_kind("XLS")
    if not body.startswith(b"PK"):
        raise _no_archive(body)
    try:
        archive = zipfile.ZipFile(BytesIO(body))
        parts = _Parts(archive)
        if len(archive.infolist()) > _MOST_PARTS:
            raise NotAWorkbook(
                "not-a-workbook",
                f"Die Datei hat mehr als {_MOST_PARTS} Teile; der Absender speichert die Mappe neu als XLSX",
                f"the file has more than {_MOST_PARTS} parts; the sender saves the workbook anew as XLSX",
            )
        if "mimetype" in parts.names and b"opendocument" in parts.stream("mimetype", 1000).read(200):
            raise _other_kind("ODS")
        if "_rels/.rels" not in parts.names:
            raise _other_kind("ZIP")
    except NotAWorkbook:
        raise
    except (*_BREAKS, KeyError, IndexError, OverflowError) as error:
        raise NotAWorkbook(
            "damaged-workbook",
            "Das Archiv der Mappe ist beschädigt oder abgeschnitten; der Absender schickt sie noch einmal",
            "the workbook's archive is damaged or cut; the sender sends it again",
        ) from error
    return parts


def _no_archive(body: bytes) -> NotAWorkbook:
    start = body[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return NotAWorkbook(
            "not-a-workbook", "Die Datei ist leer; der Absender prüft sie", "the file is empty; the sender checks it"
        )
    if b"<html" in start or b"<table" in start:
        return _other_kind("HTML")
    if b"urn:schemas-microsoft-com:office:spreadsheet" in start:
        return _other_kind("XML 2003")
    if b"\0" not in start and any(mark in start for mark in (b";", b",", b"\t")):
        return _other_kind("CSV")
    return _other_kind("")


def _other_kind(kind: str) -> NotAWorkbook:
    shown = f" ({kind})" if kind else ""
    return NotAWorkbook(
        "not-a-workbook",
        f"Das ist keine XLSX-Mappe{shown}; der Absender speichert sie als „Excel-Arbeitsmappe (*.xlsx)“ oder als CSV",
        f'this is no XLSX workbook{shown}; the sender saves it as "Excel Workbook (*.xlsx)" or as CSV',
    )


def _protected() -> NotAWorkbook:
    return NotAWorkbook(
        "protected-workbook",
        "Die Mappe ist mit einem Kennwort verschlüsselt; der Absender speichert sie ohne Kennwort",
        "the workbook is encrypted with a password; the sender saves it without one",
    )


def _damaged(part: str) -> NotAWorkbook:
    # A part's name is the file's own word: it is shown only where it is one that programs give.
    shown = part if _USUAL_PART.fullmatch(part) else "?"
    return NotAWorkbook(
        "damaged-workbook",
        f"Die Mappe ist beschädigt (Teil {shown}); der Absender öffnet sie und speichert sie neu als XLSX",
        f"the workbook is damaged (part {shown}); the sender opens it and saves it anew as XLSX",
    )


def column_name(column: int) -> str:
    """What a spreadsheet calls a column: `A` for the first."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _merge(match: re.Match[str]) -> Merge:
    return Merge(_whole(match[2], _MOST_ROWS), _column(match[1]), _whole(match[4], _MOST_ROWS), _column(match[3]))


def _column(reference: str) -> int:
    column = _column_of(reference.rstrip("0123456789"))
    if not 1 <= column <= _MOST_COLUMNS:
        raise _OutOfPlace
    return column


@lru_cache(maxsize=_MOST_COLUMNS)
def _column_of(letters: str) -> int:
    """The number of a column, 0 for what is none."""
    if not re.fullmatch("[A-Z]{1,3}", letters):
        return 0
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def _whole(written: str, most: int) -> int:
    number = int(written) if written.isascii() and written.isdecimal() and len(written) < 9 else 0
    if not 1 <= number <= most:
        raise _OutOfPlace
    return number


def _text(node: etree._Element) -> str:
    """The text of a string item, without the reading aids that East Asian scripts have beside it."""
    found = []
    for child in node:
        if child.tag in _TEXT:
            found.append(child.text or "")
        elif child.tag not in _READING:
            found.extend(each.text or "" for each in child if each.tag in _TEXT)
    return "".join(found)


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return match[0] if character == "\0" or "\ud800" <= character <= "\udfff" else character


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _is_true(value: str | None) -> bool:
    return value in ("1", "true", "on")
