"""The Parameters resource that an operation is asked with (https://hl7.org/fhir/R4/operations.html#executing)."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from conformance.formats.grouped import grouped
from hub.errors import Malformed, TooLarge
from hub.fhir.form import is_form, pairs_of, parameters_of
from hub.fhir.received import received
from hub.fhir.request import Request
from mappings.errors import Issue

__all__ = ["Given", "given", "plain", "posted"]

Given = tuple[str, str, Any]
"""Name, element (`valueCode`, `resource` or `part`) and value of a parameter."""

_OTHERS = ("resource", "part")
_PLAIN_MAX = 200


def posted(request: Request, *, most: int) -> tuple[list[tuple[str, str]], dict[str, Any] | None]:
    """Name and value of what the query string and a form say, and the resource that was posted instead of a form.

    Raises `TooLarge` for a resource of more than `most` bytes.
    """
    if request.method != "POST" or not request.body or is_form(request):
        return parameters_of(request), None
    if len(request.body) > most:
        raise _too_large(most)
    return pairs_of(request.query), received(request).tree


def given(tree: Mapping[str, Any]) -> list[Given]:
    """What a Parameters resource gives, in order; `Malformed` for one that is none."""
    told = tree.get("parameter", [])
    if tree.get("resourceType") != "Parameters" or not isinstance(told, list):
        raise _no_parameters()
    return [_given(one) for one in told]


def plain(parameters: Iterable[Given]) -> Iterator[tuple[str, str]]:
    """Name and value as a query string would say them; `Malformed` for what it could not."""
    for position, (name, _, value) in enumerate(parameters):
        is_plain = isinstance(value, str | int | Decimal) and "\0" not in str(value)
        if not is_plain or position >= _PLAIN_MAX:
            raise _not_plain()
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _given(one: Any) -> Given:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str):
        raise _no_parameters()
    found = [(element, value) for element, value in one.items() if element.startswith("value") or element in _OTHERS]
    if len(found) != 1:
        raise _no_parameters()
    return (one["name"], *found[0])


def _no_parameters() -> Malformed:
    return Malformed(
        Issue(
            code="parameters-expected",
            fhir_code="structure",
            place="Parameters",
            text_de="erwartet wird eine Ressource Parameters, jeder parameter mit name und einem von value[x], "
            "resource und part",
            text_en="expected a Parameters resource, each parameter with a name and one of value[x], resource and part",
        )
    )


def _not_plain() -> Malformed:
    return Malformed(
        Issue(
            code="plain-parameters-expected",
            fhir_code="structure",
            place="Parameters.parameter",
            text_de=f"erwartet werden bis zu {_PLAIN_MAX} parameter, jeder mit einem einfachen value[x]: Text, Code, "
            "Zahl oder Datum",
            text_en=f"expected up to {_PLAIN_MAX} parameters, each with a primitive value[x]: text, code, number "
            "or date",
        )
    )


def _too_large(most: int) -> TooLarge:
    return TooLarge(
        Issue(
            code="too-large",
            fhir_code="too-long",
            place="Parameters",
            text_de=f"höchstens {grouped(most)} Bytes; weniger senden, oder Größeres zuerst speichern und mit url "
            "nennen",
            text_en=f"at most {most:,} bytes; send less, or store what is larger first, and name it by url",
        )
    )
