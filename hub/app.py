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
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from conformance import spec
from hub import exporting, identity_endpoint, jobs, receiving
from hub.definitions import store_definitions
from hub.errors import NotFound
from hub.exporting import ExportEndpoint
from hub.exports import Exports
from hub.feeds import Feeds
from hub.fetching import Fetcher
from hub.fhir import endpoint
from hub.fhir.context import Context
from hub.fhir.endpoint import FhirEndpoint
from hub.fhir.negotiation import Format
from hub.fhir.refusal import refusal
from hub.fhir.router import perform
from hub.identity_endpoint import IdentityEndpoint
from hub.identity_work import IdentityWork
from hub.indexing import Indexing
from hub.ingest.fhir_offers import FhirOffers
from hub.ingest.identity import Identity
from hub.ingest.in_flight import InFlight
from hub.ingest.joined_view import JoinedView
from hub.ingest.pipeline import Pipeline
from hub.ingest.reconcile import Reconciler
from hub.keys import Key
from hub.leader import Leader
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
    identity: Identity
    pipeline: Pipeline
    fetcher: Fetcher
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
        identity = Identity(JoinedView(repositories, rank_of=sources.rank, ladder_of=sources.ladder))
        pipeline = Pipeline(
            database=database,
            writer=writer,
            sources=sources,
            reconciler=Reconciler(repositories, identity),
            key=Key.of(settings.key_file),
            in_flight=InFlight(settings.folder, database),
            clock=clock,
        )
        feeds = Feeds(settings.feeds, [one.name for one in sources])
        fetcher = Fetcher(database=database, feeds=feeds, deliver=pipeline.receive, clock=clock)
        return cls(
            database=database,
            writer=writer,
            indexing=indexing,
            repositories=repositories,
            sources=sources,
            identity=identity,
            pipeline=pipeline,
            fetcher=fetcher,
            clock=clock,
        )

    def exports(self, view: View) -> Exports:
        """What a view's exports are made of."""
        providers = self.indexing.registry.parameters("HealthcareService")["organization"].number
        return Exports(self.repositories[view].projection, self.sources.named("fhir"), providers=providers)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.indexing.close()
        self.pipeline.close()
        self.writer.close()
        self.database.close()


def application(hub: Hub, *, sandbox: bool = False) -> ASGIApp:
    """The HTTP application: `/fhir` in one view, `/ingest/{source}`, `/export/{format}`, `/health/live`, `/docs`."""
    view = View.PROFESSIONAL if sandbox else View.PUBLIC
    types = ALL_TYPES if sandbox else SERVED_TYPES
    context = Context(
        repository=hub.repositories[view],
        registry=lambda: hub.indexing.registry.serving(types),
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
    export = ExportEndpoint(hub.exports(View.PUBLIC), hub.database, hub.clock)
    ingest = IngestEndpoint(
        hub.pipeline, hub.sources, hub.clock, database=hub.database, fetcher=hub.fetcher, sandbox=sandbox
    )
    rest = _rest(hub, context, fetches=not sandbox)
    identity = IdentityEndpoint(IdentityWork(hub.database, hub.identity, hub.clock))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path == endpoint.PREFIX or path.startswith(f"{endpoint.PREFIX}/"):
            await fhir(scope, receive, send)
        elif path.startswith(receiving.PREFIX):
            await ingest(scope, receive, send)
        elif path.startswith(exporting.PREFIX):
            await export(scope, receive, send)
        elif sandbox and path.startswith(identity_endpoint.PREFIX):
            await identity(scope, receive, send)
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
        hub.pipeline.expire_in(transaction)
        offers.catch_up(transaction, hub.clock())

    return catch_up


def _rest(hub: Hub, context: Context, *, fetches: bool) -> FastAPI:
    """Everything that is not asked thousands of times a second."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(hub.pipeline.resume)
        hub.indexing.watch()
        scheduler = BackgroundScheduler(timezone=UTC)
        leader = Leader(hub.database)
        jobs.schedule(scheduler, hub.pipeline, leader, hub.fetcher if fetches else None)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.pause()
            hub.fetcher.close()
            scheduler.shutdown()
            leader.close()

    app = FastAPI(title="Platzfrei", lifespan=running, openapi_url=None)
    app.add_exception_handler(HTTPException, _no_such_address)
    add_openapi(app, context)
    app.router.routes.append(Route("/schemas/places.json", lambda _request: _schema("places")))
    app.router.routes.append(Route("/health/live", lambda _request: JSONResponse({"status": "alive"})))
    return app


def _schema(name: str) -> Response:
    # Whoever writes an export looks it up from a page of theirs, too.
    headers = {"Access-Control-Allow-Origin": "*"}
    return Response(spec.schema(name), media_type="application/schema+json", headers=headers)


async def _no_such_address(_request: Request, _error: Exception) -> Response:
    answer = refusal(
        NotFound(
            Issue(
                code="unknown-address",
                fhir_code="not-found",
                place="http",
                text_de="hier ist nichts; es gibt /fhir/metadata, /docs, /health/live, /export/{Format} "
                "und POST /ingest/{Quelle}",
                text_en="nothing is here; there are /fhir/metadata, /docs, /health/live, /export/{format} "
                "and POST /ingest/{source}",
            )
        )
    )
    return Response(answer.content, status_code=answer.status, media_type=Format.JSON.media_type)
