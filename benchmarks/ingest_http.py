"""How many vacancy reports a second a server takes in one by one, each durable before its answer.

    platzfrei serve --sandbox --port 8081 --database sqlite:///bench/i.db
    python benchmarks/ingest_http.py http://127.0.0.1:8081

Invented homes with one offer each report as our simple JSON, at random, every time with another number of free places;
needs the program `wrk`. Prints medians of the runs, and how many answers were no 200.
"""

import argparse
import json
import statistics

from wrk import load

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
    bodies = [_body(number) for number in range(options.homes)]
    for run in range(options.runs + 1):
        done = load(options.base, _LUA, bodies, run + 1, clients=options.clients, seconds=options.seconds)
        refused += done.refused
        if done.first_refusal:
            print(done.first_refusal)
        if run:
            rates.append(done.rate)
            slowest.append(f"{done.p99:.0f}")
    spread = f"{min(rates):.0f}-{max(rates):.0f}"
    print(
        f"{options.clients} clients, {options.homes} homes, {options.runs} runs of {options.seconds} s after one: "
        f"median {statistics.median(rates):.0f} reports/s ({spread}), p99 {', '.join(slowest)} ms, {refused} refused"
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
