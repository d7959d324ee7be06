"""Tables in workbooks as spreadsheet programs save them
(Office Open XML, ECMA-376, https://ecma-international.org/publications-and-standards/standards/ecma-376/).

    options:
      sheet: Plätze                  # the tab's name; without, the visible sheet that has the columns
      header_rows: 2                 # the names stand in two rows, one below the other; 1 is the default
      dates: [Stand, Frei ab]        # columns in which a bare number is a day, however the cell is formatted
      columns: [Nr, Name, Frei]      # these and optional and group: as every table has them (`adapters/table.py`)

Cells come as text: numbers without the `.0`, days as `2026-03-01`, moments as `2026-03-01 08:00:00`, yes and no as
`true` and `false`; of formulas the value that was saved. The header is the first row that names all columns.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from adapters import options as option
from adapters import table
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from adapters.table import Columns, folded_name
from adapters.unread import OTHER_SHEETS, ROWS_ABOVE
from adapters.workbook import Flaw, Merge, NotAWorkbook, Sheet, Workbook, column_name
from mappings.errors import Issue, Rejected

__all__ = ["FORMAT", "check", "check_names", "decode"]

FORMAT = "xlsx_records"

_SEARCHED = 50
"""In so many rows the header is looked for."""
_MOST_HEADER_ROWS = 3


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and where no column is named."""
    _Layout.of(options)


def check_names(options: Options, names: Collection[str]) -> None:
    """Raises `Rejected` where a map reads a column that is not named."""
    _Layout.of(options).columns.check(names)


