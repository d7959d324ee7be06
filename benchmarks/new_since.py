"""How much of a processor it costs to tell 50,000 askers every ten minutes what is new: 83 requests a second.

    python benchmarks/new_since.py DATABASE_URL [--askers 2000] [--seconds 20] [--runs 5]

DATABASE_URL is a database that `platzfrei demo` built; it is written to. As many askers as are played search once, each
for a place, distance and care forms of its own, and keep their cursors; then their links are followed at the rate of
all 50,000, one after the other. Measured is the server's CPU time a request: of plain searches, of links while nothing
changes at all, and of links while somebody reports (`--reports` a second, in transactions of ten).
"""

import argparse
import http.client
import json
import random
import statistics
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from served import connected, cpu_seconds, free_port, get, machine, platzfrei, resident_mb, running

from adapters.base import Delivery
from hub.hub import Hub
from hub.settings import Settings
from mappings import gazetteer

_FORMS = ("kurzzeitpflege", "dauerpflege", "tagespflege", "ambulante-pflege", "uebergangspflege")
_RATE = 50_000 / 600


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--askers", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--reports", type=int, default=10)
    told = options.parse_args()
    port = free_port()
    with running(platzfrei(told.database, port), port) as server:
        connection = connected(port)
        questions = _questions(told.askers)
        for path in questions[:200]:
            get(connection, path)
        before = cpu_seconds([server.pid])
        links = [_monitored(get(connection, path)) for path in questions]
        plain = (cpu_seconds([server.pid]) - before) / len(questions)
        kept = [link for link in links if link]
        print(_settings(told, len(kept), kept))
        print(f"plain search, with its link: {plain * 1e6:.0f} µs CPU")
        _print("nothing changes", [_played(server.pid, connection, kept, told.seconds) for _ in range(told.runs)])
        reporting = threading.Event()
        reporter = threading.Thread(target=_report, args=(told.database, told.reports, reporting))
        reporter.start()
        runs = [_played(server.pid, connection, kept, told.seconds) for _ in range(told.runs)]
        reporting.set()
        reporter.join()
        _print(f"{told.reports} reports a second", runs)
        print(f"server's memory after: {resident_mb(server.pid):.0f} MB")


def _questions(askers: int) -> list[str]:
    draw = random.Random(0)
    places = gazetteer.places()
    asked = []
    for _ in range(askers):
        place = draw.choice(places)
        near = f"{place.latitude + draw.uniform(-0.1, 0.1):.4f}|{place.longitude + draw.uniform(-0.1, 0.1):.4f}"
        criteria = {
            "monitor": "true",
            "near": f"{near}|{draw.choice((10, 25, 40))}|km",
            "care-form": ",".join(draw.sample(_FORMS, draw.randint(1, 3))),
            "places": draw.randint(1, 2),
        }
        asked.append(f"/fhir/HealthcareService/$find-vacancies?{urlencode(criteria)}")
    return asked


def _monitored(body: bytes) -> str:
    """The link that an answer carries, blank for none, below the host."""
    links = {one["relation"]: one["url"] for one in json.loads(body)["link"]}
    url = urlsplit(links.get("monitor", ""))
    return f"{url.path}?{url.query}" if url.path else ""


def _played(
    pid: int, connection: http.client.HTTPConnection, links: list[str], seconds: float
) -> tuple[float, float, float, float]:
    """CPU seconds a request, median and 99th percentile of its duration, and the share of answers with news."""
    took, news = [], 0
    began, before = time.perf_counter(), cpu_seconds([pid])
    for number in range(int(_RATE * seconds)):
        if (wait := began + number / _RATE - time.perf_counter()) > 0:
            time.sleep(wait)
        place = number % len(links)
        sent = time.perf_counter()
        body = get(connection, links[place])
        took.append(time.perf_counter() - sent)
        links[place] = _monitored(body) or links[place]
        news += b'"entry"' in body
    return (
        (cpu_seconds([pid]) - before) / len(took),
        statistics.median(took),
        statistics.quantiles(took, n=100)[98],
        news / len(took),
    )


def _print(kind: str, runs: Sequence[tuple[float, float, float, float]]) -> None:
    cpu, p50, p99, news = (statistics.median(one) for one in zip(*runs, strict=True))
    spread = f"{min(run[0] for run in runs) * 1e6:.0f}–{max(run[0] for run in runs) * 1e6:.0f}"
    print(
        f"{kind:<20} {cpu * 1e6:.0f} µs CPU a request (runs {spread}), {cpu * _RATE:.1%} of a core for all; "
        f"p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms; news in {news:.1%} of the answers"
    )


def _report(database: str, rate: int, ended: threading.Event) -> None:
    """Reports of the demo's own source by JSON, each of a home that exists, with another number."""
    hub = Hub.open(Settings.of(database=database))
    draw = random.Random(1)
    try:
        while not ended.wait(10 / rate):
            facilities = [_home(draw.randrange(32_000), draw) for _ in range(10)]
            hub.pipeline.receive(
                Delivery(source="json", body=json.dumps({"facilities": facilities}).encode(), received_at=hub.clock())
            )
    finally:
        hub.close()


def _home(number: int, draw: random.Random) -> dict[str, object]:
    place = gazetteer.places()[number * 7919 % len(gazetteer.places())]
    offer = {"id": f"B{number}-KZP", "careForm": "kurzzeitpflege", "licensed": 12, "free": draw.randint(0, 4)}
    return {
        "id": f"B{number}",
        "name": f"Haus {number}",
        "postalCode": place.postal_code,
        "city": "X",
        "offers": [offer],
    }


def _settings(told: argparse.Namespace, kept: int, links: list[str]) -> str:
    lengths = [len(link) for link in links]
    return (
        f"{machine(told.database)}; {told.askers} askers of 50,000, "
        f"{kept} with a link of {statistics.median(lengths):.0f} characters (longest {max(lengths)}); "
        f"{_RATE:.0f} requests a second, {told.runs} runs of {told.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
