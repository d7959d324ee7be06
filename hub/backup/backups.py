"""Backup and restore of whichever database the settings name, and of the operator's files beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hub.backup import operator_files, postgresql_dump, sqlite_file
from hub.backup.archive import Facts, refuse_unfit, refused, written_whole
from hub.backup.parcel import pack, unpacked, verify
from hub.keys import Key
from hub.settings import Settings
from hub.sources import without_a_map
from hub.store.database import Database

__all__ = ["Restored", "Saved", "restore", "save"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a backup is, the names of the operator's files in it, and of those in their folders that are not."""

    facts: Facts
    files: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored; `files` is None where the backup is of an earlier version, that held none."""

    facts: Facts
    files: tuple[str, ...] | None
    kept: tuple[Path, ...]
    """Where those files lie now that others took the place of."""
    unknown: tuple[str, ...]
    """The sources that the database has deliveries or tokens of, and that no map reads."""


def save(settings: Settings, file: Path, progress: Progress = lambda _left, _all: None) -> Saved:
    """Write the database as it is now, and the operator's files, to a new file; no secret is in it.

    Raises `Rejected` where there is no database.
    """
    if settings.file is not None and not settings.file.exists():
        raise refused(
            "no-database",
            str(settings.file),
            "hier ist keine Datenbank; --database prüfen",
            "there is no database here; check --database",
        )
    mine = operator_files.gathered(settings.folder)
    with written_whole(file) as part:
        copy = file.with_name(f"{file.name}.database")
        copy.unlink(missing_ok=True)
        try:
            if settings.file is not None:
                facts = sqlite_file.save(settings.file, copy, progress)
            else:
                facts = postgresql_dump.save(settings.database, copy)
            pack(copy, mine.files, part)
        finally:
            copy.unlink(missing_ok=True)
        verify(part)
    return Saved(facts=facts, files=tuple(mine.files), left_out=mine.left_out)


def restore(
    settings: Settings,
    file: Path,
    progress: Progress = lambda _left, _all: None,
    *,
    overwrite: bool = False,
    new_key: bool = False,
) -> Restored:
    """Put a backup in the place of the database and of the operator's files, after all that can be checked was.

    Raises `Rejected` where it is damaged, of a newer version or of another key (unless a `new_key` shall count), and
    where data or files stand in its place that are not to be overwritten.
    """
    with unpacked(file, settings.folder / f".{file.name}.unpacked") as parts:
        into_file = settings.file
        at = parts.database
        facts = sqlite_file.facts(at) if into_file is not None else postgresql_dump.facts(at)
        key = Key.of(settings.key_file).fingerprint if settings.key_file.exists() else None
        if not new_key:
            refuse_unfit(facts, key=key, key_file=settings.key_file)
        files = parts.files or {}
        if not overwrite:
            _refuse_to_overwrite(settings, operator_files.differing(settings.folder, files))
        if into_file is not None:
            sqlite_file.restore(at, into_file, progress, forget_key=new_key)
        else:
            postgresql_dump.restore(at, settings.database, forget_key=new_key)
        kept = operator_files.put_back(settings.folder, files)
    database = Database(settings.database)
    try:
        unknown = without_a_map(database, settings.sources)
    finally:
        database.close()
    told = None if parts.files is None else tuple(parts.files)
    return Restored(facts=facts, files=told, kept=kept, unknown=unknown)


def _refuse_to_overwrite(settings: Settings, differing: tuple[str, ...]) -> None:
    at = settings.file
    stands = sqlite_file.has_data(at) if at is not None else postgresql_dump.has_data(settings.database)
    if stands:
        raise refused(
            "data-in-place",
            "--database",
            "hier stehen schon Daten, und nichts wurde geändert; sollen sie überschrieben werden: --overwrite",
            "data stands here already, and nothing was changed; if it is to be overwritten: --overwrite",
        )
    if differing:
        listed = ", ".join(differing)
        raise refused(
            "files-in-place",
            str(settings.folder),
            f"hier stehen schon andere Fassungen von {listed}, und nichts wurde geändert; sollen die der Sicherung "
            "gelten (die von hier bleiben daneben liegen): --overwrite",
            f"other versions of {listed} stand here already, and nothing was changed; if those of the backup are to "
            "count (those of here stay beside them): --overwrite",
        )
