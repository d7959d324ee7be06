"""What runs by the clock, one line each, in the process that leads; every job is safe to run twice."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import BaseScheduler

from hub.fetching import LOOK, Fetcher
from hub.ingest.pipeline import Pipeline
from hub.leader import Leader

__all__ = ["schedule"]

_LATE_SECONDS = 3600
"""The library drops a run that is a second late; ours may be late, they catch up."""
_FETCHING = 8
"""Feeds that are fetched at the same time."""


def schedule(scheduler: BaseScheduler, pipeline: Pipeline, leader: Leader, fetcher: Fetcher | None = None) -> None:
    """Add the jobs; without a fetcher nothing is fetched."""

    def add(job: Callable[[], object], *, executor: str = "default", **every: float) -> None:
        scheduler.add_job(
            job,
            "interval",
            **every,
            executor=executor,
            misfire_grace_time=_LATE_SECONDS,
            coalesce=True,
            max_instances=1,
        )

    def look() -> None:
        led = leader.leads
        if leader.look() and not led and fetcher is not None:
            fetcher.take_over()

    add(look, seconds=1)
    add(leader.only(pipeline.expire), minutes=1)
    add(leader.only(partial(pipeline.resume, older_than=timedelta(minutes=1))), minutes=1)
    add(leader.only(pipeline.purge), hours=1)
    # Days begin at full hours, in every zone of ours.
    scheduler.add_job(
        leader.only(pipeline.renew), "cron", minute=0, second=1, misfire_grace_time=_LATE_SECONDS, coalesce=True
    )
    if fetcher is not None:
        # Threads of their own: other machines' slowness must hold up nothing of ours.
        # That a look is skipped while a round still runs is as it should be, and no news every five seconds.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        scheduler.add_executor(ThreadPoolExecutor(_FETCHING), "fetching")
        seconds = LOOK.total_seconds()
        for feed in fetcher.feeds:
            add(
                leader.only(partial(fetcher.run_if_due, feed)), executor="fetching", seconds=seconds, jitter=seconds / 2
            )
