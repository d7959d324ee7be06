"""The patch interaction: JSON Patch, FHIRPath Patch and JSON Merge Patch, also conditional
(https://hl7.org/fhir/R4/http.html#patch).
"""

import re
from typing import Any

from conformance.formats import strict_json
from hub.errors import Invalid, Malformed, UnsupportedMediaType, http_part
from hub.fhir import fhirpath_patch, json_patch, merge_patch
from hub.fhir.conditional import current, refuse_stale, sole
from hub.fhir.context import Context
from hub.fhir.formats import encoded
from hub.fhir.negotiation import Format
from hub.fhir.received import Received, received
from hub.fhir.request import Answer, Request
from hub.fhir.resource_id import ID, unknown_id
from hub.fhir.storing import Candidate, store
from hub.fhir.versioned import versioned
from hub.fhir.written import written
from hub.store.reader import Transaction
from hub.store.repository import tree_of
from mappings.errors import Issue

__all__ = ["CODE", "FORMATS", "ROUTES", "WRITES", "answer"]

CODE = "patch"
ROUTES = (("PATCH", "/{type}/{id}"), ("PATCH", "/{type}"))
WRITES = True

FORMATS = (json_patch.MEDIA_TYPE, "application/fhir+json", "application/fhir+xml", merge_patch.MEDIA_TYPE)
_PLAIN_JSON = "application/json"
_BEGINS_LIST = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[")
"""A list is a JSON Patch, an object a merge patch or FHIRPath Patch."""


def answer(context: Context, transaction: Transaction, request: Request) -> Answer:
    """The resource as it is now; a patch that cannot be done, or makes what is not valid, changes nothing: 422."""
    resource_type, resource_id = request.variables["type"], request.variables.get("id")
    if resource_id is None:
        resource_id = sole(context, transaction, resource_type, request.query, request.base)
    if resource_id is None or not ID.fullmatch(resource_id):
        raise unknown_id(resource_type)
    stored = current(context, transaction, resource_type, resource_id)
    refuse_stale(request, stored)
    if stored is None or stored.content is None:
        return versioned(request, stored)
    tree = _patched(request, stored.content)
    sent = Received(tree=tree, text=encoded(tree), format=Format.JSON)
    return written(request, resource_type, resource_id, store(context, transaction, Candidate.of(sent, resource_id)))


def _patched(request: Request, content: bytes) -> dict[str, Any]:
    """What the patch in the body makes of a resource. Raises `Malformed` or `Invalid`; type and id stay as they are."""
    before = tree_of(content)
    tree = _applied(request, content)
    for name in ("resourceType", "id"):
        if tree.get(name) != before[name]:
            raise _immutable(name)
    try:
        # Operations can nest deeper than what is taken from anybody, or leave a text that is none.
        found: dict[str, Any] = strict_json.parse(encoded(tree))
    except (strict_json.NotJson, ValueError, RecursionError):
        raise _no_resource() from None
    return found


def _applied(request: Request, content: bytes) -> dict[str, Any]:
    tree = tree_of(content)
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    if media_type == json_patch.MEDIA_TYPE or (media_type == _PLAIN_JSON and _BEGINS_LIST.match(request.body)):
        return json_patch.apply(tree, json_patch.operations(request.body))
    if media_type in (merge_patch.MEDIA_TYPE, _PLAIN_JSON):
        changes = merge_patch.changes(request.body)
        if media_type != _PLAIN_JSON or changes.get("resourceType") != "Parameters":
            return merge_patch.apply(tree, changes)
    if media_type.endswith(("json-patch+json", "xml-patch+xml", "merge-patch+json")):
        raise _other_patch()
    patch = received(request).tree
    if patch["resourceType"] != "Parameters":
        raise _no_patch()
    fhirpath_patch.apply(tree, fhirpath_patch.operations(patch), size=len(content))
    return tree


def _no_patch() -> Malformed:
    return Malformed(
        Issue(
            code="no-patch",
            fhir_code="structure",
            place="http",
            text_de="erwartet wird eine Ressource Parameters mit Operationen (FHIRPath Patch), "
            f"oder {json_patch.MEDIA_TYPE}, oder {merge_patch.MEDIA_TYPE}",
            text_en=f"expected a Parameters resource with operations (FHIRPath Patch), or {json_patch.MEDIA_TYPE}, "
            f"or {merge_patch.MEDIA_TYPE}",
        )
    )


def _other_patch() -> UnsupportedMediaType:
    listed = ", ".join(FORMATS)
    return UnsupportedMediaType(
        Issue(
            code="other-patch",
            fhir_code="not-supported",
            place=http_part("Content-Type"),
            text_de=f"erwartet wird eines von: {listed}",
            text_en=f"expected one of: {listed}",
        ),
        headers={"Accept-Patch": listed},
    )


def _immutable(name: str) -> Invalid:
    return Invalid(
        Issue(
            code="patch-immutable",
            fhir_code="business-rule",
            place=f"Resource.{name}",
            text_de=f"{name} wird durch einen Patch nicht geändert",
            text_en=f"a patch does not change {name}",
        )
    )


def _no_resource() -> Invalid:
    return Invalid(
        Issue(
            code="patch-result",
            fhir_code="structure",
            place="Resource",
            text_de="was der Patch ergibt, ist keine Ressource: zu tief geschachtelt, oder kein Text, wo einer steht",
            text_en="what the patch results in is no resource: nested too deep, or a text that is none",
        )
    )
