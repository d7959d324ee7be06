"""Tables as text that went wrong on their way out of facility software, a spreadsheet or an editor."""

import gzip

from mappings.language import shipped
from tests.adapters.malformed import Malformed
from tests.adapters.workbooks import book

FORMAT = "csv_records"
SOURCE = "csv-long"
OPTIONS = shipped()[SOURCE].options

COLUMNS = {
    "EinrichtungsID": "H-1",
    "Name": "Haus am Moor",
    "PLZ": "49661",
    "Angebot": "KZP",
    "Frei": "2",
    "Stand": "22.11.2026 07:30",
}
HEADER = ";".join(COLUMNS)
LINE = ";".join(COLUMNS.values())


def row(**cells: str) -> bytes:
    """A file with one good row, but for these cells; columns that are not required come last."""
    found = {**COLUMNS, **{name.replace("_", " "): cell for name, cell in cells.items()}}
    return f"{';'.join(found)}\r\n{';'.join(found.values())}\r\n".encode()


def lines(*written: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (HEADER, *written)).encode()


GOOD = row(Plätze="10", Breite="52,8471", Länge="8,0442", Zimmer="EZ")

_HEADER = "EinrichtungsID;Name;PLZ;Angebot;Frei;Stand"
_NUMBER = "expected: a whole number like 3, blank for unknown"
_DATE = "expected: date and time like 01.03.2026 08:00"


def _file(name: str, body: bytes, code: str, place: str, text_en: str, **options: str) -> Malformed:
    return Malformed(name, body, code, place, text_en, {**OPTIONS, **options} if options else None)


