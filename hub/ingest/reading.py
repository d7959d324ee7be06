"""What the records of a delivery say, by its source map; pure: nothing is written, nothing of the store is known."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from adapters.receipt import Receipt, Result
from hub.ingest.ledger import Entry
from hub.ingest.stated_time import oddities_of_time
from hub.ingest.vacancy_index import position_of
from mappings.census_event import CensusEvent, event_of
from mappings.delivery_tally import DeliveryTally
from mappings.errors import Issue
from mappings.source_map import Mapped, SourceMap
from mappings.vacancy import State, VacancyReport

__all__ = ["Reading", "read"]

_log = logging.getLogger(__name__)
_SEVERAL = 3
"""Offers of which none says anything of its places: of one or two that may well be meant."""


@dataclass(slots=True)
class Reading:
    """Reports and events, each with the result of the record that it stands in, and what is set aside."""

    reports: list[tuple[Result, VacancyReport]] = field(default_factory=list)
    events: list[tuple[Result, CensusEvent]] = field(default_factory=list)
    aside: list[tuple[int, Entry, tuple[Issue, ...]]] = field(default_factory=list)


def read(
    entries: Sequence[Entry], source_map: SourceMap, received_at: datetime, receipt: Receipt, tally: DeliveryTally
) -> Reading:
    """Map the records; the receipt is told what there is to say of each, the tally what each is like."""
    reading = Reading()
    for ordinal, entry in enumerate(entries):
        result = Result(entry.place, "taken")
        reports, events = len(reading.reports), len(reading.events)
        mapped: Mapped | None = None
        try:
            issues, mapped = _read(entry, source_map, received_at, result, receipt, reading)
        except Exception as error:
            # One record that we cannot read must not hold up the others; its content never reaches the log.
            _log.error("%s while reading a record of %s", type(error).__name__, source_map.name)
            issues = (*entry.issues, _our_fault(entry.place))
        # What is true of every offer of a record is said of the record once.
        issues = tuple(dict.fromkeys(issues))
        receipt.note(*issues)
        tally.add(entry.fields, issues, [report for _, report in reading.reports[reports:]])
        if any(issue.severity == "error" for issue in issues):
            result.outcome = "setAside"
            del reading.reports[reports:], reading.events[events:]
            reading.aside.append((ordinal, replace(entry, mapped=mapped), issues))
        elif result.outcome == "taken":
            receipt.taken += 1
        receipt.tell(result)
    if source_map.places and len(reading.reports) >= _SEVERAL and all(_says_nothing(one) for _, one in reading.reports):
        receipt.note(_no_places(source_map.places))
    return reading


def _says_nothing(report: VacancyReport) -> bool:
    """Whether nothing is said of its free places: it will be shown as unknown."""
    return report.state is State.UNKNOWN


def _read(
    entry: Entry,
    source_map: SourceMap,
    received_at: datetime,
    result: Result,
    receipt: Receipt,
    reading: Reading,
) -> tuple[tuple[Issue, ...], Mapped | None]:
    """Add what one record says to the reading; returns what is to be said of it, and what its map made of it."""
    if entry.fields is None or any(issue.severity == "error" for issue in entry.issues):
        return entry.issues, None
    if source_map.wards:
        told = entry.event or event_of(entry.fields, source_map.ward_index, received_at)
        if told.event is not None:
            reading.events.append((result, told.event))
        return _left_out(told.left_out, entry, told.issues, result, receipt), None
    mapped = entry.mapped or source_map.read(entry.fields)
    issues = _left_out(mapped.left_out, entry, mapped.issues, result, receipt)
    if result.outcome == "leftOut":
        return issues, mapped
    for report in mapped.reports:
        reading.reports.append((result, report))
        issues = (*issues, *oddities_of_time(report, received_at, source_map.ladder, entry.place))
        if position_of(report.facility) is None:
            issues = (*issues, _no_place(entry.place))
    return issues, mapped


def _left_out(reason: str, entry: Entry, told: Sequence[Issue], result: Result, receipt: Receipt) -> tuple[Issue, ...]:
    issues = (*entry.issues, *(_placed(issue, entry.place) for issue in told))
    if reason and not any(issue.severity == "error" for issue in issues):
        result.outcome = "leftOut"
        receipt.left_out[reason] += 1
    return issues


def _placed(issue: Issue, place: str) -> Issue:
    return Issue(
        code=issue.code,
        text_de=issue.text_de,
        text_en=issue.text_en,
        place=f"{place}, {issue.place}" if issue.place else place,
        severity=issue.severity,
        fhir_code=issue.fhir_code,
    )


def _no_place(place: str) -> Issue:
    return Issue(
        code="no-place",
        severity="warning",
        place=place,
        text_de="ohne Koordinaten und ohne bekannte Postleitzahl: dieses Angebot findet keine Suche nach einem Ort",
        text_en="without coordinates and without a known postal code: no search for a place finds this offer",
    )


def _no_places(fields: Collection[str]) -> Issue:
    named = ", ".join(sorted(fields))
    return Issue(
        code="no-places-said",
        severity="warning",
        text_de="von keinem Angebot ist gesagt, ob etwas frei ist: alle gelten als unbekannt; die Quellenkarte liest "
        f"es aus {named}; heißen die Felder jetzt anders, die Quellenkarte anpassen",
        text_en="of no offer is it said whether anything is free: all of them count as unknown; the source map reads "
        f"it from {named}; if these fields have other names now, adapt the source map",
    )


def _our_fault(place: str) -> Issue:
    return Issue(
        code="fault",
        fhir_code="exception",
        place=place,
        text_de="das ist unser Fehler: der Datensatz liegt beiseite und wird nach der Behebung erneut gelesen",
        text_en="this is our fault: the record is set aside and will be read again once it is mended",
    )
