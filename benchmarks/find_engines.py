"""What $find-vacancies costs on PostgreSQL and on SQLite, with the same rows and questions, in turn.

    python benchmarks/find_engines.py DATABASE_URL [--questions 1000] [--runs 5] [--seconds 5] [--clients 1 --clients 8]

DATABASE_URL is an SQLite database that `platzfrei demo` built; only its jobs, if any are due, write to it. A PostgreSQL
is started for the time, as the tests start theirs, with the defaults of `initdb`; all rows of all tables are copied
into it, then it is told to VACUUM ANALYZE. Every answer is compared between the two, byte by byte.

Then both are asked in turn: in this process, CPU time a question with that of PostgreSQL's processes, and over HTTP,
one worker, by the program `wrk` on the same machine. Medians, and PostgreSQL by SQLite: its CPU time, its latency, and
how many times fewer requests a second.
"""

import argparse
import statistics
import tempfile
import time
from urllib.parse import urlencode

from find_load import questions
from in_process import Asker
from postgresql_copy import copy_rows, server
from rates import Rates, measured, warmed_up
from served import free_port, machine, platzfrei, running
from usage import memory_mb, spent


def main() -> None:
    """Copy, compare, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--questions", type=int, default=1000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--clients", type=int, action="append")
    told = options.parse_args()
    if not told.database.startswith("sqlite"):
        raise SystemExit("give an SQLite database: its rows are copied into a PostgreSQL that is started for it")
    asked = questions(told.questions, seed=1)
    # A folder for the hub on PostgreSQL: its key belongs to the database.
    with server() as (url, pid), tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        rows = copy_rows(told.database, url)
        print(
            f"{machine(told.database)}; {told.questions} questions, medians of {told.runs} runs; {rows:,} rows copied "
            f"in {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        few, more = Asker(told.database, asked), Asker(url, asked, lambda: spent([pid]))
        differing = sum(one != other for one, other in zip(few.answers(), more.answers(), strict=True))
        print(f"answers that differ: {differing} of {len(asked)}", flush=True)
        costs = [(few.microseconds(), more.microseconds()) for _ in range(told.runs)]
        on_sqlite = [sum(one) for one, _ in costs]
        on_postgresql = [sum(other) for _, other in costs]
        print(
            f"in process: SQLite {statistics.median(on_sqlite):,.0f} µs of CPU, PostgreSQL "
            f"{statistics.median(on_postgresql):,.0f} µs ({statistics.median(other[0] for _, other in costs):,.0f} of "
            f"them here, the rest its server's): {_ratio(on_postgresql, on_sqlite)}",
            flush=True,
        )
        few.close()
        more.close()
        paths = [f"HealthcareService/$find-vacancies?{urlencode(question)}" for question in asked]
        for clients in told.clients or [1, 8]:
            one = _served(told.database, {}, [], paths, clients, told)
            other = _served(url, {"PLATZFREI_FOLDER": folder}, [pid], paths, clients, told)
            print(
                f"PostgreSQL by SQLite, {clients} clients: {one.rate / other.rate:.2f} times fewer requests a second, "
                f"p50 {other.p50 / one.p50:.2f}, p99 {other.p99 / one.p99:.2f}, CPU {other.cpu / one.cpu:.2f}",
                flush=True,
            )


def _served(
    database: str,
    environment: dict[str, str],
    others: list[int],
    paths: list[str],
    clients: int,
    told: argparse.Namespace,
) -> Rates:
    port = free_port()
    with running(platzfrei(database, port), port, **environment) as process:
        base, pids = f"http://127.0.0.1:{port}/fhir", [process.pid, *others]
        warmed_up(base, paths, clients=clients, seconds=told.seconds)
        found = measured(base, pids, paths, clients=clients, seconds=told.seconds, runs=told.runs)
        memory = memory_mb(pids)
    print(
        f"{database.split(':')[0]:<10} {clients} clients: {found.rate:,.0f}/s ({found.least:,.0f}–{found.most:,.0f}), "
        f"p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms, {found.cpu:,.0f} µs of CPU each, {memory:,.0f} MB, "
        f"{found.failed} without a good answer",
        flush=True,
    )
    return found


def _ratio(ones: list[float], others: list[float]) -> str:
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


if __name__ == "__main__":
    main()
