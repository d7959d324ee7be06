"""Workbooks for tests: written part by part, so that what a spreadsheet program would not write can be written too."""

import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["MAIN", "Cells", "book", "cell", "packed", "parts", "sheet"]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"

Cells = Iterable[Any]
"""Rows of cells."""


def column(number: int) -> str:
    return (chr(64 + (number - 1) // 26) if number > 26 else "") + chr(65 + (number - 1) % 26)


def cell(reference: str, value: str | float | None) -> str:
    """A cell as programs write it; text that starts with `<c` is taken as it is."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith("<c"):
        return value.replace("<c", f'<c r="{reference}"', 1)
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{reference}"><v>{value}</v></c>'


def sheet(rows: Cells, *, first: int = 1, after: str = "") -> str:
    """The part of a sheet with these rows."""
    written = "".join(
        f'<row r="{number}">'
        + "".join(cell(f"{column(position)}{number}", value) for position, value in enumerate(row, start=1))
        + "</row>"
        for number, row in enumerate(rows, start=first)
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{written}</sheetData>{after}</worksheet>'


def parts(
    sheets: Mapping[str, str],
    *,
    states: Mapping[str, str] | None = None,
    settings: str = "",
    styles: str | None = None,
    texts: str | None = None,
) -> dict[str, bytes]:
    """The parts of a workbook with these sheets by name."""
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}" '
        f'state="{(states or {}).get(name, "visible")}"/>'
        for number, name in enumerate(sheets, start=1)
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    found = {
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}">{settings}<sheets>{listed}</sheets>'
        "</workbook>",
        **{f"xl/worksheets/sheet{number}.xml": one for number, one in enumerate(sheets.values(), start=1)},
    }
    if styles is not None:
        related += f'<Relationship Id="rIdS" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        found["xl/styles.xml"] = f'<styleSheet xmlns="{MAIN}">{styles}</styleSheet>'
    if texts is not None:
        related += f'<Relationship Id="rIdT" Type="{_OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
        found["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{texts}</sst>'
    found["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>'
    return {name: text.encode() for name, text in found.items()}


def packed(contents: Mapping[str, bytes]) -> bytes:
    """The parts as the archive that a workbook is."""
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return body.getvalue()


def book(
    rows: Cells,
    *,
    first: int = 1,
    after: str = "",
    settings: str = "",
    styles: str | None = None,
    texts: str | None = None,
) -> bytes:
    """A workbook with one sheet."""
    one = {"Tabelle1": sheet(rows, first=first, after=after)}
    return packed(parts(one, settings=settings, styles=styles, texts=texts))
