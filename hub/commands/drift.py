"""`platzfrei drift`: the deliveries that are held, and why; `accept` applies one, `refuse` rejects it."""

import argparse
import json
from collections.abc import Sequence

from hub.commands.counted import counted
from hub.commands.json_list import json_list
from hub.commands.options import opened, parser, run, text
from hub.commands.receipt_text import render
from hub.hub import Hub
from hub.store.clock import moment
from mappings.local_time import moment_text

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where deliveries are held, or where something of an accepted one was set aside."""
    made = parser("drift", "List the deliveries that are held because they are unlike those of their source before.")
    made.add_argument("action", nargs="?", choices=("list", "accept", "refuse"), default="list")
    made.add_argument("delivery", nargs="?", type=int, help="the number of the delivery to accept or refuse")
    made.add_argument("--source", metavar="NAME", help="list those of one source")
    made.add_argument("--json", action="store_true", help="a list of receipts, or the receipt, as JSON")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action == "list") != (options.delivery is None):
        made.error("expected: platzfrei drift, platzfrei drift accept DELIVERY, or platzfrei drift refuse DELIVERY")
    hub = opened(options, of_sources=True)
    try:
        if options.action == "list":
            return _list(hub, options)
        decided = hub.pipeline.release if options.action == "accept" else hub.pipeline.refuse
        receipt = decided(options.delivery)
        if options.json:
            print(json.dumps(receipt.to_json(), ensure_ascii=False))
        else:
            print(render(receipt, "", options.language))
    finally:
        hub.close()
    return 0 if options.action == "refuse" or receipt.good else 1


def _list(hub: Hub, options: argparse.Namespace) -> int:
    if options.source is not None:
        hub.sources.named(options.source)
    held = hub.pipeline.held(options.source)
    if options.json:
        print(json_list(kept.receipt.to_json() for kept in held if kept.receipt is not None))
        return 1 if held else 0
    for kept in held:
        receipt = kept.receipt
        assert receipt is not None
        records = counted(receipt.records, "record", options.language)
        received_at = moment_text(moment(kept.received_at), options.language, seconds=True)
        print(f"{kept.id} · {kept.source} · {received_at} · {records}")
        for issue in receipt.issues:
            if issue.code.startswith("drift-"):
                place = f"{issue.place}: " if issue.place else ""
                mark = "✗" if issue.severity == "error" else "!"
                print(f"  {mark} {place}{text(options, issue.text_de, issue.text_en)}")
    print(
        text(
            options,
            "\nübernehmen: platzfrei drift accept NUMMER · ablehnen: platzfrei drift refuse NUMMER"
            if held
            else "nichts wird zurückgehalten",
            "\napply: platzfrei drift accept NUMBER · reject: platzfrei drift refuse NUMBER"
            if held
            else "nothing is held",
        )
    )
    return 1 if held else 0
