"""`platzfrei backup FILE`: the database as it is now, while it is served."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hub.backup import backups
from hub.commands.options import parser, run, settings, text
from hub.commands.progress import Progress

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("backup", "Write the database as it is now to a new file, also while it is served; without the key.")
    made.add_argument("file", metavar="FILE", type=Path)
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    with Progress(1) as progress:
        progress.show(text(options, "sichern", "backing up"))
        facts = backups.save(chosen, options.file, progress.left)
    size = options.file.stat().st_size / 1_000_000
    print(
        text(
            options,
            f"{options.file}: {size:.1f} MB, Schema {facts.revision}, geprüft\n"
            f"Nicht darin: der Schlüssel {facts.key} ({chosen.key_file}). Er gehört an einen anderen Ort als die "
            "Sicherung: wer beides hat, kann die Kennungen von Krankenhausaufenthalten erraten.",
            f"{options.file}: {size:.1f} MB, schema {facts.revision}, verified\n"
            f"Not in it: the key {facts.key} ({chosen.key_file}). Keep it at another place than the backup: who has "
            "both can guess the numbers of hospital stays.",
        )
    )
    return 0
