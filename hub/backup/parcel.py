"""A backup as one file: a tar of the database's copy, the operator's files and, last, a list of their SHA-256.

database                 an SQLite file, or pg_dump's custom format
sources/moor.yaml, …
contents.json            {"database": "9f…", "sources/moor.yaml": "41…"}
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hub.backup.archive import damaged, refused
from hub.backup.operator_files import is_name

__all__ = ["Unpacked", "pack", "unpacked", "verify"]

_DATABASE = "database"
_CONTENTS = "contents.json"
_PIECE = 1 << 20
_BARE = (b"SQLite format 3\0", b"PGDMP")
"""How a backup begins that is the database's copy alone, as earlier versions made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The database's copy, and the operator's files by their names; None in a backup of an earlier version."""

    database: Path
    files: Mapping[str, bytes] | None


def pack(database: Path, files: Mapping[str, bytes], to: Path) -> None:
    """Write a backup."""
    sums: dict[str, str] = {}
    modified = int(database.stat().st_mtime)
    with tarfile.open(to, "w") as tar:
        with database.open("rb") as content:
            hashed = _Hashed(content)
            tar.addfile(_member(_DATABASE, database.stat().st_size, modified), hashed)
            sums[_DATABASE] = hashed.sum
        for name, body in files.items():
            tar.addfile(_member(name, len(body), modified), io.BytesIO(body))
            sums[name] = hashlib.sha256(body).hexdigest()
        listed = json.dumps(sums, indent=1).encode()
        tar.addfile(_member(_CONTENTS, len(listed), modified), io.BytesIO(listed))


def _member(name: str, size: int, modified: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, modified, 0o600
    return info


class _Hashed(io.RawIOBase):
    """Hashes what is read of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._file.read(size)
        self._hash.update(piece)
        return piece

    @property
    def sum(self) -> str:
        return self._hash.hexdigest()


def verify(file: Path) -> None:
    """Read a backup whole; raises `Rejected` where anything of it is not what was written."""
    _read(file, None)


@contextmanager
def unpacked(file: Path, beside: Path) -> Iterator[Unpacked]:
    """A backup's parts, all of it read and checked; the database's copy lies at `beside` while the block lasts.

    Raises `Rejected` for a file that is damaged, or no backup.
    """
    if not file.is_file():
        raise refused("no-backup", str(file), "diese Datei gibt es nicht", "there is no such file")
    with file.open("rb") as opened:
        is_bare = opened.read(max(map(len, _BARE))).startswith(_BARE)
    if is_bare:
        yield Unpacked(database=file, files=None)
        return
    beside.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield Unpacked(database=beside, files=_read(file, beside))
    finally:
        beside.unlink(missing_ok=True)


def _read(file: Path, to: Path | None) -> Mapping[str, bytes]:
    """The operator's files of a backup; its database is written to a path."""
    sums: dict[str, str] = {}
    files: dict[str, bytes] = {}
    listed: object = None
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or listed is not None or member.name in sums:
                    raise damaged(file)
                if member.name == _CONTENTS:
                    listed = json.loads(content.read())
                elif member.name == _DATABASE:
                    sums[_DATABASE] = _passed_on(content, to)
                elif is_name(member.name):
                    files[member.name] = content.read()
                    sums[member.name] = hashlib.sha256(files[member.name]).hexdigest()
                else:
                    raise damaged(file)
    except (tarfile.TarError, ValueError, EOFError):
        raise damaged(file) from None
    if listed != sums or _DATABASE not in sums:
        raise damaged(file)
    return files


def _passed_on(content: IO[bytes], to: Path | None) -> str:
    hashed = _Hashed(content)
    if to is None:
        while hashed.read(_PIECE):
            pass
        return hashed.sum
    to.unlink(missing_ok=True)
    with to.open("xb") as out:
        to.chmod(0o600)
        while piece := hashed.read(_PIECE):
            out.write(piece)
    return hashed.sum
