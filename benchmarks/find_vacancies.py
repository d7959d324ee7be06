"""How long $find-vacancies takes over HTTP: one client, random parameters, five runs, medians.

    python benchmarks/find_vacancies.py DATABASE_URL [--requests 400] [--runs 5]

DATABASE_URL is a database that `platzfrei demo` built. The server is a process of its own on the same machine; the
client keeps one connection. Every parameter is drawn at random, so that no answer is prepared.
"""

import argparse
import http.client
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

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
    port = _free_port()
    command = [sys.executable, "-m", "hub.cli", "serve", "--database", told.database, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            connection = _connected(port)
            points = _points_with_offers(connection)
            print(_settings(told, server.pid, len(points)))
            for kind, question in (("$find-vacancies", _question), ("Location read", _read)):
                print(_measured(kind, connection, question, points, told))
            print(f"server's memory after: {_resident_mb(server.pid):.0f} MB")
        finally:
            server.terminate()


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
            body = _get(connection, path)
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
        bundle = json.loads(_get(connection, f"/fhir/Location?near={place.latitude}|{place.longitude}|15|km&_count=3"))
        for entry in bundle.get("entry", ()):
            position = entry["resource"].get("position")
            if position:
                found.append((entry["resource"]["id"], Position(position["latitude"], position["longitude"])))
    return found


def _settings(told: argparse.Namespace, pid: int, points: int) -> str:
    engine = told.database.split(":")[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d} · {platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} cores, {engine}, one worker, public view, _count=20, "
        f"{points} places asked around, {told.requests} requests a run, {told.runs} runs after one of warm-up\n"
        f"server's memory before: {_resident_mb(pid):.0f} MB"
    )


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path.replace("|", "%7C"))
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{response.status} for {path}: {body[:500]!r}")
    return body


def _connected(port: int) -> http.client.HTTPConnection:
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            _get(connection, "/health/live")
        except OSError:
            time.sleep(0.1)
        else:
            return connection
    raise SystemExit("the server does not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
