"""Keeps the events of wards and turns them into reports: the census itself is `mappings/census.py`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql

from adapters.receipt import Receipt
from hub.ingest.census_memory import CensusMemory
from hub.store.clock import micros
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader, Transaction
from hub.store.tables import about
from hub.store.tables import census as events_table
from mappings.census import Beds, Census, fold, purgeable, ward_report
from mappings.census_event import CensusEvent
from mappings.source_map import SourceMap
from mappings.vacancy import VacancyReport
from mappings.wards import Ward

__all__ = ["Wards"]

_OF_SOURCE = events_table.c.source == bindparam("source")
_OF_STAYS = (_OF_SOURCE, one_of(events_table.c.stay, "stays"))
_ADD = Prepared(postgresql.insert(events_table).on_conflict_do_nothing())
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
        source = source_map.name
        stays = self._stays(transaction, source, {event.stay for event in told})
        new = [event for event in told if stays[event.stay].setdefault(event.key, event) is event]
        _add(transaction, source, new)
        touched: defaultdict[str, list[Collection[CensusEvent]]] = defaultdict(list)
        for stay in stays.values():
            # A cancel names no bed, a visit may be on no ward any more: what was said before decides, too.
            for ward_key in {ward_key for event in stay.values() for ward_key in event.wards}:
                touched[ward_key].append(stay.values())
        if not touched:
            return []
        mark = _mark(transaction, source)
        known = self._memory.take(source, mark)
        if new or mark is None:
            mark = _marked(transaction, source)
        reports = []
        for ward in source_map.wards:
            if ward.key not in touched:
                continue
            census = known.get(ward.key)
            if census is None:
                census = known[ward.key] = Census(self._events_of(transaction, source, ward))
            else:
                for events in touched[ward.key]:
                    census.put(events)
            beds = census.beds(ward)
            receipt.note(*beds.issues)
            reports.append(_report(source_map, ward, beds, now))
        self._memory.keep(source, mark, known)
        return reports

    def expected(self, transaction: Transaction, source_map: SourceMap, now: datetime) -> list[VacancyReport]:
        """The wards of a source of which something is expected, anew: a day that has come is expected no more."""
        reports = []
        for ward in source_map.wards:
            beds = fold(self._events_of(transaction, source_map.name, ward), ward)
            if beds.expected:
                reports.append(_report(source_map, ward, beds, now))
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
                _add(transaction, source, purge.residues)
                _marked(transaction, source)
        return gone

    def _stays(self, reader: Reader, source: str, names: Collection[str]) -> dict[str, dict[str, CensusEvent]]:
        """The events of stays by their keys."""
        found: dict[str, dict[str, CensusEvent]] = {name: {} for name in names}
        for event in self._of_stays(reader, source, names):
            found[event.stay][event.key] = event
        return found

    def _events_of(self, reader: Reader, source: str, ward: Ward) -> list[CensusEvent]:
        """What names the ward, and all else of the stays that are named with it."""
        of_ward = {"source": source, "ward": ward.key}
        return self._of_stays(reader, source, {stay for one in _STAYS for (stay,) in reader.all(one, of_ward)})

    def _of_stays(self, reader: Reader, source: str, stays: Collection[str]) -> list[CensusEvent]:
        rows = reader.all(_EVENTS, {"source": source, "stays": sorted(stays)}) if stays else ()
        return [_event(content) for (content,) in rows]


def _add(transaction: Transaction, source: str, events: Iterable[CensusEvent]) -> None:
    """Store events; those that are known stay as they are."""
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
            for event in events
        ],
    )


def _mark(reader: Reader, source: str) -> str | None:
    """The mark of a source's events: another one with each that anybody writes."""
    row = reader.first(_MARK, {"told": f"census {source}"})
    return row[0] if row else None


def _marked(transaction: Transaction, source: str) -> str:
    """A new mark."""
    mark = uuid4().hex
    transaction.many_rows(_SET_MARK, [(f"census {source}", mark)])
    return mark


def _report(source_map: SourceMap, ward: Ward, beds: Beds, now: datetime) -> VacancyReport:
    today = now.astimezone(ward.zone).date()
    return ward_report(ward, beds, sequence=micros(now), today=today, source_kind=source_map.kind)


@lru_cache(maxsize=8192)
def _event(content: bytes) -> CensusEvent:
    return CensusEvent.from_json(orjson.loads(content))
