"""`platzfrei upgrade`: the database to this version's schema, after a backup."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hub.backup import backups
from hub.backup.archive import refused
from hub.commands.options import parser, run, settings, text
from hub.hub import Hub, now
from hub.settings import Settings
from hub.store.database import Database
from hub.store.schema import HEAD, check, revision, waiting

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command; with --check its exit status is 1 where something is to be done."""
    made = parser("upgrade", "Bring the database to this version's schema, after a backup.")
    made.add_argument("--check", action="store_true", help="say what would be done, and do nothing")
    made.add_argument("--backup", metavar="FILE", type=Path, help="where the backup goes; default: beside the key")
    made.add_argument("--no-backup", action="store_true", help="there is one already")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    chosen = settings(options)
    found = _revision(chosen)
    check(found)
    steps = waiting(found)
    if not steps:
        print(text(options, f"Schema {HEAD} ist das neueste", f"schema {HEAD} is the newest"))
        return 0
    print(f"Schema {found} → {HEAD}")
    for number, told in steps.items():
        print(f"  {number}  {told[options.language]}")
    if options.check:
        return 1
    if not options.no_backup:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        file = options.backup or chosen.folder / f"platzfrei-{found}-{now():%Y%m%dT%H%M%SZ}.backup"
        backups.save(chosen, file)
        print(text(options, f"gesichert: {file}", f"backed up: {file}"), flush=True)
    Hub.open(chosen).close()
    print(text(options, f"fertig: Schema {HEAD}", f"done: schema {HEAD}"))
    return 0


def _revision(chosen: Settings) -> str | None:
    """The schema that the database has; raises `Rejected` where there is no database."""
    if chosen.file is None or chosen.file.exists():
        database = Database(chosen.database)
        try:
            with database.reading() as connection:
                found = revision(connection)
        finally:
            database.close()
        if found is not None:
            return found
    raise refused(
        "no-database",
        "--database",
        "hier ist keine Datenbank; --database prüfen",
        "there is no database here; check --database",
    )
