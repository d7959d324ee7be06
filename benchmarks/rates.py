"""How fast a server answers random questions of a list, and what it uses for each; medians of several runs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from usage import spent
from wrk import load

__all__ = ["Rates", "measured", "warmed_up"]

_LUA = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
math.randomseed(%d)
local headers = {["Accept"] = "application/fhir+json"}
function request() return wrk.format("GET", paths[math.random(#paths)], headers) end
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second with their range, milliseconds, CPU µs and kilobytes each; `failed` had no good answer."""

    rate: float
    least: float
    most: float
    p50: float
    p99: float
    cpu: float
    kilobytes: float
    failed: int


def measured(base: str, pids: Sequence[int], paths: Sequence[str], *, clients: int, seconds: int, runs: int) -> Rates:
    """Asks paths below a FHIR base, with the families of processes that do its work."""
    origin, lines = _parts(base, paths)
    done, cpu = [], []
    for seed in range(1, runs + 1):
        before = spent(pids)
        done.append(load(origin, _LUA, lines, seed, clients=clients, seconds=seconds))
        cpu.append((spent(pids) - before) / max(done[-1].requests, 1) * 1e6)
    rates = [run.rate for run in done]
    return Rates(
        rate=statistics.median(rates),
        least=min(rates),
        most=max(rates),
        p50=statistics.median(run.p50 for run in done),
        p99=statistics.median(run.p99 for run in done),
        cpu=statistics.median(cpu),
        kilobytes=sum(run.kilobytes for run in done) / max(sum(run.requests for run in done), 1),
        failed=sum(run.refused + run.failed for run in done),
    )


def warmed_up(base: str, paths: Sequence[str], *, clients: int, seconds: int) -> None:
    """The same load, of which nothing is noted."""
    origin, lines = _parts(base, paths)
    load(origin, _LUA, lines, 0, clients=clients, seconds=seconds)


def _parts(base: str, paths: Sequence[str]) -> tuple[str, list[str]]:
    told = urlsplit(base)
    return f"{told.scheme}://{told.netloc}/", [f"{told.path}/{path}" for path in paths]
