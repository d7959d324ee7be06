"""How fast foreign FHIR servers answer where a place is free, as far as they can be asked, and the hub beside them.

    python benchmarks/find_peers.py DATABASE_URL --scripts FOLDER [--peer hapi …] [--runs 5] [--seconds 5]

DATABASE_URL is a database that `platzfrei demo` built, of any size. Its public Organizations, Locations,
HealthcareServices, Schedules and Slots are written into each peer (`peers.py`) by transactions of PUTs, one after the
other, into an empty database; where a peer keeps them in PostgreSQL, that is told to ANALYZE. No search parameter is
added to a peer: it indexes what it does by itself.

`find` is the hub's $find-vacancies; `circle` and `postal codes` are plain FHIR searches for Schedules that have a free
Slot (`plain_questions.py`), asked of the hub and of each peer that can answer. Before anything is timed, answers are
held against what the resources say; a question that a server refuses, or of which more is wrong or missing than right,
is not measured and says why. What plain FHIR finds and the whole question does not is counted, and printed first. One
server runs at a time, with the load (the program `wrk`) on the same machine. FOLDER has start_NAME.sh of each peer and
start_pg.sh; a peer that does not start is left out and says why.
"""

import argparse
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from find_load import questions
from peers import PEERS, Refused, Running, load, postgresql, started, version
from plain_questions import ASKED, NOT_ASKED, path, wanted
from public_region import PublicRegion
from rates import measured, warmed_up
from served import free_port, machine, platzfrei, running
from usage import memory_mb

