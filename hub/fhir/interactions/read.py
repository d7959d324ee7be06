"""The read interaction (https://hl7.org/fhir/R4/http.html#read)."""

import re
from datetime import UTC
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response

from hub.errors import Gone, NotFound
from hub.fhir.context import Context, fhir_response
from hub.store.clock import moment
from hub.store.repository import Stored
from mappings.errors import Issue

__all__ = ["CODE", "ID", "ROUTES", "answer", "versioned"]

CODE = "read"
ROUTES = (("GET", "/{type}/{id}"),)

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""https://hl7.org/fhir/R4/datatypes.html#id"""


async def answer(context: Context, request: Request) -> Response:
    """The current version; 404 for an id never known, 410 for one that was deleted."""
    resource_type, resource_id = request.path_params["type"], request.path_params["id"]
    if not ID.fullmatch(resource_id):
        return versioned(None, resource_type, request)  # what is no id is the id of nothing
    stored = await context.read(lambda connection: context.repository.read(connection, resource_type, resource_id))
    return versioned(stored, resource_type, request)


def versioned(stored: Stored | None, resource_type: str, request: Request) -> Response:
    """A version with its ETag and Last-Modified, or 304 where the client has it already."""
    if stored is None:
        raise NotFound(
            Issue(
                code="unknown-id",
                fhir_code="not-found",
                place=resource_type,
                text_de=f"diese {resource_type} gibt es hier nicht; Ids findet die Suche {resource_type}?…",
                text_en=f"there is no such {resource_type} here; the search {resource_type}?… finds ids",
            )
        )
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
    etag = f'W/"{stored.version}"'
    modified = format_datetime(moment(stored.updated).astimezone(UTC).replace(microsecond=0), usegmt=True)
    headers = {"ETag": etag, "Last-Modified": modified}
    if etag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return fhir_response(stored.content, headers=headers)
