"""Whether $find-vacancies costs the same when ten times as many providers stand elsewhere, and as many in reach.

    python benchmarks/find_growth.py DATABASE_URL [--times 10] [--questions 1000] [--runs 5] [--folder FOLDER]

DATABASE_URL is an SQLite database that `platzfrei demo` built, best with 32,000 providers; it is not written to. A copy
of its file is made in FOLDER (ten times 32,000 providers need 10 GB there) and taken away again.

Multiplied is all that the operation reads of the public view: free blocks, freshness, service areas, the rows of
resources, what is shown with each, and the stored bytes of every version. A copied offer has row numbers of its own and
stands a multiple of 15 degrees farther east, on the same latitude: in the same bands that memory reads, and more than
300 km from all others, which is farther than why-not looks. The postal codes that a copied service comes to are numbers
that do not exist. Not multiplied is what the operation does not read: the professional view, the index tables of plain
FHIR search, statements, facilities, the ledger; nor do the copied bytes say the copied ids.

The questions are those of `find_load.py`, all over Germany. First every answer is compared, byte by byte: what is found
must be the same, and what is asked for later is in memory. Then both databases are asked in turn, in this process; CPU
time a question, without HTTP, medians.
"""

import argparse
import shutil
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from find_load import questions
from in_process import Asker
from served import machine
from sqlalchemy import make_url

_DEGREES = 15
_MOST = 10
"""Times: beyond, the copies would stand west of 180 degrees and come back."""


def main() -> None:
    """Multiply, compare, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--times", type=int, default=10, choices=range(2, _MOST + 1))
    options.add_argument("--questions", type=int, default=1000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--folder", type=Path, help="for the copy; otherwise where temporary files are")
    told = options.parse_args()
    source = make_url(told.database).database
    if not told.database.startswith("sqlite") or not source:
        raise SystemExit("give an SQLite database: what is multiplied is a copy of its file")
    asked = questions(told.questions, seed=1)
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        before, after = Path(folder) / "before.db", Path(folder) / "after.db"
        _copy(Path(source), before)
        shutil.copy(before, after)
        began = time.perf_counter()
        counts = _multiply(after, told.times)
        print(
            f"{machine(told.database)}, in process, {told.questions} questions, medians of {told.runs} runs\n"
            + "\n".join(f"  {name}: {was:,} rows, then {now:,}" for name, (was, now) in counts.items())
            + f"\nmultiplied in {time.perf_counter() - began:.0f} s; "
            f"{before.stat().st_size / 1e9:.2f} GB, then {after.stat().st_size / 1e9:.2f} GB",
            flush=True,
        )
        few, many = (Asker(f"sqlite:///{path}", asked) for path in (before, after))
        differing = sum(one != other for one, other in zip(few.answers(), many.answers(), strict=True))
        print(f"answers that differ: {differing} of {len(asked)}", flush=True)
        costs: tuple[list[float], list[float]] = ([], [])
        for _ in range(told.runs):
            for asker, cost in zip((few, many), costs, strict=True):
                cost.append(asker.microseconds()[0])
        for name, cost in zip(("before", "after"), costs, strict=True):
            print(f"{name:<7} {statistics.median(cost):,.0f} µs of CPU ({min(cost):,.0f}–{max(cost):,.0f})")
        ratios = [more / less for less, more in zip(*costs, strict=True)]
        print(f"after / before {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})")
        few.close()
        many.close()


def _copy(source: Path, target: Path) -> None:
    """The database as it stands, with what its log still holds."""
    reading = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    writing = sqlite3.connect(target)
    reading.backup(writing)
    writing.close()
    reading.close()


def _multiply(path: Path, times: int) -> dict[str, tuple[int, int]]:
    """Adds the copies; the numbers of rows before and after."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=OFF")  # a copy that is thrown away
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-1000000")
    (step,) = connection.execute("SELECT max(rid) FROM public_resource").fetchone()
    moved = {
        "public_vacancy": {"longitude": f"longitude + {_DEGREES} * :copy", "rid": "rid + :step"},
        "public_freshness": {"rid": "rid + :step"},
        "public_service_area": {"postal_code": "postal_code + 100000 * :copy", "rid": "rid + :step"},
        "public_resource": {"id": "id || '-' || :copy", "rid": "rid + :step"},
        "public_member": {"member": "member + :step", "rid": "rid + :step"},
        "public_history": {"rid": "rid + :step"},
    }
    counts = {}
    for table, changed in moved.items():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        values = ", ".join(changed.get(column, column) for column in columns)
        (was,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own names
        connection.execute("BEGIN")
        for copy in range(1, times):
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE rid <= :all",  # noqa: S608 - our own names
                {"copy": copy, "step": copy * step, "all": step},
            )
        connection.execute("COMMIT")
        (now,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own names
        counts[table] = (was, now)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    return counts


if __name__ == "__main__":
    main()