FILES = [
    _file("an empty file", b"", "missing-header", "line 1", "a header line is expected"),
    _file("a byte-order mark and nothing else", b"\xef\xbb\xbf", "missing-header", "line 1", "header line"),
    _file("blank lines alone", b"\r\n\r\n", "missing-header", "line 1", "header line"),
    _file("delimiters alone", b";;;;;\r\n;;;;;\r\n", "missing-header", "line 1", "header line"),
    _file("no header line", f"{LINE}\r\n".encode(), "missing-column", "line 1", f"header line with {_HEADER}"),
    _file("a title above the header", b"Freie Pl\xe4tze\r\n" + lines(LINE), "missing-column", "line 1", _HEADER),
    _file("an instruction of a spreadsheet above it", b"sep=;\r\n" + lines(LINE), "missing-column", "line 1", _HEADER),
    _file("commas for delimiters", lines(LINE).replace(b";", b","), "missing-column", "line 1", _HEADER),
    _file("tabs for delimiters", lines(LINE).replace(b";", b"\t"), "missing-column", "line 1", _HEADER),
    _file(
        "the key's column missing",
        b"Name;PLZ;Angebot;Frei;Stand\r\n",
        "missing-column",
        "line 1",
        "columns are missing: EinrichtungsID.",
    ),
    _file(
        "the moment's column missing",
        b"EinrichtungsID;Name;PLZ;Angebot;Frei\r\n",
        "missing-column",
        "line 1",
        "columns are missing: Stand.",
    ),
    _file(
        "two columns missing",
        b"EinrichtungsID;Name;PLZ;Angebot\r\n",
        "missing-column",
        "line 1",
        "columns are missing: Frei, Stand.",
    ),
    _file(
        "a column renamed",
        lines(LINE).replace(b"Frei", b"Freie Pl\xc3\xa4tze"),
        "missing-column",
        "line 1",
        "columns are missing: Frei.",
    ),
    _file("a column with a full stop", lines(LINE).replace(b"Stand", b"Stand."), "missing-column", "line 1", "Stand."),
    _file("a column twice", lines(LINE).replace(b"PLZ", b"frei"), "missing-column", "line 1", "missing: PLZ."),
    _file(
        "a known column twice",
        f"{HEADER};Frei\r\n".encode(),
        "column-twice",
        "line 1, column Frei",
        "stands twice in the header line",
    ),
    _file(
        "a known column twice, in other letters",
        f"{HEADER}; FREI \r\n".encode(),
        "column-twice",
        "line 1, column Frei",
        "stands twice",
    ),
    _file("a foreign column twice", f"{HEADER};Notiz;notiz\r\n".encode(), "column-twice", "line 1, column 8", "twice"),
    _file(
        "a quotation mark in the header that nothing closes",
        b'EinrichtungsID;"Name;PLZ\r\n',
        "broken-row",
        "line 1",
        'quotation marks (") in pairs',
    ),
    _file(
        "the whole header in one pair of quotation marks",
        f'"{HEADER}"\r\n'.encode(),
        "missing-column",
        "line 1",
        _HEADER,
    ),
    _file(
        "an error page of a web server",
        b"<!DOCTYPE html>\n<html><body>502</body></html>\n",
        "missing-column",
        "line 1",
        _HEADER,
    ),
    _file("JSON", b'{"facilities": []}', "missing-column", "line 1", _HEADER),
    _file("XML", b"<Belegung/>", "missing-column", "line 1", _HEADER),
    _file(
        "a workbook that was only renamed",
        book([list(COLUMNS)]),
        "not-a-table",
        "line 1",
        "this is XLSX (ZIP), not CSV",
    ),
    _file("packed by gzip", gzip.compress(lines(LINE), mtime=0), "not-a-table", "line 1", "this is gzip, not CSV"),
    _file(
        "a workbook of the nineties", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "not-a-table", "line 1", "XLS"
    ),
    _file("a print-out", b"%PDF-1.7\n", "not-a-table", "line 1", "this is PDF, not CSV"),
    _file(
        "UTF-16 without a byte-order mark",
        lines(LINE).decode().encode("utf-16-le"),
        "broken-row",
        "line 1",
        "no NUL character",
    ),
    _file(
        "UTF-16 cut within a character",
        lines(LINE).decode().encode("utf-16")[:-1],
        "encoding",
        "line 1",
        "this is not utf-16",
    ),
    _file(
        "another charset than the stated one",
        lines("H-1;Große Straße;49661;KZP;2;22.11.2026").decode().encode("cp1252"),
        "broken-row",
        "line 2",
        "characters in UTF-8",
        charset="utf-8",
    ),
    _file(
        "another delimiter than the stated one",
        lines(LINE),
        "missing-column",
        "line 1",
        "EinrichtungsID|Name|PLZ|Angebot|Frei|Stand",
        delimiter="|",
    ),
]

