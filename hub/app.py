"""Builds the application: the one place that sees everything."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from hub import jobs
from hub.fhir.context import Context
from hub.fhir.router import refused, routes
from hub.ingest.pipeline import Pipeline
from hub.ingest.reconcile import Reconciler
from hub.keys import Key
from hub.purpose import remember, remembered, time_shift
from hub.receiving import ingest_endpoint
from hub.search.parameters import fingerprint, index_rows
from hub.settings import Settings
from hub.sources import Sources
from hub.store.database import Database
from hub.store.repository import Repository
from hub.store.schema import migrate
from hub.store.tables import PROFESSIONAL, PUBLIC
from mappings.view import View

__all__ = ["Clock", "Hub", "application", "now"]

Clock = Callable[[], datetime]
_log = logging.getLogger(__name__)


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """An open hub: its database at the newest schema, its sources, its pipeline."""

    database: Database
    repositories: dict[View, Repository]
    sources: Sources
    pipeline: Pipeline
    clock: Clock

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None) -> "Hub":
        """Raises `Rejected` for a setting that cannot be; without a clock of the caller's it is the database's."""
        database = Database(settings.database)
        migrate(database)
        shift = time_shift(database)
        clock = clock or (lambda: now() + shift)
        repositories = {
            View.PUBLIC: Repository(PUBLIC, index_rows),
            View.PROFESSIONAL: Repository(PROFESSIONAL, index_rows),
        }
        _index(database, repositories)
        sources = Sources(settings.sources, database)
        pipeline = Pipeline(
            database=database,
            sources=sources,
            reconciler=Reconciler(repositories),
            key=Key.of(settings.key_file),
            clock=clock,
        )
        return cls(database=database, repositories=repositories, sources=sources, pipeline=pipeline, clock=clock)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def _index(database: Database, repositories: dict[View, Repository]) -> None:
    """Make the indexes anew where the search parameters are others than those they were made by."""
    now_asked = fingerprint()
    if remembered(database, "search_parameters") == now_asked:
        return
    with database.writing() as connection:
        for repository in repositories.values():
            repository.reindex(connection)
    remember(database, "search_parameters", now_asked)


def application(hub: Hub, *, sandbox: bool = False) -> FastAPI:
    """The HTTP application: `/fhir` in one view, `/ingest/{source}`, `/health/live`."""
    view = View.PROFESSIONAL if sandbox else View.PUBLIC
    context = Context(
        database=hub.database,
        repository=hub.repositories[view],
        clock=hub.clock,
        sandbox=sandbox,
        is_due=hub.pipeline.is_due,
        withdraw=hub.pipeline.expire,
    )

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(hub.pipeline.resume)
        scheduler = BackgroundScheduler(timezone=UTC)
        jobs.schedule(scheduler, hub.pipeline)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown()

    app = FastAPI(title="Platzfrei", lifespan=running, openapi_url=None)
    app.add_exception_handler(HTTPException, refused)
    app.router.routes.extend(
        [
            *routes(context),
            Route("/ingest/{source}", ingest_endpoint(context, hub.pipeline, hub.sources), methods=["POST"]),
            Route("/health/live", lambda _request: JSONResponse({"status": "alive"})),
        ]
    )
    return app
