"""`platzfrei restore FILE`: a backup in the place of the database and of the operator's files."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub.backup import backups
from hub.backup.backups import Restored
from hub.commands.backed_up_files import listed
from hub.commands.options import parser, run, settings, text
from hub.commands.progress import Progress
from hub.settings import Settings
from hub.store.schema import HEAD

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where the database has sources that no map reads."""
    made = parser("restore", "Put a backup in the place of the database and your own files, with the server stopped.")
    made.add_argument("file", metavar="FILE", type=Path)
    made.add_argument(
        "--overwrite",
        action="store_true",
        help="also where data stands already: that is lost; files of your own that differ stay beside the restored",
    )
    made.add_argument("--new-key", action="store_true", help="the key is lost: whichever lies here counts from now on")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    with Progress(1) as progress:
        progress.show(text(options, "zurückholen", "restoring"))
        restored = backups.restore(
            chosen, options.file, progress.left, overwrite=options.overwrite, new_key=options.new_key
        )
    of_key = _of_a_new_key if options.new_key else _of_the_same_key
    for line in (*_what(options, chosen, restored), *of_key(options), *_lacking(options, chosen, restored)):
        print(line)
    return 1 if restored.unknown else 0


def _what(options: argparse.Namespace, chosen: Settings, restored: Restored) -> Iterator[str]:
    yield text(
        options,
        f"zurückgeholt und geprüft: Datenbank, Schema {restored.facts.revision}",
        f"restored and verified: database, schema {restored.facts.revision}",
    )
    if restored.files is not None:
        files = listed(restored.files)
        yield text(
            options,
            f"zurückgeholt und geprüft: eigene Dateien nach {chosen.folder}: {files}",
            f"restored and verified: files of your own to {chosen.folder}: {files}",
        )
    for kept in restored.kept:
        yield text(options, f"die Fassung von hier liegt nun in {kept}", f"the version of here lies in {kept} now")
    if restored.facts.revision != HEAD:
        yield text(options, "jetzt: platzfrei upgrade", "now: platzfrei upgrade")


def _of_the_same_key(options: argparse.Namespace) -> Iterator[str]:
    yield text(
        options,
        "Links von Häusern und Token, die nach der Sicherung widerrufen wurden, gelten wieder: noch einmal widerrufen.",
        "Links of homes and tokens that were revoked after the backup are valid again: revoke them once more.",
    )


def _of_a_new_key(options: argparse.Namespace) -> Iterator[str]:
    yield text(
        options,
        "Mit dem neuen Schlüssel gilt kein Link eines Hauses mehr, der vorher ausgegeben wurde (404): jedem Haus einen "
        "neuen geben (platzfrei homes link ID); Erinnerungen, die von nun an hinausgehen, enthalten einen.",
        "With the new key no link of a home counts that was given out before (404): give each home a new one "
        "(platzfrei homes link ID); reminders that leave from now on hold one.",
    )
    yield text(
        options,
        "Wer schon auf einer Station lag, wird nicht wiedererkannt: die Entlassung macht das Bett nicht frei. "
        "Das Krankenhaus um A20 für jedes Bett bitten, sobald es frei ist.",
        "Who was on a ward before is not recognised: the discharge frees no bed. Ask the hospital for A20 of each bed "
        "once it is free.",
    )
    yield text(
        options,
        "Kennungen früherer Lieferungen werden nicht wiedererkannt: was unter ihnen noch einmal kommt, wird noch "
        "einmal aufgenommen, nicht mit der alten Quittung beantwortet.",
        "The ids of earlier deliveries are not recognised: what comes again under them is taken again, not answered "
        "with the receipt of before.",
    )
    yield text(
        options,
        "Token gelten weiter, auch die nach der Sicherung widerrufenen: diese noch einmal widerrufen.",
        "Tokens stay valid, those revoked after the backup, too: revoke these once more.",
    )


def _lacking(options: argparse.Namespace, chosen: Settings, restored: Restored) -> Iterator[str]:
    if restored.files is None:
        yield text(
            options,
            "Diese Sicherung ist von einer früheren Version und enthält keine eigenen Dateien: sources/, terminology/, "
            f"feeds/ und listeners/ selbst nach {chosen.folder} zurücklegen.",
            "This backup is of an earlier version and holds no files of your own: put sources/, terminology/, feeds/ "
            f"and listeners/ back into {chosen.folder} yourself.",
        )
    if restored.unknown:
        names = ", ".join(restored.unknown)
        yield text(
            options,
            f"Ohne Quellenkarte, ihre Lieferungen werden abgelehnt: {names}. Die Karte jeder nach {chosen.sources} "
            "legen, danach: platzfrei map check",
            f"Without a source map, their deliveries are refused: {names}. Put the map of each into {chosen.sources}, "
            "then: platzfrei map check",
        )
