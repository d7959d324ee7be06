"""What everybody may see of a resource that was written through FHIR, whoever wrote it.

What this module does not know is not public. A statement of vacancy (Schedule, Slot) is public only as a report is,
coarsened over all places of its offer (`mappings/view.py`): one resource by itself cannot be.
"""

import re
from collections.abc import Mapping
from typing import Any

from mappings.to_fhir import INTERNAL

__all__ = ["hides_nothing", "is_public", "public_copy"]

_PUBLIC = frozenset(
    {
        "CapabilityStatement",
        "CodeSystem",
        "ConceptMap",
        "Endpoint",
        "HealthcareService",
        "Location",
        "NamingSystem",
        "OperationDefinition",
        "Organization",
        "OrganizationAffiliation",
        "SearchParameter",
        "StructureDefinition",
        "ValueSet",
    }
)
_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
_MARKS = (INTERNAL.encode(), b'"security"', b'"header"')
_ASCII_ESCAPED = re.compile(rb"\\(?:/|u00[0-7])")
"""What can write one of the marks in another way."""
_OPEN = frozenset({"U", "L"})
"""Unrestricted and low; what is labelled otherwise stays with professionals."""


def hides_nothing(text: bytes) -> bool:
    """Whether the JSON of a resource is sure to hold nothing that `public_copy` takes away; quicker than to look."""
    return not any(mark in text for mark in _MARKS) and not (b"\\" in text and _ASCII_ESCAPED.search(text))


def public_copy(resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The resource without what is marked internal; None for what is not public at all. The same object where nothing
    had to go."""
    if resource["resourceType"] not in _PUBLIC or _is_confidential(resource.get("meta", {})):
        return None
    shown: Mapping[str, Any] = _without_internal(resource)
    if resource["resourceType"] == "Endpoint" and "header" in shown:
        # Where credentials stand (https://hl7.org/fhir/R4/endpoint-definitions.html#Endpoint.header).
        return {name: value for name, value in shown.items() if name not in ("header", "_header")}
    return shown


def is_public(resource_type: str) -> bool:
    """Whether anything of a type is public."""
    return resource_type in _PUBLIC


def _is_confidential(meta: Mapping[str, Any]) -> bool:
    return any(
        label.get("system") == _CONFIDENTIALITY and label.get("code") not in _OPEN for label in meta.get("security", ())
    )


def _without_internal(node: Any) -> Any:
    if isinstance(node, Mapping):
        changed = {name: _without_internal(value) for name, value in node.items()}
        if all(value is node[name] for name, value in changed.items()):
            return node
        return {name: value for name, value in changed.items() if value not in ([], {})}
    if isinstance(node, list):
        kept = [shown for item in node if not _is_internal(item) and (shown := _without_internal(item)) != {}]
        return node if len(kept) == len(node) and all(a is b for a, b in zip(kept, node, strict=True)) else kept
    return node


def _is_internal(node: Any) -> bool:
    return isinstance(node, Mapping) and any(
        isinstance(one, Mapping) and one.get("url") == INTERNAL and one.get("valueBoolean") is True
        for one in node.get("extension", ())
    )
