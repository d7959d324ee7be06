"""Hospital messages by MLLP into `platzfrei listen`: messages a second, each answered when it is synced to disk.

    python benchmarks/mllp.py                    # 10 connections, five runs of 10,000 messages
    python benchmarks/mllp.py --messages 2000 --connections 1
    python benchmarks/mllp.py --listener-alone   # no pipeline behind it: framing, header and answer

Every message is drawn anew: admissions, transfers, discharges and updates of a hospital of which a few wards are
declared, with the segments a KIS sends along. Each connection sends a message when the one before is answered; all
answers must be AA, and at the end the ledger must hold as many deliveries as were answered.
"""

import argparse
import asyncio
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from served import cpu_seconds, free_port

from adapters.base import Delivery
from adapters.receipt import Receipt
from adapters.transport.mllp import MllpListener
from adapters.transport.mllp_frames import framed

_RUNS = 5
_BEDS = 20
_MAP = """
source: benchmark-kis
title: {{de: Messung, en: benchmark}}
format: hl7v2_adt
wards:
  - hospital: KH
    ward: W1
    care_form: uebergangspflege
    beds: [{beds}]
    facility: {{key: kh, name: Klinikum, postal_code: "49661", city: Cloppenburg}}
  - hospital: KH
    ward: W2
    care_form: kurzzeitpflege-solitaer
    beds: [{beds}]
    facility: {{key: kh, name: Klinikum, postal_code: "49661", city: Cloppenburg}}
examples:
  - description: a bed that is free
    messages: ["MSH|^~\\\\&|KIS|KH|||20260302080000||ADT^A20^ADT_A20|1|P|2.5\\nEVN|A20|20260302080000\\nNPU|W1^1^1|U"]
    offers: [{{care_form: uebergangspflege, state: some, accepting: 1}}]
"""


class Hospital:
    """Invents messages of one connection of a hospital, a second apart: `share` of its wards are declared."""

    def __init__(self, seed: int, share: float, clock: list[datetime]) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._there: dict[str, str] = {}
        self._number = seed * 10_000_000
        self._clock = clock

    def message(self) -> bytes:
        """The next message."""
        draw = self._random
        self._number += 1
        self._clock[0] += timedelta(seconds=draw.randrange(3))
        visit = draw.choice(list(self._there)) if len(self._there) > 30 else ""
        trigger = draw.choices(("A01", "A02", "A03", "A08"), (2, 3, 2, 5))[0] if visit else "A01"
        if trigger == "A01":
            visit = f"F{self._number}"
        bed, left = self._there.get(visit, ""), ""
        if trigger in ("A01", "A02"):
            left, bed = bed, self._bed()
            self._there[visit] = bed
        elif trigger == "A03":
            del self._there[visit]
        return self._written(trigger, visit, bed, left)

    def _bed(self) -> str:
        declared = self._random.random() < self._share
        ward = f"W{self._random.randrange(1, 3)}" if declared else f"CHI{self._random.randrange(40)}"
        return f"{ward}^{self._random.randrange(1, _BEDS + 1)}^1^KH"

    def _written(self, trigger: str, visit: str, bed: str, left: str) -> bytes:
        at, number = self._clock[0].strftime("%Y%m%d%H%M%S+0000"), self._number
        structure = {"A08": "A01"}.get(trigger, trigger)
        segments = (
            f"MSH|^~\\&|KIS|KH|PLATZFREI|HUB|{at}||ADT^{trigger}^ADT_{structure}|{number}|P|2.5|||AL|NE|DEU|8859/1|DE",
            f"EVN|{trigger}|{at}||||{at}",
            f"PID|1||{number}^^^KH^PI||Müller^Probe^^^Frau||19400101|F|||Weg 1^^Ort^^49661^DE||04471 555|||M|||||||N",
            "NK1|1|Müller^Kind|CHD^Kind|Weg 1^^Ort^^49661^DE|04471 556",
            f"PV1|1|I|{bed}|E||{left}|Arzt^A^^^Dr.|||INN||||||N|||{visit}|K" + "|" * 24 + at,
            "PV2|||||||||20991231",
            f"ZBE|M{number}^KIS|{at}||INSERT|N||{bed.partition('^')[0]}",
            "IN1|1|AOK|101575519|AOK Niedersachsen|||||||||||1",
        )
        # MSH-15 and -16 as most senders leave them: the original mode.
        return ("\r".join(segments) + "\r").replace("|AL|NE|DEU|", "||||").encode("latin-1")


