"""`platzfrei sources`: what sources there are; `platzfrei sources token NAME`: a bearer token for one; `platzfrei
sources status`: how they stand."""

import argparse
import json
from collections.abc import Sequence

from hub.commands.options import opened, parser, run, text
from hub.commands.status_text import render
from hub.hub import Hub
from hub.source_status import source_status

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("sources", "List the sources, shipped and configured; or make a bearer token for one.")
    made.add_argument("action", nargs="?", choices=("list", "token", "revoke", "withdraw", "status"), default="list")
    made.add_argument(
        "name",
        nargs="?",
        help="the source that the token is for, whose tokens are all revoked, whose word is withdrawn, or that is "
        "asked about",
    )
    made.add_argument("--offer", metavar="KEY", help="withdraw: one offer alone, by the source's own key")
    made.add_argument("--json", action="store_true", help="status: one source a line, as JSON")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.action != "status" and (options.action == "list") != (options.name is None):
        made.error(
            "expected: platzfrei sources, platzfrei sources token NAME, platzfrei sources revoke NAME, "
            "platzfrei sources withdraw NAME [--offer KEY], or platzfrei sources status [NAME]"
        )
    if options.offer is not None and options.action != "withdraw":
        made.error("--offer goes with: withdraw")
    hub = opened(options, of_sources=True)
    try:
        if options.action == "token":
            print(hub.sources.make_token(options.name, hub.clock()))
            return 0
        if options.action == "status":
            _tell(hub, options)
            return 0
        if options.action == "revoke":
            revoked = hub.sources.revoke_tokens(options.name)
            print(text(options, f"{revoked} Token widerrufen", f"{revoked} tokens revoked"))
            return 0
        if options.action == "withdraw":
            withdrawn = hub.pipeline.withdraw(options.name, options.offer)
            print(
                text(
                    options,
                    f"{withdrawn} Angebote zurückgenommen: unbekannt, bis die Quelle sie wieder meldet",
                    f"{withdrawn} offers withdrawn: unknown until the source reports them again",
                )
            )
            return 0 if withdrawn else 1
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
    for source_map in chosen:
        feeds = hub.fetcher.states(source_map.name)
        with hub.database.reading() as connection:
            status = source_status(connection, source_map, feeds, hub.clock())
        if options.name is None and status.last is None and not feeds:
            continue
        if options.json:
            print(json.dumps(status.to_json(), ensure_ascii=False))
        else:
            print(render(status, options.language))
