"""The parameters of a terminology operation, in and out (https://hl7.org/fhir/R4/parameters.html)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.errors import Malformed, http_part
from mappings.errors import Issue

__all__ = ["Told", "part", "resource", "told"]

_CONTROLS = ("_format", "_pretty")
_TEXT = ("canonical", "code", "dateTime", "string", "uri")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What neither a FHIR string nor XML can hold."""
_REPEATED = "*"
_INTEGER_MAX = 2_147_483_647

Told = Mapping[str, Sequence[Any]]
"""Name → values as they were given; a name without a value is not there."""


def told(
    known: Mapping[str, str], pairs: Iterable[tuple[str, str]], given: Iterable[tuple[str, str, Any]], operation: str
) -> Told:
    """What a request tells an operation: its query string by name and value, Parameters by name, element and value.

    `known` says the type of each parameter, with a `*` behind it where it repeats. `Malformed` for what is none.
    """
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        if name not in _CONTROLS and value:
            found.setdefault(name, []).append(_written(_type(known, name, operation), name, value))
    for name, element, value in given:
        found.setdefault(name, []).append(_stated(_type(known, name, operation), name, element, value))
    for name, values in found.items():
        if len(values) > 1 and not known[name].endswith(_REPEATED):
            raise _wrong(name, "darf nur einmal stehen", "may be given only once")
    return found


def resource(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """A Parameters resource."""
    return {"resourceType": "Parameters", "parameter": list(parts)}


def part(name: str, *parts: Mapping[str, Any], **value: Any) -> dict[str, Any]:
    """One parameter: with a value, `valueString="…"`, or with parts."""
    return {"name": name, **value, **({"part": list(parts)} if parts else {})}


def _type(known: Mapping[str, str], name: str, operation: str) -> str:
    if name not in known:
        listed = ", ".join(sorted(known))
        raise Malformed(
            Issue(
                code="unknown-parameter",
                fhir_code="not-supported",
                place="http",
                text_de=f"das ist kein Parameter von ${operation}, den es hier gibt; bekannt: {listed}",
                text_en=f"this is not a parameter of ${operation} that is supported here; known: {listed}",
            )
        )
    return known[name].removesuffix(_REPEATED)


def _written(kind: str, name: str, value: str) -> Any:
    if kind in _TEXT and not _NO_TEXT.search(value):
        return value
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "integer" and re.fullmatch(r"\d{1,10}", value, re.ASCII) and int(value) <= _INTEGER_MAX:
        return int(value)
    if kind in ("boolean", "integer", *_TEXT):
        raise _expected(name, kind)
    raise _wrong(
        name,
        f"eine Angabe vom Typ {kind} wird mit POST in einer Ressource Parameters gesendet",
        f"a {kind} is sent by POST in a Parameters resource",
    )


def _stated(kind: str, name: str, element: str, value: Any) -> Any:
    if kind == "part":
        fits = element == "part"
    elif kind in ("Coding", "CodeableConcept"):
        fits = element == f"value{kind}"
    elif kind[0].isupper():
        fits = element == "resource" and isinstance(value, Mapping) and value.get("resourceType") == kind
    elif kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "integer":
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    else:
        fits = isinstance(value, str) and value != ""
    if not fits:
        raise _expected(name, kind)
    return value


def _expected(name: str, kind: str) -> Malformed:
    said = {"boolean": "true / false", "integer": "0 … 2147483647"}.get(kind, kind)
    return _wrong(name, f"erwartet wird {said}", f"expected {said}")


def _wrong(name: str, text_de: str, text_en: str) -> Malformed:
    return Malformed(
        Issue(
            code="operation-parameter",
            fhir_code="value",
            place=http_part(name),
            text_de=f"{name}: {text_de}",
            text_en=f"{name}: {text_en}",
        )
    )
