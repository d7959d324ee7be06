"""What is being read at this moment, so that a delivery that kills the process is known by it and is not read for ever.

A file of this process names it, not the database: nothing need survive more than the process, so nothing is synced.
"""

import contextlib
import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO
from uuid import uuid4

from sqlalchemy import bindparam, delete, literal_column
from sqlalchemy.dialects import postgresql

from hub.store.database import Database
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.tables import suspect

__all__ = ["CRASHES_MAX", "InFlight"]

CRASHES_MAX = 3
"""A delivery that was being read when so many processes died is not read again."""
_SUFFIX = ".in-flight"
_DIGEST_BYTES = 32
_COUNT = Prepared(
    (new := postgresql.insert(suspect)).on_conflict_do_update(
        index_elements=["digest"], set_={"crashes": suspect.c.crashes + literal_column("1")}
    )
)
_CLEAR = Prepared(delete(suspect).where(suspect.c.digest == bindparam("digest")))


class InFlight:
    """The journal of this process in a folder, and what those of dead ones tell."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._crashes: dict[bytes, int] = {}
        self._lock = Lock()
        self._open = 0
        self._file: BinaryIO | None = None
        self._count_crashes(database)

    def crashes(self, digest: bytes) -> int:
        """How many processes died while they read this."""
        return self._crashes.get(digest, 0)

    @contextmanager
    def reading(self, digest: bytes) -> Iterator[None]:
        """While this lasts, a death of the process is counted against the delivery."""
        self.begin(digest)
        try:
            yield
        finally:
            self.end(digest)

    def begin(self, digest: bytes) -> None:
        """From now on, a death of the process is counted against the delivery."""
        with self._lock:
            if self._file is None:
                self._file = self._journal()
            self._open += 1
            os.write(self._file.fileno(), b"+" + digest.hex().encode() + b"\n")

    def end(self, digest: bytes) -> None:
        """From now on no longer."""
        with self._lock:
            assert self._file is not None, "what ends has begun"
            self._open -= 1
            if self._open == 0:
                os.ftruncate(self._file.fileno(), 0)
            else:
                os.write(self._file.fileno(), b"-" + digest.hex().encode() + b"\n")

    def clear(self, transaction: Transaction, digest: bytes) -> None:
        """What has been read to its end is no suspect any more."""
        if self._crashes.pop(digest, None) is not None:
            transaction.run(_CLEAR, {"digest": digest})

    def close(self) -> None:
        """Take the journal away."""
        with self._lock:
            if self._file is not None:
                Path(self._file.name).unlink(missing_ok=True)
                self._file.close()
                self._file = None

    def _journal(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid4().hex}{_SUFFIX}"
        file = path.open("ab", buffering=0)
        # Held as long as the process lives: who can take it knows that it does not.
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def _count_crashes(self, database: Database) -> None:
        """Count what dead processes were reading, and learn of all that was counted."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder.is_dir() else ():
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                left = _left(file.read())
                if left:
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
