"""The parameters of a request: of its query string, of a form that was posted, and of an operation's Parameters.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/operations.html#executing
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from conformance.formats import strict_json
from hub.body import read_body
from hub.errors import Malformed, UnsupportedMediaType, http_part
from mappings.errors import Issue

__all__ = ["parameters_of"]

_FORM = "application/x-www-form-urlencoded"
_JSON = ("application/fhir+json", "application/json")
_BYTES_MAX = 64 * 1024
_PAIRS_MAX = 200


async def parameters_of(request: Request, *, operation: bool = False) -> list[tuple[str, str]]:
    """Name and value in order, those of the query string first; an `operation` also takes a Parameters resource."""
    pairs = _pairs(request.scope["query_string"])
    if request.method != "POST":
        return pairs
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type == _FORM:
        return pairs + _pairs(await read_body(request, most=_BYTES_MAX))
    if operation and media_type in _JSON:
        return pairs + list(_parameters(await read_body(request, most=_BYTES_MAX)))
    expected = " / ".join((_FORM, *_JSON) if operation else (_FORM,))
    raise UnsupportedMediaType(
        Issue(
            code="form-expected",
            fhir_code="not-supported",
            place=http_part("Content-Type"),
            text_de=f"erwartet wird {expected}",
            text_en=f"expected {expected}",
        )
    )


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_PAIRS_MAX)
        if any("\0" in part for pair in pairs for part in pair):
            raise ValueError("NUL")
    except ValueError as error:  # also UnicodeDecodeError, and too many fields
        raise Malformed(
            Issue(
                code="query-unreadable",
                fhir_code="structure",
                place="http",
                text_de=f"die Suchparameter sind nicht lesbar: erwartet werden bis zu {_PAIRS_MAX} Paare name=wert, "
                "UTF-8, prozentkodiert, ohne NUL",
                text_en=f"the search parameters cannot be read: expected up to {_PAIRS_MAX} pairs name=value, "
                "UTF-8, percent-encoded, without NUL",
            )
        ) from error
    return pairs


def _parameters(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        resource = strict_json.parse(body)
    except strict_json.NotJson as error:
        raise _no_parameters() from error
    if not isinstance(resource, dict) or resource.get("resourceType") != "Parameters":
        raise _no_parameters()
    given = resource.get("parameter", [])
    if not isinstance(given, list) or len(given) > _PAIRS_MAX:
        raise _no_parameters()
    for parameter in given:
        yield _parameter(parameter)


def _parameter(parameter: Any) -> tuple[str, str]:
    if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
        raise _no_parameters()
    values = [value for name, value in parameter.items() if name.startswith("value")]
    if len(values) != 1 or isinstance(values[0], dict | list | bool):
        raise _no_parameters()
    if "\0" in str(values[0]):
        raise _no_parameters()
    return parameter["name"], str(values[0])


def _no_parameters() -> Malformed:
    return Malformed(
        Issue(
            code="parameters-expected",
            fhir_code="structure",
            place="Parameters",
            text_de="erwartet wird eine Ressource Parameters, jeder parameter mit name und einem einfachen value[x]",
            text_en="expected a Parameters resource, each parameter with a name and one primitive value[x]",
        )
    )
