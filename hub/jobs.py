"""What runs by the clock, one line each; every job is safe to run twice, and says when it ended well.

Every process of an installation runs the jobs; which of many runs one comes with scheduled sources.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from apscheduler.schedulers.base import BaseScheduler

from hub.ingest.pipeline import Pipeline
from hub.job_runs import JobRuns

__all__ = ["Job", "jobs", "schedule"]

_LATE_SECONDS = 3600
"""The library drops a run that is a second late; ours may be late, they catch up."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is done every so often."""

    name: str
    every: timedelta
    act: Callable[[], object]


def jobs(pipeline: Pipeline, remind: Callable[[], object]) -> tuple[Job, ...]:
    """All jobs."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    return (
        Job("expire", minute, pipeline.expire),
        Job("resume", minute, lambda: pipeline.resume(older_than=minute)),
        Job("purge", hour, pipeline.purge),
        Job("remind", hour, remind),
    )


def schedule(scheduler: BaseScheduler, all_jobs: Iterable[Job], runs: JobRuns) -> None:
    """Add the jobs."""
    for job in all_jobs:
        scheduler.add_job(
            _noted(job, runs),
            "interval",
            seconds=job.every.total_seconds(),
            name=job.name,
            misfire_grace_time=_LATE_SECONDS,
            coalesce=True,
        )


def _noted(job: Job, runs: JobRuns) -> Callable[[], None]:
    def run() -> None:
        try:
            job.act()
            runs.note(job.name)
        except Exception as error:
            # The library would log the exception with its text, which may carry a statement's values.
            _log.error("the job %s failed: %s", job.name, type(error).__name__)

    return run
