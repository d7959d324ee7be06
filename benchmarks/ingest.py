"""How many vacancy reports a second a hub takes in, durable: in batches, one by one, and as heartbeats.

    python benchmarks/ingest.py DATABASE [--facilities N] [--batch N] [--runs N]

Invented homes with up to three offers report as our simple JSON. `changed`: every offer has other numbers than before;
`heartbeat`: the same numbers with a newer moment. Prints medians of the runs; the reports are drawn anew in each.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from adapters.base import Delivery
from hub.hub import Hub
from hub.process import settle
from hub.settings import Settings
from mappings import gazetteer

CARE_FORMS = ("dauerpflege", "kurzzeitpflege", "tagespflege")


class Region:
    """Invented homes whose numbers change."""

    def __init__(self, facilities: int, seed: int) -> None:
        self._random = random.Random(seed)
        codes = [place.postal_code for place in gazetteer.places()]
        self._homes = [self._home(number, self._random.choice(codes)) for number in range(facilities)]

    def _home(self, number: int, postal_code: str) -> dict[str, Any]:
        forms = CARE_FORMS[: 1 + number % 3]
        return {
            "id": f"H{number}",
            "name": f"Haus {number}",
            "operator": f"Träger {number % 500}",
            "street": "Am Deich",
            "houseNumber": str(number % 90 + 1),
            "postalCode": postal_code,
            "city": "Ort",
            "phone": f"04471 555-{number}",
            "offers": [
                {
                    "id": f"H{number}-{form}",
                    "careForm": form,
                    "licensed": 60,
                    "free": self._random.randrange(6),
                    "needs": ["demenz"],
                }
                for form in forms
            ],
        }

    def change(self) -> None:
        """Give every offer another number of free places, as many as it may have had."""
        for home in self._homes:
            for offer in home["offers"]:
                offer["free"] = (offer["free"] + self._random.randint(1, 5)) % 6

    def bodies(self, at: datetime, homes: int) -> Iterator[tuple[int, bytes]]:
        """How many offers, and the delivery that tells of them, so many homes at once."""
        for begin in range(0, len(self._homes), homes):
            told = self._homes[begin : begin + homes]
            for home in told:
                for offer in home["offers"]:
                    offer["validAt"] = at.isoformat()
            yield sum(len(home["offers"]) for home in told), orjson.dumps({"facilities": told})


def main(arguments: Sequence[str] | None = None) -> int:
    """The benchmark; exit status 0."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("database", nargs="?")
    made.add_argument("--facilities", type=int, default=2000)
    made.add_argument("--batch", type=int, default=250, help="homes of one delivery")
    made.add_argument("--senders", type=int, default=2, help="deliveries at the same time")
    made.add_argument("--runs", type=int, default=5)
    made.add_argument("--seed", type=int, default=1)
    options = made.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{Path(folder) / 'b.db'}"
        clock = [datetime(2026, 3, 1, 8, tzinfo=UTC)]
        hub = Hub.open(Settings(database=url, folder=Path(folder)), clock=lambda: clock[0])
        region = Region(options.facilities, options.seed)
        settle()
        kind = url.split(":")[0]
        print(f"{kind}: {options.facilities} homes, {options.batch} a delivery, {options.senders} senders")
        _timed("first", hub, region, clock, options.batch, options.senders)
        changed, heartbeats = [], []
        for _ in range(options.runs):
            region.change()
            changed.append(_timed("changed", hub, region, clock, options.batch, options.senders))
            heartbeats.append(_timed("heartbeat", hub, region, clock, options.batch, options.senders))
        print(f"changed: median {statistics.median(changed):,.0f} reports/s ({min(changed):,.0f}-{max(changed):,.0f})")
        print(f"heartbeats: median {statistics.median(heartbeats):,.0f} reports/s")
        hub.close()
    return 0


def _timed(name: str, hub: Hub, region: Region, clock: list[datetime], batch: int, senders: int) -> float:
    clock[0] += timedelta(minutes=5)
    bodies = list(region.bodies(clock[0], batch))
    reports, began, cpu = sum(offers for offers, _ in bodies), time.perf_counter(), time.process_time()

    def send(body: bytes) -> None:
        receipt = hub.pipeline.receive(Delivery(source="json", body=body, received_at=clock[0]))
        assert receipt.good, receipt.issues[:3]

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(send, (body for _, body in bodies)))
    took = time.perf_counter() - began
    cpu = time.process_time() - cpu
    print(
        f"  {name}: {reports} reports in {took:.2f} s, {reports / took:,.0f}/s, {cpu / reports * 1e6:.0f} us CPU each"
    )
    return reports / took


if __name__ == "__main__":
    raise SystemExit(main())
