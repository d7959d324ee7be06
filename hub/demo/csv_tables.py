"""The two CSV exports of facility software: `csv-long` with a row an offer, `csv-wide` with a row a facility.

Both as spreadsheets leave them: semicolons, decimal commas, days as `dd.mm.yyyy`, a blank for what nobody knows, and
now and then a postal code whose leading zero Excel has eaten (`mappings/sources/csv-long.yaml`, `csv-wide.yaml`).
"""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time

from hub.demo.files import File, portions
from hub.demo.region import Provider, Region
from mappings.vacancy import ZONE, Block, BlockStatus, Hours, OwnShare, Per, Room, Sex, VacancyReport, Weekday

__all__ = ["long_files", "wide_files"]

_RECORDS = 2_000

_LONG = (
    *("EinrichtungsID", "IK", "Name", "Träger", "Straße", "Hausnummer", "PLZ", "Ort", "Breite", "Länge", "Telefon"),
    *("Angebot", "Plätze", "Belegt", "Reserviert", "Frei", "Warteliste", "Frei ab", "Frei bis", "Zimmer"),
    *("Geschlecht", "Pflegegrade", "Demenz", "Dialyse", "Beatmung", "Rollstuhl", "Stand"),
    *("Telefonzeiten", "Aufnahmetage", "Aufnahme bis", "KIM", "Eigenanteil", "Eigenanteil Stand", "Kostenträger"),
    "Kostenträger Stand",
)
_WIDE = (
    *("Haus-Nr", "IK", "Einrichtung", "Straße", "PLZ", "Ort", "Telefon", "Dauerpflege Plätze", "Dauerpflege frei"),
    *("Kurzzeitpflege Plätze", "Kurzzeitpflege frei", "Kurzzeitpflege frei ab"),
    *("Tagespflege Plätze", "Tagespflege frei", "Stand"),
)

# Two habits of writing the same: houses differ.
_CARE_FORMS = {
    "dauerpflege": ("Dauerpflege", "vollst."),
    "kurzzeitpflege-eingestreut": ("KZP eingestreut", "Kurzzeitpflege (eingestreut)"),
    "kurzzeitpflege-solitaer": ("Kurzzeitpflege solitär", "KZP solitär"),
    "tagespflege": ("Tagespflege", "TP"),
    "nachtpflege": ("Nachtpflege", "NP"),
    "hospiz-stationaer": ("Hospiz stationär", "stationäres Hospiz"),
    "hospizdienst-ambulant": ("Hospizdienst", "Hospiz ambulant"),
    "intensivpflege": ("Intensivpflege", "AKI"),
    "ambulante-pflege": ("Pflegedienst", "AMB"),
    "sapv": ("SAPV", "Palliativversorgung"),
    "wohngemeinschaft": ("WG", "ambulant betreute WG"),
    "betreutes-wohnen": ("Betreutes Wohnen", "BW"),
}
_ROOMS = {Room.SINGLE: ("EZ", "Einzelzimmer"), Room.DOUBLE: ("DZ", "Doppelzimmer"), Room.SHARED: ("MZ", "Mehrbett")}
_SEXES = {Sex.FEMALE: ("w", "weiblich"), Sex.MALE: ("m", "männlich"), Sex.OTHER: ("d", "divers")}
_PAYERS = {
    "pflegekasse": ("Pflegekasse", "Pflegeversicherung"),
    "krankenkasse": ("Krankenkasse", "GKV"),
    "sozialhilfe": ("Sozialamt", "Sozialhilfeträger"),
    "selbstzahler": ("Selbstzahler", "privat"),
    "beihilfe": ("Beihilfe", "Beihilfe"),
    "unfallversicherung": ("BG", "Unfallversicherung"),
}
_DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
_YES_NO = (("x", ""), ("ja", "nein"))
_NEEDS = ("demenz", "dialyse", "beatmung", "rollstuhl")

_NOTHING = Block(count=0)


def long_files(region: Region) -> Iterator[File]:
    """The files of source `csv-long`: UTF-8 with a byte order mark."""
    offers = ([(provider, report) for report in provider.reports] for provider in region.of("csv-long"))
    for number, portion in enumerate(portions(offers, _RECORDS), start=1):
        rows = [row for provider, report in portion for row in _long_rows(provider, report)]
        yield File(name=f"freiplaetze-{number:02d}.csv", body=_table(_LONG, rows, "utf-8-sig"), records=len(portion))


def wide_files(region: Region) -> Iterator[File]:
    """The files of source `csv-wide`: Windows-1252."""
    rows = ([_wide_row(provider)] for provider in region.of("csv-wide"))
    for number, portion in enumerate(portions(rows, _RECORDS), start=1):
        yield File(name=f"belegung-{number:02d}.csv", body=_table(_WIDE, portion, "cp1252"), records=len(portion))


