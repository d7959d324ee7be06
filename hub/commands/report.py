"""`platzfrei report region`: who reports, how fresh that is, how many places are free; and whom to ring."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from shutil import get_terminal_size

import orjson

from hub.commands.options import existing, opened, parser, run, text
from hub.commands.region_text import figures_text, searches_text, silent_text
from hub.fhir.measure_report import MEASURES, measure_report
from hub.homes.home import SOURCE as HOMES
from hub.hub import Hub
from hub.reports.period import Period
from hub.reports.region_csv import figures_csv, searches_csv, silent_csv
from hub.reports.region_days import Row
from hub.reports.silent import Silent, in_order, silent
from hub.store.reader import Reader
from mappings import gazetteer, place_names, terminology
from mappings.code_words import listed, meant
from mappings.district_figures import ALL
from mappings.errors import Issue, Rejected
from mappings.vacancy import Address, Contact, Facility
from mappings.view import View

__all__ = ["main"]

_WIDEST = 160
_SEARCH_DAYS = 31


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "report",
        "Tell of each district, care form and day who reports, how fresh that is and how many places are free, "
        "for professionals; of today as it is now, of other days as it was taken then.",
    )
    made.add_argument("report", choices=("region",))
    made.add_argument("--from", dest="first", metavar="DAY", help="such as 2026-11-01; default: --to")
    made.add_argument("--to", dest="last", metavar="DAY", help="default: today")
    made.add_argument("--district", metavar="AGS|NAME", help="5 digits (03453) or a name (Cloppenburg); default: all")
    made.add_argument("--care-form", metavar="CODE", help="one care form, with all narrower ones")
    told = made.add_mutually_exclusive_group()
    told.add_argument("--missing", action="store_true", help="who does not report now, the oldest word first")
    told.add_argument(
        "--searches",
        action="store_true",
        help="searches without a hit by municipality and need, rounded; default: the last 31 days that are over",
    )
    written = made.add_mutually_exclusive_group()
    written.add_argument("--csv", metavar="FILE", type=Path, help="write a table of text; -: to the terminal")
    written.add_argument("--fhir", metavar="FILE", type=Path, help="write MeasureReports as a Bundle; -: likewise")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.missing and (options.first or options.last or options.fhir):
        made.error("--missing is of now: expected --district, --care-form or --csv beside it, nothing else")
    if options.fhir and options.care_form:
        made.error("expected --fhir without --care-form: a MeasureReport has all of them")
    care_form = _care_form(options.care_form)
    district = _district(options.district)
    hub = opened(options, existing(options))
    try:
        if options.missing:
            return _missing(hub, options, district, care_form)
        period = _period(hub, options, district)
        # Of the command's own: nobody waits for it, so it may read for as long as it needs.
        with hub.database.reading() as connection:
            reader = Reader(connection.connection.driver_connection, connection.dialect.name)
            if options.fhir:
                _write(options.fhir, [_bundle(hub, reader, period)])
            elif options.searches:
                _searches(hub, reader, options, period, care_form)
            else:
                _figures(hub, reader, options, period, care_form)
    finally:
        hub.close()
    return 0


def _figures(hub: Hub, reader: Reader, options: argparse.Namespace, period: Period, care_form: str) -> None:
    rows = _rows(hub, reader, period)
    if options.csv:
        chosen = [row for row in rows if care_form in (ALL, row.care_form)]
        if not chosen:
            german = (
                "nichts ist dazu bekannt, die Tabelle bleibt leer; Tage vor heute gibt es, soweit der Server sie erhob"
            )
            english = (
                "nothing is known of that, the table stays empty; of days before today is what the server took then"
            )
            print(text(options, german, english), file=sys.stderr)
        _write(options.csv, figures_csv(chosen, view=View.PROFESSIONAL, language=options.language))
    else:
        print(figures_text(rows, care_form=care_form, language=options.language, width=_width()))


def _rows(hub: Hub, reader: Reader, period: Period) -> list[Row]:
    """What was kept of the days, and of today what is now."""
    rows = hub.region.rows(reader, period.first, period.last, district=period.district, searches=True)
    today = hub.region.today
    if not period.first <= today <= period.last:
        return rows
    return [*(row for row in rows if row.day != today), *hub.region.now(district=period.district)]


def _searches(hub: Hub, reader: Reader, options: argparse.Namespace, period: Period, care_form: str) -> None:
    shown = hub.region.missed(reader, period.first, period.last, district=period.district)
    if care_form != ALL:
        narrower = set(terminology.descendants(care_form))
        shown = [cell for cell in shown if narrower.intersection(cell.care_forms)]
    if options.csv:
        _write(options.csv, searches_csv(shown))
    else:
        print(searches_text(shown, period.first, period.last, language=options.language))


def _missing(hub: Hub, options: argparse.Namespace, district: str | None, care_form: str) -> int:
    now = hub.clock()
    narrower = set(terminology.in_order("care-form") if care_form == ALL else terminology.descendants(care_form))
    known = list(silent(hub.region.standings(), now=now))
    those = in_order(
        one
        for one in (*known, *_homes_that_never_reported(hub, known))
        if one.care_form in narrower and district in (None, one.district)
    )
    if options.csv:
        _write(options.csv, silent_csv(those, language=options.language))
    else:
        print(silent_text(those, language=options.language, now=now, width=_width()))
    return 0


def _homes_that_never_reported(hub: Hub, listed: Iterable[Silent]) -> Iterator[Silent]:
    """Homes are written down before they say anything; until then no offer of theirs is known."""
    known = {(one.facility.name, one.care_form) for one in listed if one.source == HOMES}
    for home in hub.homes.all():
        place = gazetteer.place(home.postal_code)
        for care_form, said in hub.homes.standing(home).said.items():
            if said is None and (home.name, care_form) not in known:
                yield Silent(
                    district="" if place is None else place.district_ags,
                    facility=Facility(
                        key=home.id,
                        name=home.name,
                        address=Address(postal_code=home.postal_code, city=home.city),
                        contacts=(Contact(system="phone", value=home.phone),) if home.phone else (),
                    ),
                    care_form=care_form,
                    source=HOMES,
                    as_of=None,
                )


def _bundle(hub: Hub, reader: Reader, period: Period) -> bytes:
    rows = _rows(hub, reader, period)
    missed = hub.region.missed(reader, period.first, period.last, district=period.district)
    reports = [measure_report(each, period, rows, missed, at=hub.clock()) for each in MEASURES]
    entries = [{"resource": each} for each in reports]
    return orjson.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})


def _write(file: Path, pieces: Iterable[bytes]) -> None:
    if str(file) == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
        return
    part = file.with_name(f"{file.name}.part")
    with part.open("wb") as written:
        written.writelines(pieces)
    part.replace(file)


def _width() -> int:
    return min(get_terminal_size((_WIDEST, 24)).columns, _WIDEST)


def _period(hub: Hub, options: argparse.Namespace, district: str | None) -> Period:
    today = hub.region.today
    last = _day("--to", options.last) or (today - timedelta(days=1) if options.searches else today)
    default = last - timedelta(days=_SEARCH_DAYS - 1) if options.searches and not options.last else last
    first = _day("--from", options.first) or default
    if first > last:
        raise _wrong("--from", "erwartet wird ein Tag bis --to", "expected a day up to --to")
    return Period(first=first, last=last, district=district)


def _day(option: str, told: str | None) -> date | None:
    if told is None:
        return None
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise _wrong(option, "erwartet wird ein Tag wie 2026-11-22", "expected a day such as 2026-11-22") from None


def _care_form(told: str | None) -> str:
    """The code that a code or a word means; `ALL` where none is told."""
    if told is None:
        return ALL
    found = meant("care-form", told)
    if not found:
        raise _wrong(
            "--care-form",
            f"erwartet wird: {listed('care-form', 'de')}",
            f"expected: {listed('care-form', 'en')}",
        )
    return found[0]


def _district(told: str | None) -> str | None:
    """The AGS of the district that an AGS or a name means, however it is spelt; None where none is told."""
    if told is None:
        return None
    found = place_names.district(told)
    if isinstance(found, place_names.District):
        return found.ags
    if found is None:
        raise _wrong(
            "--district",
            "diesen Landkreis gibt es nicht; erwartet werden 5 Ziffern des AGS (03453) oder ein Name (Cloppenburg)",
            "there is no such district; expected the 5 digits of its AGS (03453) or a name (Cloppenburg)",
        )
    listed = ", ".join(f"{one.ags} {one.name}" for one in found.districts[:10])
    raise _wrong("--district", f"mehrere heißen so: {listed}", f"several are called so: {listed}")


def _wrong(option: str, text_de: str, text_en: str) -> Rejected:
    return Rejected(Issue(code="report", place=option, text_de=text_de, text_en=text_en))
