"""How many vacancy reports a second a server takes in one by one, each durable before its answer.

    platzfrei serve --sandbox --port 8081 --database sqlite:///bench/i.db
    python benchmarks/ingest_http.py http://127.0.0.1:8081

Invented homes with one offer each report as our simple JSON, at random, every time with another number of free places;
needs the program `wrk`. Prints medians of the runs, and how many answers were no 200.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from mappings import gazetteer

_LUA = """
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
math.randomseed(%d)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local free = {}
function request()
  local one = math.random(#bodies)
  free[one] = ((free[one] or 0) + math.random(5)) %% 6
  return wrk.format(nil, "/ingest/json", nil, (bodies[one]:gsub("@@", free[one])))
end
function response(status, headers, body)
  if status ~= 200 and not told then told = true; print("first refusal", status, body) end
end
"""


def main() -> None:
    """Prints reports a second."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("base")
    made.add_argument("--homes", type=int, default=2000)
    made.add_argument("--clients", type=int, default=32)
    made.add_argument("--seconds", type=int, default=5)
    made.add_argument("--runs", type=int, default=5)
    options = made.parse_args()
    rates, slowest, refused = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        bodies.write_text("\n".join(_body(number) for number in range(options.homes)))
        for run in range(options.runs + 1):
            script = Path(folder) / "load.lua"
            script.write_text(_LUA % (bodies, run + 1))
            wrk = shutil.which("wrk") or "wrk"
            command = [wrk, "-t1", f"-c{options.clients}", f"-d{options.seconds}s", "--latency", "-s", str(script)]
            told = subprocess.run([*command, options.base], capture_output=True, text=True, check=True).stdout
            bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
            refused += int(bad[1]) if bad else 0
            rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
            tail = re.search(r"99%\s+(\S+)", told)
            if bad or rate is None or tail is None:
                print(told[:800])
            if run and rate and tail:
                rates.append(float(rate[1]))
                slowest.append(tail[1])
    spread = f"{min(rates):.0f}-{max(rates):.0f}"
    print(
        f"{options.clients} clients, {options.homes} homes, {options.runs} runs of {options.seconds} s after one: "
        f"median {statistics.median(rates):.0f} reports/s ({spread}), p99 {', '.join(slowest)}, {refused} refused"
    )


def _body(number: int) -> str:
    places = gazetteer.places()
    place = places[number * 7 % len(places)]
    offer = {"id": f"O{number}", "careForm": "kurzzeitpflege", "licensed": 12, "free": "@@"}
    home = {
        "id": f"H{number}",
        "name": f"Haus {number}",
        "street": "Am Deich",
        "houseNumber": str(number % 90 + 1),
        "postalCode": place.postal_code,
        "city": place.name,
        "offers": [offer],
    }
    return json.dumps({"facilities": [home]}, ensure_ascii=False).replace('"@@"', "@@")


if __name__ == "__main__":
    main()
