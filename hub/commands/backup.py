"""`platzfrei backup FILE`: the database and the operator's files as they are now, while it is served."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hub.backup import backups
from hub.commands.backed_up_files import listed
from hub.commands.options import parser, run, settings, text
from hub.commands.progress import Progress

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "backup",
        "Write the database as it is now, and the files of your own beside it, to a new file, also while it is served; "
        "without the key and other secrets.",
    )
    made.add_argument("file", metavar="FILE", type=Path)
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    with Progress(1) as progress:
        progress.show(text(options, "sichern", "backing up"))
        saved = backups.save(chosen, options.file, progress.left)
    facts, files = saved.facts, listed(saved.files)
    size = f"{options.file.stat().st_size / 1_000_000:.1f}"
    print(
        text(
            options,
            f"{options.file}: {size.replace('.', ',')} MB, Schema {facts.revision}, geprüft\n"
            f"Darin: die Datenbank; eigene Dateien aus {chosen.folder}: {files}\n"
            f"Nicht darin: der Schlüssel {facts.key} ({chosen.key_file}). Er gehört an einen anderen Ort als die "
            "Sicherung: wer beides hat, kann die Kennungen von Krankenhausaufenthalten erraten.\n"
            "Nicht darin: Geheimnisse, die Abrufe und Empfänger mit Variable oder Datei nennen; die Umgebung "
            "(PLATZFREI_…).",
            f"{options.file}: {size} MB, schema {facts.revision}, verified\n"
            f"In it: the database; files of your own from {chosen.folder}: {files}\n"
            f"Not in it: the key {facts.key} ({chosen.key_file}). Keep it at another place than the backup: who has "
            "both can guess the numbers of hospital stays.\n"
            "Not in it: secrets that feeds and listeners name by variable or file; the environment (PLATZFREI_…).",
        )
    )
    if saved.left_out:
        names = ", ".join(saved.left_out)
        print(
            text(
                options,
                f"Nicht darin, selbst aufbewahren: {names}",
                f"Not in it, keep these yourself: {names}",
            )
        )
    return 0
