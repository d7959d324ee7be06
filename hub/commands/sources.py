"""`platzfrei sources`: what sources there are; `platzfrei sources token NAME`: a bearer token for one."""

import argparse
from collections.abc import Sequence

from hub.commands.options import opened, parser, run, text

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("sources", "List the sources, shipped and configured; or make a bearer token for one.")
    made.add_argument("action", nargs="?", choices=("list", "token", "revoke"), default="list")
    made.add_argument("name", nargs="?", help="the source that the token is for, or whose tokens are all revoked")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action == "list") != (options.name is None):
        made.error("expected: platzfrei sources, platzfrei sources token NAME, or platzfrei sources revoke NAME")
    hub = opened(options)
    try:
        if options.action == "token":
            print(hub.sources.make_token(options.name, hub.clock()))
            return 0
        if options.action == "revoke":
            revoked = hub.sources.revoke_tokens(options.name)
            print(text(options, f"{revoked} Token widerrufen", f"{revoked} tokens revoked"))
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
