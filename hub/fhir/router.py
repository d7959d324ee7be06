"""The routes of `/fhir`, from the interactions and operations that are there.

An interaction is a module of `hub.fhir.interactions`, an operation one of `hub.fhir.operations`; each says its own
`ROUTES` and `answer`.
"""

import importlib
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from sqlalchemy.exc import OperationalError, TimeoutError  # noqa: A004 - SQLAlchemy's name for a pool that is empty
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.errors import MethodNotAllowed, NotFound, status_of
from hub.fhir import interactions, operations
from hub.fhir.context import Context, fhir_response
from hub.fhir.negotiation import refuse_other_formats
from hub.fhir.outcome import outcome_bytes
from hub.search.parameters import resource_types
from mappings.errors import Fault, Issue, PlatzfreiError, Retriable

__all__ = ["Answer", "answered", "error_response", "refused", "routes"]

Answer = Callable[[Context, Request], Awaitable[Response]]
_log = logging.getLogger(__name__)


def routes(context: Context) -> list[Route]:
    """Every route, those with fixed words before those with placeholders."""
    found = [
        (path, method, module.answer)
        for module in (*_modules(interactions), *_modules(operations))
        for method, path in module.ROUTES
    ]
    found.sort(key=lambda route: (route[0].count("{"), -len(route[0])))
    made = [
        Route(f"/fhir{path}", answered(context, answer, known_type="{type}" in path), methods=[method])
        for path, method, answer in found
    ]
    return [*made, Route("/fhir/{rest:path}", answered(context, _nothing_here), methods=_ANY)]


_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def answered(context: Context, answer: Answer, *, known_type: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that turns our errors, and any other, into OperationOutcomes."""

    async def endpoint(request: Request) -> Response:
        try:
            refuse_other_formats(request)
            if known_type and request.path_params["type"] not in resource_types():
                raise _unknown_type()
            return await answer(context, request)
        except PlatzfreiError as error:
            return error_response(error)
        except (OperationalError, TimeoutError):
            # Never the exception itself: it carries the statement's values.
            _log.error("the database does not answer")
            return error_response(_later())
        except Exception as error:
            _log.error("unexpected %s in %s", type(error).__name__, _where(error))
            return error_response(_fault())

    return endpoint


def error_response(error: PlatzfreiError) -> Response:
    """The answer to an error."""
    headers = dict(error.headers)
    if isinstance(error, Retriable):
        headers.setdefault("Retry-After", "5")
    return fhir_response(outcome_bytes(error.issues), status=status_of(error), headers=headers)


async def refused(_request: Request, error: Exception) -> Response:
    """The answer where no route fits: what the framework would say in words of its own."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return error_response(_only_read(error.headers or {}))
    return error_response(_unknown_type())


def _modules(package: ModuleType) -> Iterator[Any]:
    for info in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{info.name}")


async def _nothing_here(_context: Context, request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        raise _only_read({"Allow": "GET, HEAD, POST"})
    raise _unknown_type()


def _only_read(headers: Mapping[str, str]) -> MethodNotAllowed:
    return MethodNotAllowed(
        Issue(
            code="read-only",
            fhir_code="not-supported",
            place="http",
            text_de="das geht hier nicht; /fhir wird gelesen, Meldungen nimmt POST /ingest/{Quelle} an",
            text_en="this is not done here; /fhir is read, POST /ingest/{source} takes reports",
        ),
        headers=headers,
    )


def _unknown_type() -> NotFound:
    listed = ", ".join(resource_types())
    return NotFound(
        Issue(
            code="unknown-address",
            fhir_code="not-found",
            place="http",
            text_de=f"hier ist nichts; es gibt /fhir/metadata und die Typen {listed}",
            text_en=f"nothing is here; there are /fhir/metadata and the types {listed}",
        )
    )


def _later() -> Retriable:
    return Retriable(
        Issue(
            code="database-unavailable",
            fhir_code="transient",
            text_de="die Datenbank antwortet gerade nicht; dieselbe Anfrage in einigen Sekunden noch einmal senden",
            text_en="the database does not answer just now; send the same request again in a few seconds",
        )
    )


def _fault() -> Fault:
    return Fault(
        Issue(
            code="fault",
            fhir_code="exception",
            text_de="das ist unser Fehler; er ist vermerkt, und dieselbe Anfrage darf wiederholt werden",
            text_en="this is our fault; it is noted, and the same request may be sent again",
        )
    )


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
