"""The vread interaction (https://hl7.org/fhir/R4/http.html#vread)."""

from hub.fhir.context import Context
from hub.fhir.interactions.read import ID, unknown_id, versioned
from hub.fhir.request import Answer, Request
from hub.store.reader import Reader

__all__ = ["CODE", "ROUTES", "WRITES", "answer"]

CODE = "vread"
ROUTES = (("GET", "/{type}/{id}/_history/{version}"),)
WRITES = False


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """One version of a resource; 404 where there is none such, 410 for the version that is its deletion."""
    resource_type, resource_id = request.variables["type"], request.variables["id"]
    version = request.variables["version"]
    if not ID.fullmatch(resource_id) or not (version.isascii() and version.isdigit() and len(version) < 10):
        raise unknown_id(resource_type)
    return versioned(request, context.repository.vread(reader, resource_type, resource_id, int(version)))
