"""How many requests a FHIR server answers in a second, and what CPU time each takes: any server, the same questions.

    python benchmarks/fhir_server.py BASE load                 write the directory, by transactions; prints resources/s
    python benchmarks/fhir_server.py BASE run [--pid PID …]    ask; --pid: the server's processes, whose CPU is measured

BASE is a FHIR base such as http://127.0.0.1:8080/fhir. Every path is drawn at random; before anything is timed, twenty
answers of each kind are held against the totals and sizes that the directory has. Needs the program `wrk`
(https://github.com/wg/wrk).
"""

import argparse
import json
import os
import platform
import random
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import httpx
from directory import Directory, Question
from served import cpu_seconds
from wrk import load

_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
_LUA = """
local paths, bodies = {}, {}
for line in io.lines("%s") do
  local path, body = line:match("^([^\\t]*)\\t?(.*)$")
  paths[#paths + 1] = path
  bodies[#bodies + 1] = body
end
local seeded = false
function request()
  if not seeded then math.randomseed(%d) seeded = true end
  local one = math.random(#paths)
  if bodies[one] == "" then return wrk.format("GET", paths[one], {["Accept"] = "application/fhir+json"}) end
  local body = bodies[one]:gsub("@@", tostring(math.random(1000000000)))
  return wrk.format("PUT", paths[one], {["Content-Type"] = "application/fhir+json"}, body)
end
local told = false
function response(status, headers, body)
  if status >= 300 and not told then
    told = true
    print("first refusal: " .. status .. " " .. body:sub(1, 200))
  end
end
"""


def main() -> None:
    """Load or measure, and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("base")
    options.add_argument("what", choices=("load", "run"))
    options.add_argument("--size", type=int, default=10_000)
    options.add_argument("--entries", type=int, default=200, help="of a transaction")
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--only", action="append", help="a row; may be repeated")
    options.add_argument("--pid", type=int, action="append", default=[])
    told = options.parse_args()
    directory = Directory(size=told.size)
    if told.what == "load":
        _load(told, directory)
    else:
        _run(told, directory)


def _load(told: argparse.Namespace, directory: Directory) -> None:
    bodies = [json.dumps(bundle).encode() for bundle in directory.bundles(told.entries)]
    with httpx.Client(timeout=300, headers=_HEADERS) as client, ThreadPoolExecutor(told.connections) as senders:
        again: list[bytes] = []

        def send(body: bytes) -> None:
            # What refers to a transaction in flight is refused by some, and taken once that is there.
            if client.post(told.base, content=body).status_code >= 300:
                again.append(body)

        began = time.perf_counter()
        list(senders.map(send, bodies))
        for body in again:
            client.post(told.base, content=body).raise_for_status()
        took = time.perf_counter() - began
    print(
        f"transactions of {told.entries}, {told.connections} at once: {len(directory.resources) / took:.0f} resources/s"
        + (f"; {len(again)} of {len(bodies)} refused at first" if again else "")
    )


def _run(told: argparse.Namespace, directory: Directory) -> None:
    print(
        f"{datetime.now(UTC):%Y-%m-%d} · {told.base} · {platform.machine()}, {os.cpu_count()} cores, "
        f"{told.connections} connections, {told.runs} runs of {told.seconds} s after one of warm-up, medians\n"
        f"{'':<14}{'req/s':>9}{'range':>16}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}{'kB':>8}{'refused':>9}"
    )
    questions = directory.questions()
    rows: dict[str, list[str]] = {"read": [f"{one['resourceType']}/{one['id']}" for one in directory.resources]}
    rows |= {kind: [question.path for question in asked] for kind, asked in questions.items()}
    for kind, asked in questions.items():
        if not told.only or kind in told.only:
            _check(told.base, kind, asked)
    for kind, paths in rows.items():
        if not told.only or kind in told.only:
            print(_measured(told, kind, [_quoted(path) for path in paths]), flush=True)
    if not told.only or "update" in told.only:
        changed = [
            f"{home['resourceType']}/{home['id']}\t{json.dumps({**home, 'name': home['name'] + ' @@'})}"
            for home in directory.of("Organization")
        ]
        print(_measured(told, "update", changed), flush=True)


def _check(base: str, kind: str, asked: list[Question]) -> None:
    """Wrong answers are not worth timing."""
    for question in random.Random(1).sample(asked, min(20, len(asked))):
        found = json.loads(_get(f"{base}/{_quoted(question.path)}"))
        matches = sum(1 for entry in found.get("entry", ()) if entry.get("search", {}).get("mode", "match") == "match")
        most = int(re.findall(r"_count=(\d+)", question.path + "&_count=20")[0])
        if matches != min(question.total, most) or found.get("total", question.total) != question.total:
            print(
                f"  {kind}: WRONG: {question.path}: {matches} matches, total {found.get('total')}, has {question.total}"
            )
            return


def _measured(told: argparse.Namespace, kind: str, requests: list[str]) -> str:
    rates, middles, tails, cpu, sizes, refused = [], [], [], [], [], 0
    origin, base = "/".join(told.base.split("/")[:3]), urlsplit(told.base).path
    lines = [f"{base}/{request}" for request in requests]
    for run in range(told.runs + 1):
        before = cpu_seconds(told.pid)
        seconds = told.seconds if run else 2
        done = load(origin, _LUA, lines, run + 1, clients=told.connections, seconds=seconds)
        spent = cpu_seconds(told.pid) - before
        refused += done.refused
        if done.first_refusal:
            print("  " + done.first_refusal)
        if run == 0:
            continue
        rates.append(done.rate)
        middles.append(done.p50)
        tails.append(done.p99)
        cpu.append(spent / done.requests * 1e6 if told.pid and done.requests else 0.0)
        sizes.append(done.kilobytes / max(done.requests, 1))
    spread = f"{min(rates):.0f}–{max(rates):.0f}"
    used = f"{statistics.median(cpu):>9.0f}" if told.pid else f"{'–':>9}"
    return (
        f"{kind:<14}{statistics.median(rates):>9.0f}{spread:>16}{statistics.median(middles):>9.2f}"
        f"{statistics.median(tails):>9.2f}{used}{statistics.median(sizes):>8.1f}{refused:>9}"
    )


def _quoted(path: str) -> str:
    return quote(path, safe="?&=:/,._-")


def _get(url: str) -> bytes:
    return httpx.get(url, headers=_HEADERS, timeout=120).raise_for_status().content


if __name__ == "__main__":
    main()
