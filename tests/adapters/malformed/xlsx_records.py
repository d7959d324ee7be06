"""Workbooks that went wrong: files of another kind, damaged archives, cells without a value, doubtful tables."""

from typing import Any

from mappings.language import shipped
from tests.adapters.malformed import Malformed
from tests.adapters.workbooks import MAIN, Cells, book, packed, parts, sheet

FORMAT = "xlsx_records"
SOURCE = "xlsx-liste"
OPTIONS = shipped()[SOURCE].options

HEADER = ["Einrichtung", "PLZ", "Ort", "Angebot", "Frei", "Stand"]
LINE: list[Any] = ["Haus am Moor", "49661", "Cloppenburg", "KZP", 2, 46348.3125]
GOOD = book([HEADER, LINE])
WHOLE = parts({"Tabelle1": sheet([HEADER, LINE])})
SHEET = "xl/worksheets/sheet1.xml"


def row(column: str, cell: Any) -> bytes:
    """A workbook with one good row, but for this cell."""
    names = HEADER if column in HEADER else [*HEADER, column]
    cells = dict(zip(names, [*LINE, None], strict=False)) | {column: cell}
    return book([names, list(cells.values())])


def changed(name: str, old: bytes, new: bytes) -> bytes:
    return packed({**WHOLE, name: WHOLE[name].replace(old, new)})


def without(name: str) -> bytes:
    return packed({part: content for part, content in WHOLE.items() if part != name})


