"""What runs by the clock, one line each, in the process that leads; every job is safe to run twice, and says when it
ended well.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import BaseScheduler

from hub.fetching import LOOK, Fetcher
from hub.ingest.pipeline import Pipeline
from hub.job_runs import JobRuns
from hub.leader import Leader

__all__ = ["Job", "jobs", "schedule"]

_LATE_SECONDS = 3600
"""The library drops a run that is a second late; ours may be late, they catch up."""
_FETCHING = 8
"""Feeds that are fetched at the same time."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is done every so often; `at_full`: when the clock shows a full hour, as days begin in every zone of ours."""

    name: str
    every: timedelta
    act: Callable[[], object]
    at_full: bool = False


def jobs(
    pipeline: Pipeline,
    remind: Callable[[], object],
    take_region: Callable[[], object],
    learn: Callable[[], object],
) -> tuple[Job, ...]:
    """All jobs but fetching."""
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    return (
        Job("expire", minute, pipeline.expire),
        Job("resume", minute, lambda: pipeline.resume(older_than=minute)),
        Job("purge", hour, pipeline.purge),
        Job("renew", hour, pipeline.renew, at_full=True),
        Job("remind", hour, remind),
        # It does so once a day, soon after midnight, or as soon as somebody leads on that day.
        Job("region", minute, take_region),
        # Once a day, too.
        Job("learn", hour, learn),
    )


def schedule(
    scheduler: BaseScheduler, all_jobs: Iterable[Job], runs: JobRuns, leader: Leader, fetcher: Fetcher | None = None
) -> None:
    """Add the jobs; without a fetcher nothing is fetched."""

    def look() -> None:
        led = leader.leads
        if leader.look() and not led and fetcher is not None:
            fetcher.take_over()

    always = {"misfire_grace_time": _LATE_SECONDS, "coalesce": True, "max_instances": 1}
    scheduler.add_job(look, "interval", seconds=1, **always)
    for job in all_jobs:
        run = leader.only(_noted(job, runs))
        if job.at_full:
            scheduler.add_job(run, "cron", minute=0, second=1, name=job.name, **always)
        else:
            scheduler.add_job(run, "interval", seconds=job.every.total_seconds(), name=job.name, **always)
    if fetcher is not None:
        # Threads of their own: other machines' slowness must hold up nothing of ours.
        # That a look is skipped while a round still runs is as it should be, and no news every five seconds.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        scheduler.add_executor(ThreadPoolExecutor(_FETCHING), "fetching")
        seconds = LOOK.total_seconds()
        for feed in fetcher.feeds:
            run = leader.only(partial(fetcher.run_if_due, feed))
            scheduler.add_job(run, "interval", executor="fetching", seconds=seconds, jitter=seconds / 2, **always)


def _noted(job: Job, runs: JobRuns) -> Callable[[], None]:
    def run() -> None:
        try:
            job.act()
            runs.note(job.name)
        except Exception as error:
            # The library would log the exception with its text, which may carry a statement's values.
            _log.error("the job %s failed: %s", job.name, type(error).__name__)

    return run
