"""The update interaction, also conditional, and as create (https://hl7.org/fhir/R4/http.html#update)."""

from hub.fhir.conditional import current, names_version, refuse_stale
from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import target
from hub.fhir.storing import Candidate, candidate, store
from hub.fhir.written import written
from hub.store.reader import Transaction

__all__ = ["CODE", "ROUTES", "WRITES", "ahead", "answer"]

CODE = "update"
ROUTES = (("PUT", "/{type}/{id}"), ("PUT", "/{type}"))
WRITES = True


def ahead(_context: Context, request: Request) -> Candidate:
    """What can be done before the turn at the writer."""
    return candidate(request, request.variables.get("id", ""))


def answer(context: Context, transaction: Transaction, request: Request) -> Answer:
    """The resource as it is now; 201 where it was not there before, the same version where nothing differs."""
    resource_type = request.variables["type"]
    one: Candidate = request.take_ahead() or ahead(context, request)
    resource_id = target(context, transaction, request, one.sent.tree.get("id"))
    if names_version(request):
        refuse_stale(request, current(context, transaction, resource_type, resource_id))
    if one.id != resource_id:
        one = Candidate.of(one.sent, resource_id)
    return written(request, resource_type, resource_id, store(context, transaction, one))
