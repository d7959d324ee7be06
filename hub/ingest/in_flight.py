"""What is being read at this moment, so that a delivery that kills the process is known by it and is not read for ever.

A file of this process names it, not the database: nothing need survive more than the process, so nothing is synced.
"""

import contextlib
import errno
import fcntl
import os
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from uuid import uuid4

from sqlalchemy import bindparam, delete, literal_column, select
from sqlalchemy.dialects import postgresql

from hub.store.database import Database
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.tables import suspect
from mappings.errors import Issue

__all__ = ["CRASHES_MAX", "QUARANTINED", "InFlight", "poisonous"]

CRASHES_MAX = 3
"""A delivery that was being read when so many processes died is not read again."""
QUARANTINED = "quarantined"
"""The code of what is told of it."""
_SUFFIX = ".in-flight"
_DIGEST_BYTES = 32
_COUNT = Prepared(
    (new := postgresql.insert(suspect)).on_conflict_do_update(
        index_elements=["digest"], set_={"crashes": suspect.c.crashes + literal_column("1")}
    )
)
_SUSPECTS = Prepared(select(suspect.c.digest))
_CLEAR = Prepared(delete(suspect).where(suspect.c.digest == bindparam("digest")))


class InFlight:
    """The journal of this process in a folder, and what those of dead ones tell."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._crashes: dict[bytes, int] = {}
        self._lock = Lock()
        self._open = 0
        self._file: BinaryIO | None = None
        self._path = folder
        self._count_crashes(database)

    def crashes(self, digest: bytes) -> int:
        """How many processes died while they read this."""
        return self._crashes.get(digest, 0)

    def begin(self, digest: bytes) -> None:
        """From now on, a death of the process is counted against the delivery."""
        with self._lock:
            self._open += 1
            with self._if_there_is_room():
                if self._file is None:
                    self._file = self._journal()
                os.write(self._file.fileno(), b"+" + digest.hex().encode() + b"\n")

    def end(self, digest: bytes) -> None:
        """From now on no longer."""
        with self._lock:
            self._open -= 1
            with self._if_there_is_room():
                if self._file is None:
                    return
                if self._open == 0:
                    os.ftruncate(self._file.fileno(), 0)
                else:
                    os.write(self._file.fileno(), b"-" + digest.hex().encode() + b"\n")

    def clear(self, transaction: Transaction, digests: Collection[bytes]) -> None:
        """What has been read to its end is no suspect any more, whoever counted it."""
        # There is hardly ever one.
        if cleared := {bytes(digest) for (digest,) in transaction.all(_SUSPECTS)}.intersection(digests):
            transaction.many_rows(_CLEAR, [(digest,) for digest in cleared])
            transaction.after_commit(lambda: [self._crashes.pop(digest, None) for digest in cleared])

    def close(self) -> None:
        """Take the journal away."""
        with self._lock:
            if self._file is not None:
                self._path.unlink(missing_ok=True)
                self._file.close()
                self._file = None

    @contextmanager
    def _if_there_is_room(self) -> Iterator[None]:
        """On a full disk, nothing is noted here: nothing is taken in either, and the database says so."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise

    def _journal(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid4().hex}{_SUFFIX}"
        new = path.with_suffix(".new")
        file = new.open("ab", buffering=0)
        # Held as long as the process lives: who can take it knows that it does not. Nobody sees it before it is held.
        fcntl.flock(file, fcntl.LOCK_EX)
        new.rename(path)
        self._path = path
        return file

    def _count_crashes(self, database: Database) -> None:
        """Count what dead processes were reading, and learn of all that was counted."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder.is_dir() else ():
            # Of several that start at once, one takes it away.
            with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_nlink and (left := _left(file.read())):
                    with database.transaction() as transaction:
                        transaction.many_rows(_COUNT, [(digest, 1) for digest in left])
                path.unlink(missing_ok=True)
        with database.reading() as connection:
            self._crashes = {bytes(row.digest): row.crashes for row in connection.execute(suspect.select())}


def _left(journal: bytes) -> list[bytes]:
    """What began and did not end; the last line may be cut."""
    counted: Counter[bytes] = Counter()
    for line in journal.splitlines():
        with contextlib.suppress(ValueError):
            digest = bytes.fromhex(line[1:].decode("ascii"))
            if len(digest) == _DIGEST_BYTES:
                counted[digest] += 1 if line.startswith(b"+") else -1
    return [digest for digest, count in counted.items() if count > 0]


def poisonous() -> Issue:
    """What is told of a delivery that killed so many processes."""
    return Issue(
        code=QUARANTINED,
        fhir_code="processing",
        text_de=f"beim Lesen dieser Lieferung ist der Hub {CRASHES_MAX}-mal abgestürzt; sie liegt in Quarantäne, bis "
        "der Betreiber sie ansieht. Noch einmal senden hilft nicht",
        text_en=f"the hub crashed {CRASHES_MAX} times while reading this delivery; it is quarantined until the "
        "operator looks at it. Sending it again does not help",
    )
