"""Which format a request has and its answer gets, and what the client prefers
(https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/http.html#ops)."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from hub.errors import NotAcceptable, UnsupportedMediaType, http_part
from mappings.errors import Issue

__all__ = ["Format", "Preference", "Return", "sent", "wanted"]


class Format(Enum):
    """The formats that there are."""

    JSON = "application/fhir+json; charset=utf-8"
    XML = "application/fhir+xml; charset=utf-8"

    @property
    def media_type(self) -> str:
        """The media type that an answer says."""
        told: str = self._value_  # what `value` looks up anew each time
        return told


class Return(Enum):
    """What a write is to answer."""

    MINIMAL = "minimal"
    REPRESENTATION = "representation"
    OUTCOME = "OperationOutcome"


_JSON = ("json", "application/json", "application/fhir+json", "application/json+fhir", "text/json")
_XML = ("xml", "application/xml", "application/fhir+xml", "application/xml+fhir", "text/xml")
_HTML = ("html", "text/html", "application/xhtml+xml")
"""What browsers ask for first: they show JSON as well."""
_NAMES = {name: form for form, names in ((Format.JSON, (*_JSON, *_HTML)), (Format.XML, _XML)) for name in names}
_RANGES = ("*/*", "application/*", "text/*")
_VERSIONS = ("", "4.0", "4.0.1")
_CHARSETS = ("", "utf-8", "utf8", "us-ascii")


@dataclass(frozen=True, slots=True)
class Preference:
    """What `Prefer` asks for: what it does not say, and what nobody knows, is None (RFC 7240)."""

    returns: Return | None = None
    strict: bool | None = None

    @classmethod
    @lru_cache(maxsize=256)
    def of(cls, prefer: str) -> "Preference":
        """The preferences of a header."""
        told: dict[str, str] = {}
        for part in prefer.replace(";", ",").split(","):
            name, _, value = part.partition("=")
            told.setdefault(name.strip().lower(), value.strip().strip('"'))
        returns = {each.value.lower(): each for each in Return}
        handling = {"strict": True, "lenient": False}
        return cls(
            returns=returns.get(told.get("return", "").lower()), strict=handling.get(told.get("handling", "").lower())
        )


@lru_cache(maxsize=256)
def wanted(accept: str, format_parameter: str | None) -> Format:
    """The format of an answer: `_format` counts before `Accept`; JSON where neither says anything.

    Raises `NotAcceptable` where none of those asked for is there.
    """
    if format_parameter is not None:
        form = _form(format_parameter)
        if form is None:
            raise _not_acceptable("_format")
        return form
    if not accept.strip():
        return Format.JSON
    weights: dict[Format, float] = {}
    otherwise = 0.0
    for part in accept.split(","):
        form = _form(part)
        if form is not None:
            # Equal ones stay as they were named, a form under several names counts as its best.
            weights[form] = max(weights.get(form, 0.0), _weight(part))
        elif part.partition(";")[0].strip() in _RANGES and _version_fits(part):
            otherwise = max(otherwise, _weight(part))
    # What is named counts before a range (RFC 9110, 12.5.1), also where it is named to be refused.
    ranked = {**weights, **{form: otherwise for form in Format if form not in weights}}
    best = max(ranked, key=lambda form: ranked[form])
    if ranked[best] == 0:
        raise _not_acceptable("Accept")
    return best


def sent(content_type: str) -> Format:
    """The format of a body; raises `UnsupportedMediaType` for any other."""
    name = content_type.partition(";")[0].strip().lower()
    form = None if name in _HTML else _form(content_type)
    if form is None or _parameters(content_type).get("charset", "") not in _CHARSETS:
        raise UnsupportedMediaType(
            Issue(
                code="content-type",
                fhir_code="not-supported",
                place=http_part("Content-Type"),
                text_de="erwartet wird application/fhir+json oder application/fhir+xml, FHIR 4.0, in UTF-8",
                text_en="expected application/fhir+json or application/fhir+xml, FHIR 4.0, in UTF-8",
            )
        )
    return form


def _form(written: str) -> Format | None:
    return _NAMES.get(written.partition(";")[0].strip().lower()) if _version_fits(written) else None


def _version_fits(written: str) -> bool:
    return _parameters(written).get("fhirversion", "") in _VERSIONS


def _parameters(written: str) -> dict[str, str]:
    """The parameters of a media type, names and values in lower case."""
    pairs = (parameter.partition("=") for parameter in written.lower().split(";")[1:])
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _weight(written: str) -> float:
    try:
        weight = float(_parameters(written).get("q", "1"))
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _not_acceptable(name: str) -> NotAcceptable:
    return NotAcceptable(
        Issue(
            code="format",
            fhir_code="not-supported",
            place=http_part(name),
            text_de=f"{name}: geantwortet wird in application/fhir+json oder application/fhir+xml, FHIR 4.0",
            text_en=f"{name}: answers come as application/fhir+json or application/fhir+xml, FHIR 4.0",
        )
    )
