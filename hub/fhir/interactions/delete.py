"""The delete interaction, also conditional (https://hl7.org/fhir/R4/http.html#delete)."""

from hub.fhir.conditional import current, names_version, refuse_stale, sole
from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import ID
from hub.fhir.written import deleted
from hub.store.clock import micros
from hub.store.reader import Transaction

__all__ = ["CODE", "ROUTES", "WRITES", "answer"]

CODE = "delete"
ROUTES = (("DELETE", "/{type}/{id}"), ("DELETE", "/{type}"))
WRITES = True


def answer(context: Context, transaction: Transaction, request: Request) -> Answer:
    """204, also where there was nothing to delete: what was asked for holds, and a repeated request is no error."""
    assert context.store is not None, "the router refuses what writes where nothing is written"
    resource_type, resource_id = request.variables["type"], request.variables.get("id")
    if resource_id is None:
        resource_id = sole(context, transaction, resource_type, request.query, request.base)
    key = (resource_type, resource_id or "")
    known = resource_id is not None and ID.fullmatch(resource_id) is not None
    if names_version(request):
        refuse_stale(request, current(context, transaction, *key) if known else None)
    if not known:
        return deleted(request, None)
    made = context.store(transaction, [], deletions=[key], at=micros(context.clock()))
    return deleted(request, made.versions.get(key))
