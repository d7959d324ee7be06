"""The read interaction, also on condition (https://hl7.org/fhir/R4/http.html#read)."""

from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import ID, unknown_id
from hub.fhir.versioned import versioned
from hub.store.reader import Reader

__all__ = ["CODE", "READS_ONCE", "ROUTES", "WRITES", "answer"]

CODE = "read"
ROUTES = (("GET", "/{type}/{id}"),)
WRITES = False
READS_ONCE = True


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """The current version; 404 for an id never known, 410 for one that was deleted."""
    resource_type, resource_id = request.variables["type"], request.variables["id"]
    if not ID.fullmatch(resource_id):
        raise unknown_id(resource_type)  # what is no id is the id of nothing
    return versioned(request, context.repository.read(reader, resource_type, resource_id))
