"""The update interaction, also conditional, and as create (https://hl7.org/fhir/R4/http.html#update)."""

from collections.abc import Sequence
from uuid import uuid4

from hub.errors import Malformed, VersionConflict
from hub.fhir.conditional import current, names_version, refuse_stale, sole
from hub.fhir.context import Context
from hub.fhir.interactions.read import ID
from hub.fhir.request import Answer, Request
from hub.fhir.storing import Candidate, candidate, store, store_together
from hub.fhir.written import written
from hub.store.reader import Transaction
from mappings.errors import Issue, PlatzfreiError

__all__ = ["CODE", "ROUTES", "WRITES", "ahead", "answer", "answers", "joins", "target"]

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


def target(context: Context, transaction: Transaction, request: Request, told: object) -> str:
    """The id under which an update writes a resource that says the id `told`; `Malformed` where that is none.

    Conditional, with none that matches: an id of the body's own is taken where it is free.
    """
    resource_type, addressed = request.variables["type"], request.variables.get("id")
    if addressed is None:
        found = sole(context, transaction, resource_type, request.query, request.base)
        if found is None and told is not None:
            _refuse_taken(context, transaction, resource_type, told)
        if told is None:
            return found or str(uuid4())
        addressed = found
    if addressed is not None and told != addressed:
        raise _other_id(resource_type)
    if not isinstance(told, str) or not ID.fullmatch(told):
        raise _no_id(resource_type)
    return told


def _refuse_taken(context: Context, transaction: Transaction, resource_type: str, told: object) -> None:
    """To overwrite a resource that the criteria do not select would undo what they are for."""
    stored = context.repository.read(transaction, resource_type, told) if isinstance(told, str) else None
    if stored is not None and stored.content is not None:
        raise VersionConflict(
            Issue(
                code="id-taken",
                fhir_code="conflict",
                place=f"{resource_type}.id",
                text_de=f"keine {resource_type} erfüllt die Bedingung, doch eine hat diese Id; "
                "ohne id senden, oder die Bedingung ändern",
                text_en=f"no {resource_type} matches the criteria, yet one has this id; "
                "send it without id, or change the criteria",
            )
        )


def _no_id(resource_type: str) -> Malformed:
    return Malformed(
        Issue(
            code="no-id",
            fhir_code="value",
            place=f"{resource_type}.id",
            text_de="erwartet wird eine Id aus 1 bis 64 Zeichen A-Z a-z 0-9 - .",
            text_en="expected an id of 1 to 64 characters A-Z a-z 0-9 - .",
        )
    )


def _other_id(resource_type: str) -> Malformed:
    return Malformed(
        Issue(
            code="other-id",
            fhir_code="invalid",
            place=f"{resource_type}.id",
            text_de=f"{resource_type}.id: erwartet wird dieselbe Id wie in der Adresse",
            text_en=f"{resource_type}.id: expected the same id as in the address",
        )
    )
