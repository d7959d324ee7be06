"""`platzfrei sources`: what sources there are; `platzfrei sources token NAME`: a bearer token for one; `platzfrei
sources status`: how they stand; `platzfrei sources receipt NAME NUMBER`: what was told of a delivery."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import datetime

from adapters.receipt import Receipt
from hub.commands import receipt_text
from hub.commands.counted import counted
from hub.commands.json_list import json_list
from hub.commands.options import opened, parser, run, text
from hub.commands.status_text import render, stands
from hub.errors import NotFound
from hub.hub import Hub
from hub.ingest import ledger
from hub.ingest.duplicates import unknown_delivery
from hub.source_status import SourceStatus, source_status
from mappings.local_time import moment_text

__all__ = ["main"]

_ACTIONS = ("list", "token", "revoke", "withdraw", "status", "receipt")


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("sources", "List the sources, shipped and configured; or make a bearer token for one.")
    made.add_argument("action", nargs="?", choices=_ACTIONS, default="list")
    made.add_argument(
        "name",
        nargs="?",
        help="the source that the token is for, whose tokens are all revoked, whose word is withdrawn, or that is "
        "asked about",
    )
    made.add_argument("number", nargs="?", type=int, help="receipt: the delivery's number")
    made.add_argument("--offer", metavar="KEY", help="withdraw: one offer alone, by the source's own key")
    made.add_argument(
        "--json", action="store_true", help="status: one source or a list of all; receipt: as told by HTTP"
    )
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    named = options.action == "status" or (options.action == "list") == (options.name is None)
    if not named or (options.action == "receipt") != (options.number is not None):
        made.error(
            "expected: platzfrei sources, platzfrei sources token NAME, platzfrei sources revoke NAME, "
            "platzfrei sources withdraw NAME [--offer KEY], platzfrei sources status [NAME], or platzfrei sources "
            "receipt NAME NUMBER"
        )
    if options.offer is not None and options.action != "withdraw":
        made.error("--offer goes with: withdraw")
    hub = opened(options, of_sources=True)
    try:
        if options.action == "token":
            print(hub.sources.make_token(options.name, hub.clock()))
            if hub.sources.is_own(options.name):
                _say_when_it_is_read(options)
            return 0
        if options.action == "receipt":
            _tell_receipt(hub, options)
            return 0
        if options.action == "status":
            _tell(hub, options)
            return 0
        if options.action == "revoke":
            revoked = hub.sources.revoke_tokens(options.name)
            tokens = counted(revoked, "token", options.language)
            print(text(options, f"{tokens} widerrufen", f"{tokens} revoked"))
            return 0
        if options.action == "withdraw":
            withdrawn = hub.pipeline.withdraw(options.name, options.offer)
            if not withdrawn:
                print(
                    text(
                        options,
                        "nichts zurückgenommen: kein solches Angebot gilt",
                        "nothing withdrawn: no such offer stands",
                    )
                )
                return 1
            print(
                text(
                    options,
                    f"{counted(withdrawn, 'offer', 'de')} zurückgenommen: unbekannt, bis die Quelle es wieder meldet",
                    f"{counted(withdrawn, 'offer', 'en')} withdrawn: unknown until the source reports again",
                )
            )
            return 0
        for source in hub.sources:
            origin = (
                text(options, "eigene", "own")
                if hub.sources.is_own(source.name)
                else text(options, "mitgeliefert", "shipped")
            )
            print(f"{source.name:<20} {source.format:<14} {origin:<13} {source.title[options.language]}")
        print(
            text(
                options,
                f"\neigene Quellen: {hub.sources.folder}/*.yaml",
                f"\nyour own sources: {hub.sources.folder}/*.yaml",
            )
        )
    finally:
        hub.close()
    return 0


def _tell(hub: Hub, options: argparse.Namespace) -> None:
    """How one source stands, or every one that was heard of or has a feed."""
    chosen = list(hub.sources) if options.name is None else [hub.sources.named(options.name)]
    told: list[SourceStatus] = []
    for source_map in chosen:
        feeds = hub.fetcher.states(source_map.name)
        with hub.database.reading() as connection:
            status = source_status(connection, source_map, feeds, hub.clock())
        if options.name is None and status.last is None and not feeds:
            continue
        told.append(status)
    if options.json and options.name is None:
        print(json_list(status.to_json() for status in told))
    elif options.json:
        print(json.dumps(told[0].to_json(), ensure_ascii=False))
    elif not told:
        print(text(options, "von keiner Quelle kam bisher etwas", "nothing came from any source so far"))
    else:
        print("\n".join(render(status, options.language) for status in told))


def _tell_receipt(hub: Hub, options: argparse.Namespace) -> None:
    """The receipt of a delivery again, or how one stands that has none yet."""
    source = hub.sources.named(options.name).name
    with hub.database.reading() as connection:
        told = ledger.receipt_of(connection, source, options.number)
    if told is None:
        raise NotFound(unknown_delivery("NUMBER"))
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
    elif "records" in told:
        print(receipt_text.render(Receipt.from_json(told), "", options.language))
    else:
        received_at = moment_text(datetime.fromisoformat(told["receivedAt"]), options.language, seconds=True)
        print(f"{source} · {options.number} · {received_at} · {stands(told['status'], options.language)}")


def _say_when_it_is_read(options: argparse.Namespace) -> None:
    """The token is known at once, a new map is not."""
    note = text(
        options,
        "Hinweis: ein laufender Server liest Quellenkarten, wenn er startet; ist diese neu oder geändert, "
        "platzfrei serve neu starten",
        "note: a running server reads source maps when it starts; where this one is new or changed, start "
        "platzfrei serve anew",
    )
    print(note, file=sys.stderr)
