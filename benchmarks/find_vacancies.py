"""How long $find-vacancies takes over HTTP: one client, random parameters, five runs, medians.

    python benchmarks/find_vacancies.py DATABASE_URL [--requests 400] [--runs 5]

DATABASE_URL is a database that `platzfrei demo` built. The server is a process of its own on the same machine; the
client keeps one connection. Every parameter is drawn at random, so that no answer is prepared.
"""

import argparse
import http.client
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from served import connected, free_port, get, machine, platzfrei, resident_mb, running

from mappings import gazetteer
from mappings.vacancy import Position

Point = tuple[str, Position]
Question = Callable[[random.Random, Point], str]

_FORMS = ("kurzzeitpflege", "dauerpflege", "tagespflege", "ambulante-pflege", "uebergangspflege")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--requests", type=int, default=400)
    options.add_argument("--runs", type=int, default=5)
    told = options.parse_args()
    port = free_port()
    with running(platzfrei(told.database, port), port) as server:
        connection = connected(port)
        points = _points_with_offers(connection)
        print(_settings(told, server.pid, len(points)))
        for kind, question in (("$find-vacancies", _question), ("Location read", _read)):
            print(_measured(kind, connection, question, points, told))
        print(f"server's memory after: {resident_mb(server.pid):.0f} MB")


def _question(draw: random.Random, point: Point) -> str:
    _, position = point
    near = f"{position.latitude + draw.uniform(-0.1, 0.1):.4f}|{position.longitude + draw.uniform(-0.1, 0.1):.4f}"
    asked = {
        "near": f"{near}|{draw.choice((10, 25, 40))}|km",
        "care-form": ",".join(draw.sample(_FORMS, draw.randint(1, 3))),
        "places": draw.randint(1, 2),
    }
    if draw.random() < 0.5:
        asked["start"] = (datetime.now(UTC).date() + timedelta(days=draw.randint(1, 30))).isoformat()
    return f"/fhir/HealthcareService/$find-vacancies?{urlencode(asked)}"


def _read(_draw: random.Random, point: Point) -> str:
    return f"/fhir/Location/{point[0]}"


def _measured(
    kind: str, connection: http.client.HTTPConnection, question: Question, points: list[Point], told: argparse.Namespace
) -> str:
    medians, tails, sizes = [], [], []
    for run in range(told.runs + 1):
        draw = random.Random(run)
        took = []
        for _ in range(told.requests):
            path = question(draw, draw.choice(points))
            began = time.perf_counter()
            body = get(connection, path)
            took.append((time.perf_counter() - began) * 1000)
            sizes.append(len(body))
        if run:  # the first warms up
            medians.append(statistics.median(took))
            tails.append(statistics.quantiles(took, n=100)[98])
    spread = f"{min(medians):.2f}–{max(medians):.2f}"
    return (
        f"{kind:<16} p50 {statistics.median(medians):.2f} ms (runs {spread}), p99 {statistics.median(tails):.2f} ms, "
        f"answer {statistics.median(sizes) / 1000:.1f} kB"
    )


def _points_with_offers(connection: http.client.HTTPConnection) -> list[Point]:
    """Ids and positions of locations all over the region."""
    draw = random.Random(0)
    found = []
    for place in draw.sample(gazetteer.places(), 600):
        bundle = json.loads(get(connection, f"/fhir/Location?near={place.latitude}|{place.longitude}|15|km&_count=3"))
        for entry in bundle.get("entry", ()):
            position = entry["resource"].get("position")
            if position:
                found.append((entry["resource"]["id"], Position(position["latitude"], position["longitude"])))
    return found


def _settings(told: argparse.Namespace, pid: int, points: int) -> str:
    return (
        f"{machine(told.database)}, _count=20, {points} places asked around, "
        f"{told.requests} requests a run, {told.runs} runs after one of warm-up\n"
        f"server's memory before: {resident_mb(pid):.0f} MB"
    )


if __name__ == "__main__":
    main()
