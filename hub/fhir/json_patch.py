"""JSON Patch on a resource (https://www.rfc-editor.org/rfc/rfc6902).

An operation can copy a document into itself: what is copied is counted, and so is how deep a path leads.
"""

import re
from collections.abc import Mapping
from typing import Any

import jsonpatch
import jsonpointer

from conformance.formats import strict_json
from conformance.formats.alike import meant
from hub.errors import Invalid, Malformed
from mappings.errors import Issue

__all__ = ["MEDIA_TYPE", "apply", "operations"]

MEDIA_TYPE = "application/json-patch+json"

_MOST = 1_000
_DEEPEST = 50
_COPIED_MOST = 200_000
"""What all operations together may copy: values, and texts by eight characters."""

_LISTED = 40
_NAME = re.compile("_?[A-Za-z]{1,64}")
_INDEX = re.compile("0|[1-9][0-9]{0,8}")
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
            f"Zeile {error.line}, Spalte {error.column}: kein gültiges JSON: {error.reason_de}",
            f"line {error.line}, column {error.column}: not valid JSON: {error.reason}",
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
    empties = any(one["op"] in ("remove", "move") for one in told) and not any(map(_brings_empty, told))
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
        except RecursionError:
            raise _impossible(
                at,
                "structure",
                f"{operation['op']}: die Ressource wird zu tief geschachtelt",
                f"{operation['op']}: the resource becomes nested too deep",
            ) from None
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError, ValueError):
            # Never the exception itself: it carries the resource's values.
            raise _no_place(at, operation, document) from None
    if not isinstance(document, dict):
        raise _impossible(len(told) - 1, "structure", "übrig bleibt keine Ressource", "no resource is left")
    try:
        return _without_emptied(document) if empties else document
    except RecursionError:
        # Nested so deep that it is refused by whoever reads it next.
        return document


def _brings_empty(operation: dict[str, Any]) -> bool:
    """Whether an operation writes an empty list or object itself: that is the sender's fault, and said."""
    waiting = [operation.get("value")] if operation["op"] in ("add", "replace") else []
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            if not one:
                return True
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return False


def _without_emptied(document: Any) -> Any:
    """The document without the lists and objects of which nothing is left: in FHIR's JSON neither is ever empty."""
    if isinstance(document, dict):
        left = {
            name: _in_their_places(value)
            if name.startswith("_") and isinstance(value, list)
            else _without_emptied(value)
            for name, value in document.items()
        }
        return {name: value for name, value in left.items() if value not in ({}, [])}
    if isinstance(document, list):
        return [value for value in map(_without_emptied, document) if value not in ({}, [])]
    return document


def _in_their_places(values: list[Any]) -> list[Any]:
    """What is said of the values of a list, each still beside its own (https://hl7.org/fhir/R4/json.html#primitive)."""
    left = [None if value in ({}, []) else value for value in map(_without_emptied, values)]
    return left if any(value is not None for value in left) else []


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


def _no_place(at: int, operation: dict[str, Any], document: Any) -> Invalid:
    """The refusal of a path that the resource does not have, with what there is where it leaves off."""
    kind = operation["op"]
    # The path first: a move whose path is wrong has already taken away what stood at `from`.
    for name in ("path", "from"):
        missed = _missed(document, operation.get(name, ""), adds=name == "path" and kind in ("add", "copy", "move"))
        if missed is not None:
            break
    else:
        return _impossible(
            at,
            "processing",
            f"{kind}: erwartet wird ein Pfad, den es in der Ressource gibt",
            f"{kind}: expected a path that there is in the resource",
        )
    depth, step, holder = missed
    if isinstance(holder, dict):
        said_de, said_en = meant(step, holder)
        listed = ", ".join([one for one in holder if _NAME.fullmatch(one)][:_LISTED])
        there_de, there_en = said_de or f"; es gibt: {listed}", said_en or f"; there are: {listed}"
    elif isinstance(holder, list):
        there_de, there_en = f"; die Liste hat Länge {len(holder)}", f"; the list has length {len(holder)}"
    else:
        there_de, there_en = "; davor steht ein einfacher Wert", "; a plain value stands before it"
    return _impossible(
        at,
        "processing",
        f"{kind}: Schritt {depth} von {name} gibt es in der Ressource nicht{there_de}",
        f"{kind}: step {depth} of {name} is not there in the resource{there_en}",
    )


def _missed(document: Any, pointer: str, *, adds: bool) -> tuple[int, str, Any] | None:
    """The step, counted from 1, of a pointer that leads nowhere, and what it should have led on from."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for depth, step in enumerate(steps, 1):
        last = adds and depth == len(steps)
        if isinstance(document, dict):
            if step not in document:
                return None if last else (depth, step, document)
            document = document[step]
        elif isinstance(document, list):
            is_index = _INDEX.fullmatch(step) is not None
            if last and (step == "-" or (is_index and int(step) <= len(document))):
                return None
            if not is_index or int(step) >= len(document):
                return depth, step, document
            document = document[int(step)]
        else:
            return depth, step, document
    return None


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
