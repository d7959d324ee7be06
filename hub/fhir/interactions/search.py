"""The search interaction of a type, of a compartment and of the whole server, by GET and by POST
(https://hl7.org/fhir/R4/http.html#search).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import orjson

from conformance.formats.r4_types import compartments
from hub.errors import Malformed, NotFound
from hub.fhir.bundle import INCLUDE, MATCH, entries, matches, outcome_entry, searchset
from hub.fhir.context import Context
from hub.fhir.definitions import StoredDefinitions
from hub.fhir.form import pairs_of, parameters_of
from hub.fhir.negotiation import Preference
from hub.fhir.outcome import outcome_bytes
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import ID
from hub.fhir.subset import Subset
from hub.search import statements
from hub.search.codes import NO_CODES, Terminology
from hub.search.includes import INCLUDED_OF_ONE_MAX
from hub.search.page import Page, find
from hub.search.query import Query, parse
from hub.search.registry import Registry
from hub.store.reader import Reader
from hub.store.shown import Shown, address, content, shown
from mappings.errors import Issue

__all__ = ["CODES", "ROUTES", "WRITES", "answer"]

CODES = {
    ("GET", "/{type}"): "search-type",
    ("GET", "/{type}/_search"): "search-type",
    ("POST", "/{type}/_search"): "search-type",
    ("GET", "/"): "search-system",
    ("GET", "/_search"): "search-system",
    ("POST", "/_search"): "search-system",
    ("POST", "/{type}/{id}/_search"): "search-type",
    ("GET", "/{type}/{id}/{member}"): "search-type",
    ("GET", "/{type}/{id}/{member}/_search"): "search-type",
    ("POST", "/{type}/{id}/{member}/_search"): "search-type",
}
ROUTES = tuple(CODES)
"""FHIR has `_search` by POST alone; IHE's clients and others use it by GET as well."""
WRITES = False

_READ_BEFORE = 1024
"""Queries whose reading is kept, each of so many characters at most: portals ask the same again and again."""
_KEPT_LENGTH = 500

_DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A page of what matches; unknown parameters are named and left aside, with `Prefer: handling=strict` refused."""
    query = _query(context, reader, request)
    found = find(reader, context.repository.projection, query)
    here = "/".join((request.base, *(word for word in request.path if word != "_search")))
    return Answer(content=_bundle(request.base, here, query, found))


def _query(context: Context, reader: Reader, request: Request) -> Query:
    resource_type, within = _searched(context, request)
    prefer = request.header("prefer")
    strict = bool(prefer) and Preference.of(prefer).strict is True
    if resource_type and within is None and request.method == "GET" and len(request.query) <= _KEPT_LENGTH:
        try:
            return _read_before(context.registry(), resource_type, request.query, request.base, strict)
        except Malformed:
            pass  # Or it asks for what is stored, or for the time: read again with both.
    view = context.repository.projection.name
    definitions = StoredDefinitions(context, reader)
    return parse(
        context.registry(),
        resource_type,
        parameters_of(request),
        codes=Terminology(definitions, definitions.with_id),
        base=request.base,
        now=context.clock(),
        strict=strict,
        within=within,
        present=() if resource_type else [one for (one,) in reader.all(statements.present_types(view))],
    )


@lru_cache(_READ_BEFORE)
def _read_before(registry: Registry, resource_type: str, query: str, base: str, strict: bool) -> Query:
    """A query that means the same whenever it is asked; `Malformed` for any other."""
    return parse(registry, resource_type, pairs_of(query), codes=NO_CODES, base=base, strict=strict)


def _searched(context: Context, request: Request) -> tuple[str | None, tuple[str, str] | None]:
    """The type that is searched, None for all, and the resource in whose compartment it is.

    https://hl7.org/fhir/R4/http.html#vsearch
    """
    told = request.variables
    if "id" not in told:
        return told.get("type"), None
    owner, member = (told["type"], told["id"]), told.get("member", "*")
    compartment = compartments().get(told["type"])
    if compartment is None or not ID.fullmatch(told["id"]):
        raise _no_compartment(compartments())
    served = [one for one in compartment.types if one in context.registry().types]
    if member == "*":
        return None, owner
    if member not in served:
        raise _no_compartment(served)
    return member, owner


def _no_compartment(possible: Iterable[str]) -> NotFound:
    listed = ", ".join(sorted(possible))
    return NotFound(
        Issue(
            code="no-compartment",
            fhir_code="not-found",
            place="http",
            text_de=f"hier ist nichts; in einem Compartment gesucht wird mit Typ/Id/Typ, möglich: {listed}",
            text_en=f"nothing is here; a compartment is searched by type/id/type, possible: {listed}",
        )
    )


def _bundle(base: str, here: str, query: Query, found: Page) -> bytes:
    subset = Subset.of(query.summary, query.elements)
    # "The list of elements does not apply to included resources."
    found_ones, included = _parts(found.matches, subset), _parts(found.included, Subset.of(query.summary))
    if found.kilometres:
        told = matches(base, found_ones, list(map(_distant, found.kilometres)))
    else:
        told = entries(base, found_ones, MATCH)
    told += entries(base, included, INCLUDE)
    issues = [*query.ignored, *((_cut(),) if found.cut else ())]
    if issues:
        told.append(outcome_entry(outcome_bytes(issues)))
    address = f"{here}?{query.self_query}"
    links = [("self", f"{address}&_after={query.after_text}" if query.after_text else address)]
    if query.after_text:
        links.append(("first", address))
    if found.next_after is not None:
        links.append(("next", f"{address}&_after={found.next_after}"))
    return searchset(told, total=found.total, links=links)


def _parts(resources: Sequence[Shown], subset: Subset | None) -> Sequence[Shown]:
    if subset is None:
        return resources
    return [shown(*address(one), subset.applied(content(one))) for one in resources]


def _distant(kilometres: float | None) -> bytes:
    if kilometres is None:
        return MATCH
    distance = {
        "value": round(kilometres, 3),
        "unit": "km",
        "system": "http://unitsofmeasure.org",
        "code": "km",
    }
    return orjson.dumps({"extension": [{"url": _DISTANCE, "valueDistance": distance}], "mode": "match"})


def _cut() -> Issue:
    return Issue(
        code="included-cut",
        fhir_code="too-costly",
        severity="warning",
        place="http._include",
        text_de=f"zu diesem einen Treffer gehört mehr, als auf eine Seite passt: gezeigt sind {INCLUDED_OF_ONE_MAX}; "
        "alles findet eine Suche danach selbst",
        text_en=f"with this one match more is included than fits on a page: {INCLUDED_OF_ONE_MAX} are shown; "
        "a search for them finds all",
    )
