"""A file read by a source map as a delivery would be, and nothing of it kept: what `platzfrei map try` shows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters import registry
from adapters.base import Broken, Record
from adapters.receipt import Receipt
from hub.ingest.ledger import Entry
from hub.ingest.reading import read
from mappings.census import fold, ward_report
from mappings.census_event import CensusEvent, admitted
from mappings.delivery_tally import DeliveryTally
from mappings.errors import Issue
from mappings.patient_filter import admit
from mappings.place_counts import named_values, uncounted
from mappings.reader import Fields
from mappings.source_map import SourceMap
from mappings.to_fhir import to_fhir
from mappings.trace import Cell, trace
from mappings.vacancy import VacancyReport
from mappings.view import View, seen
from mappings.wards import WardIndex

__all__ = ["Trial", "Tried"]

_SAMPLE = 200


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
    _unread: dict[str, list[Any]] = field(default_factory=dict)
    _read: dict[str, None] = field(default_factory=dict)

    def records(self) -> Iterator[Tried]:
        """What becomes of every record; raises `Rejected` where nothing of the file can be taken."""
        source_map = self.source_map
        registry.check(source_map.format, source_map.options, source_map.names)
        decoded = registry.adapter(source_map.format).decode(self.body, source_map.options)
        wards = WardIndex(source_map.wards)
        events: list[CensusEvent] = []
        for part in decoded.records:
            tried = self._tried(part, wards)
            events += [tried.event] if tried.event is not None else []
            self._count(tried)
            yield tried
        for ward in source_map.wards:
            if any(ward.key in event.wards for event in events):
                beds = fold(events, ward)
                tried = Tried(
                    place=ward.key, issues=beds.issues, reports=(ward_report(ward, beds, source_kind=source_map.kind),)
                )
                self._render(tried)
                yield tried

    def _tried(self, part: Record | Broken, wards: WardIndex) -> Tried:
        """What `hub.ingest.reading` makes of it, with the cells that a delivery would not keep."""
        source_map = self.source_map
        cells: tuple[Cell, ...] = ()
        unread: tuple[str, ...] = ()
        if isinstance(part, Broken):
            entry = Entry(place=part.place, issues=(part.issue,))
        elif source_map.wards:
            unread = part.dropped
            entry = Entry(place=part.place, fields=admitted(part.fields, wards), issues=part.issues)
        else:
            cells, names = trace(source_map, part.fields)
            unread = (*part.dropped, *names)
            self._sample(part.fields, names)
            entry = Entry(place=part.place, fields=admit(part.fields, source_map).fields, issues=part.issues)
        receipt = Receipt(source=source_map.name)
        reading = read([entry], source_map, self.at, receipt, DeliveryTally(names=source_map.names))
        return Tried(
            place=part.place,
            cells=cells,
            unread=unread,
            issues=tuple(receipt.issues),
            reports=tuple(report for _, report in reading.reports),
            event=next((event for _, event in reading.events), None),
            left_out=next(iter(receipt.left_out), ""),
        )

    def _sample(self, fields: Fields, unread: Sequence[str]) -> None:
        for name, value in named_values(fields):
            if name in unread or name.startswith(tuple(f"{one}." for one in unread)):
                values = self._unread.setdefault(name, [])
                if len(values) < _SAMPLE:
                    values.append(value)
            else:
                self._read.setdefault(name)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Fields that no rule reads and that seem to count places: what is free there would be lost."""
        return uncounted(self._unread, self._read)

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
            "uncounted": list(self.uncounted),
            "unknownCodes": {code: list(may_be) for code, may_be in self.unknown.items()},
            "fhir": {view.value: self.fhir_counts(view) for view in View},
        }