def decode(body: bytes, options: Options) -> Decoded:
    """One record a row, or one a group of rows.

    A cell that shows no value (an error, a formula that was not calculated, merged with another) in a column that the
    options name is an error of its record. What stands in no column, the other sheets and what stands above the header
    are named as dropped.
    """
    return Decoded(records=folded(_records(body, _Layout.of(options))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The options, checked."""

    sheet: str
    header_rows: int
    dates: frozenset[str]
    columns: Columns

    @classmethod
    def of(cls, options: Options) -> "_Layout":
        option.only(options, {"sheet", "header_rows", "dates", *table.OPTIONS})
        header_rows = options.get("header_rows", 1)
        if type(header_rows) is not int or not 1 <= header_rows <= _MOST_HEADER_ROWS:
            raise option.refused(
                "options.header_rows",
                f"eine Zahl von 1 bis {_MOST_HEADER_ROWS}",
                f"a number from 1 to {_MOST_HEADER_ROWS}",
            )
        columns = Columns.of(options)
        dates = frozenset(option.texts(options, "dates"))
        if not dates <= columns.known:
            raise option.refused(
                "options.dates", "nur Namen aus columns und optional", "only names of columns and optional"
            )
        return cls(sheet=option.text(options, "sheet") or "", header_rows=header_rows, dates=dates, columns=columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Where a sheet's header stands, and the columns that it names by their number."""

    sheet: Sheet
    last_row: int
    names: Mapping[int, str]
    below_others: bool


@dataclass(slots=True, kw_only=True)
class _Best:
    """The row most like a header, for who must mend it."""

    found: int = -1
    refusal: Rejected | None = None


def _records(body: bytes, layout: _Layout) -> Iterator[Record | Broken]:
    try:
        book = Workbook(body)
        header = _found(book, layout)
        covered = _covered(book.merges(header.sheet), header)
    except NotAWorkbook as wrong:
        raise Rejected(_issue(wrong, "workbook")) from None
    dropped = ((ROWS_ABOVE,) if header.below_others else ()) + ((OTHER_SHEETS,) if len(book.sheets) > 1 else ())
    rows = _rows(book, header, covered, layout, dropped)
    yield from table.records(rows, tuple(header.names.values()), layout.columns, unit="row")


def _issue(wrong: NotAWorkbook, place: str) -> Issue:
    return Issue(
        code=wrong.code, place=place, text_de=f"{wrong.text_de}.", text_en=f"{wrong.text_en}.", fhir_code="structure"
    )


def _found(book: Workbook, layout: _Layout) -> _Header:
    """The header, in the sheet that the options name or the only visible one that has it."""
    best = _Best()
    headers = [header for sheet in _sheets(book, layout.sheet) if (header := _header(book, sheet, layout, best))]
    if not headers:
        raise best.refusal or table.rejected(
            "workbook", "missing-header", "eine Kopfzeile ist erwartet", "a header row is expected"
        )
    if len(headers) > 1:
        raise table.rejected(
            "workbook",
            "several-sheets",
            f"{len(headers)} Blätter haben diese Spalten; erwartet ist eines, oder die Option sheet nennt es",
            f"{len(headers)} sheets have these columns; one is expected, or the option sheet names it",
        )
    return headers[0]


def _sheets(book: Workbook, name: str) -> list[Sheet]:
    if not name:
        return [sheet for sheet in book.sheets if not sheet.hidden]
    named = [sheet for sheet in book.sheets if folded_name(sheet.name) == folded_name(name)]
    if not named:
        raise table.rejected(
            "workbook", "missing-sheet", f"ein Blatt „{name}“ ist erwartet", f'a sheet "{name}" is expected'
        )
    return named


def _header(book: Workbook, sheet: Sheet, layout: _Layout, best: _Best) -> _Header | None:
    rows = {row.number: _texts(row.cells) for row in islice(book.rows(sheet), _SEARCHED)}
    merges = book.merges(sheet) if layout.header_rows > 1 else ()
    wanted = {folded_name(name) for name in layout.columns.columns}
    for place, number in enumerate(rows):
        cells = _joined(rows, number, layout.header_rows, merges)
        present = len(wanted & {folded_name(cell) for cell in cells.values()})
        if present <= best.found and present < len(wanted):
            continue
        listed = [cells.get(column, "") for column in range(1, max(cells) + 1)]
        try:
            named = layout.columns.header(listed, f"row {number}", ", ".join(layout.columns.columns))
        except Rejected as refusal:
            best.found, best.refusal = present, refusal
            if present == len(wanted):  # it is the header, and a column stands twice
                raise
            continue
        return _Header(
            sheet=sheet,
            last_row=number + layout.header_rows - 1,
            names={column: name for column, name in enumerate(named, start=1) if column in cells},
            below_others=place > 0,
        )
    return None


def _texts(cells: Mapping[int, str | Flaw]) -> dict[int, str]:
    return {column: cell for column, cell in cells.items() if not isinstance(cell, Flaw) and cell.strip()}


def _joined(
    rows: Mapping[int, Mapping[int, str]], first: int, count: int, merges: Sequence[Merge]
) -> Mapping[int, str]:
    """The names that stand in some rows one below the other, merged cells above all that they cover."""
    if count == 1:
        return rows[first] or {1: ""}
    parts: dict[int, list[str]] = {}
    for number in range(first, first + count):
        cells = dict(rows.get(number, {}))
        for merge in merges:
            if merge.first_row <= number <= merge.last_row:
                text = rows.get(merge.first_row, {}).get(merge.first_column, "")
                cells.update(dict.fromkeys(range(merge.first_column, merge.last_column + 1), text))
        for column, text in cells.items():
            if text and text not in parts.setdefault(column, []):
                parts[column].append(text)
    return {column: " ".join(texts) for column, texts in sorted(parts.items()) if texts} or {1: ""}


def _covered(merges: Sequence[Merge], header: _Header) -> list[Merge]:
    """The merged cells that cover more than one cell below the header, and a column of it."""
    return [
        merge
        for merge in merges
        if merge.last_row > header.last_row
        and any(merge.first_column <= column <= merge.last_column for column in header.names)
    ]


def _rows(
    book: Workbook, header: _Header, covered: list[Merge], layout: _Layout, dropped: tuple[str, ...]
) -> Iterator[table.Row]:
    number = header.last_row
    left = iter(covered)
    upcoming = next(left, None)
    standing: list[Merge] = []
    known = layout.columns.known
    names = [(column, name, name in known, name in layout.dates) for column, name in header.names.items()]
    rows = book.rows(header.sheet)
    try:
        for row in rows:
            if row.number <= header.last_row:
                continue
            number = row.number
            while upcoming is not None and upcoming.first_row <= number:
                standing.append(upcoming)
                upcoming = next(left, None)
            if standing:
                standing = [merge for merge in standing if merge.last_row >= number]
            found = row.cells
            cells: list[str] = []
            issues: list[Issue] = []
            for column, name, is_known, is_date in names:
                cell = found.get(column, "")
                if standing and is_known and any(_covers(merge, number, column) for merge in standing):
                    issues.append(_merged(number, name))
                if isinstance(cell, Flaw):
                    if is_known:
                        issues.append(_flawed(cell, number, name))
                    cell = ""
                elif is_date and cell:
                    cell = _dated(book, cell)
                cells.append(cell)
            beside = [f"(column {column_name(column)})" for column in found if column not in header.names]
            if issues or any(map(str.strip, cells)):
                yield table.Row(number=number, cells=cells, issues=issues, dropped=(*dropped, *beside))
                dropped = ()
    except NotAWorkbook as wrong:
        place = f"row {number + 1}"
        yield table.Row(number=number + 1, wrong=_issue(wrong, place))


def _covers(merge: Merge, row: int, column: int) -> bool:
    """Whether a cell is one of the merged ones, but not the one that has the content."""
    inside = merge.first_row <= row <= merge.last_row and merge.first_column <= column <= merge.last_column
    return inside and (row, column) != (merge.first_row, merge.first_column)


def _dated(book: Workbook, cell: str) -> str:
    whole, _, fraction = cell.partition(".")
    if len(whole) != 5 or not (whole + fraction).isascii() or not (whole + fraction).isdecimal():
        return cell
    return book.moment(float(cell)) or cell


_FLAWS = {
    Flaw.ERROR: (
        "cell-error",
        "In der Zelle steht ein Fehlerwert wie #BEZUG!. Der Absender muss die Formel berichtigen",
        "The cell shows an error value such as #REF!. The sender must correct the formula",
    ),
    Flaw.NOT_CALCULATED: (
        "formula-without-value",
        (
            "Die Formel in der Zelle wurde nicht berechnet. Der Absender muss die Mappe öffnen und speichern oder "
            "Werte statt Formeln liefern"
        ),
        (
            "The cell's formula was not calculated. The sender must open and save the workbook, or send values "
            "instead of formulas"
        ),
    ),
    Flaw.UNREADABLE: (
        "cell-unreadable",
        "Der Inhalt der Zelle passt nicht zu ihrer Art oder ihrem Zahlenformat. Der Absender muss sie berichtigen",
        "The cell's content does not fit its kind or its number format. The sender must correct it",
    ),
}


def _flawed(flaw: Flaw, row: int, name: str) -> Issue:
    code, german, english = _FLAWS[flaw]
    return Issue(code=code, place=f"row {row}, column {name}", text_de=f"{german}.", text_en=f"{english}.")


def _merged(row: int, name: str) -> Issue:
    return Issue(
        code="merged-cells",
        place=f"row {row}, column {name}",
        text_de="Die Zelle ist mit anderen verbunden; ob deren Wert auch hier gilt, ist nicht zu erkennen. "
        "Der Absender muss die Verbindung aufheben und jede Zelle füllen.",
        text_en="The cell is merged with others; whether their value counts here too cannot be told. "
        "The sender must unmerge them and fill each cell.",
        fhir_code="structure",
    )
