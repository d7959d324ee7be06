"""Tables as text: rows of cells with a header line, as facility software and spreadsheets export them
(https://www.rfc-editor.org/rfc/rfc4180, with the delimiters and charsets of German offices).

    options:
      delimiter: ";"                 # the default
      charset: windows-1252          # else: the byte-order mark, UTF-8 where more lines are than are not, Windows-1252
      columns: [Nr, Name, Frei]      # these and optional and group: as every table has them (`adapters/table.py`)
"""

import codecs
import csv
import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from adapters import options as option
from adapters import table
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from adapters.table import Columns, Row
from mappings.errors import Issue, Rejected

__all__ = ["FORMAT", "check", "check_names", "decode"]

FORMAT = "csv_records"

_MOST_LINES_IN_A_ROW = 50
_OTHER_KINDS = {b"PK\x03\x04": "XLSX (ZIP)", b"\xd0\xcf\x11\xe0": "XLS", b"%PDF": "PDF", b"\x1f\x8b": "gzip"}
"""How files start that are renamed or sent by mistake, and what people call them."""
_FORMULA = frozenset("=+-@ ")
"""What a formula begins with; a tab that stood there is a space by now."""
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and where no column is named."""
    _Layout.of(options)


def check_names(options: Options, names: Collection[str]) -> None:
    """Raises `Rejected` where a map reads a column that is not named."""
    _Layout.of(options).columns.check(names)


def decode(body: bytes, options: Options) -> Decoded:
    """One record a row, or one a group of rows; a row that does not fit the header is `Broken`.

    The rows come as they are asked for: beside the body, and of a group the keys, nothing grows with it.
    """
    return Decoded(records=folded(_records(body, _Layout.of(options))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The options, checked."""

    delimiter: str
    charset: str
    columns: Columns

    @classmethod
    def of(cls, options: Options) -> "_Layout":
        option.only(options, {"delimiter", "charset", *table.OPTIONS})
        delimiter, charset = option.text(options, "delimiter"), option.text(options, "charset")
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n" '):
            raise option.refused("options.delimiter", "ein Zeichen wie ;", "one character such as ;")
        if charset is not None and not _is_charset(charset):
            raise option.refused("options.charset", "ein Zeichensatz wie utf-8", "a charset such as utf-8")
        return cls(delimiter=delimiter or ";", charset=charset or "", columns=Columns.of(options))


class _Lines:
    """The lines of a body, one after another, with a look at those that follow."""

    __slots__ = ("_ahead", "_found", "number")

    def __init__(self, body: bytes) -> None:
        self._found = _LINE.finditer(body, len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0)
        self._ahead: deque[bytes] = deque()
        self.number = 0
        """How many lines were taken."""

    def take(self) -> bytes | None:
        """The next line, None where there is none."""
        if self._ahead:
            line = self._ahead.popleft()
        else:
            match = next(self._found, None)
            if match is None:
                return None
            line = match[0]
        self.number += 1
        return line

    def following(self) -> list[bytes]:
        """The lines that would come next, as many as one row may have."""
        missing = _MOST_LINES_IN_A_ROW - 1 - len(self._ahead)
        self._ahead.extend(match[0] for match in islice(self._found, max(missing, 0)))
        return list(islice(self._ahead, _MOST_LINES_IN_A_ROW - 1))

    def skip(self, count: int) -> None:
        """Pass over lines that `following` showed."""
        for _ in range(count):
            self._ahead.popleft()
        self.number += count


def _records(body: bytes, layout: _Layout) -> Iterator[Record | Broken]:
    kind = next((name for start, name in _OTHER_KINDS.items() if body.startswith(start)), None)
    if kind is not None:
        raise table.rejected("line 1", "not-a-table", f"das ist {kind}, kein CSV", f"this is {kind}, not CSV")
    body, charset = _readable(body, layout.charset)
    lines = _Lines(body)
    header = _header(lines, charset, layout)
    yield from table.records(_rows(lines, charset, layout.delimiter, header), header, layout.columns, unit="line")


def _header(lines: _Lines, charset: str, layout: _Layout) -> tuple[str, ...]:
    while (line := lines.take()) is not None:
        row = _row(line, lines, charset, layout.delimiter, None)
        if row.wrong is not None:
            raise Rejected(row.wrong)
        if any(cell.strip() for cell in row.cells):
            expected = layout.delimiter.join(layout.columns.columns)
            return layout.columns.header(row.cells, f"line {row.number}", expected)
    raise table.rejected("line 1", "missing-header", "eine Kopfzeile ist erwartet", "a header line is expected")


