"""`/health/ready`: whether this process should be sent requests, each reason by one word and nothing of the inside."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from hub.indexing import Indexing
from hub.job_runs import JobRuns
from hub.jobs import Job
from hub.store.database import Database
from hub.store.schema import HEAD, revision

__all__ = ["Readiness"]

_FREE_BYTES = 256 * 1024 * 1024
_LATE_AFTER = timedelta(minutes=5)
"""So long after twice its interval a job is late."""
_LOOK_AGAIN_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Readiness:
    """What is looked at; the answer stands for a second, however often it is asked for."""

    def __init__(
        self,
        *,
        database: Database,
        indexing: Indexing,
        jobs: Iterable[Job],
        runs: JobRuns,
        folder: Path,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._indexing = indexing
        self._jobs = tuple(jobs)
        self._runs = runs
        self._folder = folder
        self._clock = clock
        self._since = clock()
        self._looking = threading.Lock()
        self._looked = -_LOOK_AGAIN_SECONDS
        self._checks: dict[str, str] = {}

    def checks(self) -> dict[str, str]:
        """Check → `ok`, or in one word what it is instead."""
        with self._looking:
            if time.monotonic() - self._looked >= _LOOK_AGAIN_SECONDS:
                self._checks = self._look()
                self._looked = time.monotonic()
            return dict(self._checks)

    def _look(self) -> dict[str, str]:
        try:
            return {
                "database": "ok" if self._database.is_writable() else "read-only",
                "schema": self._schema(),
                "index": self._index(),
                "jobs": self._job(),
                "disk": "ok" if shutil.disk_usage(self._folder).free >= _FREE_BYTES else "full",
            }
        except Exception as error:
            _log.error("not ready: %s", type(error).__name__)
            return {"database": "unreachable"}

    def _schema(self) -> str:
        with self._database.reading() as connection:
            return "ok" if revision(connection) == HEAD else "other"

    def _index(self) -> str:
        with self._database.snapshot() as reader:
            return "running" if self._indexing.progress(reader).running else "ok"

    def _job(self) -> str:
        """A job is late, too, where it has not run since this process began."""
        last, now = self._runs.last(), self._clock()
        late = (
            now - max(self._since, last.get(job.name, self._since)) > 2 * job.every + _LATE_AFTER for job in self._jobs
        )
        return "late" if any(late) else "ok"
