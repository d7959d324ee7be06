"""Load by the program `wrk` (https://github.com/wg/wrk), which asks as fast as it is answered."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Load", "load"]

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_KILOBYTES = {"B": 0.001, "KB": 1.0, "MB": 1e3, "GB": 1e6}


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: `p50` and `p99` in milliseconds, `kilobytes` of all answers; `refused` were 4xx or 5xx,
    `failed` had no answer, `first_refusal` is what the script printed of one."""

    requests: int
    rate: float
    p50: float
    p99: float
    kilobytes: float
    refused: int
    failed: int
    first_refusal: str


def load(origin: str, script: str, lines: Iterable[str], seed: int, *, clients: int, seconds: int) -> Load:
    """Runs a Lua script with two blanks: `%s` the file that holds the lines, `%d` the seed."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("needs the program wrk")
    with tempfile.TemporaryDirectory() as folder:
        listed, written = Path(folder) / "lines", Path(folder) / "load.lua"
        listed.write_text("\n".join(lines), "utf-8")
        written.write_text(script % (listed, seed), "utf-8")
        command = [program, "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", str(written), origin]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    refusal = re.search(r"first refusal.*", said)
    return Load(
        requests=int(_said(r"(\d+) requests in", said)[1]),
        rate=float(_said(r"Requests/sec:\s+([\d.]+)", said)[1]),
        p50=_measure(r"50%\s+([\d.]+)(us|ms|s)", said, _MILLISECONDS),
        p99=_measure(r"99%\s+([\d.]+)(us|ms|s)", said, _MILLISECONDS),
        kilobytes=_measure(r"requests in [\d.]+\w+, ([\d.]+)(B|KB|MB|GB)", said, _KILOBYTES),
        refused=int(refused[1]) if refused else 0,
        failed=sum(int(one) for one in failed.groups()) if failed else 0,
        first_refusal=refusal[0][:160] if refusal else "",
    )


def _measure(pattern: str, said: str, units: dict[str, float]) -> float:
    value, unit = _said(pattern, said).groups()
    return float(value) * units[unit]


def _said(pattern: str, text: str) -> re.Match[str]:
    """What a text says by a pattern; a program that writes otherwise cannot be measured by."""
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"expected {pattern} in: {text[:500]}")
    return found
