"""What a process remembers of a ward never changes its census: it is that of all events, whoever wrote them."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from adapters.receipt import Receipt
from hub.hub import Hub
from hub.ingest.wards import Wards
from hub.ingest.wards import _mark as census_mark
from mappings.census import fold
from mappings.census_event import Bed, BedStatus, CensusEvent, Kind
from mappings.source_map import SourceMap

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
KINDS = (Kind.ADMIT, Kind.TRANSFER, Kind.DISCHARGE, Kind.UPDATE, Kind.BED_STATUS, Kind.LEAVE, Kind.RETURN)


def drawn(draw: random.Random, source_map: SourceMap, at: datetime) -> CensusEvent:
    """An event of few visits and beds; one in ten comes hours late."""
    late = timedelta(minutes=draw.randrange(600)) if draw.random() < 0.1 else timedelta(seconds=draw.randrange(30))
    kind = draw.choice(KINDS)
    ward = draw.choice(source_map.wards)
    bed = Bed(ward.key, draw.choice(ward.beds[:3])) if draw.random() < 0.8 else None
    is_status = kind is Kind.BED_STATUS
    return CensusEvent(
        kind=kind,
        occurred_at=at - late,
        recorded_at=at - late,
        visit="" if is_status else f"{draw.randrange(12):032x}",
        cancels=not is_status and draw.random() < 0.1,
        to_bed=bed if kind is not Kind.DISCHARGE else None,
        from_bed=bed if kind is Kind.DISCHARGE else None,
        status=draw.choice(list(BedStatus)[:-1]) if is_status else BedStatus.UNKNOWN,
    ).keyed()


@pytest.mark.parametrize("seed", range(6))
def test_the_census_is_that_of_all_events(sqlite_hub: Hub, seed: int) -> None:
    draw = random.Random(seed)
    source_map = sqlite_hub.sources.named("kis-adt")
    processes, at = [Wards(), Wards()], NOW
    remembered = 0
    for _ in range(120):
        at += timedelta(minutes=draw.randrange(40))
        told = [drawn(draw, source_map, at) for _ in range(draw.randrange(1, 4))]
        # Mostly one process writes; now and then another, or what was written is undone.
        wards = processes[draw.random() < 0.1]
        undone = draw.random() < 0.1
        try:
            with sqlite_hub.database.transaction() as transaction:
                memory, mark = wards._memory, census_mark(transaction, "kis-adt")
                stands = mark is not None and memory._marks.get("kis-adt") == mark
                known = set(memory._wards.get("kis-adt", ())) if stands else set()
                reports = wards.reports(transaction, source_map, told, Receipt(source="kis-adt"), at)
                for report in reports:
                    ward = next(one for one in source_map.wards if one.key == report.offer.key)
                    everything = Wards()._events_of(transaction, "kis-adt", ward)
                    beds = fold(everything, ward)
                    assert (report.counts, report.state, report.valid_at) == (beds.counts, beds.state, beds.valid_at)
                if undone:
                    raise InterruptedError
        except InterruptedError:
            pass
        remembered += any(report.offer.key in known for report in reports)
    assert remembered > 50, "nothing was ever remembered: nothing is shown"
