"""The search interaction of a type and of the whole server, by GET and by POST
(https://hl7.org/fhir/R4/http.html#search).
"""

import orjson

from hub.fhir.bundle import entry, outcome_entry, searchset
from hub.fhir.context import Context
from hub.fhir.form import parameters_of
from hub.fhir.negotiation import Preference
from hub.fhir.outcome import outcome_bytes
from hub.fhir.request import Answer, Request
from hub.fhir.subset import Subset
from hub.fhir.terminology import stored
from hub.search import statements
from hub.search.codes import Terminology
from hub.search.includes import INCLUDED_MAX
from hub.search.page import Entry, Page, find
from hub.search.query import Query, parse
from hub.store.reader import Reader
from mappings.errors import Issue

__all__ = ["CODES", "ROUTES", "WRITES", "answer"]

CODES = {
    ("GET", "/{type}"): "search-type",
    ("GET", "/{type}/_search"): "search-type",
    ("POST", "/{type}/_search"): "search-type",
    ("GET", "/"): "search-system",
    ("GET", "/_search"): "search-system",
    ("POST", "/_search"): "search-system",
}
ROUTES = tuple(CODES)
"""FHIR has `_search` by POST alone; IHE's clients and others use it by GET as well."""
WRITES = False

_MATCH = b'{"mode":"match"}'
_INCLUDE = b'{"mode":"include"}'
_DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """A page of what matches; unknown parameters are named and left aside, with `Prefer: handling=strict` refused."""
    view = context.repository.projection
    resource_type = request.variables.get("type")
    prefer = request.header("prefer")
    query = parse(
        context.registry(),
        resource_type,
        parameters_of(request),
        codes=Terminology(stored(context, reader, request.base)),
        base=request.base,
        now=context.clock(),
        strict=bool(prefer) and Preference.of(prefer).strict is True,
        present=() if resource_type else [one for (one,) in reader.all(statements.present_types(view.name))],
    )
    found = find(reader, view, query)
    here = f"{request.base}/{resource_type}" if resource_type else request.base
    return Answer(content=_bundle(request.base, here, query, found))


def _bundle(base: str, here: str, query: Query, found: Page) -> bytes:
    subset = Subset.of(query.summary, query.elements)
    entries = [_entry(base, one, subset, _match(one)) for one in found.matches]
    entries += [_entry(base, one, subset, _INCLUDE) for one in found.included]
    issues = [*query.ignored, *((_cut(),) if found.cut else ())]
    if issues:
        entries.append(outcome_entry(outcome_bytes(issues)))
    address = f"{here}?{query.self_query}"
    links = [("self", f"{address}&_after={query.after_text}" if query.after_text else address)]
    if query.after_text:
        links.append(("first", address))
    if found.next_after is not None:
        links.append(("next", f"{address}&_after={found.next_after}"))
    return searchset(entries, total=found.total, links=links)


def _entry(base: str, one: Entry, subset: Subset | None, search: bytes) -> bytes:
    content = one.content if subset is None else subset.applied(one.content)
    return entry(base, one.type, one.id, content, search)


def _match(one: Entry) -> bytes:
    if one.kilometres is None:
        return _MATCH
    distance = {
        "value": round(one.kilometres, 3),
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
        text_de=f"es gehört mehr dazu, als auf eine Seite passt: gezeigt sind {INCLUDED_MAX}; mit kleinerem _count "
        "kommt alles",
        text_en=f"more is included than fits on a page: {INCLUDED_MAX} are shown; with a smaller _count all come",
    )
