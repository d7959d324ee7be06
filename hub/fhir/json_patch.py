"""JSON Patch on a resource (https://www.rfc-editor.org/rfc/rfc6902).

An operation can copy a document into itself: what is copied is counted, and so is how deep a path leads.
"""

from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from conformance.formats import strict_json
from hub.errors import Invalid, Malformed
from mappings.errors import Issue

__all__ = ["MEDIA_TYPE", "apply", "operations"]

MEDIA_TYPE = "application/json-patch+json"

_MOST = 1_000
_DEEPEST = 50
_COPIED_MOST = 200_000
"""What all operations together may copy: values, and texts by eight characters."""

_NEEDED = {
    "add": ("path", "value"),
    "remove": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path", "value"),
}


def operations(body: bytes) -> list[dict[str, Any]]:
    """The operations of a JSON Patch. Raises `Malformed` where it is none."""
    try:
        told = strict_json.parse(body)
    except strict_json.NotJson as error:
        raise _malformed(
            f"kein JSON, Zeile {error.line}, Spalte {error.column}",
            f"no JSON, line {error.line}, column {error.column}",
        ) from error
    if not isinstance(told, list) or len(told) > _MOST:
        raise _malformed(
            f"erwartet wird eine Liste von bis zu {_MOST} Operationen",
            f"expected a list of up to {_MOST} operations",
        )
    for at, operation in enumerate(told):
        _refuse_malformed(at, operation)
    return told


def apply(tree: dict[str, Any], told: list[dict[str, Any]]) -> dict[str, Any]:
    """What the operations make of a resource, which is used up by that. Raises `Invalid` where one cannot be done."""
    document: Any = tree
    copied = 0
    for at, operation in enumerate(told):
        try:
            if operation["op"] == "copy":
                copied += _weight(jsonpointer.resolve_pointer(document, operation["from"]), _COPIED_MOST - copied)
                if copied > _COPIED_MOST:
                    raise _impossible(
                        at,
                        "too-costly",
                        "copy: zu viel wird kopiert; die ganze Ressource mit PUT schreiben",
                        "copy: too much is copied; write the whole resource with PUT",
                    )
            document = jsonpatch.apply_patch(document, [operation], in_place=True)
        except jsonpatch.JsonPatchTestFailed:
            raise _impossible(
                at,
                "conflict",
                "test: dort steht ein anderer Wert; die Ressource neu lesen",
                "test: another value stands there; read the resource again",
            ) from None
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError, ValueError):
            # Never the exception itself: it carries the resource's values.
            raise _impossible(
                at,
                "processing",
                f"{operation['op']}: erwartet wird ein Pfad, den es in der Ressource gibt",
                f"{operation['op']}: expected a path that there is in the resource",
            ) from None
    if not isinstance(document, dict):
        raise _impossible(len(told) - 1, "structure", "übrig bleibt keine Ressource", "no resource is left")
    return document


def _refuse_malformed(at: int, operation: Any) -> None:
    kind = operation.get("op") if isinstance(operation, dict) else None
    if not isinstance(kind, str) or kind not in _NEEDED:
        listed = ", ".join(_NEEDED)
        raise _malformed(f"op: erwartet wird eine von: {listed}", f"op: expected one of: {listed}", at)
    for name in _NEEDED[kind]:
        if name not in operation:
            raise _malformed(f"{kind} braucht {name}", f"{kind} needs {name}", at)
    for name in ("path", "from"):
        pointer = operation.get(name, "")
        if not isinstance(pointer, str) or pointer[:1] not in ("", "/") or pointer.count("/") > _DEEPEST:
            raise _malformed(
                f"{name}: erwartet wird ein JSON Pointer, „“ oder mit / davor, bis zu {_DEEPEST} Ebenen tief",
                f"{name}: expected a JSON Pointer, '' or with a leading /, up to {_DEEPEST} levels deep",
                at,
            )


def _weight(value: Any, most: int) -> int:
    """How much a copy of a value takes; not counted further than `most`."""
    weight, waiting = 0, [value]
    while waiting and weight <= most:
        one = waiting.pop()
        weight += 1
        if isinstance(one, str):
            weight += len(one) // 8
        elif isinstance(one, Mapping):
            weight += sum(map(len, one))
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return weight


def _malformed(text_de: str, text_en: str, at: int | None = None) -> Malformed:
    return Malformed(_issue("patch-unreadable", "structure", text_de, text_en, at))


def _impossible(at: int, fhir_code: str, text_de: str, text_en: str) -> Invalid:
    return Invalid(_issue("patch-impossible", fhir_code, text_de, text_en, at))


def _issue(code: str, fhir_code: str, text_de: str, text_en: str, at: int | None) -> Issue:
    which = "" if at is None else f", [{at}]"
    return Issue(
        code=code,
        fhir_code=fhir_code,
        place="http",
        text_de=f"JSON Patch{which}: {text_de}",
        text_en=f"JSON Patch{which}: {text_en}",
    )
