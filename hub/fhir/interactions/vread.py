"""The vread interaction (https://hl7.org/fhir/R4/http.html#vread)."""

from hub.errors import NotFound
from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import ID, unknown_id
from hub.fhir.versioned import versioned
from hub.store.reader import Reader
from mappings.errors import Issue

__all__ = ["CODE", "ROUTES", "WRITES", "answer"]

CODE = "vread"
ROUTES = (("GET", "/{type}/{id}/_history/{version}"),)
WRITES = False


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """One version of a resource; 404 where there is none such, 410 for the version that is its deletion."""
    resource_type, resource_id = request.variables["type"], request.variables["id"]
    version = request.variables["version"]
    if not ID.fullmatch(resource_id):
        raise unknown_id(resource_type)
    is_number = version.isascii() and version.isdigit() and len(version) < 10
    stored = context.repository.vread(reader, resource_type, resource_id, int(version)) if is_number else None
    if stored is None and context.repository.read(reader, resource_type, resource_id) is not None:
        raise _unknown_version(f"{resource_type}/{resource_id}", version if is_number else None)
    return versioned(request, stored)


def _unknown_version(address: str, version: str | None) -> NotFound:
    one_de, one_en = (f"Version {version}", f"version {version}") if version else ("solche Version", "such version")
    return NotFound(
        Issue(
            code="unknown-version",
            fhir_code="not-found",
            place="http",
            text_de=f"davon gibt es keine {one_de}; {address}/_history zählt die Versionen auf",
            text_en=f"there is no {one_en} of it; {address}/_history lists them",
        )
    )
