"""How many $find-vacancies a second one worker answers to eight clients that ask as fast as they are answered.

    python benchmarks/find_load.py DATABASE_URL [--clients 8] [--seconds 5] [--runs 5] [--questions 2000]

DATABASE_URL is a database that `platzfrei demo` built. Questions are drawn at random, with one to four criteria beside
the place; where fewer than ten fit, why is told, as always. Beside the hub a bare ASGI application runs the same index
query and joins the same stored bytes, and does nothing else: no reading of parameters, no order but by distance, no
links, no explanation. Needs the program `wrk`. Prints medians of the runs.
"""

import argparse
import http.client
import json
import os
import platform
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from mappings import gazetteer

PATH = "/fhir/HealthcareService/$find-vacancies"
_FORMS = ("kurzzeitpflege", "dauerpflege", "tagespflege", "intensivpflege", "ambulante-pflege")
_NEEDS = ("dialyse", "demenz", "rollstuhl", "beatmung")
_LUA = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
math.randomseed(%d)
function request() return wrk.format("GET", paths[math.random(#paths)]) end
function done(summary, latency)
  io.write(string.format("p50 %%.2f p99 %%.2f errors %%d\\n", latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


def questions(number: int, seed: int) -> list[dict[str, Any]]:
    """Searches as social workers ask them, all over Germany."""
    draw = random.Random(seed)
    places = gazetteer.places()
    today = datetime.now(UTC).date()
    asked = []
    for _ in range(number):
        place = draw.choice(places)
        told: dict[str, Any] = {
            "near": f"{place.latitude + draw.uniform(-0.1, 0.1):.4f}|{place.longitude + draw.uniform(-0.1, 0.1):.4f}"
            f"|{draw.choice((10, 25, 40))}|km",
            "care-form": ",".join(draw.sample(_FORMS, draw.randint(1, 2))),
        }
        start = today + timedelta(days=draw.randint(1, 30))
        may = {
            "start": start.isoformat(),
            "duration": draw.choice((7, 14, 28)),
            "places": 2,
            "need": draw.choice(_NEEDS),
            "care-grade": draw.randint(2, 5),
            "room": "single",
            "sex": draw.choice(("female", "male")),
        }
        asked.append(told | {name: may[name] for name in draw.sample(sorted(may), draw.randint(0, 3))})
    return asked


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--questions", type=int, default=2000)
    told = options.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("needs the program wrk")
    asked = questions(told.questions, seed=1)
    print(
        f"{datetime.now(UTC):%Y-%m-%d} · Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{told.database.split(':')[0]}, one worker, public view, _count=20, {told.questions} questions, "
        f"{told.clients} clients on the same machine, {told.seconds} s a run, {told.runs} runs after one of warm-up"
    )
    paths = [f"{PATH}?{urlencode(one)}" for one in asked]
    port = _free_port()
    command = [sys.executable, "-m", "hub.cli", "serve", "--database", told.database, "--port", str(port)]
    with _running(command, port, {}) as server:
        print(_shape(port, paths[:300]))
        ours = _measured("$find-vacancies", port, server.pid, paths, told)
    port = _free_port()
    command = [sys.executable, __file__, "--bare", told.database, str(port), str(told.questions)]
    with _running(command, port, {"PYTHONPATH": str(Path.cwd())}) as server:
        bare = _measured("bare ASGI", port, server.pid, [f"/?{number}" for number in range(len(paths))], told)
    print(f"of the bare application: {ours / bare:.0%}")


def _shape(port: int, paths: list[str]) -> str:
    """What the answers are like."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    totals, sizes, why = [], [], 0
    for path in paths:
        connection.request("GET", path)
        body = connection.getresponse().read()
        bundle = json.loads(body)
        totals.append(bundle["total"])
        sizes.append(len(body))
        why += any(entry["search"]["mode"] == "outcome" for entry in bundle.get("entry", ()))
    return (
        f"found: median {statistics.median(totals):.0f}, at most {max(totals)}; answers: median "
        f"{statistics.median(sizes) / 1000:.0f} kB; {why / len(paths):.0%} say why no more fit"
    )


def _measured(kind: str, port: int, pid: int, paths: list[str], told: argparse.Namespace) -> float:
    rates, medians, tails, cpu, errors = [], [], [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "paths"
        listed.write_text("\n".join(paths) + "\n")
        for run in range(told.runs + 1):
            script = Path(folder) / "ask.lua"
            script.write_text(_LUA % (listed, run))
            spent = _seconds_of(pid)
            wrk = ["wrk", "-t", "1", "-c", str(told.clients), "-d", f"{told.seconds}s", "-s", str(script)]
            done = subprocess.run(
                [*wrk, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True
            ).stdout
            rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", done)[0])
            found = re.findall(r"p50 ([\d.]+) p99 ([\d.]+) errors (\d+)", done)[0]
            if run:
                rates.append(rate)
                medians.append(float(found[0]))
                tails.append(float(found[1]))
                errors += int(found[2])
                cpu.append((_seconds_of(pid) - spent) / (rate * told.seconds) * 1e6)
    print(
        f"{kind:<16} {statistics.median(rates):,.0f}/s ({min(rates):,.0f}–{max(rates):,.0f}), "
        f"p50 {statistics.median(medians):.1f} ms, p99 {statistics.median(tails):.1f} ms, "
        f"{statistics.median(cpu):.0f} µs of CPU each, {_resident_mb(pid):.0f} MB, {errors} errors"
    )
    return statistics.median(rates)


@contextmanager
def _running(command: list[str], port: int, more: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **more}) as server:
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            time.sleep(1)
            yield server
        finally:
            server.terminate()


def _bare(database: str, port: int, number: int) -> None:
    """The same index query and the same bytes, and nothing else."""
    import uvicorn

    from hub.fhir.vacancy_parameters import query_of, told_of
    from hub.search import contents, vacancy_rows
    from hub.search.types.near import nearest
    from hub.search.vacancies import shape_of
    from hub.store.clock import micros
    from hub.store.database import Database
    from hub.store.tables import PUBLIC

    store = Database(database)
    asked = []
    for one in questions(number, seed=1):
        query = query_of(
            told_of([(name, str(value)) for name, value in one.items()]), today=datetime.now(UTC).date(), public=True
        )
        statement = vacancy_rows.rows(replace(shape_of(PUBLIC, query), columns="days" if query.counts else "position"))
        asked.append((query, statement, vacancy_rows.binds(query, micros(datetime.now(UTC)))))
    versions = vacancy_rows.versions("public")

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        query, statement, binds = asked[int(scope["query_string"])]
        with store.snapshot() as reader:
            rows = reader.all(statement, binds)
            near = nearest(query.latitude, query.longitude, query.kilometres, rows)[:20]
            found = reader.all(versions, {"rids": [rid for _, rid in near]}) if near else []
            shown = contents.by_version(reader, PUBLIC, [row[:2] for row in found]) if near else []
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b",".join(shown)})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")


def _seconds_of(pid: int) -> float:
    """CPU time of a process and of those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(_seconds_of(int(child)) for child in children)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bare"]:
        _bare(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
