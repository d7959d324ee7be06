"""How long it takes to recognise facilities that three sources tell of, and what that costs those without a partner.

    python benchmarks/identity.py DATABASE_URL [--providers 32000] [--delivery 500]

DATABASE_URL is a new, empty database. Homes and services of the demo's region are told of by three sources, each in
its spelling, in deliveries as they would come; only recognition is timed, with its commits, not the writing of offers.
Then every facility of one source is told of again, unchanged: the price of each delivery from then on.
"""

import argparse
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from hub.hub import Hub, now
from hub.ingest.identity import Held
from hub.ingest.identity_proposals import waiting
from hub.settings import Settings
from hub.store.clock import micros
from mappings.vacancy import Facility
from tests.labelled import SOURCES, Labelled, labelled


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--providers", type=int, default=32_000)
    options.add_argument("--delivery", type=int, default=500)
    told = options.parse_args()
    everybody = labelled(seed=1, size=told.providers)
    hub = Hub.open(Settings.of(database=told.database))
    try:
        print(f"{hub.database.dialect}, CPython {platform.python_version()}, deliveries of {told.delivery}")
        for source in SOURCES:
            own = [one for one in everybody if one.source == source]
            print(_measured(f"{source} is new", hub, source, own, told.delivery))
        own = [one for one in everybody if one.source == SOURCES[0]]
        print(_measured(f"{SOURCES[0]} again", hub, SOURCES[0], own, told.delivery))
        cpu = time.process_time()
        singles = [_single(hub, one) for one in own[:: max(len(own) // 200, 1)]]
        cpu = (time.process_time() - cpu) / len(singles) * 1000
        print(f"changed, one by one, each durable: median {median(singles) * 1000:.1f} ms, CPU {cpu:.1f} ms")
        with hub.database.reading() as connection:
            print(f"{waiting(connection)} proposals wait")
    finally:
        hub.close()


def _measured(head: str, hub: Hub, source: str, own: Sequence[Labelled], size: int) -> str:
    began, cpu = time.perf_counter(), time.process_time()
    joined: set[str] = set()
    for begin in range(0, len(own), size):
        joined |= _noted(hub, source, own[begin : begin + size]).joined
    took, used = time.perf_counter() - began, time.process_time() - cpu
    each = took / len(own) * 1e6
    return f"{head}: {len(own)} facilities, {took:.2f} s, {each:.0f} µs each (CPU {used:.2f} s), {len(joined)} joined"


def _single(hub: Hub, one: Labelled) -> float:
    began = time.perf_counter()
    changed = Labelled(truth=one.truth, source=one.source, facility=_renamed(one))
    _noted(hub, one.source, [changed])
    return time.perf_counter() - began


def _renamed(one: Labelled) -> Facility:
    return replace(one.facility, name=f"{one.facility.name} neu")


def _noted(hub: Hub, source: str, own: Sequence[Labelled]) -> Held:
    with hub.database.writing() as connection:
        return hub.identity.note(connection, source, {one.facility.key: one.facility for one in own}, now=micros(now()))


if __name__ == "__main__":
    main()
