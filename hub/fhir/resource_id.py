"""Ids of resources: what is one, and under which an update writes (https://hl7.org/fhir/R4/http.html#update)."""

import re
from uuid import uuid4

from hub.errors import Malformed, NotFound, VersionConflict
from hub.fhir.conditional import sole
from hub.fhir.context import Context
from hub.fhir.request import Request
from hub.store.reader import Transaction
from mappings.errors import Issue

__all__ = ["ID", "target", "unknown_id"]

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""https://hl7.org/fhir/R4/datatypes.html#id"""


def unknown_id(resource_type: str) -> NotFound:
    """That there is no such resource, and never was."""
    return NotFound(
        Issue(
            code="unknown-id",
            fhir_code="not-found",
            place=resource_type,
            text_de=f"diese {resource_type} gibt es hier nicht; Ids findet die Suche {resource_type}?…",
            text_en=f"there is no such {resource_type} here; the search {resource_type}?… finds ids",
        )
    )


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
