"""The search interaction of a type, by GET and by POST (https://hl7.org/fhir/R4/http.html#search)."""

from starlette.requests import Request
from starlette.responses import Response

from hub.fhir.bundle import entry, outcome_entry, searchset
from hub.fhir.context import Context, base_url, fhir_response
from hub.fhir.form import parameters_of
from hub.fhir.outcome import outcome_bytes
from hub.search import page, query

__all__ = ["CODE", "ROUTES", "answer"]

CODE = "search-type"
ROUTES = (("GET", "/{type}"), ("POST", "/{type}/_search"))

_MATCH = b'{"mode":"match"}'
_INCLUDE = b'{"mode":"include"}'


async def answer(context: Context, request: Request) -> Response:
    """A page of what matches; unknown parameters are named and left aside, with `Prefer: handling=strict` refused."""
    resource_type = request.path_params["type"]
    strict = "handling=strict" in request.headers.get("prefer", "").replace(" ", "")
    base = base_url(request)
    asked = query.parse(resource_type, await parameters_of(request), base=base, strict=strict)
    found = await context.read(lambda connection: page.find(connection, context.repository.projection, asked))
    entries = [entry(base, one.type, one.id, one.content, _MATCH) for one in found.matches]
    entries += [entry(base, one.type, one.id, one.content, _INCLUDE) for one in found.included]
    if asked.ignored:
        issues = [query.unknown_parameter(resource_type, name) for name in asked.ignored]
        entries.append(outcome_entry(outcome_bytes(issues)))
    here = f"{base}/{resource_type}?{asked.self_query}"
    links = [("self", here if asked.after is None else f"{here}&_after={asked.after}")]
    if found.next_after is not None:
        links.append(("next", f"{here}&_after={found.next_after}"))
    return fhir_response(searchset(entries, total=found.total, links=links))