def locked() -> bytes:
    """What Office writes where a workbook has a password: an OLE file with two streams."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(480)


def _file(name: str, body: bytes, code: str, text_en: str, place: str = "workbook", **options: Any) -> Malformed:
    return Malformed(name, body, code, place, text_en, {**OPTIONS, **options} if options else None)


_SAVED = 'the sender saves it as "Excel Workbook (*.xlsx)" or as CSV'
FILES = [
    _file("an empty file", b"", "not-a-workbook", "the file is empty"),
    _file("blanks alone", b" \r\n", "not-a-workbook", "the file is empty"),
    _file("CSV that was only renamed", b"Einrichtung;PLZ\r\n", "not-a-workbook", "no XLSX workbook (CSV)"),
    _file("HTML that calls itself a workbook", b"<html><table><tr><td>", "not-a-workbook", "(HTML)"),
    _file("a workbook of the nineties", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "not-a-workbook", "(XLS)"),
    _file("a workbook with a password", locked(), "protected-workbook", "saves it without one"),
    _file(
        "XML of Excel 2003",
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "not-a-workbook",
        "(XML 2003)",
    ),
    _file("a print-out", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not-a-workbook", _SAVED),
    _file(
        "an OpenDocument sheet",
        packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<a/>"}),
        "not-a-workbook",
        "(ODS)",
    ),
    _file("an archive of other files", packed({"liste.csv": b"a;b"}), "not-a-workbook", "(ZIP)"),
    _file(
        "a binary workbook",
        changed("_rels/.rels", b"xl/workbook.xml", b"xl/workbook.bin"),
        "not-a-workbook",
        "(XLSB)",
    ),
    _file(
        "a letter",
        changed("_rels/.rels", b"xl/workbook.xml", b"word/document.xml"),
        "not-a-workbook",
        "(Word/PowerPoint)",
    ),
    _file("cut in the middle", GOOD[: len(GOOD) // 2], "damaged-workbook", "archive is damaged or cut"),
    _file("cut before its end", GOOD[:-10], "damaged-workbook", "archive is damaged or cut"),
    _file("sent as text", GOOD.replace(b"\n", b"\r\n").replace(b"\x00", b""), "damaged-workbook", "damaged"),
    _file("without a list of sheets", without("xl/workbook.xml"), "damaged-workbook", "part xl/workbook.xml"),
    _file("without relations", without("xl/_rels/workbook.xml.rels"), "damaged-workbook", "xl/_rels/workbook.xml.rels"),
    _file("without its sheet", without(SHEET), "damaged-workbook", f"part {SHEET}"),
    _file("a list of sheets that is no XML", changed("xl/workbook.xml", b"</sheets>", b""), "damaged-workbook", "anew"),
    _file("a sheet that is cut", changed(SHEET, b"</sheetData></worksheet>", b""), "damaged-workbook", f"part {SHEET}"),
    _file(
        "a sheet with a DOCTYPE",
        changed(SHEET, b"<worksheet", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet'),
        "damaged-workbook",
        f"part {SHEET}",
    ),
    _file("a row beyond the last", changed(SHEET, b'<row r="2"', b'<row r="1048577"'), "damaged-workbook", SHEET),
    _file("rows that run backwards", changed(SHEET, b'<row r="2"', b'<row r="1"'), "damaged-workbook", SHEET),
    _file("a row without a number", changed(SHEET, b'<row r="2"', b'<row r="zwei"'), "damaged-workbook", SHEET),
    _file("a cell beyond the last column", changed(SHEET, b'r="A2"', b'r="XFE2"'), "damaged-workbook", SHEET),
    _file("a cell without a place", changed(SHEET, b'r="A2"', b'r="?"'), "damaged-workbook", SHEET),
    _file(
        "styles that are no XML",
        packed({**parts({"T": sheet([HEADER])}, styles="<cellXfs/>"), "xl/styles.xml": b"<styleSheet"}),
        "damaged-workbook",
        "part xl/styles.xml",
    ),
    _file(
        "texts that are cut",
        packed(
            {**parts({"T": sheet([['<c t="s"><v>0</v></c>']])}, texts="<si/>"), "xl/sharedStrings.xml": b"<sst><si>"}
        ),
        "damaged-workbook",
        "part xl/sharedStrings.xml",
    ),
]


def _table(name: str, rows: Cells, code: str, place: str, text_en: str, **more: Any) -> Malformed:
    options = more.pop("options", None)
    return Malformed(name, book(rows, **more), code, place, text_en, {**OPTIONS, **options} if options else None)


_EXPECTED = "Expected is a header line with Einrichtung, PLZ, Ort, Angebot, Frei, Stand"
_TWO = {"A": sheet([HEADER, LINE]), "B": sheet([HEADER, LINE])}
_MERGED = '<mergeCells count="1"><mergeCell ref="{}"/></mergeCells>'
TABLES = [
    _table("an empty sheet", [], "missing-header", "workbook", "a header row is expected"),
    _table("no header", [LINE], "missing-column", "row 1", _EXPECTED),
    _table("a column missing", [HEADER[:-1], LINE[:-1]], "missing-column", "row 1", "columns are missing: Stand."),
    _table(
        "a column renamed",
        [["Liste"], ["Einrichtung", "PLZ", "Ort", "Angebot", "Freie Plätze", "Stand"], LINE],
        "missing-column",
        "row 2",
        "columns are missing: Frei.",
    ),
    _table("a column twice", [[*HEADER, "frei"], LINE], "column-twice", "row 1, column Frei", "stands twice"),
    _table("a header below the fiftieth row", [["x"]] * 50 + [HEADER, LINE], "missing-column", "row 1", _EXPECTED),
    _table(
        "an error value in the header",
        [[*HEADER[:-1], '<c t="e"><v>#N/A</v></c>'], LINE],
        "missing-column",
        "row 1",
        "columns are missing: Stand.",
    ),
    Malformed("two sheets with the table", packed(parts(_TWO)), "several-sheets", "workbook", "2 sheets have these"),
    Malformed(
        "the table on a hidden sheet alone",
        packed(parts({"A": sheet([["Anleitung"]]), "B": sheet([HEADER, LINE])}, states={"B": "hidden"})),
        "missing-column",
        "row 1",
        _EXPECTED,
    ),
    Malformed(
        "all sheets hidden",
        packed(parts({"B": sheet([HEADER])}, states={"B": "veryHidden"})),
        "missing-header",
        "workbook",
        "a header row is expected",
    ),
    Malformed("no sheets", packed(parts({})), "missing-header", "workbook", "a header row is expected"),
    _table(
        "another tab than the stated one",
        [HEADER, LINE],
        "missing-sheet",
        "workbook",
        'a sheet "Plätze" is expected',
        options={"sheet": "Plätze"},
    ),
    _table(
        "names in one row where two are stated",
        [HEADER, LINE],
        "missing-column",
        "row 1",
        "columns are missing",
        options={"header_rows": 2},
    ),
    _table(
        "a home merged over its offers",
        [HEADER, LINE, ["", *LINE[1:]]],
        "merged-cells",
        "row 3, column Einrichtung",
        "must unmerge them and fill each cell",
        after=_MERGED.format("A2:A3"),
    ),
    _table(
        "free places merged over two offers",
        [HEADER, LINE, [*LINE[:3], "TP", None, LINE[5]]],
        "merged-cells",
        "row 3, column Frei",
        "whether their value counts here too cannot be told",
        after=_MERGED.format("E2:E3"),
    ),
    _table(
        "a heading merged over the columns",
        [HEADER, ["Nordkreis"], LINE],
        "merged-cells",
        "row 2, column PLZ",
        "cannot be told",
        after=_MERGED.format("A2:F2"),
    ),
    _table(
        "a merge beyond the last row",
        [HEADER, LINE],
        "damaged-workbook",
        "workbook",
        f"part {SHEET}",
        after=_MERGED.format("A2:A9999999"),
    ),
    _table(
        "formulas that no program has calculated",
        [HEADER, [*LINE[:4], "<c><f>SUM(A1:A2)</f><v>0</v></c>", LINE[5]]],
        "formula-without-value",
        "row 2, column Frei",
        "was not calculated",
        settings='<calcPr fullCalcOnLoad="1"/>',
    ),
]


def _cell(name: str, column: str, cell: Any, code: str, text_en: str, place: str = "row 2, column {}") -> Malformed:
    return Malformed(f"{column}: {name}", row(column, cell), code, place.format(column), text_en)


def _read(name: str, column: str, cell: Any, code: str, text_en: str) -> Malformed:
    return _cell(name, column, cell, code, text_en, place="column {}")


_ERROR = "an error value such as #REF!"
CELLS = [
    *(
        _cell(f"the error value {value}", "Frei", f'<c t="e"><v>{value}</v></c>', "cell-error", _ERROR)
        for value in ("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!")
    ),
    _cell("an error value of a formula", "Angebot", '<c t="e"><f>A9</f><v>#REF!</v></c>', "cell-error", _ERROR),
    _cell("a formula without a value", "Frei", "<c><f>SUM(A1:A2)</f></c>", "formula-without-value", "open and save"),
    _cell(
        "a formula with a blank value", "Frei", "<c><f>1+1</f><v></v></c>", "formula-without-value", "or send values"
    ),
    _cell(
        "a reference to another file", "Einrichtung", "<c><f>[1]Blatt!A1</f></c>", "formula-without-value", "formula"
    ),
    _cell("a text that is not there", "Ort", '<c t="s"><v>7</v></c>', "cell-unreadable", "does not fit its kind"),
    _cell("a text by a name", "Ort", '<c t="s"><v>Moor</v></c>', "cell-unreadable", "does not fit its kind"),
    _cell("a number that is none", "Frei", "<c><v>zwei</v></c>", "cell-unreadable", "does not fit its kind"),
    _cell("a number with a comma", "Frei", "<c><v>2,0</v></c>", "cell-unreadable", "or its number format"),
    _cell("infinity", "Frei", "<c><v>INF</v></c>", "cell-unreadable", "does not fit its kind"),
    _cell("a truth that is none", "Demenz", '<c t="b"><v>wahr</v></c>', "cell-unreadable", "does not fit its kind"),
    _cell("a kind that the format does not have", "Frei", '<c t="z"><v>2</v></c>', "cell-unreadable", "its kind"),
    _read("half a place", "Frei", 2.5, "unreadable", "a whole number like 3"),
    _read("a truth", "Frei", '<c t="b"><v>1</v></c>', "unreadable", "a whole number like 3"),
    _read("words", "Frei", "auf Anfrage", "unreadable", "a whole number like 3"),
    _read("blank", "Ort", None, "missing", "Something must stand here"),
    _read("blank", "PLZ", None, "missing", "Something must stand here"),
    _read("a word nobody knows", "Angebot", "Wellness", "unknown-code", "one of: "),
    _read("of the last century", "Stand", 9_000.5, "unreadable", "date and time like"),
    _read("words", "Stand", "diese Woche", "unreadable", "date and time like"),
    _read("below zero", "Plätze", -5, "unreadable", "a whole number from 0"),
    _read("at once", "Frei ab", "sofort", "unreadable", "a date like 01.12.2026"),
    _read("six digits", "PLZ", 496610, "unreadable", "a postal code of five digits"),
]

_DAYS = '<cellXfs><xf numFmtId="14"/></cellXfs>'
STYLED = [
    Malformed(
        "a day that is nought since it refers to a blank cell",
        book([[*HEADER, "Frei ab"], [*LINE, '<c s="0"><v>0</v></c>']], styles=_DAYS),
        "cell-unreadable",
        "row 2, column Frei ab",
        "or its number format",
    ),
    Malformed(
        "a day beyond the last year",
        book([[*HEADER, "Frei ab"], [*LINE, '<c s="0"><v>99999999</v></c>']], styles=_DAYS),
        "cell-unreadable",
        "row 2, column Frei ab",
        "or its number format",
    ),
    Malformed(
        "a day below nought",
        book([[*HEADER, "Frei ab"], [*LINE, '<c s="0"><v>-3</v></c>']], styles=_DAYS),
        "cell-unreadable",
        "row 2, column Frei ab",
        "or its number format",
    ),
    Malformed(
        "another namespace than that of workbooks",
        packed({**WHOLE, SHEET: WHOLE[SHEET].replace(MAIN.encode(), b"urn:example:sheet")}),
        "missing-header",
        "workbook",
        "a header row is expected",
    ),
]

CASES = [*FILES, *TABLES, *CELLS, *STYLED]
