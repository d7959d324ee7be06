"""Builds the application: the one place that sees everything."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import jobs, receiving
from hub.definitions import store_definitions
from hub.errors import NotFound
from hub.fhir import endpoint
from hub.fhir.context import Context
from hub.fhir.endpoint import FhirEndpoint
from hub.fhir.negotiation import Format
from hub.fhir.refusal import refusal
from hub.fhir.router import perform
from hub.indexing import Indexing
from hub.ingest.fhir_offers import FhirOffers
from hub.ingest.pipeline import Pipeline
from hub.ingest.reconcile import Reconciler
from hub.keys import Key
from hub.openapi import add_openapi
from hub.publishing import Publisher
from hub.purpose import time_shift
from hub.receiving import IngestEndpoint
from hub.search.registry import ALL_TYPES, SERVED_TYPES, Registry
from hub.settings import Settings
from hub.sources import Sources
from hub.store.clock import micros
from hub.store.database import Database
from hub.store.reader import Transaction
from hub.store.repository import Repository
from hub.store.schema import migrate
from hub.store.tables import PROFESSIONAL, PUBLIC
from hub.store.writer import Writer
from mappings.errors import Issue
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
    writer: Writer
    indexing: Indexing
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
        shipped = Registry.shipped()
        repositories = {
            View.PUBLIC: Repository(PUBLIC, shipped),
            View.PROFESSIONAL: Repository(PROFESSIONAL, shipped),
        }
        writer = Writer(database)
        indexing = Indexing(database, writer, tuple(repositories.values()), shipped)
        indexing.open()
        store_definitions(database, repositories.values(), at=micros(clock()))
        sources = Sources(settings.sources, database)
        pipeline = Pipeline(
            database=database,
            sources=sources,
            reconciler=Reconciler(repositories),
            key=Key.of(settings.key_file),
            clock=clock,
        )
        return cls(
            database=database,
            writer=writer,
            indexing=indexing,
            repositories=repositories,
            sources=sources,
            pipeline=pipeline,
            clock=clock,
        )

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.indexing.close()
        self.writer.close()
        self.database.close()


def application(hub: Hub, *, sandbox: bool = False) -> ASGIApp:
    """The HTTP application: `/fhir` in one view, `/ingest/{source}`, `/health/live`, `/docs`."""
    view = View.PROFESSIONAL if sandbox else View.PUBLIC
    types = ALL_TYPES if sandbox else SERVED_TYPES
    serving = lru_cache(maxsize=2)(lambda registry: registry.serving(types))
    context = Context(
        repository=hub.repositories[view],
        registry=lambda: serving(hub.indexing.registry),
        clock=hub.clock,
        sandbox=sandbox,
        store=Publisher(hub.repositories, hub.indexing).publish if sandbox else None,
        perform=perform,
        index_progress=hub.indexing.progress,
        catch_up=_catch_up(hub) if sandbox else None,
    )
    fhir = FhirEndpoint(
        context=context,
        database=hub.database,
        writer=hub.writer,
        is_due=hub.pipeline.is_due,
        withdraw=hub.pipeline.expire,
    )
    ingest = IngestEndpoint(hub.pipeline, hub.sources, hub.clock, sandbox=sandbox)
    rest = _rest(hub, context)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path == endpoint.PREFIX or path.startswith(f"{endpoint.PREFIX}/"):
            await fhir(scope, receive, send)
        elif path.startswith(receiving.PREFIX):
            await ingest(scope, receive, send)
        else:
            await rest(scope, receive, send)

    return application


def _catch_up(hub: Hub) -> Callable[[Transaction], None]:
    registry = hub.indexing.registry
    numbers = {
        (base, code): registry.parameters(base)[code].number
        for base, code in (
            ("HealthcareService", "location"),
            ("HealthcareService", "organization"),
            ("Organization", "partof"),
            ("Schedule", "actor"),
            ("Slot", "schedule"),
        )
    }
    offers = FhirOffers(hub.repositories[View.PROFESSIONAL], hub.sources.named("fhir"), numbers)

    def catch_up(transaction: Transaction) -> None:
        hub.pipeline.expire_in(transaction.connection)
        offers.catch_up(transaction, hub.clock())

    return catch_up


def _rest(hub: Hub, context: Context) -> FastAPI:
    """Everything that is not asked thousands of times a second."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(hub.pipeline.resume)
        hub.indexing.watch()
        scheduler = BackgroundScheduler(timezone=UTC)
        jobs.schedule(scheduler, hub.pipeline)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.shutdown()

    app = FastAPI(title="Platzfrei", lifespan=running, openapi_url=None)
    app.add_exception_handler(HTTPException, _no_such_address)
    add_openapi(app, context)
    app.router.routes.append(Route("/health/live", lambda _request: JSONResponse({"status": "alive"})))
    return app


async def _no_such_address(_request: Request, _error: Exception) -> Response:
    answer = refusal(
        NotFound(
            Issue(
                code="unknown-address",
                fhir_code="not-found",
                place="http",
                text_de="hier ist nichts; es gibt /fhir/metadata, /docs, /health/live und POST /ingest/{Quelle}",
                text_en="nothing is here; there are /fhir/metadata, /docs, /health/live and POST /ingest/{source}",
            )
        )
    )
    return Response(answer.content, status_code=answer.status, media_type=Format.JSON.media_type)
