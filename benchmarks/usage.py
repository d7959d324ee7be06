"""What servers of several processes use: a Java or Go server with its PostgreSQL, a hub with its own."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["memory_mb", "spent"]


def spent(pids: Sequence[int]) -> float:
    """The CPU seconds of processes and of all that they started, also of those that have ended since."""
    ticks = 0
    for told in _told(pids, "stat"):
        fields = told.rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])  # its own, and that of children that it waited for
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: Sequence[int]) -> float:
    """The memory of processes and of all that they started; what several share counts once."""
    shares = (re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE) for told in _told(pids, "smaps_rollup"))
    return sum(int(share[1]) for share in shares if share) * 1024 / 1e6


def _told(pids: Iterable[int], name: str) -> Iterator[str]:
    """What the system tells of all processes that are still there: a database's workers come and go."""
    for pid in pids:
        try:
            yield Path(f"/proc/{pid}/{name}").read_text("ascii")
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield from _told(map(int, children), name)
