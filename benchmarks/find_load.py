"""How many $find-vacancies a second one worker answers to eight clients that ask as fast as they are answered.

    python benchmarks/find_load.py DATABASE_URL [--clients 8] [--seconds 5] [--runs 5] [--questions 2000]

DATABASE_URL is a database that `platzfrei demo` built. Questions are drawn at random, with one to four criteria beside
the place; where fewer than ten fit, why is told, as always. Beside the hub a bare ASGI application looks at the same
free blocks in memory and joins the same stored bytes, and does nothing else: no reading of parameters, no order but by
distance, no links, no explanation. Needs the program `wrk`. Prints medians of the runs.
"""

import argparse
import json
import random
import statistics
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from served import connected, cpu_seconds, family, free_port, get, machine, platzfrei, resident_mb, running
from wrk import load

from mappings import gazetteer

PATH = "/fhir/HealthcareService/$find-vacancies"
_FORMS = ("kurzzeitpflege", "dauerpflege", "tagespflege", "intensivpflege", "ambulante-pflege")
_NEEDS = ("dialyse", "demenz", "rollstuhl", "beatmung")
_LUA = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
math.randomseed(%d)
function request() return wrk.format("GET", paths[math.random(#paths)]) end
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
    asked = questions(told.questions, seed=1)
    print(
        f"{machine(told.database)}, _count=20, {told.questions} questions, "
        f"{told.clients} clients on the same machine, {told.seconds} s a run, {told.runs} runs after one of warm-up"
    )
    paths = [f"{PATH}?{urlencode(one)}" for one in asked]
    port = free_port()
    with running(platzfrei(told.database, port), port) as server:
        print(_shape(port, paths[:300]))
        ours = _measured("$find-vacancies", port, server.pid, paths, told)
    port = free_port()
    command = [sys.executable, __file__, "--bare", told.database, str(port), str(told.questions)]
    with running(command, port, PYTHONPATH=str(Path.cwd())) as server:
        bare = _measured("bare ASGI", port, server.pid, [f"/?{number}" for number in range(len(paths))], told)
    print(f"of the bare application: {ours / bare:.0%}")


def _shape(port: int, paths: list[str]) -> str:
    """What the answers are like."""
    connection = connected(port)
    totals, sizes, why = [], [], 0
    for path in paths:
        body = get(connection, path)
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
    for run in range(told.runs + 1):
        spent = cpu_seconds(family(pid))
        done = load(f"http://127.0.0.1:{port}/", _LUA, paths, run, clients=told.clients, seconds=told.seconds)
        if run:
            rates.append(done.rate)
            medians.append(done.p50)
            tails.append(done.p99)
            errors += done.refused + done.failed
            cpu.append((cpu_seconds(family(pid)) - spent) / done.requests * 1e6)
    print(
        f"{kind:<16} {statistics.median(rates):,.0f}/s ({min(rates):,.0f}–{max(rates):,.0f}), "
        f"p50 {statistics.median(medians):.1f} ms, p99 {statistics.median(tails):.1f} ms, "
        f"{statistics.median(cpu):.0f} µs of CPU each, {resident_mb(pid):.0f} MB, {errors} errors"
    )
    return statistics.median(rates)


def _bare(database: str, port: int, number: int) -> None:
    """The same blocks and the same bytes, and nothing else."""
    import uvicorn

    from hub.fhir.vacancy_parameters import query_of, told_of
    from hub.process import settle
    from hub.search import contents
    from hub.search.reach import Surroundings
    from hub.store.clock import micros
    from hub.store.database import Database
    from hub.store.tables import PUBLIC

    store = Database(database)
    today, now = datetime.now(UTC).date(), micros(datetime.now(UTC))
    asked = [
        query_of(told_of([(name, str(value)) for name, value in one.items()]), today=today, public=True)
        for one in questions(number, seed=1)
    ]
    settle()

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        query = asked[int(scope["query_string"])]
        with store.snapshot() as reader:
            around = Surroundings(reader, PUBLIC, query)
            found = around.met(around.current(around.of(query), query, now), query, now)
            nearest = found.at(found.chords.argsort()[:20])
            offers, members = around.shown(nearest.rows["rid"].tolist())
            shown = contents.by_version(reader, PUBLIC, [*offers, *members])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b",".join(shown)})

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", lifespan="off")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bare"]:
        _bare(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
