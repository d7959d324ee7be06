"""A table as text, one row an offer or a block of its free places: the columns of the source map `csv-long`, which
reads it back (https://www.rfc-editor.org/rfc/rfc4180; semicolons, CRLF and a byte-order mark, as German spreadsheets
take it).

A text that a spreadsheet would run as a formula is led by an apostrophe
(https://owasp.org/www-community/attacks/CSV_Injection); numbers are numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from itertools import groupby

from mappings import terminology
from mappings.vacancy import ZONE, Block, BlockStatus, VacancyReport

__all__ = ["COLUMNS", "FORMAT", "MEDIA_TYPE", "SUFFIX", "encode"]

FORMAT = "csv"
MEDIA_TYPE = "text/csv; charset=utf-8"
SUFFIX = ".csv"

COLUMNS = (
    "EinrichtungsID",
    "IK",
    "Name",
    "Träger",
    "Straße",
    "Hausnummer",
    "PLZ",
    "Ort",
    "Breite",
    "Länge",
    "Telefon",
    "Angebot",
    "Plätze",
    "Belegt",
    "Reserviert",
    "Frei",
    "Warteliste",
    "Frei ab",
    "Frei bis",
    "Zimmer",
    "Geschlecht",
    "Pflegegrade",
    "Demenz",
    "Dialyse",
    "Beatmung",
    "Rollstuhl",
    "Stand",
    "Aussage",
)
"""The columns, in their order."""

_NEEDS = ("demenz", "dialyse", "beatmung", "rollstuhl")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
_CONTROL = dict.fromkeys((*range(0x20), 0x7F), " ")
_ROWS_IN_A_PIECE = 200

Cell = str | int | None


def encode(reports: Iterable[VacancyReport], *, at: datetime) -> Iterator[bytes]:  # noqa: ARG001 - a table has no date
    """A header line, then the rows of each offer; what is unknown is blank, and zero is a 0.

    A second offer of the same care form in a facility has the facility's ID with its own key behind a `#`: rows of one
    ID and one care form are blocks of one offer.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, delimiter=";", lineterminator="\r\n")
    text.write("\ufeff")
    rows.writerow(COLUMNS)
    written = 0
    for _, offers in groupby(reports, key=lambda report: report.facility.key):
        told: set[str] = set()
        for report in offers:
            care_form = report.offer.care_form
            facility = report.facility.key if care_form not in told else f"{report.facility.key}#{report.offer.key}"
            told.add(care_form)
            for row in _rows(report, facility):
                rows.writerow(["" if cell is None else _safe(cell) for cell in row])
                written += 1
            if written >= _ROWS_IN_A_PIECE:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
                written = 0
    yield text.getvalue().encode()


def _safe(cell: str | int) -> str | int:
    if isinstance(cell, int):
        return cell
    plain = cell.translate(_CONTROL)
    return f"'{plain}" if cell.startswith(_FORMULA) else plain


def _rows(report: VacancyReport, facility_id: str) -> Iterator[tuple[Cell, ...]]:
    facility, offer, counts = report.facility, report.offer, report.counts
    address, position = facility.address, facility.position
    phone = next((each.value for each in facility.contacts if each.system == "phone" and not each.internal), None)
    for free, block in _free(report):
        yield (
            facility_id,
            "; ".join(facility.iks),
            facility.name,
            facility.operator.name if facility.operator else None,
            address.street,
            address.house_number,
            address.postal_code,
            address.city,
            _decimal(position.latitude) if position else None,
            _decimal(position.longitude) if position else None,
            phone,
            _word("csv-angebot", offer.care_form),
            counts.licensed,
            counts.occupied,
            counts.held,
            free,
            counts.waiting,
            _day(block.start) if block else None,
            _day(block.end) if block else None,
            _word("csv-zimmer", block.room.value) if block and block.room else None,
            _word("csv-geschlecht", block.sex.value) if block and block.sex else None,
            ";".join(map(str, offer.care_grades)),
            *("ja" if need in offer.needs else None for need in _NEEDS),
            report.valid_at.astimezone(ZONE).isoformat(timespec="seconds") if report.valid_at else None,
            _word("csv-aussage", report.state.value),
        )


def _free(report: VacancyReport) -> Iterator[tuple[int | None, Block | None]]:
    """The free blocks, and the places said to be free that no block tells of; one row at least."""
    blocks = [block for block in report.blocks if block.status is BlockStatus.FREE and block.count > 0]
    accepting = report.counts.accepting
    for block in blocks:
        yield block.count, block
    rest = None if accepting is None else accepting - sum(block.count for block in blocks)
    if not blocks or (rest is not None and rest > 0):
        yield rest, None


def _day(day: object) -> str | None:
    return None if day is None else str(day)


def _decimal(degrees: float) -> str:
    return f"{degrees:.7f}".rstrip("0").rstrip(".").replace(".", ",")


@cache
def _word(table: str, code: str) -> str:
    """The first word of a table that means the code."""
    return next(word for word in terminology.known(table) if terminology.translate(table, word).codes == (code,))
