"""What a backup says of itself before anything of it is restored, and what may not be restored."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.key_of_database import wrong_key
from hub.store.schema import check
from mappings.errors import Issue, Rejected

__all__ = ["Facts", "damaged", "refuse_unfit", "refused", "sync", "written_whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The schema that a backup has, and the fingerprint of its key ("" where none was known)."""

    revision: str
    key: str = ""


def refuse_unfit(facts: Facts, *, key: str | None, key_file: Path) -> None:
    """Raises `Rejected` for a backup of a newer version, and for one whose key is not the one that lies here.

    `key` is the fingerprint of the key in `key_file`, None where there is no such file.
    """
    check(facts.revision)
    if facts.key and key is None:
        raise refused(
            "no-key",
            str(key_file),
            f"hier fehlt der Schlüssel {facts.key}: zuerst von dort zurückholen, wo er getrennt aufbewahrt wird. "
            "Ist er verloren: --new-key",
            f"the key {facts.key} is missing here: first put it back from where it is kept apart. If it is lost: "
            "--new-key",
        )
    if facts.key and facts.key != key:
        raise Rejected(wrong_key(str(key_file), facts.key, str(key)))


@contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """A path to write to; it becomes `file`, synced, when the block ends, and nothing of it stays when that raises.

    Raises `Rejected` where something stands at `file` already.
    """
    if file.exists():
        raise refused(
            "file-exists",
            str(file),
            "diese Datei gibt es schon; einen anderen Namen wählen",
            "this file exists already; choose another name",
        )
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield part
        sync(part)
        part.rename(file)
        sync(file.parent)
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def refused(code: str, place: str, german: str, english: str) -> Rejected:
    """The refusal of a backup, or of a place to put it."""
    return Rejected(Issue(code=code, place=place, text_de=german, text_en=english))


def damaged(file: Path) -> Rejected:
    """The refusal of a file that is no backup, or not as it was written."""
    return refused(
        "backup-damaged",
        str(file),
        "das ist keine unversehrte Sicherung von Platzfrei; eine ältere nehmen",
        "this is no undamaged backup of Platzfrei; take an older one",
    )
