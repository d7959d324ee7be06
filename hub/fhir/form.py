"""The parameters of a request: of its query string, and of a form that was posted (https://hl7.org/fhir/R4/http.html#search)."""

from urllib.parse import parse_qsl

from conformance.formats.grouped import grouped
from hub.errors import Malformed, TooLarge, UnsupportedMediaType, http_part
from hub.fhir.request import Request
from mappings.errors import Issue

__all__ = ["BYTES_MAX", "is_form", "pairs_of", "parameters_of"]

_FORM = "application/x-www-form-urlencoded"
BYTES_MAX = 64 * 1024
"""Of a form: what is longer is refused."""
_PAIRS_MAX = 200


def parameters_of(request: Request) -> list[tuple[str, str]]:
    """Name and value in order, those of the query string before those of the form."""
    pairs = pairs_of(request.query)
    if request.method != "POST" or not request.body:
        return pairs
    if len(request.body) > BYTES_MAX:
        raise _too_large()
    if is_form(request):
        return pairs + pairs_of(request.body.decode("latin-1"))
    raise UnsupportedMediaType(
        Issue(
            code="form-expected",
            fhir_code="not-supported",
            place=http_part("Content-Type"),
            text_de=f"erwartet wird {_FORM}",
            text_en=f"expected {_FORM}",
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


def _too_large() -> TooLarge:
    return TooLarge(
        Issue(
            code="too-large",
            fhir_code="too-long",
            place="http",
            text_de=f"Suchparameter: höchstens {grouped(BYTES_MAX)} Bytes; weniger auf einmal fragen",
            text_en=f"search parameters: at most {BYTES_MAX:,} bytes; ask for less at once",
        )
    )
