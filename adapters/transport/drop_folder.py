"""A watched folder: what is complete is taken, and moved away with its receipt beside it.

    folder/plaetze.csv  →  folder/done/000042-plaetze.csv  and  000042-plaetze.csv.receipt.json, or folder/rejected/…

A file stays until its delivery is committed. Where the program ends between that and the move, the file is delivered
again under the same key, so that the same receipt is told.
"""

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters.feed import Feed, Round, all_of, only, wrong
from adapters.files_at_rest import FILES_MAX, at_rest, pattern, settle, wanted
from adapters.http_get import BYTES_MAX
from adapters.receipt import Receipt
from conformance.formats.grouped import grouped
from mappings.errors import Issue, Rejected, Retriable

__all__ = ["TRANSPORT", "check", "check_here", "fetch"]

TRANSPORT = "drop_folder"
_DONE = "done"
_REJECTED = "rejected"
_PIECE = 1 << 20
_LONGEST_NAME = 200
"""Bytes: with number and ending a name must fit into 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What changes when a file is written, replaced or moved."""

    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, told: os.stat_result) -> "_Mark":
        return cls(inode=told.st_ino, size=told.st_size, modified=told.st_mtime_ns, changed=told.st_ctime_ns)


def check(feed: Feed) -> None:
    """Raises `Rejected` for an address that is no absolute path, and for an option or credential that is none."""
    all_of(
        lambda: only(feed, options={"pattern": (str,), "settle": (int,)}),
        lambda: _whole_path(feed),
        lambda: pattern(feed),
        lambda: settle(feed),
    )


def check_here(feed: Feed) -> None:
    """Raises `Rejected` for a folder that is not there, or in which files cannot be read and moved."""
    if not Path(feed.address).is_dir():
        raise wrong("address", "ein Ordner; hier ist keiner", "a folder; there is none")
    if not os.access(feed.address, os.R_OK | os.W_OK | os.X_OK):
        raise wrong(
            "address",
            "ein Ordner, in dem dieser Benutzer lesen und schreiben darf; Rechte prüfen",
            "a folder in which this user may read and write; check its permissions",
        )


def _whole_path(feed: Feed) -> None:
    if not Path(feed.address).is_absolute():
        raise wrong("address", "der volle Pfad eines Ordners", "the full path of a folder")


def fetch(feed_round: Round) -> None:
    """Deliver every complete file, oldest first."""
    with _opened(feed_round.feed.address) as folder:
        before = _files(folder, pattern(feed_round.feed))
        if not before:
            return
        time.sleep(settle(feed_round.feed))
        now = _files(folder, pattern(feed_round.feed))
        for away in (_DONE, _REJECTED):
            os.close(_subfolder(folder, away))  # What cannot be moved away must not be taken.
        ready = sorted(at_rest(before, now), key=lambda name: (now[name].modified, name))
        feed_round.more = len(ready) > FILES_MAX
        for name in ready[:FILES_MAX]:
            _take(feed_round, folder, name, now[name])
    feed_round.end()


def _take(feed_round: Round, folder: int, name: str, mark: _Mark) -> None:
    try:
        body = _content(folder, name, mark)
    except Rejected as error:
        feed_round.failures.append(error)
        return
    if body is None:
        return  # Somebody writes it again: the next round takes it.
    # The inode's change time moves when a person puts a refused file back; not when we end before we move it.
    receipt = feed_round.take(name, body, key=f"{name}/{mark.inode}/{mark.changed}")
    if receipt is not None:
        _put_away(folder, name, mark, receipt)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    """The folder itself, whatever stands under its name a moment later."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Retriable(
            Issue(
                code="folder-unreadable",
                place="address",
                text_de="der Ordner ist nicht da oder nicht lesbar; Pfad und Rechte prüfen; wird erneut versucht",
                text_en="the folder is not there, or cannot be read; check path and permissions; it is tried again",
            )
        ) from error
    try:
        yield folder
    finally:
        os.close(folder)


def _files(folder: int, told: str) -> dict[str, _Mark]:
    """The regular files of a folder whose names are wanted."""
    found: dict[str, _Mark] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if not wanted(entry.name, told) or len(os.fsencode(entry.name)) > _LONGEST_NAME:
                continue
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found[entry.name] = _Mark.of(status)
    return found


def _content(folder: int, name: str, mark: _Mark) -> bytes | None:
    """The bytes of a file; None where it is not the one that was seen, or changes while it is read."""
    try:
        # O_NONBLOCK: a pipe that took its place must not hold us.
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise _refused(
                _file(mark), "darf nicht gelesen werden; Rechte prüfen", "may not be read; check permissions"
            ) from error
        return None
    try:
        if _Mark.of(os.fstat(file)) != mark:
            return None
        if mark.size > BYTES_MAX:
            raise _refused(
                _file(mark),
                f"hat mehr als {grouped(BYTES_MAX)} Bytes; die Lieferung teilen",
                f"has more than {BYTES_MAX:,} bytes; divide the delivery",
            )
        pieces: list[bytes] = []
        while piece := os.read(file, _PIECE):
            pieces.append(piece)
            if sum(map(len, pieces)) > mark.size:
                return None
        return b"".join(pieces) if _Mark.of(os.fstat(file)) == mark else None
    finally:
        os.close(file)


def _file(mark: _Mark) -> str:
    """A file as a text may name it: what senders call their files may name somebody."""
    return f"file of {mark.size} bytes"


def _put_away(folder: int, name: str, mark: _Mark, receipt: Receipt) -> None:
    """Write the receipt, then move the file beside it; each is on disk before the next begins."""
    away = _subfolder(folder, _REJECTED if receipt.nothing_taken else _DONE)
    try:
        kept = f"{receipt.delivery:06}-{name}"
        written = json.dumps({"file": name, **receipt.to_json()}, ensure_ascii=False, indent=2)
        # Names of files need not be UTF-8; JSON writes what is none as \\udc….
        _write(away, f"{kept}.receipt.json", written.encode("utf-8", "backslashreplace"))
        with contextlib.suppress(FileNotFoundError):
            # Who replaces a file while it is taken sends another one: that stays for the next round.
            if _Mark.of(os.stat(name, dir_fd=folder, follow_symlinks=False)) == mark:
                os.rename(name, kept, src_dir_fd=folder, dst_dir_fd=away)
        os.fsync(away)
        os.fsync(folder)
    finally:
        os.close(away)


def _subfolder(folder: int, name: str) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        raise _refused(
            name, "muss ein Ordner sein, kein Verweis und keine Datei", "must be a folder, no link and no file"
        ) from error


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file whole, or not at all."""
    made = f".{name}.tmp"
    file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644, dir_fd=folder)
    with os.fdopen(file, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    os.rename(made, name, src_dir_fd=folder, dst_dir_fd=folder)


def _refused(name: str, german: str, english: str) -> Rejected:
    return Rejected(Issue(code="file", place=name, text_de=german, text_en=english))