async def client(port: int, hospital: Hospital, messages: int) -> Counter[str]:
    """One connection's answers by MSA-1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told: Counter[str] = Counter()
    for _ in range(messages):
        writer.write(framed(hospital.message()))
        answer = await reader.readuntil(b"\x1c\r")
        told[answer.split(b"\rMSA|", 1)[1][:2].decode()] += 1
    writer.close()
    return told


async def run(port: int, hospitals: list[Hospital], messages: int) -> tuple[float, Counter[str]]:
    """Messages a second over all connections, and the answers."""
    begun = time.perf_counter()
    told = await asyncio.gather(*(client(port, one, messages // len(hospitals)) for one in hospitals))
    answers = sum(told, Counter[str]())
    return answers.total() / (time.perf_counter() - begun), answers


def measured(port: int, pid: int, options: argparse.Namespace) -> int:
    """Warm up, run, print; returns how many messages were accepted."""
    # The last are of now: who listens hears what has just happened, and what is days old is no offer any more.
    warming = options.connections * 50
    clock = [datetime.now(UTC) - timedelta(seconds=warming + _RUNS * options.messages)]
    hospitals = [Hospital(number, options.share, clock) for number in range(1, options.connections + 1)]
    _, answers = asyncio.run(run(port, hospitals, warming))
    rates, used = [], cpu_seconds([pid])
    for _ in range(_RUNS):
        rate, told = asyncio.run(run(port, hospitals, options.messages))
        rates.append(rate)
        answers += told
    if set(answers) != {"AA"}:
        raise SystemExit(f"WRONG: not all were accepted: {dict(answers)}")
    median = statistics.median(rates)
    a_message = (cpu_seconds([pid]) - used) / (_RUNS * (options.messages // options.connections) * options.connections)
    print(f"{median:,.0f} messages/s (median of {_RUNS} runs; {min(rates):,.0f} to {max(rates):,.0f})")
    print(f"{a_message * 1e6:,.0f} µs of CPU a message in the listener's process")
    return answers.total()


def with_hub(options: argparse.Namespace) -> None:
    """The whole way: `platzfrei listen` on SQLite, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        where, port = Path(folder), free_port()
        for name in ("sources", "listeners"):
            (where / name).mkdir()
        beds = ", ".join(f'"{number}/1"' for number in range(1, _BEDS + 1))
        (where / "sources" / "kis.yaml").write_text(_MAP.format(beds=beds), "utf-8")
        (where / "listeners" / "kis.yaml").write_text(f"{{source: benchmark-kis, port: {port}}}", "utf-8")
        url = f"sqlite:///{where / 'platzfrei.db'}"
        command = [sys.executable, "-m", "hub.cli", "listen", "--database", url, "--language", "en"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            print(process.stdout.readline().strip())
            accepted = measured(port, process.pid, options)
            process.send_signal(signal.SIGTERM)
        kept = sqlite3.connect(where / "platzfrei.db").execute("SELECT count(*) FROM delivery").fetchone()[0]
        if kept != accepted:
            raise SystemExit(f"WRONG: {accepted} accepted, {kept} kept")
        print(f"{accepted:,} accepted, {kept:,} in the ledger")


async def _accepts(delivery: Delivery) -> Receipt:
    return Receipt(source=delivery.source, delivery=1, records=1, taken=1)


def alone(options: argparse.Namespace) -> None:
    """The listener without what takes its messages in, in a process of its own."""
    port = free_port()
    with subprocess.Popen([sys.executable, __file__, "--listen", str(port)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            measured(port, process.pid, options)
        finally:
            process.terminate()


async def _listen(port: int) -> None:
    listener = MllpListener(_accepts, source="kis", clock=lambda: datetime.now(UTC))
    await listener.start("127.0.0.1", port)
    print("listening", flush=True)
    await asyncio.Event().wait()


def main(arguments: Iterator[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000, help="of one run, over all connections")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.1, help="of the beds that are of declared wards")
    parser.add_argument("--folder", type=Path, help="where the database is made; must be a disk that can sync")
    parser.add_argument("--listener-alone", action="store_true")
    parser.add_argument("--listen", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(None if arguments is None else list(arguments))
    if options.listen:
        asyncio.run(_listen(options.listen))
        return
    what = "listener alone" if options.listener_alone else "platzfrei listen, SQLite, synchronous=FULL"
    print(f"{what}; {options.connections} connections, {options.messages:,} messages a run, share {options.share}")
    (alone if options.listener_alone else with_hub)(options)


if __name__ == "__main__":
    main()
