"""The answer to a write, as `Prefer: return=` asks for it (https://hl7.org/fhir/R4/http.html#ops)."""

from hub.fhir.negotiation import Preference, Return
from hub.fhir.outcome import outcome_bytes
from hub.fhir.request import Answer, Request
from hub.store.clock import moment
from hub.store.repository import Stored, Version
from mappings.errors import Issue

__all__ = ["deleted", "unchanged", "written"]

_DONE = {
    "created": ("angelegt", "created"),
    "updated": ("geändert", "updated"),
    "unchanged": ("unverändert; es gibt keine neue Version", "unchanged; there is no new version"),
    "deleted": ("entfernt", "deleted"),
}


def written(request: Request, resource_type: str, resource_id: str, version: Version) -> Answer:
    """What a create, update or patch did: 201 where the resource was not there before; by default the resource."""
    return _answer(
        request,
        resource_type,
        resource_id,
        version=version.version,
        updated=version.updated,
        content=version.content,
        change=version.change,
    )


def unchanged(request: Request, resource_type: str, resource_id: str, stored: Stored) -> Answer:
    """That nothing was done, because the resource was there already."""
    return _answer(
        request,
        resource_type,
        resource_id,
        version=stored.version,
        updated=stored.updated,
        content=stored.content,
        change="unchanged",
    )


def deleted(request: Request, version: Version | None) -> Answer:
    """That a resource is not there any more; without a version it was not there before either.

    https://hl7.org/fhir/R4/http.html#delete asks for 204 in both cases, and for 200 with an outcome.
    """
    returns = _returns(request)
    told = outcome_bytes([_done("deleted")]) if returns is Return.OUTCOME else b""
    return Answer(
        status=200 if told else 204,
        content=told,
        version=None if version is None else version.version,
        updated=None if version is None else moment(version.updated),
        headers=_applied(returns if told else None),
    )


def _answer(
    request: Request,
    resource_type: str,
    resource_id: str,
    *,
    version: int,
    updated: int,
    content: bytes | None,
    change: str,
) -> Answer:
    returns = _returns(request)
    told = b""
    if returns is Return.OUTCOME:
        told = outcome_bytes([_done(change)])
    elif returns is not Return.MINIMAL:
        told = content or b""
    return Answer(
        status=201 if change == "created" else 200,
        content=told,
        version=version,
        updated=moment(updated),
        location=f"{resource_type}/{resource_id}/_history/{version}",
        headers=_applied(returns),
    )


def _applied(returns: Return | None) -> dict[str, str]:
    """https://www.rfc-editor.org/rfc/rfc7240#section-3"""
    return {} if returns is None else {"Preference-Applied": f"return={returns.value}"}


def _returns(request: Request) -> Return | None:
    prefer = request.header("prefer")
    return Preference.of(prefer).returns if prefer else None


def _done(change: str) -> Issue:
    text_de, text_en = _DONE[change]
    return Issue(
        code=change, fhir_code="informational", severity="information", place="", text_de=text_de, text_en=text_en
    )
