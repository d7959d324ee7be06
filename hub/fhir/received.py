"""The resource in the body of a request, in JSON or in XML (https://hl7.org/fhir/R4/http.html#mime-type)."""

from dataclasses import dataclass
from typing import Any

from conformance.formats import r4_types
from hub.errors import Malformed
from hub.fhir.formats import encoded, read
from hub.fhir.negotiation import Format, sent
from hub.fhir.request import Request
from mappings.errors import Issue

__all__ = ["Received", "received"]

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A resource as it came: `text` is its JSON, as written by the sender where that was JSON."""

    tree: dict[str, Any]
    text: bytes
    format: Format


def received(request: Request, *, resource_type: str | None = None) -> Received:
    """The resource in the body, of the type that the address asks for.

    Raises `Malformed` for a body that is no resource, or one of another type; `UnsupportedMediaType` for other formats.
    """
    form = sent(request.header("content-type"))
    tree = read(request.body, form)
    told = tree.get("resourceType") if isinstance(tree, dict) else None
    if not isinstance(told, str) or told not in r4_types.resource_types():
        raise _no_resource()
    if resource_type is not None and told != resource_type:
        raise _other_type(resource_type)
    text = request.body.removeprefix(_BOM) if form is Format.JSON else encoded(tree)
    return Received(tree=tree, text=text, format=form)


def _no_resource() -> Malformed:
    return Malformed(
        Issue(
            code="no-resource",
            fhir_code="structure",
            place="Resource.resourceType",
            text_de="erwartet wird eine Ressource von FHIR R4: ein Objekt, dessen resourceType ihren Typ nennt",
            text_en="expected a resource of FHIR R4: an object whose resourceType names its type",
        )
    )


def _other_type(resource_type: str) -> Malformed:
    return Malformed(
        Issue(
            code="other-type",
            fhir_code="invalid",
            place="Resource.resourceType",
            text_de=f"die Adresse nennt {resource_type}; erwartet wird eine Ressource dieses Typs",
            text_en=f"the address says {resource_type}; expected a resource of this type",
        )
    )