def _table(header: tuple[str, ...], rows: list[list[str]], charset: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode(charset)


def _long_rows(provider: Provider, report: VacancyReport) -> Iterator[list[str]]:
    """A row for each block of free places, in which alone the rows of an offer differ; one row where there is none."""
    facility, offer, counts = report.facility, report.offer, report.counts
    address, position = facility.address, facility.position
    habit = _habit(provider)
    yes, no = _YES_NO[habit]
    free = [block for block in report.blocks if block.status is BlockStatus.FREE]
    for block in free or [_NOTHING]:
        yield [
            facility.key,
            *facility.iks,
            facility.name,
            facility.operator.name if facility.operator else "",
            address.street,
            address.house_number,
            _postal_code(provider),
            address.city,
            _decimal(position.latitude) if position else "",
            _decimal(position.longitude) if position else "",
            _phone(provider),
            _CARE_FORMS[offer.care_form][habit],
            _count(counts.licensed),
            _count(counts.occupied),
            _count(counts.held),
            _count(block.count if free else counts.accepting),
            _count(counts.waiting),
            _day(block.start),
            _day(block.end),
            _ROOMS[block.room][habit] if block.room else "",
            _SEXES[block.sex][habit] if block.sex else "",
            _care_grades(offer.care_grades, habit),
            *(yes if need in offer.needs else no for need in _NEEDS),
            _moment(report.valid_at),
            "; ".join(_hours(hours, habit) for hours in offer.hours),
            _days(offer.admission.days, habit) if offer.admission else "",
            _clock(offer.admission.latest, habit) if offer.admission else "",
            next((contact.value for contact in facility.contacts if contact.system == "kim"), ""),
            _own_share(offer.own_share, habit) if offer.own_share else "",
            _day(offer.own_share.as_of) if offer.own_share else "",
            ", ".join(_PAYERS[payer][habit] for payer in offer.payers),
            _day(offer.payers_as_of),
        ]


def _wide_row(provider: Provider) -> list[str]:
    facility = provider.facility
    said = {report.offer.care_form: report for report in provider.reports}
    long_term, short_term, day_care = (said.get(form) for form in ("dauerpflege", "kurzzeitpflege", "tagespflege"))
    short_term_free = next((block for block in short_term.blocks), _NOTHING) if short_term else _NOTHING
    return [
        facility.key,
        *facility.iks,
        facility.name,
        f"{facility.address.street} {facility.address.house_number}",
        _postal_code(provider),
        facility.address.city,
        _phone(provider),
        *_wide_counts(long_term),
        *_wide_counts(short_term),
        _day(short_term_free.start),
        *_wide_counts(day_care),
        _moment(provider.reports[0].valid_at),
    ]


def _wide_counts(report: VacancyReport | None) -> tuple[str, str]:
    return (_count(report.counts.licensed), _count(report.counts.accepting)) if report else ("", "")


def _habit(provider: Provider) -> int:
    return int(provider.facility.key[-1]) % 2


def _postal_code(provider: Provider) -> str:
    code = provider.facility.address.postal_code
    return code.removeprefix("0") if _habit(provider) else code


def _phone(provider: Provider) -> str:
    return next((contact.value for contact in provider.facility.contacts if contact.system == "phone"), "")


def _care_grades(grades: tuple[int, ...], habit: int) -> str:
    if not grades:
        return ""
    return f"PG {grades[0]}-{grades[-1]}" if habit else ";".join(map(str, grades))


def _count(count: int | None) -> str:
    return "" if count is None else str(count)


def _hours(hours: Hours, habit: int) -> str:
    if hours.opens is None or hours.closes is None:
        return f"{_days(hours.days, habit)} rund um die Uhr"
    return f"{_days(hours.days, habit)} {_clock(hours.opens, 0)}–{_clock(hours.closes, habit)}"


def _days(days: tuple[Weekday, ...], habit: int) -> str:
    places = [list(Weekday).index(day) for day in days]
    is_span = len(places) > 2 and places[-1] - places[0] == len(places) - 1
    if is_span:
        return f"{_DAYS[places[0]]}–{_DAYS[places[-1]]}" if habit else f"{_DAYS[places[0]]}.-{_DAYS[places[-1]]}."
    return ", ".join(_DAYS[place] for place in places)


def _clock(moment: time | None, habit: int) -> str:
    if moment is None:
        return ""
    return f"{moment:%H:%M} Uhr" if habit else f"{moment:%H:%M}"


def _own_share(own_share: OwnShare, habit: int) -> str:
    euros = f"{own_share.cents / 100:,.2f}".translate(str.maketrans(",.", ".,"))
    if own_share.per is Per.DAY:
        return f"{euros} €/Tag" if habit else f"{euros} € am Tag"
    return f"{euros} € mtl." if habit else f"{euros} €"


def _decimal(degrees: float) -> str:
    return f"{degrees:.6f}".replace(".", ",")


def _day(day: date | None) -> str:
    return "" if day is None else f"{day:%d.%m.%Y}"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(ZONE):%d.%m.%Y %H:%M}"
