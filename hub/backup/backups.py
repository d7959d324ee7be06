"""Backup and restore of whichever database the settings name."""

from collections.abc import Callable
from pathlib import Path

from hub.backup import postgresql_dump, sqlite_file
from hub.backup.archive import Facts, refuse_unfit, refused
from hub.keys import Key
from hub.settings import Settings

__all__ = ["restore", "save"]

Progress = Callable[[int, int], None]


def save(settings: Settings, file: Path, progress: Progress = lambda _left, _all: None) -> Facts:
    """Write the database as it is now to a new file; the key is not in it. Raises `Rejected` where there is none."""
    if settings.file is None:
        return postgresql_dump.save(settings.database, file)
    if not settings.file.exists():
        raise refused(
            "no-database",
            str(settings.file),
            "hier ist keine Datenbank; --database prüfen",
            "there is no database here; check --database",
        )
    return sqlite_file.save(settings.file, file, progress)


def restore(
    settings: Settings,
    file: Path,
    progress: Progress = lambda _left, _all: None,
    *,
    overwrite: bool = False,
    new_key: bool = False,
) -> Facts:
    """Put a backup in the place of the database, after all that can be checked was; returns what it is.

    Raises `Rejected` where it is damaged, of a newer version or of another key (unless a `new_key` shall count), and
    where data stands in its place that is not to be overwritten.
    """
    into_file = settings.file
    facts = sqlite_file.facts(file) if into_file is not None else postgresql_dump.facts(file)
    key = Key.of(settings.key_file).fingerprint if settings.key_file.exists() else None
    if not new_key:
        refuse_unfit(facts, key=key, key_file=settings.key_file)
    stands = sqlite_file.has_data(into_file) if into_file is not None else postgresql_dump.has_data(settings.database)
    if stands and not overwrite:
        raise refused(
            "data-in-place",
            "--database",
            "hier stehen schon Daten, und nichts wurde geändert; sollen sie überschrieben werden: --overwrite",
            "data stands here already, and nothing was changed; if it is to be overwritten: --overwrite",
        )
    if into_file is not None:
        sqlite_file.restore(file, into_file, progress, forget_key=new_key)
    else:
        postgresql_dump.restore(file, settings.database, forget_key=new_key)
    return facts
