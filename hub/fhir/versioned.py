"""A version of a resource as an answer (https://hl7.org/fhir/R4/http.html#cread)."""

from hub.errors import Gone, Malformed
from hub.fhir.conditional import is_known
from hub.fhir.form import pairs_of
from hub.fhir.negotiation import Preference
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import unknown_id
from hub.fhir.subset import Subset
from hub.store.clock import moment
from hub.store.repository import Stored
from mappings.errors import Issue

__all__ = ["versioned"]


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
