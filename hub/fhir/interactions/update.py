"""The update interaction, also conditional, and as create (https://hl7.org/fhir/R4/http.html#update)."""

from collections.abc import Sequence

from hub.fhir.conditional import current, names_version, refuse_stale
from hub.fhir.context import Context
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import target
from hub.fhir.storing import Candidate, candidate, store, store_together
from hub.fhir.written import written
from hub.store.reader import Transaction
from mappings.errors import PlatzfreiError

__all__ = ["CODE", "ROUTES", "WRITES", "ahead", "answer", "answers", "joins"]

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


def joins(request: Request) -> bool:
    """Whether an update can be answered with others at once: it names its resource, and makes no condition."""
    return "id" in request.variables and not names_version(request)


def answers(context: Context, transaction: Transaction, requests: Sequence[Request]) -> list[Answer | PlatzfreiError]:
    """The answers to several that join, or what they would raise."""
    told: dict[int, Answer | PlatzfreiError] = {}
    candidates: dict[int, Candidate] = {}
    for place, request in enumerate(requests):
        try:
            one: Candidate = request.take_ahead() or ahead(context, request)
            target(context, transaction, request, one.sent.tree.get("id"))
            candidates[place] = one
        except PlatzfreiError as error:
            told[place] = error
    made = store_together(context, transaction, list(candidates.values()))
    for (place, one), version in zip(candidates.items(), made, strict=True):
        request = requests[place]
        told[place] = (
            version
            if isinstance(version, PlatzfreiError)
            else written(request, request.variables["type"], one.id, version)
        )
    return [told[place] for place in range(len(requests))]
