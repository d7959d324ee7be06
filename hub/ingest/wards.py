"""Keeps the events of wards and turns them into reports: the census itself is `mappings/census.py`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql

from adapters.receipt import Receipt
from hub.ingest.census_memory import CensusMemory, WardMemory
from hub.store.clock import micros
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Transaction
from hub.store.tables import about
from hub.store.tables import census as events_table
from mappings.census import Beds, fold, purgeable, ward_report
from mappings.census_event import CensusEvent
from mappings.language import SourceMap
from mappings.vacancy import VacancyReport
from mappings.wards import Ward

__all__ = ["Wards"]

_OF_SOURCE = events_table.c.source == bindparam("source")
_OF_STAYS = (_OF_SOURCE, one_of(events_table.c.stay, "stays"))
_KNOWN = Prepared(select(events_table.c.key).where(_OF_SOURCE, one_of(events_table.c.key, "keys")))
_ADD = Prepared(insert(events_table))
_WARDS = Prepared(select(events_table.c.from_ward, events_table.c.to_ward).where(*_OF_STAYS).distinct())
_EVENTS = Prepared(select(events_table.c.content).where(*_OF_STAYS))
# One statement for each index: with OR between them, every event of the source would be read.
_STAYS = tuple(
    Prepared(select(events_table.c.stay).where(_OF_SOURCE, column == bindparam("ward")).distinct())
    for column in (events_table.c.from_ward, events_table.c.to_ward)
)
_ALL = Prepared(select(events_table.c.content).where(_OF_SOURCE))
_SOURCES = Prepared(select(events_table.c.source).distinct())
_DELETE = Prepared(delete(events_table).where(_OF_SOURCE, one_of(events_table.c.key, "keys")))
_MARK = Prepared(select(about.c.value).where(about.c.name == bindparam("told")))
_SET_MARK = Prepared(
    (new := postgresql.insert(about)).on_conflict_do_update(index_elements=["name"], set_={"value": new.excluded.value})
)


class Wards:
    """The store of census events, in the transaction of whoever calls."""

    def __init__(self) -> None:
        self._memory = CensusMemory()

    def reports(
        self,
        transaction: Transaction,
        source_map: SourceMap,
        told: Sequence[CensusEvent],
        receipt: Receipt,
        now: datetime,
    ) -> list[VacancyReport]:
        """Remember what was told, and report every ward that it may have changed; what is known by `now` decides."""
        touched = {ward for event in told for ward in event.wards}
        touched |= self._wards_of(transaction, source_map.name, {event.stay for event in told} - {""})
        known = self._memory.take(source_map.name, _mark(transaction, source_map.name))
        new = self._remember(transaction, source_map.name, told)
        mark = _marked(transaction, source_map.name)
        reports = []
        for ward in source_map.wards:
            if ward.key in touched:
                memory = self._remembered(transaction, source_map.name, ward, known.get(ward.key), new)
                beds = fold(memory.events.values(), ward)
                memory.settle(now)
                known[ward.key] = memory
                receipt.note(*beds.issues)
                reports.append(_report(ward, beds, now))
        self._memory.keep(source_map.name, mark, known, {ward.key for ward in source_map.wards})
        return reports

    def _remembered(
        self,
        transaction: Transaction,
        source: str,
        ward: Ward,
        memory: WardMemory | None,
        new: Sequence[CensusEvent],
    ) -> WardMemory:
        """What a ward's census needs, new events among it."""
        if memory is None or not memory.knows_enough(new):
            return WardMemory.of(self._events_of(transaction, source, ward))
        strangers = memory.strangers(ward.key, new)
        memory.add(self._of_stays(transaction, source, strangers))
        memory.add(event for event in new if event.stay in memory.stays)
        return memory

    def expected(self, transaction: Transaction, source_map: SourceMap, now: datetime) -> list[VacancyReport]:
        """The wards of a source of which something is expected, anew: a day that has come is expected no more."""
        reports = []
        for ward in source_map.wards:
            beds = fold(self._events_of(transaction, source_map.name, ward), ward)
            if beds.expected:
                reports.append(_report(ward, beds, now))
        return reports

    def purge(self, transaction: Transaction, now: datetime) -> int:
        """Forget visits that ended more than 30 days ago; returns how many events went."""
        gone = 0
        for (source,) in transaction.all(_SOURCES):
            events = [_event(content) for (content,) in transaction.all(_ALL, {"source": source})]
            purge = purgeable(events, now)
            if purge.keys:
                transaction.run(_DELETE, {"source": source, "keys": sorted(purge.keys)})
                gone += len(purge.keys)
                self._remember(transaction, source, purge.residues)
                _marked(transaction, source)
        return gone

    def _wards_of(self, reader: Reader, source: str, stays: set[str]) -> set[str]:
        """The wards where these stays have been before: a cancel names no bed."""
        rows = reader.all(_WARDS, {"source": source, "stays": sorted(stays)}) if stays else ()
        return {ward for row in rows for ward in row if ward}

    def _remember(self, transaction: Transaction, source: str, events: Sequence[CensusEvent]) -> list[CensusEvent]:
        """Store events; returns those that were not known."""
        unique = {event.key: event for event in events}
        known = {key for (key,) in transaction.all(_KNOWN, {"source": source, "keys": sorted(unique)})}
        new = [event for key, event in unique.items() if key not in known]
        transaction.many_rows(
            _ADD,
            [
                (
                    source,
                    event.key,
                    event.stay,
                    event.from_bed.ward if event.from_bed else None,
                    event.to_bed.ward if event.to_bed else None,
                    orjson.dumps(event.to_json()),
                )
                for event in new
            ],
        )
        return new

    def _events_of(self, reader: Reader, source: str, ward: Ward) -> list[CensusEvent]:
        """What names the ward, and all else of the stays that are named with it."""
        of_ward = {"source": source, "ward": ward.key}
        return self._of_stays(reader, source, {stay for one in _STAYS for (stay,) in reader.all(one, of_ward)})

    def _of_stays(self, reader: Reader, source: str, stays: Collection[str]) -> list[CensusEvent]:
        rows = reader.all(_EVENTS, {"source": source, "stays": sorted(stays)}) if stays else ()
        return [_event(content) for (content,) in rows]


def _mark(reader: Reader, source: str) -> str | None:
    """The mark of a source's events: another one with each that anybody writes."""
    row = reader.first(_MARK, {"told": f"census {source}"})
    return row[0] if row else None


def _marked(transaction: Transaction, source: str) -> str:
    """A new mark."""
    mark = uuid4().hex
    transaction.many_rows(_SET_MARK, [(f"census {source}", mark)])
    return mark


def _report(ward: Ward, beds: Beds, now: datetime) -> VacancyReport:
    return ward_report(ward, beds, sequence=micros(now), today=now.astimezone(ward.zone).date())


@lru_cache(maxsize=8192)
def _event(content: bytes) -> CensusEvent:
    return CensusEvent.from_json(orjson.loads(content))