ROWS = [
    _file(
        "a cell too few",
        lines("H-1;Haus am Moor;49661;KZP;2"),
        "broken-row",
        "line 2",
        "6 cells as in the header line, there are 5",
    ),
    _file("a cell too many", lines(f"{LINE};x"), "broken-row", "line 2", "6 cells as in the header line, there are 7"),
    _file(
        "the delimiter in a name without quotation marks",
        lines("H-1;Moor; Haus;49661;KZP;2;22.11.2026"),
        "broken-row",
        "line 2",
        "there are 7",
    ),
    _file(
        "a line break in a name without quotation marks",
        lines("H-1;Haus", "am Moor;49661;KZP;2;22.11.2026"),
        "broken-row",
        "line 2",
        "there are 2",
    ),
    _file(
        "a quotation mark that nothing closes",
        lines('H-1;"Haus am Moor;49661;KZP;2;22.11.2026'),
        "broken-row",
        "line 2",
        "quotation marks",
    ),
    _file(
        "a quotation mark within a quoted cell",
        lines('H-1;"Haus "Moor"";49661;KZP;2;22.11.2026'),
        "broken-row",
        "line 2",
        "doubled within",
    ),
    _file(
        "something behind a closing quotation mark",
        lines('H-1;"Haus"x;49661;KZP;2;22.11.2026'),
        "broken-row",
        "line 2",
        "around whole cells",
    ),
    _file(
        "a NUL from a fixed-length field",
        lines("H-1;Haus\0\0;49661;KZP;2;22.11.2026"),
        "broken-row",
        "line 2",
        "no NUL character",
    ),
    _file(
        "one line in another charset",
        lines("H-1;Große Allee;49661;KZP;2;22.11.2026", "H-2;Ä;49661;KZP;2;22.11.2026")
        + "H-3;Straße;49661;KZP;2;22.11.2026".encode("cp1252"),
        "broken-row",
        "line 4",
        "characters in UTF-8",
    ),
    _file("the last line cut", lines(LINE) + b"H-2;Haus", "broken-row", "line 3", "there are 2"),
    _file("a sum below the rows", lines(LINE, "Summe;2"), "broken-row", "line 3", "there are 2"),
    _file("a footer below the rows", lines(LINE, "(1 Zeile ausgegeben)"), "broken-row", "line 3", "there are 1"),
    _file("another delimiter in one row", lines(LINE, LINE.replace(";", ",")), "broken-row", "line 3", "there are 1"),
    _file(
        "rows of one offer that stand apart",
        lines(LINE, LINE.replace("H-1", "H-2"), LINE),
        "rows-apart",
        "line 4, column EinrichtungsID, Angebot",
        "The same stands in line 2 already",
    ),
    _file(
        "rows of one offer that differ in the name",
        lines(LINE, LINE.replace("Moor", "Meer")),
        "rows-differ",
        "line 3, column Name",
        "Differs from line 2",
    ),
    _file(
        "rows of one offer that differ in the moment",
        lines(LINE, LINE.replace("07:30", "08:30")),
        "rows-differ",
        "line 3, column Stand",
        "must correct one of them",
    ),
    _file(
        "a broken row of an offer",
        lines(LINE, "H-1;Haus am Moor;49661;KZP;2"),
        "rows-incomplete",
        "line 3",
        "the offer is therefore not taken in",
    ),
]


def _cell(name: str, column: str, cell: str, code: str, text_en: str, **others: str) -> Malformed:
    body = row(**{column.replace(" ", "_"): cell}, **others)
    return Malformed(f"{column}: {name}", body, code, f"column {column}", text_en)


