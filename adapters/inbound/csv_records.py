"""Tables as text: rows of cells with a header line, as facility software and spreadsheets export them
(https://www.rfc-editor.org/rfc/rfc4180, with the delimiters and charsets of German offices).

    options:
      delimiter: ";"                 # the default
      charset: windows-1252          # else: the byte-order mark, UTF-8 where more lines are than are not, Windows-1252
      columns: [Nr, Name, Frei]      # must be there, in any order; case and spaces do not matter
      optional: [Telefon]            # may be there
      group:                         # rows that follow one another and agree in `by` are one record; of the columns
        by: [Nr, Angebot]            # named here they may differ only in `rows`, which stand in a list `rows`, one
        rows: [Frei, Zimmer]         # mapping a row
"""

import codecs
import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from mappings.errors import Issue, Rejected

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "csv_records"

_MOST_LINES_IN_A_ROW = 50
_FORMULA = frozenset("=+-@ ")
"""What a formula begins with; a tab that stood there is a space by now."""
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def check(options: Options, names: Collection[str] = ()) -> None:
    """Raises `Rejected` for options that there are not, where no column is named, and where the map reads another."""
    layout = _Layout.of(options)
    # In a file without the column the map would read a blank field, and nobody would hear of it.
    for name in sorted(set(names) - layout.readable()):
        raise option.refused(
            "options.columns",
            f"hier oder in optional auch die Spalte „{name}“, die fields: liest",
            f'here or in optional also the column "{name}", which fields: reads',
        )


