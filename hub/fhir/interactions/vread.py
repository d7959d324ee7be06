"""The vread interaction (https://hl7.org/fhir/R4/http.html#vread)."""

from starlette.requests import Request
from starlette.responses import Response

from hub.fhir.context import Context
from hub.fhir.interactions.read import ID, versioned

__all__ = ["CODE", "ROUTES", "answer"]

CODE = "vread"
ROUTES = (("GET", "/{type}/{id}/_history/{version}"),)


async def answer(context: Context, request: Request) -> Response:
    """One version of a resource; 404 where there is none such."""
    resource_type, resource_id = request.path_params["type"], request.path_params["id"]
    version = request.path_params["version"]
    if not ID.fullmatch(resource_id) or not (version.isascii() and version.isdigit() and len(version) < 10):
        return versioned(None, resource_type, request)
    stored = await context.read(
        lambda connection: context.repository.vread(connection, resource_type, resource_id, int(version))
    )
    return versioned(stored, resource_type, request)
