"""A file read by a source map as a delivery would be, and nothing of it kept: what `platzfrei map try` shows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from adapters import registry
from adapters.base import Broken, Record
from hub.ingest.reconcile import oddities_of_time
from hub.ingest.vacancy_index import position_of
from mappings.census import fold, ward_report
from mappings.census_event import CensusEvent, admitted, event_of
from mappings.errors import Issue
from mappings.language import SourceMap
from mappings.patient_filter import admit
from mappings.to_fhir import to_fhir
from mappings.trace import Cell, trace
from mappings.vacancy import VacancyReport
from mappings.view import View, seen
from mappings.wards import WardIndex

__all__ = ["Trial", "Tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of one record."""

    place: str
    cells: tuple[Cell, ...] = ()
    unread: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    reports: tuple[VacancyReport, ...] = ()
    event: CensusEvent | None = None
    """What an HL7 message says of a census."""
    left_out: str = ""

    @property
    def is_set_aside(self) -> bool:
        """Whether nothing of it would be taken."""
        return any(issue.severity == "error" for issue in self.issues)


@dataclass(slots=True, kw_only=True)
class Trial:
    """One file and one map; `records` reads it once, the rest is true afterwards."""

    source_map: SourceMap
    body: bytes
    at: datetime
    taken: int = 0
    set_aside: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    unknown: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Unknown codes, with the field they stand in, and what they may mean."""
    resources: dict[View, dict[str, set[str]]] = field(default_factory=dict)
    """The ids of the FHIR resources that it would become, by view and type."""
    reports: int = 0

    def records(self) -> Iterator[Tried]:
        """What becomes of every record; raises `Rejected` where nothing of the file can be taken."""
        source_map = self.source_map
        registry.adapter(source_map.format).check(source_map.options, source_map.names)
        decoded = registry.adapter(source_map.format).decode(self.body, source_map.options)
        wards = WardIndex(source_map.wards)
        events: list[CensusEvent] = []
        for part in decoded.records:
            if isinstance(part, Broken):
                tried = Tried(place=part.place, issues=(part.issue,))
            elif source_map.wards:
                tried = self._message(part, wards)
                events += [tried.event] if tried.event is not None else []
            else:
                tried = self._record(part)
            self._count(tried)
            yield tried
        for ward in source_map.wards:
            if any(ward.key in event.wards for event in events):
                beds = fold(events, ward)
                tried = Tried(place=ward.key, issues=beds.issues, reports=(ward_report(ward, beds),))
                self._render(tried)
                yield tried

    def _record(self, record: Record) -> Tried:
        cells, unread = trace(self.source_map, record.fields)
        mapped = self.source_map.read(admit(record.fields, self.source_map).fields)
        issues = [*record.issues, *_placed(mapped.issues, record.place)]
        failed = any(issue.severity == "error" for issue in issues)
        for report in () if failed else mapped.reports:
            issues += oddities_of_time(report, self.at, self.source_map.ladder, record.place)
            if position_of(report.facility) is None:
                issues.append(_no_place(record.place))
        return Tried(
            place=record.place,
            cells=cells,
            unread=(*record.dropped, *unread),
            issues=tuple(dict.fromkeys(issues)),
            reports=() if failed else mapped.reports,
            left_out="" if failed else mapped.left_out,
        )

    def _message(self, record: Record, wards: WardIndex) -> Tried:
        told = event_of(admitted(record.fields, wards), wards, self.at)
        issues = (*record.issues, *_placed(told.issues, record.place))
        failed = any(issue.severity == "error" for issue in issues)
        return Tried(
            place=record.place,
            unread=record.dropped,
            issues=issues,
            event=None if failed else told.event,
            left_out="" if failed else told.left_out,
        )

    def _count(self, tried: Tried) -> None:
        self.unread.update(tried.unread)
        for cell in tried.cells:
            if cell.is_unreadable and (cell.table or cell.candidates):
                self.unknown[f"{cell.field}: {cell.value}"] = cell.candidates
        if tried.is_set_aside:
            self.set_aside += 1
        elif tried.left_out:
            self.left_out[tried.left_out] += 1
        else:
            self.taken += 1
        self._render(tried)

    def _render(self, tried: Tried) -> None:
        self.reports += len(tried.reports)
        for report in tried.reports:
            for view in View:
                kinds = self.resources.setdefault(view, {})
                for resource in to_fhir(
                    seen(report, view),
                    source=self.source_map.name,
                    at=report.valid_at or self.at,
                    care_forms=(report.offer.care_form,),
                ):
                    kinds.setdefault(resource["resourceType"], set()).add(resource["id"])

    def fhir_counts(self, view: View) -> Mapping[str, int]:
        """How many resources of each type the file would be, in one view."""
        return {kind: len(ids) for kind, ids in self.resources.get(view, {}).items()}

    def summary(self) -> dict[str, Any]:
        """The whole file in numbers."""
        return {
            "source": self.source_map.name,
            "records": self.taken + self.set_aside + self.left_out.total(),
            "taken": self.taken,
            "leftOut": self.left_out.total(),
            "setAside": self.set_aside,
            "offers": self.reports,
            "unread": dict(self.unread.most_common()),
            "unknownCodes": {code: list(may_be) for code, may_be in self.unknown.items()},
            "fhir": {view.value: self.fhir_counts(view) for view in View},
        }


def _placed(issues: Iterable[Issue], place: str) -> Iterator[Issue]:
    for issue in issues:
        yield replace(issue, place=f"{place}, {issue.place}" if issue.place else place)


def _no_place(place: str) -> Issue:
    return Issue(
        code="no-place",
        severity="warning",
        place=place,
        text_de="ohne Koordinaten und ohne bekannte Postleitzahl: dieses Angebot findet keine Suche nach einem Ort",
        text_en="without coordinates and without a known postal code: no search for a place finds this offer",
    )
