"""The figures of a region as tables of text (https://www.rfc-editor.org/rfc/rfc4180; semicolons, CRLF and a byte-order
mark, as German spreadsheets take it). What is not known is blank, and zero is a 0.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from hub.reports.published import Missed
from hub.reports.region_days import Row
from hub.reports.silent import Silent
from hub.store.clock import date_of
from mappings import gazetteer, terminology
from mappings.district_figures import ALL, COVERAGE, FIGURES, Figures
from mappings.terminology import Language
from mappings.vacancy import ZONE
from mappings.view import View

__all__ = ["MEDIA_TYPE", "figures_csv", "searches_csv", "silent_csv"]

MEDIA_TYPE = "text/csv; charset=utf-8"
_MISSED = "missed"
_ROWS_IN_A_PIECE = 500


def figures_csv(rows: Iterable[Row], *, view: View, language: Language) -> Iterator[bytes]:
    """A header line, then one line a day, district and care form; the blank care form counts all of them.

    Headers are the codes of CodeSystem region-figure, so that programs read them in either language. The public view
    has coverage and freshness alone.
    """
    names = COVERAGE if view is View.PUBLIC else FIGURES
    heads = [name.replace("_", "-") for name in names]
    missed = [] if view is View.PUBLIC else [_MISSED]
    yield from _table(
        ("day", "district", "district-name", "care-form", "care-form-name", *heads, *missed),
        (
            (
                row.day.isoformat(),
                row.district,
                gazetteer.districts().get(row.district, row.district),
                row.care_form,
                "" if row.care_form == ALL else terminology.display("care-form", row.care_form, language),
                *(_known(row.figures, name) for name in names),
                *("" if row.missed is None else row.missed for _ in missed),
            )
            for row in rows
        ),
    )


def _known(figures: Figures | None, name: str) -> int | str:
    known = None if figures is None else figures.known(name)
    return "" if known is None else known


def searches_csv(shown: Iterable[Missed]) -> Iterator[bytes]:
    """A header line, then one line a day, municipality (blank: the district was searched), care forms and needs, with
    the searches that found nothing; those of which fewer than five were rounded to none are left out."""
    yield from _table(
        ("day", "district", "district-name", "municipality", "care-form", "need", _MISSED),
        (
            (
                date_of(cell.day).isoformat(),
                cell.district,
                gazetteer.districts().get(cell.district, cell.district),
                _safe(cell.municipality),
                " ".join(cell.care_forms),
                " ".join(cell.needs),
                cell.searches,
            )
            for cell in shown
        ),
    )


def silent_csv(those: Iterable[Silent], *, language: Language) -> Iterator[bytes]:
    """A header line, then one line an offer that does not report; `as-of`, the moment of its last word, is
    blank where there never was one."""
    yield from _table(
        (
            "district",
            "district-name",
            "facility",
            "postal-code",
            "city",
            "care-form-name",
            "phone",
            "source",
            "as-of",
        ),
        (
            (
                one.district,
                gazetteer.districts().get(one.district, one.district),
                _safe(one.facility.name),
                _safe(one.facility.address.postal_code),
                _safe(one.facility.address.city),
                terminology.display("care-form", one.care_form, language),
                _safe(one.phone),
                one.source,
                "" if one.as_of is None else one.as_of.astimezone(ZONE).isoformat(timespec="minutes"),
            )
            for one in those
        ),
    )


def _safe(text: str) -> str:
    """A text that a spreadsheet would run as a formula is led by an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\0")) else text


def _table(heads: Sequence[str], lines: Iterable[Sequence[str | int]]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    written = csv.writer(text, delimiter=";", lineterminator="\r\n")
    text.write("\ufeff")
    written.writerow(heads)
    for number, line in enumerate(lines, 1):
        written.writerow(line)
        if number % _ROWS_IN_A_PIECE == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
