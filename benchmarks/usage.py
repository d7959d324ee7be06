"""What servers of several processes use: a Java or Go server with its PostgreSQL, a hub with its own."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from served import family

__all__ = ["memory_mb", "spent"]


def spent(pids: Sequence[int]) -> float:
    """The CPU seconds of processes and of all that they started, also of those that have ended since."""
    ticks = 0
    for pid in pids:
        for one in family(pid):
            fields = Path(f"/proc/{one}/stat").read_text("ascii").rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])  # its own, and that of children that it waited for
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: Sequence[int]) -> float:
    """The memory of processes and of all that they started; what several share counts once."""
    kilobytes = 0
    for pid in pids:
        for one in family(pid):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text("ascii")
            found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
            kilobytes += int(found[1]) if found else 0
    return kilobytes * 1024 / 1e6
