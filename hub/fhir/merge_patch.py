"""JSON Merge Patch on a resource (https://www.rfc-editor.org/rfc/rfc7386).

FHIR does not name it; clients send it all the same, as some servers take it: a resource with only what changes.
"""

from typing import Any

from conformance.formats import strict_json
from hub.errors import Malformed
from mappings.errors import Issue

__all__ = ["MEDIA_TYPE", "apply", "changes"]

MEDIA_TYPE = "application/merge-patch+json"


def changes(body: bytes) -> dict[str, Any]:
    """The object that a merge patch is. Raises `Malformed` where it is none: any other value would replace all."""
    try:
        told = strict_json.parse(body)
    except strict_json.NotJson as error:
        raise _malformed(
            f"Zeile {error.line}, Spalte {error.column}: kein gültiges JSON: {error.reason_de}",
            f"line {error.line}, column {error.column}: not valid JSON: {error.reason}",
        ) from error
    if not isinstance(told, dict):
        raise _malformed(
            "erwartet wird ein Objekt mit den Elementen, die sich ändern",
            "expected an object of the elements that change",
        )
    return told


def apply(tree: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """What a merge patch makes of an object: null takes a member away, objects are merged, all else is replaced."""
    merged = dict(tree)
    for name, value in told.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            before = merged.get(name)
            merged[name] = apply(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def _malformed(text_de: str, text_en: str) -> Malformed:
    return Malformed(
        Issue(
            code="patch-unreadable",
            fhir_code="structure",
            place="http",
            text_de=f"JSON Merge Patch: {text_de}",
            text_en=f"JSON Merge Patch: {text_en}",
        )
    )
