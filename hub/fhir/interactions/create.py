"""The create interaction, also conditional (https://hl7.org/fhir/R4/http.html#create)."""

from uuid import uuid4

from hub.fhir.conditional import none_exist, sole
from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.fhir.storing import Candidate, candidate, store
from hub.fhir.written import unchanged, written
from hub.store.reader import Transaction

__all__ = ["CODE", "ROUTES", "WRITES", "ahead", "answer"]

CODE = "create"
ROUTES = (("POST", "/{type}"),)
WRITES = True


def ahead(_context: Context, request: Request) -> Candidate:
    """What can be done before the turn at the writer."""
    return candidate(request, str(uuid4()), posted=True)


def answer(context: Context, transaction: Transaction, request: Request) -> Answer:
    """The new resource under an id of the server's own; on condition that none exists, the one that is there."""
    resource_type = request.variables["type"]
    one: Candidate = request.take_ahead() or ahead(context, request)
    if (criteria := none_exist(context, request)) is not None:
        found = sole(context, transaction, resource_type, criteria, request.base)
        if found is not None:
            stored = context.repository.read(transaction, resource_type, found)
            assert stored is not None, "what was just found is there"
            return unchanged(request, resource_type, found, stored)
    return written(request, resource_type, one.id, store(context, transaction, one))
