"""Builds the application: the one place that sees everything."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
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
from hub import exporting, jobs, receiving, reporting
from hub.course.chances import Chances
from hub.errors import NotFound
from hub.exporting import ExportEndpoint
from hub.fhir import endpoint
from hub.fhir.context import Context
from hub.fhir.endpoint import FhirEndpoint
from hub.fhir.negotiation import Format
from hub.fhir.news import News
from hub.fhir.refusal import refusal
from hub.fhir.router import perform
from hub.fhir.search_protocol.signing import Signer
from hub.health import Readiness
from hub.homes.page import HomePage, Office
from hub.hub import Hub
from hub.identity_endpoint import IdentityEndpoint
from hub.identity_work import IdentityWork
from hub.ingest.fhir_offers import FhirOffers
from hub.job_runs import JobRuns
from hub.leader import Leader
from hub.metrics.board import Board
from hub.metrics.counting import counting
from hub.metrics.exposition import MEDIA_TYPE, exposition, is_from_here
from hub.openapi import add_openapi
from hub.phantom_endpoint import PhantomEndpoint
from hub.phantom_work import PhantomWork
from hub.publishing import Publisher
from hub.receiving import IngestEndpoint
from hub.reporting import ReportEndpoint
from hub.search.registry import ALL_TYPES, SERVED_TYPES
from hub.store.reader import Transaction
from mappings.errors import Issue
from mappings.view import View

__all__ = ["application"]

_log = logging.getLogger(__name__)


def application(hub: Hub, *, sandbox: bool = False, board: Board | None = None) -> ASGIApp:
    """The HTTP application: `/fhir` in one view, `/ingest/{source}`, `/export/{format}`, `/reports/{name}`,
    `/m/{token}`, `/health/…`, `/metrics`, `/docs`.

    `board` counts its requests, where several processes count together.
    """
    board = board or Board()
    view = View.PROFESSIONAL if sandbox else View.PUBLIC
    types = ALL_TYPES if sandbox else SERVED_TYPES
    serving = lru_cache(maxsize=2)(lambda registry: registry.serving(types))
    signer = Signer.of(hub.key.derived("search protocol"))
    context = Context(
        repository=hub.repositories[view],
        registry=lambda: serving(hub.indexing.registry),
        clock=hub.clock,
        sandbox=sandbox,
        store=Publisher(hub.repositories, hub.indexing).publish if sandbox else None,
        perform=perform,
        index_progress=hub.indexing.progress,
        catch_up=_catch_up(hub) if sandbox else None,
        region=hub.region,
        tally=hub.tally,
        signer=signer,
        chances=Chances(hub.learnt, public=view is View.PUBLIC),
        news=News(hub.key.derived("search cursor"), hub.repositories[view].projection),
    )
    fhir = FhirEndpoint(
        context=context,
        database=hub.database,
        writer=hub.writer,
        is_due=hub.pipeline.is_due,
        withdraw=hub.pipeline.expire,
    )
    export = ExportEndpoint(hub.exports(View.PUBLIC), hub.database, hub.clock)
    reports = ReportEndpoint(hub.region, hub.database, view)
    ingest = IngestEndpoint(
        hub.pipeline, hub.sources, hub.clock, database=hub.database, fetcher=hub.fetcher, sandbox=sandbox
    )
    identity = IdentityEndpoint(IdentityWork(hub.database, hub.identity, hub.clock))
    phantoms = PhantomEndpoint(PhantomWork(hub.database, hub.clock))
    rest = _rest(hub, context, board, fetches=not sandbox)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if path == endpoint.PREFIX or path.startswith(f"{endpoint.PREFIX}/"):
            await fhir(scope, receive, send)
        elif path.startswith(receiving.PREFIX):
            await ingest(scope, receive, send)
        elif path.startswith(exporting.PREFIX):
            await export(scope, receive, send)
        elif path.startswith(reporting.PREFIX):
            await reports(scope, receive, send)
        elif sandbox and path.startswith(identity.prefix):
            await identity(scope, receive, send)
        elif sandbox and path.startswith(phantoms.prefix):
            await phantoms(scope, receive, send)
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

    all_jobs = jobs.jobs(hub.pipeline, hub.remind, hub.region.take, hub.learner.learn_if_due)
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
        # Each process has counted others.
        scheduler.add_job(hub.tally.flush, "interval", seconds=60, coalesce=True, max_instances=1)
        scheduler.start()
        try:
            yield
        finally:
            scheduler.pause()
            hub.fetcher.close()
            scheduler.shutdown()
            hub.tally.close()
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

    def keys(_request: Request) -> Response:
        # Whoever checks a signature looks it up from a page of theirs, too.
        told = {"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=3600"}
        assert context.signer is not None
        return JSONResponse(context.signer.key_set, headers=told, media_type="application/jwk-set+json")

    app.router.routes.append(Route("/.well-known/jwks.json", keys))
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
