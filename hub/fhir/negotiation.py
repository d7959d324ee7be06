"""Which format an answer has: FHIR JSON so far (https://hl7.org/fhir/R4/http.html#mime-type)."""

from starlette.requests import Request

from hub.errors import NotAcceptable, http_part
from mappings.errors import Issue

__all__ = ["refuse_other_formats"]

_JSON = ("json", "application/json", "application/fhir+json", "application/json+fhir", "text/json")
_ANY = ("*/*", "application/*", "text/html")
"""`text/html` is what browsers ask for first; they show JSON as well."""


def refuse_other_formats(request: Request) -> None:
    """Raises `NotAcceptable` where `_format`, or else `Accept`, asks for no format that there is."""
    asked = request.query_params.get("_format")
    if asked is not None:
        # A plus sign in a query string reads as a blank.
        if _media_type(asked).replace(" ", "+") not in _JSON:
            raise _not_acceptable("_format")
        return
    accepted = [_media_type(part) for part in request.headers.get("accept", "").split(",") if part.strip()]
    if accepted and not any(part in _JSON or part in _ANY for part in accepted):
        raise _not_acceptable("Accept")


def _media_type(text: str) -> str:
    return text.split(";")[0].strip().lower()


def _not_acceptable(name: str) -> NotAcceptable:
    return NotAcceptable(
        Issue(
            code="format",
            fhir_code="not-supported",
            place=http_part(name),
            text_de=f"{name}: geantwortet wird in application/fhir+json; XML kommt später",
            text_en=f"{name}: answers come as application/fhir+json; XML comes later",
        )
    )
