"""The parameters of a request: of its query string, and of a form that was posted (https://hl7.org/fhir/R4/http.html#search)."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from hub.body import read_body
from hub.errors import Malformed, UnsupportedMediaType
from mappings.errors import Issue

__all__ = ["parameters_of"]

_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 64 * 1024
_PAIRS_MAX = 200


async def parameters_of(request: Request) -> list[tuple[str, str]]:
    """Name and value in order, those of the query string first."""
    pairs = _pairs(request.scope["query_string"])
    if request.method == "POST":
        media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media_type != _FORM:
            raise UnsupportedMediaType(
                Issue(
                    code="form-expected",
                    fhir_code="not-supported",
                    text_de=f"erwartet wird ein Formular ({_FORM})",
                    text_en=f"expected a form ({_FORM})",
                )
            )
        pairs += _pairs(await read_body(request, most=_FORM_BYTES))
    return pairs


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_PAIRS_MAX)
    except ValueError as error:  # also UnicodeDecodeError, and too many fields
        raise Malformed(
            Issue(
                code="query-unreadable",
                fhir_code="structure",
                text_de=f"die Suchparameter sind nicht lesbar: erwartet werden bis zu {_PAIRS_MAX} Paare name=wert in UTF-8, prozentkodiert",
                text_en=f"the search parameters cannot be read: expected up to {_PAIRS_MAX} pairs name=value in UTF-8, percent-encoded",
            )
        ) from error