def decode(body: bytes, options: Options) -> Decoded:
    """One record a row, or one a group of rows; a row that does not fit the header is `Broken`."""
    return Decoded(records=folded(_records(body, _Layout.of(options))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The options, checked."""

    delimiter: str
    charset: str
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    by: tuple[str, ...]
    rows: frozenset[str]

    @classmethod
    def of(cls, options: Options) -> "_Layout":
        option.only(options, {"delimiter", "charset", "columns", "optional", "group"})
        delimiter, charset = option.text(options, "delimiter"), option.text(options, "charset")
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n" '):
            raise option.refused("options.delimiter", "ein Zeichen wie ;", "one character such as ;")
        if charset is not None and not _is_charset(charset):
            raise option.refused("options.charset", "ein Zeichensatz wie utf-8", "a charset such as utf-8")
        columns = option.texts(options, "columns", required=True)
        optional = option.texts(options, "optional")
        by, rows = _group(options, columns, optional)
        return cls(
            delimiter=delimiter or ";",
            charset=charset or "",
            columns=columns,
            optional=optional,
            by=by,
            rows=frozenset(rows),
        )

    def readable(self) -> frozenset[str]:
        """The fields that a record can have for sure, those below `rows` by their way."""
        named = {*self.columns, *self.optional}
        if not self.by:
            return frozenset(named)
        return frozenset({*(named - self.rows), "rows", *(f"rows.{name}" for name in self.rows)})

    def header(self, cells: Sequence[str], line: int) -> tuple[str, ...]:
        """The columns' names, as the options spell them where they name them."""
        known = {_folded(name): name for name in (*self.columns, *self.optional)}
        width = max(i for i, cell in enumerate(cells, start=1) if cell.strip())
        folded_cells = [_folded(cell) for cell in cells[:width]]
        names = [
            known.get(cell, cells[i - 1].strip() or f"(column {i})") for i, cell in enumerate(folded_cells, start=1)
        ]
        present = set(names)
        missing = [name for name in self.columns if name not in present]
        if missing:
            listed = ", ".join(missing)
            expected = self.delimiter.join(self.columns)
            raise _rejected(
                f"line {line}",
                "missing-column",
                f"Spalten fehlen: {listed}. Erwartet ist eine Kopfzeile mit {expected}",
                f"columns are missing: {listed}. Expected is a header line with {expected}",
            )
        twice = _first_twice([_folded(name) for name in names])
        if twice is not None:
            column = names[twice] if names[twice] in known.values() else str(twice + 1)
            raise _rejected(
                f"line {line}, column {column}",
                "column-twice",
                "diese Spalte steht zweimal in der Kopfzeile",
                "this column stands twice in the header line",
            )
        return tuple(names)


def _first_twice(names: Sequence[str]) -> int | None:
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            return position
        seen.add(name)
    return None


def _group(
    options: Options, columns: Collection[str], optional: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    group = option.section(options, "group", required="group" in options)
    if not group:
        return (), ()
    option.only(group, {"by", "rows"}, "options.group")
    by, rows = (option.texts(group, name, "options.group", required=True) for name in ("by", "rows"))
    # A column that a file may lack, or a name misspelled, would part every offer into its rows without a word.
    if not set(by) <= set(columns):
        raise option.refused("options.group.by", "nur Namen aus columns", "only names of columns")
    if not set(rows) <= {*columns, *optional} - set(by):
        raise option.refused(
            "options.group.rows",
            "nur Namen aus columns und optional, die nicht in by stehen",
            "only names of columns and optional that are not in by",
        )
    return by, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row: where it starts, its bytes, and its cells; if something is wrong with it, those that can be read."""

    line: int
    raw: bytes
    cells: tuple[str, ...] = ()
    wrong: Issue | None = None
    surplus: int = 0
    """How many cells more than the header has: by so many columns a cell may have shifted."""

    def may_be_of(self, key: Sequence[str], columns: Sequence[int]) -> bool:
        """Whether a broken row may speak of what has this key in these columns: none of its cells says otherwise."""
        for rank, (column, value) in enumerate(zip(columns, key, strict=True)):
            first, last = sorted((column, column + self.surplus))
            said = self.cells[max(first, 0) : last + 1] if column < len(self.cells) else ()
            # Where cells are missing, any may be the missing one; only of the first column of the key we trust that
            # it is not, or each broken row would spoil the offers of its neighbours.
            if said and value not in map(_folded, said) and (self.surplus >= 0 or rank == 0):
                return False
        return True


def _records(body: bytes, layout: _Layout) -> Iterator[Record | Broken]:
    lines, charset = _lines(body, layout.charset)
    position = 0
    header: tuple[str, ...] = ()
    while position < len(lines) and not header:
        row, used = _row(lines, position, charset, layout.delimiter, None)
        if row.wrong is not None:
            raise Rejected(row.wrong)
        if any(cell.strip() for cell in row.cells):
            header = layout.header(row.cells, row.line)
        position += used
    if not header:
        raise _rejected("line 1", "missing-header", "eine Kopfzeile ist erwartet", "a header line is expected")
    rows = _rows(lines, position, charset, layout.delimiter, header)
    yield from _grouped(rows, header, layout) if layout.by else _single(rows, header)


def _single(rows: Iterator[_Row], header: Sequence[str]) -> Iterator[Record | Broken]:
    for row in rows:
        yield _broken(row) if row.wrong else Record(place=f"line {row.line}", fields=_fields(header, row))


@dataclass(slots=True, kw_only=True)
class _Group:
    """Rows that speak of one thing."""

    first: int
    last: int
    shared: Mapping[str, str]
    rows: list[Mapping[str, str]]
    issues: list[Issue] = field(default_factory=list)
    incomplete: bool = False

    def miss(self, row: _Row) -> None:
        """Notes that a broken row may belong here, without which the statement would be another one."""
        self.incomplete = True
        self.issues.append(
            Issue(
                code="rows-incomplete",
                place=f"line {row.line}",
                text_de="Eine Zeile dieses Angebots ist nicht lesbar, oder es lässt sich nicht ausschließen; das "
                "Angebot ist deshalb nicht übernommen. Der Absender muss die Zeile berichtigen.",
                text_en="A row of this offer is broken, or may be one of it; the offer is therefore not taken in. "
                "The sender must correct the line.",
                fhir_code="incomplete",
            )
        )

    def record(self) -> Record:
        place = f"line {self.first}" if self.first == self.last else f"lines {self.first} to {self.last}"
        fields: dict[str, Any] = {**self.shared, "rows": self.rows}
        return Record(place=place, fields=fields, issues=tuple(self.issues))


def _grouped(rows: Iterator[_Row], header: Sequence[str], layout: _Layout) -> Iterator[Record | Broken]:
    known = {*layout.columns, *layout.optional}
    columns = [header.index(name) for name in layout.by]
    seen: dict[tuple[str, ...], int] = {}
    group: _Group | None = None
    current: tuple[str, ...] = ()
    broken: list[Broken] = []  # they may stand within the group, and come after it
    before: list[_Row] = []  # the broken rows since the last good one
    for row in rows:
        if row.wrong:
            broken.append(_broken(row))
            before.append(row)
            if group is not None and not group.incomplete and row.may_be_of(current, columns):
                group.miss(row)
            continue
        cells = _fields(header, row)
        shared = {name: cell for name, cell in cells.items() if name not in layout.rows}
        own = {name: cell for name, cell in cells.items() if name in layout.rows}
        key = tuple(_folded(cells.get(name, "")) for name in layout.by)
        if group is not None and key == current and any(key):
            before.clear()
            group.last = row.line
            group.rows.append(own)
            group.issues.extend(_differences(group, shared, known, row.line))
            continue
        if group is not None:
            yield group.record()
        yield from broken
        broken.clear()
        group, current = _Group(first=row.line, last=row.line, shared=shared, rows=[own]), key
        if key in seen and any(key):
            group.issues.append(_apart(layout.by, seen[key], row.line))
        missed = next((each for each in before if each.may_be_of(key, columns)), None)
        if missed is not None:
            group.miss(missed)
        before.clear()
        seen.setdefault(key, row.line)
    if group is not None:
        yield group.record()
    yield from broken


def _differences(group: _Group, shared: Mapping[str, str], known: Collection[str], line: int) -> Iterator[Issue]:
    for name, cell in shared.items():
        if name in known and _folded(cell) != _folded(group.shared[name]):
            yield Issue(
                code="rows-differ",
                place=f"line {line}, column {name}",
                text_de=f"Steht anders als in Zeile {group.first}, obwohl beide Zeilen vom selben Angebot sprechen. "
                "Der Absender muss eine der beiden berichtigen.",
                text_en=f"Differs from line {group.first}, though both lines speak of the same offer. "
                "The sender must correct one of them.",
            )


def _apart(by: Sequence[str], earlier: int, line: int) -> Issue:
    columns = ", ".join(by)
    return Issue(
        code="rows-apart",
        place=f"line {line}, column {columns}",
        text_de=f"Dasselbe steht schon in Zeile {earlier}: Zeilen eines Angebots müssen aufeinander folgen. "
        "Der Absender muss die Datei sortieren.",
        text_en=f"The same stands in line {earlier} already: rows of one offer must follow one another. "
        "The sender must sort the file.",
        fhir_code="duplicate",
    )


def _fields(header: Sequence[str], row: _Row) -> dict[str, str]:
    return dict(zip(header, map(_unled, row.cells), strict=True))


def _unled(cell: str) -> str:
    """A cell without the apostrophe by which an export keeps a spreadsheet from running it as a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in _FORMULA else cell


def _broken(row: _Row) -> Broken:
    assert row.wrong is not None
    return Broken(place=f"line {row.line}", body=row.raw, issue=row.wrong)


def _rows(lines: Sequence[bytes], position: int, charset: str, delimiter: str, header: Sequence[str]) -> Iterator[_Row]:
    while position < len(lines):
        row, used = _row(lines, position, charset, delimiter, len(header))
        position += used
        if row.wrong or any(cell.strip() for cell in row.cells):  # a row without any content says nothing
            yield row


def _row(lines: Sequence[bytes], position: int, charset: str, delimiter: str, width: int | None) -> tuple[_Row, int]:
    """The row that starts in a line, and how many lines it takes: only the one where something is wrong with it."""
    line = position + 1
    bad = _Row(line=line, raw=lines[position])
    upcoming = lines[position : position + _MOST_LINES_IN_A_ROW]
    reader = csv.reader((each.decode(charset) for each in upcoming), delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) and reader.line_num == 0:
            wrong = _wrong(line, f"Zeichen in {charset.upper()}", f"characters in {charset.upper()}")
        else:  # A quotation mark that nothing closes runs into whatever follows.
            wrong = _wrong(
                line,
                'Anführungszeichen (") paarweise, um ganze Zellen, im Text verdoppelt',
                'quotation marks (") in pairs, around whole cells, doubled within',
            )
        return replace(bad, wrong=wrong, cells=_whole_cells(lines[position], charset, delimiter)), 1
    used = reader.line_num
    raw = b"".join(lines[position : position + used])
    if b"\0" in raw:
        wrong = _wrong(line, "kein NUL-Zeichen", "no NUL character")
        return replace(bad, wrong=wrong, cells=_whole_cells(lines[position], charset, delimiter)), 1
    if width is not None and cells:
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) != width:
            return replace(
                bad,
                cells=tuple(cells),
                surplus=len(cells) - width,
                wrong=_wrong(
                    line,
                    f"{width} Zellen wie in der Kopfzeile, es sind {len(cells)}",
                    f"{width} cells as in the header line, there are {len(cells)}",
                ),
            ), 1
    return _Row(line=line, raw=raw, cells=tuple(cells)), used


def _whole_cells(line: bytes, charset: str, delimiter: str) -> tuple[str, ...]:
    """The cells of a broken line before anything in it that may be what is broken: a quotation mark, a wrong byte."""
    text = line.decode(charset, "replace")
    return tuple(re.split('["\0\ufffd]', text, maxsplit=1)[0].split(delimiter)[:-1])


def _lines(body: bytes, stated: str) -> tuple[list[bytes], str]:
    """The body in lines, and the charset they are in; UTF-16, where a line end is not a byte, becomes UTF-8."""
    charset = stated or _marked(body)
    if charset and "\n".encode(charset) != b"\n":
        try:
            body = body.decode(charset).encode()
        except UnicodeDecodeError:
            raise _rejected("line 1", "encoding", f"kein {charset}", f"this is not {charset}") from None
        charset = "utf-8"
    lines = _LINE.findall(body.removeprefix(codecs.BOM_UTF8))
    return lines, charset or _likely(lines)


def _marked(body: bytes) -> str:
    if body.startswith(codecs.BOM_UTF8):
        return "utf-8"
    return "utf-16" if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _likely(lines: Sequence[bytes]) -> str:
    """UTF-8 where more lines are than are not: text in Windows-1252 hardly ever is, and one bad line is no charset."""
    balance = sum(0 if line.isascii() else 1 if _is_utf8(line) else -1 for line in lines)
    return "windows-1252" if balance < 0 or not (balance or all(line.isascii() for line in lines)) else "utf-8"


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


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _wrong(line: int, german: str, english: str) -> Issue:
    return Issue(
        code="broken-row",
        place=f"line {line}",
        text_de=f"Erwartet: {german}. Der Absender muss die Zeile berichtigen.",
        text_en=f"Expected: {english}. The sender must correct the line.",
        fhir_code="structure",
    )


def _rejected(place: str, code: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code=code,
            place=place,
            text_de=f"{german}. Der Absender muss die Datei berichtigen.",
            text_en=f"{english}. The sender must correct the file.",
            fhir_code="structure",
        )
    )
