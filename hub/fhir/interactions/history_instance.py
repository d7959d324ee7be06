"""The history of one resource (https://hl7.org/fhir/R4/http.html#history)."""

from hub.fhir.context import Context
from hub.fhir.history import history
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import ID, unknown_id
from hub.store.reader import Reader

__all__ = ["CODE", "ROUTES", "WRITES", "answer"]

CODE = "history-instance"
ROUTES = (("GET", "/{type}/{id}/_history"),)
WRITES = False


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """Its versions, newest first, also of one that was deleted; 404 for an id never known."""
    resource_type, resource_id = request.variables["type"], request.variables["id"]
    if not ID.fullmatch(resource_id) or context.repository.read(reader, resource_type, resource_id) is None:
        raise unknown_id(resource_type)
    return history(context, reader, request)
