"""Keeps the events of wards and turns them into reports: the census itself is `mappings/census.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import uuid4

import orjson
from sqlalchemy import Connection, delete, insert, select

from adapters.receipt import Receipt
from hub.ingest.census_memory import CensusMemory, WardMemory
from hub.store.clock import micros
from hub.store.tables import about
from hub.store.tables import census as events_table
from mappings.census import Beds, fold, purgeable, ward_report
from mappings.census_event import CensusEvent
from mappings.language import SourceMap
from mappings.vacancy import VacancyReport
from mappings.wards import Ward

__all__ = ["Wards"]

_CHUNK = 500


class Wards:
    """The store of census events, in the transaction of whoever calls."""

    def __init__(self) -> None:
        self._memory = CensusMemory()

    def reports(
        self,
        connection: Connection,
        source_map: SourceMap,
        told: Sequence[CensusEvent],
        receipt: Receipt,
        now: datetime,
    ) -> list[VacancyReport]:
        """Remember what was told, and report every ward that it may have changed; what is known by `now` decides."""
        touched = {ward for event in told for ward in event.wards}
        touched |= self._wards_of(connection, source_map.name, {event.stay for event in told} - {""})
        known = self._memory.take(source_map.name, _mark(connection, source_map.name))
        new = self._remember(connection, source_map.name, told)
        mark = _marked(connection, source_map.name)
        reports = []
        for ward in source_map.wards:
            if ward.key in touched:
                memory = self._remembered(connection, source_map.name, ward, known.get(ward.key), new)
                beds = fold(memory.events.values(), ward)
                memory.settle(now)
                known[ward.key] = memory
                receipt.note(*beds.issues)
                reports.append(_report(ward, beds, now))
        self._memory.keep(source_map.name, mark, known, {ward.key for ward in source_map.wards})
        return reports

    def _remembered(
        self,
        connection: Connection,
        source: str,
        ward: Ward,
        memory: WardMemory | None,
        new: Sequence[CensusEvent],
    ) -> WardMemory:
        """What a ward's census needs, new events among it."""
        if memory is None or not memory.knows_enough(new):
            return WardMemory.of(self._events_of(connection, source, ward))
        strangers = memory.strangers(ward.key, new)
        memory.add(self._of_stays(connection, source, strangers))
        memory.add(event for event in new if event.stay in memory.stays)
        return memory

    def expected(self, connection: Connection, source_map: SourceMap, now: datetime) -> list[VacancyReport]:
        """The wards of a source of which something is expected, anew: a day that has come is expected no more."""
        reports = []
        for ward in source_map.wards:
            beds = fold(self._events_of(connection, source_map.name, ward), ward)
            if beds.expected:
                reports.append(_report(ward, beds, now))
        return reports

    def purge(self, connection: Connection, now: datetime) -> int:
        """Forget visits that ended more than 30 days ago; returns how many events went."""
        gone = 0
        sources = connection.execute(select(events_table.c.source).distinct()).scalars().all()
        for source in sources:
            rows = connection.execute(select(events_table.c.content).where(events_table.c.source == source))
            purge = purgeable([_event(row.content) for row in rows], now)
            for chunk in _chunks(sorted(purge.keys)):
                connection.execute(
                    delete(events_table).where(events_table.c.source == source, events_table.c.key.in_(chunk))
                )
            gone += len(purge.keys)
            self._remember(connection, source, purge.residues)
            _marked(connection, source)
        return gone

    def _wards_of(self, connection: Connection, source: str, stays: set[str]) -> set[str]:
        """The wards where these stays have been before: a cancel names no bed."""
        found: set[str] = set()
        for chunk in _chunks(sorted(stays)):
            rows = connection.execute(
                select(events_table.c.from_ward, events_table.c.to_ward).where(
                    events_table.c.source == source, events_table.c.stay.in_(chunk)
                )
            )
            found.update(ward for row in rows for ward in row if ward)
        return found

    def _remember(self, connection: Connection, source: str, events: Sequence[CensusEvent]) -> list[CensusEvent]:
        """Store events; returns those that were not known."""
        unique = {event.key: event for event in events}
        known: set[str] = set()
        for chunk in _chunks(sorted(unique)):
            known.update(
                connection.execute(
                    select(events_table.c.key).where(events_table.c.source == source, events_table.c.key.in_(chunk))
                ).scalars()
            )
        new = [event for key, event in unique.items() if key not in known]
        rows = [
            {
                "source": source,
                "key": event.key,
                "stay": event.stay,
                "from_ward": event.from_bed.ward if event.from_bed else None,
                "to_ward": event.to_bed.ward if event.to_bed else None,
                "content": orjson.dumps(event.to_json()),
            }
            for event in new
        ]
        if rows:
            connection.execute(insert(events_table), rows)
        return new

    def _events_of(self, connection: Connection, source: str, ward: Ward) -> list[CensusEvent]:
        """What names the ward, and all else of the stays that are named with it."""
        # One statement for each index: with OR between them, every event of the source would be read.
        of_source = select(events_table.c.stay, events_table.c.content).where(events_table.c.source == source)
        stays: set[str] = set()
        for column in (events_table.c.from_ward, events_table.c.to_ward):
            stays.update(row.stay for row in connection.execute(of_source.where(column == ward.key)))
        return self._of_stays(connection, source, stays)

    def _of_stays(self, connection: Connection, source: str, stays: Collection[str]) -> list[CensusEvent]:
        of_source = select(events_table.c.content).where(events_table.c.source == source)
        found: list[CensusEvent] = []
        for chunk in _chunks(sorted(stays)):
            rows = connection.execute(of_source.where(events_table.c.stay.in_(chunk)))
            found.extend(_event(row.content) for row in rows)
        return found


def _mark(connection: Connection, source: str) -> str | None:
    """The mark of a source's events: another one with each that anybody writes."""
    found: str | None = connection.execute(select(about.c.value).where(about.c.name == f"census {source}")).scalar()
    return found


def _marked(connection: Connection, source: str) -> str:
    """A new mark."""
    mark = uuid4().hex
    connection.execute(delete(about).where(about.c.name == f"census {source}"))
    connection.execute(insert(about), {"name": f"census {source}", "value": mark})
    return mark


def _report(ward: Ward, beds: Beds, now: datetime) -> VacancyReport:
    return ward_report(ward, beds, sequence=micros(now), today=now.astimezone(ward.zone).date())


@lru_cache(maxsize=8192)
def _event(content: bytes) -> CensusEvent:
    return CensusEvent.from_json(orjson.loads(content))


def _chunks(items: Sequence[str]) -> list[Sequence[str]]:
    return [items[begin : begin + _CHUNK] for begin in range(0, len(items), _CHUNK)]
