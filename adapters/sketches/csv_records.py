"""Text with a line a row: which charset, which delimiter, which line is the header."""

import csv
from collections import Counter

from adapters.sketch import SAMPLE, Sketch

__all__ = ["FORMAT", "sketch"]

FORMAT = "csv_records"
_DELIMITERS = ";,\t|"
_HEAD = 50


def sketch(body: bytes) -> Sketch | None:
    """A table of at least two columns and a row; None for what is none, for example binary data."""
    charset, text = _decoded(body)
    if text is None or "\0" in text:
        return None
    lines = text.splitlines(keepends=True)
    tables = {delimiter: _rows(lines[: _HEAD + SAMPLE], delimiter) for delimiter in _DELIMITERS}
    delimiter = max(tables, key=lambda one: _regular(tables[one][:_HEAD]))
    rows = [row for row in tables[delimiter] if any(cell.strip() for cell in row)]
    if _regular(rows[:_HEAD]) <= 1:
        return None
    width = _usual_width(rows[:_HEAD])
    above = next(number for number, row in enumerate(rows) if _filled(row) >= max(2, width // 2))
    header = [cell.strip() for cell in rows[above]]
    while header and not header[-1]:
        header.pop()
    records = tuple(
        {name: row[position] for position, name in enumerate(header) if name and position < len(row)}
        for row in rows[above + 1 :]
        if len(row) >= len(header)
    )
    options = {"delimiter": delimiter} | ({"charset": charset} if charset else {})
    notes = []
    if above:
        lines_above = tables[delimiter].index(rows[above])
        german, english = (
            ("1 Zeile", "1 line") if lines_above == 1 else (f"{lines_above} Zeilen", f"{lines_above} lines")
        )
        german += " über der Kopfzeile; der Adapter liest die erste Zeile als Kopf: im Export abschalten, wo das nicht "
        german += "geht, vor dem Senden weglassen oder als XLSX speichern, das sie überspringt"
        english += " above the header; the adapter takes the first line for it: switch that off in the export, where "
        english += "that cannot be, leave them out before sending or save as XLSX, where they are skipped"
        notes.append((german, english))
    twice = [name for name, count in Counter(map(str.casefold, header)).items() if name and count > 1]
    if twice:
        listed = ", ".join(twice)
        notes.append((f"doppelte Spalten: {listed}; im Export umbenennen", f"columns that stand twice: {listed}"))
    return Sketch(
        format=FORMAT,
        options=options,
        records=records[:SAMPLE],
        columns=tuple(dict.fromkeys(name for name in header if name)),
        notes=tuple(notes),
    )


def _decoded(body: bytes) -> tuple[str, str | None]:
    """The charset to state, blank where the adapter finds it itself, and the text; None where it is binary."""
    for mark, charset in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if body.startswith(mark):
            try:
                return "", body.decode(charset)
            except UnicodeDecodeError:
                return "", None
    if body.startswith(b"PK\x03\x04") or b"\0" in body[:4096]:
        return "", None
    try:
        return "", body.decode()
    except UnicodeDecodeError:
        pass
    umlauts = {charset: _umlauts(body, charset) for charset in ("cp1252", "cp850")}
    # DOS programs are still about: their umlauts are signs nobody writes in Windows-1252.
    if umlauts["cp850"] > umlauts["cp1252"]:
        return "cp850", body.decode("cp850")
    return "", body.decode("cp1252", "replace")


def _umlauts(body: bytes, charset: str) -> int:
    return sum(body.count(letter.encode(charset)) for letter in "äöüßÄÖÜ")


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return []


def _filled(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _usual_width(rows: list[list[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


def _regular(rows: list[list[str]]) -> float:
    """How much a table this is: the usual width, less where rows are of another."""
    if len(rows) < 2:
        return 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return width * count / len(rows)