def _rows(lines: _Lines, charset: str, delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    width = len(header)
    while (line := lines.take()) is not None:
        row = _row(line, lines, charset, delimiter, width)
        if row.wrong is not None or any(map(str.strip, row.cells)):  # a row without any content says nothing
            yield row


def _row(line: bytes, lines: _Lines, charset: str, delimiter: str, width: int | None) -> Row:
    """The row that starts in a line: of the lines that follow it takes none where something is wrong with it."""
    number = lines.number
    cells: list[str] | None = None
    used = 1
    if b'"' not in line and b"\0" not in line and len(line) <= csv.field_size_limit():
        # Without a quotation mark a row is its line, and its cells are what stands between the delimiters.
        try:
            text = line.decode(charset)
        except UnicodeDecodeError:
            return _wrong_characters(line, number, charset, delimiter)
        if '"' not in text:  # another charset than ours may write it in other bytes
            content = text.rstrip("\r\n")
            cells = content.split(delimiter) if content else []
    if cells is None:
        found = _quoted(line, lines, charset, delimiter, number)
        if isinstance(found, Row):
            return found
        cells, used = found
    if width is not None and cells and len(cells) != width:
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            wrong = _wrong(
                number,
                f"{width} Zellen wie in der Kopfzeile, es sind {len(cells)}",
                f"{width} cells as in the header line, there are {len(cells)}",
            )
            return Row(number=number, raw=line, cells=cells, surplus=len(cells) - width, wrong=wrong)
    if used > 1:
        lines.skip(used - 1)
    return Row(number=number, raw=line, cells=tuple(map(_unled, cells)))


def _unled(cell: str) -> str:
    """A cell without the apostrophe by which an export keeps a spreadsheet from running it as a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in _FORMULA else cell


def _quoted(line: bytes, lines: _Lines, charset: str, delimiter: str, number: int) -> Row | tuple[list[str], int]:
    """The cells of a row with quotation marks, and how many lines it takes."""
    upcoming = [line, *lines.following()]
    reader = csv.reader((each.decode(charset) for each in upcoming), delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) and reader.line_num == 0:
            return _wrong_characters(line, number, charset, delimiter)
        # A quotation mark that nothing closes runs into whatever follows.
        wrong = _wrong(
            number,
            'Anführungszeichen (") paarweise, um ganze Zellen, im Text verdoppelt',
            'quotation marks (") in pairs, around whole cells, doubled within',
        )
        return Row(number=number, raw=line, wrong=wrong, cells=_whole_cells(line, charset, delimiter))
    used = reader.line_num
    if any(b"\0" in each for each in upcoming[:used]):
        wrong = _wrong(number, "kein NUL-Zeichen", "no NUL character")
        return Row(number=number, raw=line, wrong=wrong, cells=_whole_cells(line, charset, delimiter))
    return cells, used


def _wrong_characters(line: bytes, number: int, charset: str, delimiter: str) -> Row:
    wrong = _wrong(number, f"Zeichen in {charset.upper()}", f"characters in {charset.upper()}")
    return Row(number=number, raw=line, wrong=wrong, cells=_whole_cells(line, charset, delimiter))


def _whole_cells(line: bytes, charset: str, delimiter: str) -> tuple[str, ...]:
    """The cells of a broken line before anything in it that may be what is broken: a quotation mark, a wrong byte."""
    text = line.decode(charset, "replace")
    return tuple(re.split('["\0\ufffd]', text, maxsplit=1)[0].split(delimiter)[:-1])


def _readable(body: bytes, stated: str) -> tuple[bytes, str]:
    """The body with line ends that are bytes, and its charset; UTF-16, where they are not, becomes UTF-8."""
    charset = stated or _marked(body)
    if charset and "\n".encode(charset) != b"\n":
        try:
            body = body.decode(charset).encode()
        except UnicodeDecodeError:
            raise table.rejected("line 1", "encoding", f"kein {charset}", f"this is not {charset}") from None
        charset = "utf-8"
    return body, charset or _likely(body)


def _marked(body: bytes) -> str:
    if body.startswith(codecs.BOM_UTF8):
        return "utf-8"
    return "utf-16" if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _likely(body: bytes) -> str:
    """UTF-8 where more lines are than are not: text in Windows-1252 hardly ever is, and one bad line is no charset."""
    if body.isascii():
        return "utf-8"
    balance = sum(1 if _is_utf8(match[0]) else -1 for match in _LINE.finditer(body) if not match[0].isascii())
    return "utf-8" if balance > 0 else "windows-1252"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_charset(name: str) -> bool:
    try:
        return bool("\n".encode(name))
    except (LookupError, ValueError):
        return False


def _wrong(line: int, german: str, english: str) -> Issue:
    return Issue(
        code="broken-row",
        place=f"line {line}",
        text_de=f"Erwartet: {german}. Der Absender muss die Zeile berichtigen.",
        text_en=f"Expected: {english}. The sender must correct the line.",
        fhir_code="structure",
    )
