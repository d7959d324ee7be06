"""What runs by the clock, one line each; every job is safe to run twice.

One process of an installation serves so far; which of many runs the jobs comes with scheduled sources.
"""

from datetime import timedelta

from apscheduler.schedulers.base import BaseScheduler

from hub.ingest.pipeline import Pipeline

__all__ = ["schedule"]

_LATE_SECONDS = 3600
"""The library drops a run that is a second late; ours may be late, they catch up."""


def schedule(scheduler: BaseScheduler, pipeline: Pipeline) -> None:
    """Add the jobs."""
    scheduler.add_job(pipeline.expire, "interval", minutes=1, misfire_grace_time=_LATE_SECONDS, coalesce=True)
    scheduler.add_job(
        pipeline.resume,
        "interval",
        minutes=1,
        kwargs={"older_than": timedelta(minutes=1)},
        misfire_grace_time=_LATE_SECONDS,
        coalesce=True,
    )
    scheduler.add_job(pipeline.purge, "interval", hours=1, misfire_grace_time=_LATE_SECONDS, coalesce=True)
    # Days begin at full hours, in every zone of ours.
    scheduler.add_job(pipeline.renew, "cron", minute=0, second=1, misfire_grace_time=_LATE_SECONDS, coalesce=True)
