"""Workbooks: which sheet, which row is the header; the cells are those that the adapter gives."""

import importlib
from typing import Any

from adapters import registry
from adapters.base import Record
from adapters.sketch import SAMPLE, Sketch
from mappings.errors import Rejected

__all__ = ["FORMAT", "sketch"]

FORMAT = "xlsx_records"
_SEARCHED = 30


def sketch(body: bytes) -> Sketch | None:
    """The visible sheet with the widest header, read by its own names."""
    if not body.startswith(b"PK"):
        return None
    # Which of the formats are here, the registry knows: the workbook comes with the adapter.
    workbook: Any = importlib.import_module("adapters.workbook")
    try:
        book = workbook.Workbook(body)
        headers = {sheet.name: _header(book, sheet) for sheet in book.sheets if not sheet.hidden}
    except workbook.NotAWorkbook:
        return None
    if not headers:
        return None
    sheet, columns = max(headers.items(), key=lambda one: len(one[1]))
    if len(columns) < 2:
        return None
    options = {"sheet": sheet} if len(book.sheets) > 1 else {}
    try:
        decoded = registry.adapter(FORMAT).decode(body, {**options, "columns": list(columns)})
        parts = [part for _, part in zip(range(SAMPLE), decoded.records, strict=False)]
    except Rejected:
        return None
    records = tuple(part.fields for part in parts if isinstance(part, Record))
    return Sketch(format=FORMAT, options=options, records=records, columns=columns)


def _header(book: Any, sheet: Any) -> tuple[str, ...]:
    """The names in the first row that is as wide as the table."""
    rows = [row for _, row in zip(range(_SEARCHED), book.rows(sheet), strict=False)]
    widest = max((len(row.cells) for row in rows), default=0)
    for row in rows:
        texts = [" ".join(str(cell).split()) for _, cell in sorted(row.cells.items())]
        if len(texts) >= max(2, 0.6 * widest):
            return tuple(dict.fromkeys(text for text in texts if text))
    return ()
