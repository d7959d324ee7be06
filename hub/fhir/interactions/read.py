"""The read interaction, also on condition (https://hl7.org/fhir/R4/http.html#read)."""

import re

from hub.errors import Gone, Malformed, NotFound
from hub.fhir.conditional import is_known
from hub.fhir.context import Context
from hub.fhir.form import pairs_of
from hub.fhir.negotiation import Preference
from hub.fhir.request import Answer, Request
from hub.fhir.subset import Subset
from hub.store.clock import moment
from hub.store.reader import Reader
from hub.store.repository import Stored
from mappings.errors import Issue

__all__ = ["CODE", "ID", "ROUTES", "WRITES", "answer", "unknown_id", "versioned"]

CODE = "read"
ROUTES = (("GET", "/{type}/{id}"),)
WRITES = False

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""https://hl7.org/fhir/R4/datatypes.html#id"""


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """The current version; 404 for an id never known, 410 for one that was deleted."""
    resource_type, resource_id = request.variables["type"], request.variables["id"]
    if not ID.fullmatch(resource_id):
        raise unknown_id(resource_type)  # what is no id is the id of nothing
    return versioned(request, context.repository.read(reader, resource_type, resource_id))


def versioned(request: Request, stored: Stored | None) -> Answer:
    """A version with its ETag and Last-Modified, or 304 where the client has it already; with `_summary` or `_elements`
    the part of it that was asked for.
    """
    resource_type = request.variables["type"]
    if stored is None:
        raise unknown_id(resource_type)
    if stored.content is None:
        raise Gone(
            Issue(
                code="deleted",
                fhir_code="deleted",
                place=resource_type,
                text_de=f"diese {resource_type} wurde entfernt",
                text_en=f"this {resource_type} was deleted",
            )
        )
    updated = moment(stored.updated)
    if is_known(request, stored):
        return Answer(status=304, version=stored.version, updated=updated)
    subset = _subset(request) if request.query else None
    content = stored.content if subset is None else subset.applied(stored.content)
    return Answer(content=content, version=stored.version, updated=updated)


def _subset(request: Request) -> Subset | None:
    """The part that is asked for; the whole where that cannot be understood, unless `handling=strict` forbids it."""
    pairs = pairs_of(request.query)
    try:
        return Subset.asked(pairs)
    except Malformed:
        if Preference.of(request.header("prefer")).strict:
            raise
        return None


def unknown_id(resource_type: str) -> NotFound:
    """That there is no such resource, and never was."""
    return NotFound(
        Issue(
            code="unknown-id",
            fhir_code="not-found",
            place=resource_type,
            text_de=f"diese {resource_type} gibt es hier nicht; Ids findet die Suche {resource_type}?…",
            text_en=f"there is no such {resource_type} here; the search {resource_type}?… finds ids",
        )
    )