_FIND = "find"
_PLAIN = {"circle": True, "postal codes": False}
_COUNT = 20
_DRAWN = 100
"""Questions that are drawn, all over Germany, for each that is asked: of a small region most lie elsewhere."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """How answers compare to what is to be found."""

    refusal: str
    right: int
    expected: int
    missing: int
    wrong: int
    found: float
    included: Sequence[str]

    @property
    def answered(self) -> bool:
        return not self.refusal and self.missing * 2 <= self.expected and self.wrong <= self.expected


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--scripts", type=Path, required=True)
    options.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS])
    options.add_argument("--clients", type=int, action="append")
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--warm-up", type=int, default=30, help="seconds with eight clients, of each question")
    options.add_argument("--questions", type=int, default=500)
    options.add_argument("--checked", type=int, default=40, help="questions whose answers are held against the region")
    options.add_argument("--entries", type=int, default=200, help="of a transaction")
    told = options.parse_args()
    told.clients = told.clients or [1, 8]
    region = PublicRegion(told.database)
    asked = _asked(region, told.questions)
    print(
        f"{machine(told.database)}; {region.number:,} resources, {len(asked)} questions, _count={_COUNT}, medians of "
        f"{told.runs} runs of {told.seconds} s after {told.warm_up} s of warm-up with 8 clients\n"
        f"plain FHIR leaves out of the questions: {NOT_ASKED}\n"
    )
    port = free_port()
    with running(platzfrei(told.database, port), port) as server:
        ours = Running(f"http://127.0.0.1:{port}/fhir", [server.pid])
        print(f"## platzfrei: {version(ours)}; SQLite or PostgreSQL as the database is; true totals, both views kept\n")
        print(_whole(ours, region, asked[: told.checked]))
        _measure(ours, [_FIND, *_PLAIN], region, asked, told)
    with postgresql(told.scripts):
        for peer in PEERS:
            if told.peer and peer.name not in told.peer:
                continue
            try:
                with started(peer, told.scripts) as there:
                    print(f"\n## {peer.name}: {version(there)}; {peer.settings}", flush=True)
                    took = load(peer, there, region.bundles(told.entries))
                    print(f"transactions of {told.entries} PUTs: {region.number / took:,.0f} resources/s\n", flush=True)
                    _measure(there, list(_PLAIN), region, asked, told)
            except Refused as refused:
                print(f"\n## {peer.name}\nleft out: {refused}", flush=True)


def _asked(region: PublicRegion, number: int) -> list[Mapping[str, Any]]:
    """Random questions around places of which a facility is near enough."""
    found: list[Mapping[str, Any]] = []
    for question in questions(number * _DRAWN, seed=1):
        latitude, longitude, km, _ = question["near"].split("|")
        if region.near(float(latitude), float(longitude), float(km)):
            found.append(question)
            if len(found) == number:
                break
    if not found:
        raise SystemExit("no question has a facility in reach: give a database that `platzfrei demo` built")
    return found


def _whole(ours: Running, region: PublicRegion, asked: Sequence[Mapping[str, Any]]) -> str:
    """What of the questions plain FHIR leaves out comes to: what it is to find, and what fits the whole question."""
    left_out = sum(bool(question.keys() - ASKED) for question in asked)
    plain = fit = both = 0
    with httpx.Client(timeout=120) as client:
        for question in asked:
            there = region.expected(wanted(question, circle=True))
            answer = client.get(f"{ours.base}/{_find(question)}&_count=100").raise_for_status()
            bundle = orjson.loads(answer.content)
            if bundle["total"] > 100:
                continue
            entries = (entry["resource"] for entry in bundle.get("entry", ()))
            found = {entry["id"] for entry in entries if entry["resourceType"] == "Schedule"}
            plain += len(there)
            fit += len(found)
            both += len(there & found)
    return (
        f"{left_out} of {len(asked)} questions have criteria that plain FHIR leaves out; of {plain} offers that it is "
        f"to find {both} fit the whole question, of {fit} that fit it is to find {both}\n"
    )


def _find(question: Mapping[str, Any]) -> str:
    return f"HealthcareService/$find-vacancies?{urlencode(question)}"


def _measure(
    server: Running,
    kinds: Iterable[str],
    region: PublicRegion,
    asked: Sequence[Mapping[str, Any]],
    told: argparse.Namespace,
) -> None:
    rows = []
    for kind in kinds:
        if kind == _FIND:
            paths = [_find(question) for question in asked]
        else:
            checked = _check(server, region, asked[: told.checked], circle=_PLAIN[kind])
            print(_said(kind, checked, told.checked), flush=True)
            if not checked.answered:
                continue
            paths = [path(wanted(question, circle=_PLAIN[kind])) for question in asked]
        warmed_up(server.base, paths, clients=8, seconds=told.warm_up)
        rows += [_row(kind, server, paths, clients, told) for clients in told.clients]
    print(f"memory after: {memory_mb(server.pids):,.0f} MB\n")
    print("| question | clients | requests/s | range | p50 ms | p99 ms | CPU µs each | kB | not answered |")
    print("|---|---|---|---|---|---|---|---|---|")
    print("\n".join(rows), flush=True)


def _row(kind: str, server: Running, paths: Sequence[str], clients: int, told: argparse.Namespace) -> str:
    found = measured(server.base, server.pids, paths, clients=clients, seconds=told.seconds, runs=told.runs)
    return (
        f"| {kind} | {clients} | {found.rate:,.1f} | {found.least:,.1f}–{found.most:,.1f} | {found.p50:.1f} "
        f"| {found.p99:.1f} | {found.cpu:,.0f} | {found.kilobytes:.1f} | {found.failed} |"
    )


def _check(server: Running, region: PublicRegion, asked: Sequence[Mapping[str, Any]], *, circle: bool) -> _Checked:
    """Asks once and holds what is found against the region."""
    right = expected = missing = wrong = 0
    found: list[int] = []
    included: Counter[str] = Counter()
    with httpx.Client(timeout=120, headers={"Accept": "application/fhir+json"}) as client:
        for question in asked:
            one = wanted(question, circle=circle)
            answer = client.get(f"{server.base}/{path(one)}")
            if answer.status_code != 200:
                return _Checked(f"{answer.status_code} {answer.text[:200]}", 0, 0, 0, 0, 0, ())
            entries = orjson.loads(answer.content).get("entry", ())
            there = region.expected(one)
            matches = {entry["resource"]["id"] for entry in entries if entry["resource"]["resourceType"] == "Schedule"}
            included.update({entry["resource"]["resourceType"] for entry in entries})
            page = min(_COUNT, len(there))
            short = max(page - len(matches & there), 0)
            expected += page
            missing += short
            wrong += len(matches - there)
            right += not short and matches <= there
            found.append(len(there))
    return _Checked(
        "", right, expected, missing, wrong, statistics.median(found), sorted(included.keys() - {"Schedule"})
    )


def _said(kind: str, checked: _Checked, number: int) -> str:
    if checked.refusal:
        return f"{kind}: not asked, it answers {checked.refusal}"
    told = (
        f"{kind}: {checked.right} of {number} answers right, of {checked.expected} hits {checked.missing} missing and "
        f"{checked.wrong} wrong beside them; to be found: median {checked.found:.0f}; comes with "
        f"{', '.join(checked.included)}"
    )
    return told if checked.answered else f"{told}. Not measured: more is wrong or missing than right"


if __name__ == "__main__":
    main()
