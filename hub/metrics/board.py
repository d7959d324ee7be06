"""Counters of requests in memory that the processes of a server share: each writes cells of its own, any reads all.

A cell is 8 bytes of a mapped file (https://docs.python.org/3/library/mmap.html) in a folder that the server makes and
takes away. Cells of a process that ended stay, so sums never go back while the server runs.
"""

import mmap
import os
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

__all__ = ["BUCKETS", "FOLDER", "INTERACTIONS", "Board", "Counted", "interaction"]

FOLDER = "_PLATZFREI_BOARD"
"""The environment variable by which a server tells its processes where the cells lie."""

INTERACTIONS = (
    "read",
    "vread",
    "history",
    "search",
    "find-vacancies",
    "operation",
    "capabilities",
    "create",
    "update",
    "patch",
    "delete",
    "batch",
    "ingest",
    "home",
    "health",
    "other",
)
_NUMBER = {name: number for number, name in enumerate(INTERACTIONS)}
_STATUSES = (
    *(
        200,
        201,
        202,
        204,
        303,
        304,
        400,
        401,
        403,
        404,
        405,
        406,
        408,
        409,
        410,
        412,
        413,
        415,
        422,
        429,
        431,
        500,
        503,
    ),
    0,
)
"""Those that are counted one by one; 0 stands for all others."""
_STATUS_AT = {status: at for at, status in enumerate(_STATUSES)}
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histogram, seconds; above the last there is one more."""
_DURATIONS = len(_STATUSES)
_SUM = _DURATIONS + len(BUCKETS) + 1
_ROW = _SUM + 1
_CELLS = _ROW * len(INTERACTIONS)


class Counted(NamedTuple):
    """What was counted of one interaction: requests by status, durations by bucket, and their sum in seconds."""

    statuses: dict[int, int]
    buckets: tuple[int, ...]
    seconds: float


class Board:
    """The cells of this process; only its event loop counts, so no lock is needed."""

    def __init__(self, folder: Path | None = None) -> None:
        """In `folder`, which other processes share; without, for this process alone."""
        self._folder = folder
        size = _CELLS * 8
        if folder is None:
            self._map = mmap.mmap(-1, size)
        else:
            with (folder / str(os.getpid())).open("w+b") as file:
                file.truncate(size)
                self._map = mmap.mmap(file.fileno(), size)
        self._cells = memoryview(self._map).cast("q")

    def count(self, number: int, status: int, seconds: float) -> None:
        """Count a request of an interaction, by its number in `INTERACTIONS`."""
        row, cells = number * _ROW, self._cells
        cells[row + _STATUS_AT.get(status, _DURATIONS - 1)] += 1
        cells[row + _DURATIONS + bisect_left(BUCKETS, seconds)] += 1
        cells[row + _SUM] += int(seconds * 1_000_000)

    def counted(self) -> dict[str, Counted]:
        """What all processes counted, by interaction; those never asked for are not there."""
        sums = [0] * _CELLS
        for cells in self._all():
            sums = [total + one for total, one in zip(sums, cells, strict=True)]
        found = {}
        for number, name in enumerate(INTERACTIONS):
            row = sums[number * _ROW : (number + 1) * _ROW]
            if any(row):
                statuses = {status: row[at] for at, status in enumerate(_STATUSES) if row[at]}
                found[name] = Counted(statuses, tuple(row[_DURATIONS:_SUM]), row[_SUM] / 1_000_000)
        return found

    def _all(self) -> list[memoryview]:
        if self._folder is None:
            return [self._cells]
        contents = [path.read_bytes() for path in self._folder.iterdir()]
        # One that is just being made has no cells yet.
        return [memoryview(content).cast("q") for content in contents if len(content) == _CELLS * 8]


def interaction(method: str, path: str) -> int:
    """The number of the interaction that a request asks for, as far as its address tells."""
    if method == "GET" and path.count("/") == 3 and path.startswith("/fhir/") and "$" not in path and "_" not in path:
        return _READ  # most that is asked
    words = path.split("/", 5)
    if len(words) < 2 or words[1] != "fhir":
        return _NUMBER[_ELSEWHERE.get(words[1], "other")] if len(words) > 1 else _OTHER
    below = words[2:]
    if "$find-vacancies" in below:
        return _FIND
    if "$" in path:
        return _OPERATION
    if "_history" in below:
        return _VREAD if len(below) >= 4 else _HISTORY
    if method in ("GET", "HEAD"):
        if len(below) == 2:
            return _READ
        return _CAPABILITIES if below[:1] == ["metadata"] else _SEARCH
    if method == "POST":
        if not below or below == [""]:
            return _BATCH
        return _SEARCH if below[-1] == "_search" else _CREATE
    return _WRITES.get(method, _OTHER)


_ELSEWHERE = {"ingest": "ingest", "m": "home", "health": "health"}
_READ, _VREAD, _HISTORY, _SEARCH = (_NUMBER[name] for name in ("read", "vread", "history", "search"))
_FIND, _OPERATION, _CAPABILITIES = (_NUMBER[name] for name in ("find-vacancies", "operation", "capabilities"))
_BATCH, _CREATE, _OTHER = (_NUMBER[name] for name in ("batch", "create", "other"))
_WRITES = {"PUT": _NUMBER["update"], "PATCH": _NUMBER["patch"], "DELETE": _NUMBER["delete"]}
