"""`platzfrei restore FILE`: a backup in the place of the database."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hub.backup import backups
from hub.commands.options import parser, run, settings, text
from hub.commands.progress import Progress
from hub.store.schema import HEAD

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("restore", "Put a backup in the place of the database, with the server stopped.")
    made.add_argument("file", metavar="FILE", type=Path)
    made.add_argument("--overwrite", action="store_true", help="also where data stands already: that is lost")
    made.add_argument("--new-key", action="store_true", help="the key is lost: whichever lies here counts from now on")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    with Progress(1) as progress:
        progress.show(text(options, "zurückholen", "restoring"))
        facts = backups.restore(
            chosen, options.file, progress.left, overwrite=options.overwrite, new_key=options.new_key
        )
    print(
        text(
            options,
            f"zurückgeholt und geprüft: Schema {facts.revision}",
            f"restored and verified: schema {facts.revision}",
        )
    )
    if facts.revision != HEAD:
        print(text(options, "jetzt: platzfrei upgrade", "now: platzfrei upgrade"))
    print(
        text(
            options,
            "Links von Häusern und Token, die nach der Sicherung widerrufen wurden, gelten wieder: noch einmal "
            "widerrufen.",
            "Links of homes and tokens that were revoked after the backup are valid again: revoke them once more.",
        )
    )
    return 0
