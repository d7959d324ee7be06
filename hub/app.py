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
from hub.health import Readiness
from hub.homes.home import SOURCE as HOMES
from hub.homes.homes import Homes
from hub.homes.mail import Mailer
from hub.homes.page import HomePage, Office
from hub.homes.reminders import Reminders
from hub.identity_endpoint import IdentityEndpoint
from hub.identity_work import IdentityWork
from hub.indexing import Indexing
from hub.ingest.fhir_offers import FhirOffers
from hub.ingest.identity import Identity
from hub.ingest.in_flight import InFlight
from hub.ingest.joined_view import JoinedView
from hub.ingest.pipeline import Pipeline
from hub.ingest.reconcile import Reconciler
from hub.job_runs import JobRuns
from hub.key_of_database import hold_to_key
from hub.keys import Key
from hub.leader import Leader
from hub.metrics.board import Board
from hub.metrics.counting import counting
from hub.metrics.exposition import MEDIA_TYPE, exposition, is_from_here
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
from mappings.errors import Issue, Rejected
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
    homes: Homes
    reminders: Reminders
    mailer: Mailer | None
    settings: Settings
    clock: Clock

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock | None = None) -> "Hub":
        """Raises `Rejected` for a setting that cannot be; without a clock of the caller's it is the database's."""
        database = Database(settings.database)
        key = Key.of(settings.key_file)
        try:
            migrate(database)
            hold_to_key(database, key, str(settings.key_file))
        except Rejected:
            database.close()
            raise
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
            key=key,
            in_flight=InFlight(settings.folder, database),
            clock=clock,
        )
        feeds = Feeds(settings.feeds, [one.name for one in sources])
        fetcher = Fetcher(database=database, feeds=feeds, deliver=pipeline.receive, clock=clock)
        homes = Homes(
            database=database, key=key, receive=pipeline.receive, ladder=sources.named(HOMES).ladder, clock=clock
        )
        return cls(
            database=database,
            writer=writer,
            indexing=indexing,
            repositories=repositories,
            sources=sources,
            identity=identity,
            pipeline=pipeline,
            fetcher=fetcher,
            homes=homes,
            reminders=Reminders(homes, settings.base_url, settings.office, clock),
            mailer=Mailer.of(settings.smtp, settings.mail_from),
            settings=settings,
            clock=clock,
        )

    def exports(self, view: View) -> Exports:
        """What a view's exports are made of."""
        providers = self.indexing.registry.parameters("HealthcareService")["organization"].number
        return Exports(self.repositories[view].projection, self.sources.named("fhir"), providers=providers)

    def remind(self) -> None:
        """Send the reminders that are due, where there is a mail server."""
        if self.mailer is not None:
            self.reminders.remind(self.mailer)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.indexing.close()
        self.pipeline.close()
        self.writer.close()
        self.database.close()


def application(hub: Hub, *, sandbox: bool = False, board: Board | None = None) -> ASGIApp:
    """The HTTP application: `/fhir` in one view, `/ingest/{source}`, `/export/{format}`, `/m/{token}`, `/health/…`,
    `/metrics`, `/docs`.

    `board` counts its requests, where several processes count together.
    """
    board = board or Board()
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
    export = ExportEndpoint(hub.exports(View.PUBLIC), hub.database, hub.clock)
    ingest = IngestEndpoint(
        hub.pipeline, hub.sources, hub.clock, database=hub.database, fetcher=hub.fetcher, sandbox=sandbox
    )
    identity = IdentityEndpoint(IdentityWork(hub.database, hub.identity, hub.clock))
    rest = _rest(hub, context, board, fetches=not sandbox)

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

    return counting(application, board)


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


def _rest(hub: Hub, context: Context, board: Board, *, fetches: bool) -> FastAPI:
    """Everything that is not asked thousands of times a second."""

    all_jobs = jobs.jobs(hub.pipeline, hub.remind)
    runs = JobRuns(hub.database, hub.clock)
    readiness = Readiness(
        database=hub.database,
        indexing=hub.indexing,
        jobs=all_jobs,
        runs=runs,
        folder=hub.settings.folder,
        clock=hub.clock,
    )

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(hub.pipeline.resume)
        hub.indexing.watch()
        scheduler = BackgroundScheduler(timezone=UTC)
        leader = Leader(hub.database)
        jobs.schedule(scheduler, all_jobs, runs, leader, hub.fetcher if fetches else None)
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

    def ready(_request: Request) -> Response:
        checks = readiness.checks()
        good = all(found == "ok" for found in checks.values())
        told = {"status": "ready" if good else "not-ready", "checks": checks}
        return JSONResponse(told, status_code=200 if good else 503, headers={"Cache-Control": "no-store"})

    def metrics(request: Request) -> Response:
        if not is_from_here(request):
            raise HTTPException(404)
        return Response(exposition(board, hub.database, runs.last(), hub.clock()), media_type=MEDIA_TYPE)

    app.router.routes.append(Route("/health/ready", ready))
    app.router.routes.append(Route("/metrics", metrics))
    office = Office(whom_to_ask=hub.settings.office, reminds=hub.mailer is not None)
    app.router.routes.extend(HomePage(hub.homes, office, hub.clock).routes())
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
