"""The parameters of a request: of its query string, of a form that was posted, and of an operation's Parameters.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/operations.html#executing
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from conformance.formats import strict_json
from hub.errors import Malformed, TooLarge, UnsupportedMediaType, http_part
from hub.fhir.request import Request
from mappings.errors import Issue

__all__ = ["BYTES_MAX", "is_form", "pairs_of", "parameters_of"]

_FORM = "application/x-www-form-urlencoded"
_JSON = ("application/fhir+json", "application/json")
BYTES_MAX = 64 * 1024
"""Of a form: what is longer is refused."""
_PAIRS_MAX = 200


def parameters_of(request: Request, *, operation: bool = False) -> list[tuple[str, str]]:
    """Name and value in order, those of the query string first; an `operation` also takes a Parameters resource."""
    pairs = pairs_of(request.query)
    if request.method != "POST":
        return pairs
    media_type = request.header("content-type").split(";")[0].strip().lower()
    if not request.body and not media_type:
        return pairs
    if len(request.body) > BYTES_MAX:
        raise _too_large()
    if is_form(request):
        return pairs + pairs_of(request.body.decode("latin-1"))
    if operation and media_type in _JSON:
        return pairs + list(_parameters(request.body))
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


def is_form(request: Request) -> bool:
    """Whether the body is a form."""
    return request.header("content-type").partition(";")[0].strip().lower() == _FORM


def pairs_of(encoded: str) -> list[tuple[str, str]]:
    """Name and value of each pair of a query string or form, in order."""
    if not encoded:
        return []
    try:
        if not encoded.isascii():
            raise ValueError("not percent-encoded")
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=_PAIRS_MAX)
        if ("%00" in encoded or "\0" in encoded) and any("\0" in part for pair in pairs for part in pair):
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


def _too_large() -> TooLarge:
    return TooLarge(
        Issue(
            code="too-large",
            fhir_code="too-long",
            place="http",
            text_de=f"Suchparameter und Parameters: höchstens {BYTES_MAX:,} Bytes; weniger auf einmal fragen",
            text_en=f"search parameters and Parameters: at most {BYTES_MAX:,} bytes; ask for less at once",
        )
    )


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
