"""`platzfrei ingest`: files into the hub, each answered with a receipt."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.commands import aside_text
from hub.commands.counted import counted
from hub.commands.json_list import json_list
from hub.commands.options import opened, parser, read, run, text
from hub.commands.progress import Progress
from hub.commands.receipt_text import render
from hub.hub import Hub
from hub.process import settle
from hub.purpose import Purpose, claim
from hub.records_aside import records_aside

__all__ = ["main"]

_LISTED = 200
"""So many records are listed for a person."""


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where anything was rejected or set aside."""
    made = parser("ingest", "Take files in and print a receipt for each.")
    made.add_argument("--source", metavar="NAME", help="who sends it: a name that `platzfrei sources` lists")
    made.add_argument("--rerun", action="store_true", help="run again what was set aside (of --source, or of all)")
    made.add_argument(
        "--discard", action="store_true", help="forget what is set aside: of --delivery, of --source, or of --all"
    )
    made.add_argument("--delivery", metavar="NUMBER", type=int, help="discard: what is set aside of this one alone")
    made.add_argument("--all", action="store_true", help="discard: what is set aside of all sources")
    made.add_argument("--aside", action="store_true", help="list what is set aside, and why (of --source, or of all)")
    made.add_argument("--json", action="store_true", help="a receipt a line as JSON; of --aside and --rerun a list")
    made.add_argument("files", metavar="FILE", nargs="*", type=Path)
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    asked = [options.rerun, options.discard, options.aside, bool(options.files)]
    if asked.count(True) != 1 or (options.files and not options.source):
        made.error("expected: --source NAME FILE…, or --aside, or --rerun, or --discard")
    chosen = [options.all, options.source is not None or options.delivery is not None]
    if options.discard and chosen.count(True) != 1:
        made.error("expected: --discard --delivery NUMBER, --discard --source NAME, or --discard --all")
    if not options.discard and (options.all or options.delivery is not None):
        made.error("expected: --delivery and --all with --discard alone")
    hub = opened(options, of_sources=True)
    settle()
    try:
        if claim(hub.database, Purpose.REGION) is Purpose.DEMO:
            note = text(
                options,
                "Hinweis: das ist die Datenbank der Demo; für eigene Daten --database angeben",
                "note: this is the demo's database; for data of your own give --database",
            )
            print(note, file=sys.stderr)
        if options.aside:
            _list(hub, options)
            return 0
        if options.discard:
            gone = counted(hub.pipeline.discard(options.source, options.delivery), "record", options.language)
            print(text(options, f"{gone} verworfen", f"{gone} discarded"))
            return 0
        good = True
        if options.rerun and options.json:
            told = list(_receipts(hub, options))
            print(json_list({"file": name, **receipt.to_json()} for name, receipt in told))
            return 0 if all(receipt.good for _, receipt in told) else 1
        for name, receipt in _receipts(hub, options):
            good = good and receipt.good
            if options.json:
                print(json.dumps({"file": name, **receipt.to_json()}, ensure_ascii=False))
            else:
                print(render(receipt, name, options.language))
    finally:
        hub.close()
    return 0 if good else 1


def _list(hub: Hub, options: argparse.Namespace) -> None:
    if options.source is not None:
        hub.sources.named(options.source)
    with hub.database.reading() as connection:
        if not options.json:
            print(aside_text.render(records_aside(connection, options.source, most=_LISTED), options.language))
            return
        records = records_aside(connection, options.source, most=sys.maxsize).records
        print(json_list(record.to_json() for record in records))


def _receipts(hub: Hub, options: argparse.Namespace) -> Iterator[tuple[str, Receipt]]:
    if options.rerun:
        receipts = hub.pipeline.rerun(options.source)
        if not receipts:
            print(text(options, "nichts liegt beiseite", "nothing is set aside"), file=sys.stderr)
        yield from ((text(options, "erneut", "again"), receipt) for receipt in receipts)
        return
    hub.sources.named(options.source)
    for path in options.files:
        delivery = Delivery(source=options.source, body=read(path), received_at=hub.clock())
        with Progress(1) as bar:
            bar.show(path.name)
            receipt = hub.pipeline.receive(delivery, lambda done, of, bar=bar: bar.left(of - done, of))  # type: ignore[misc]  # no lambda with a default is inferred
        yield path.name, receipt