CELLS = [
    _cell("blank", "EinrichtungsID", "", "missing", "Something must stand here"),
    _cell("blank", "Name", " ", "missing", "Something must stand here"),
    _cell("blank", "Angebot", "", "missing", "The sender must fill the field"),
    _cell("a word nobody knows", "Angebot", "Wellness", "unknown-code", "expected: one of: "),
    _cell("a word that means two things", "Angebot", "VP", "unknown-code", "csv-angebot.json"),
    _cell("two offers in one cell", "Angebot", "KZP/TP", "unknown-code", "expected: one of: "),
    _cell("a word", "Frei", "drei", "unreadable", _NUMBER),
    _cell("a range", "Frei", "2-3", "unreadable", _NUMBER),
    _cell("half a place", "Frei", "2,5", "unreadable", _NUMBER),
    _cell("dots for thousands", "Frei", "1.234", "unreadable", _NUMBER),
    _cell("a unit", "Frei", "2 Plätze", "unreadable", _NUMBER),
    _cell("an estimate", "Frei", "ca. 2", "unreadable", _NUMBER),
    _cell("a dash", "Frei", "-", "unreadable", _NUMBER),
    _cell("no statement", "Frei", "k. A.", "unreadable", _NUMBER),
    _cell("on request", "Frei", "auf Anfrage", "unreadable", _NUMBER),
    _cell("yes", "Frei", "ja", "unreadable", _NUMBER),
    _cell("an error of a spreadsheet", "Frei", "#BEZUG!", "unreadable", _NUMBER),
    _cell("a power of ten", "Frei", "1E+1", "unreadable", _NUMBER),
    _cell("a million", "Frei", "1000000", "unreadable", _NUMBER),
    _cell("below zero", "Plätze", "-5", "unreadable", "expected: a whole number from 0"),
    _cell("below zero", "Warteliste", "-1", "unreadable", "expected: a whole number from 0"),
    _cell("a ratio", "Belegt", "77/80", "unreadable", _NUMBER),
    _cell("six digits", "PLZ", "496610", "unreadable", "a postal code of five digits"),
    _cell("three digits", "PLZ", "496", "unreadable", "a postal code of five digits"),
    _cell("of another country", "PLZ", "A-1010", "unreadable", "a postal code of five digits"),
    _cell("with the city", "PLZ", "49661 Cloppenburg", "unreadable", "a postal code of five digits"),
    _cell("a day that does not exist", "Stand", "31.02.2026", "unreadable", _DATE),
    _cell("a month that does not exist", "Stand", "22.13.2026", "unreadable", _DATE),
    _cell("slashes", "Stand", "11/22/2026", "unreadable", _DATE),
    _cell("an hour that does not exist", "Stand", "22.11.2026 25:00", "unreadable", _DATE),
    _cell(
        "an hour that the clock skips", "Stand", "29.03.2026 02:30", "unreadable", "the clock change skips this hour"
    ),
    _cell(
        "an hour that the clock shows twice", "Stand", "25.10.2026 02:30", "doubled-hour", "the earlier one is taken"
    ),
    _cell("the last century", "Stand", "22.11.1926", "unreadable", _DATE),
    _cell("a month in letters", "Stand", "22. November 2026", "unreadable", _DATE),
    _cell("a serial number of a spreadsheet", "Stand", "46348,3125", "unreadable", _DATE),
    _cell("a time alone", "Stand", "07:30", "unreadable", _DATE),
    _cell("today", "Stand", "heute", "unreadable", _DATE),
    _cell("at once", "Frei ab", "sofort", "unreadable", "a date like 01.12.2026"),
    _cell("a calendar week", "Frei ab", "KW 49", "unreadable", "a date like 01.12.2026"),
    _cell("unknown room", "Zimmer", "Suite", "unknown-code", "expected: one of: EZ"),
    _cell("unknown sex", "Geschlecht", "?", "unknown-code", "expected: one of: w"),
    _cell("a grade too high", "Pflegegrade", "6", "unreadable", "care grades from 1 to 5"),
    _cell("a stage of the law before 2017", "Pflegegrade", "Stufe II", "unreadable", "care grades from 1 to 5"),
    _cell("perhaps", "Demenz", "vielleicht", "unreadable", "ja or nein"),
    _cell("degrees and minutes", "Breite", "52°50'", "unreadable", "a number like 52.73", Länge="8,0442"),
    _cell("eight digits", "IK", "5101234", "ik-check-digit", "The check digit of the Institutionskennzeichen is wrong"),
    _cell("letters", "IK", "IK510123451", "unreadable", "an Institutionskennzeichen of nine digits"),
    _cell("words", "Telefon", "siehe Website", "unreadable", "a telephone number"),
    _cell("a control character", "Name", "Haus\x07", "unreadable", "without control characters"),
    _cell("longer than any name", "Name", "x" * 301, "unreadable", "at most 300 characters"),
]

NUMBERS = [
    Malformed("more free places than there are", row(Plätze="1"), "implausible-counts", "", "do not fit together"),
    Malformed("fewer than no free places", row(Frei="-1"), "over-capacity", "", "Fewer than no free places"),
    Malformed("latitude without longitude", row(Breite="52,8"), "half-a-position", "", "belong together"),
    Malformed(
        "the axes the wrong way round",
        row(Breite="8,04", Länge="52,8"),
        "position-outside-germany",
        "",
        "perhaps they are the wrong way round",
    ),
    Malformed(
        "an end before the start",
        row(Frei_ab="02.12.2026", Frei_bis="01.12.2026"),
        "ends-before-start",
        "",
        "Places end before they start",
    ),
]

CASES = [*FILES, *ROWS, *CELLS, *NUMBERS]
