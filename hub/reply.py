"""In whose words a delivery by HTTP is answered: an OperationOutcome to who speaks FHIR, an ACK to who speaks HL7 v2
(https://hapifhir.github.io/hapi-hl7v2/hapi-hl7overhttp/specification.html), else as our JSON receipt."""

from dataclasses import dataclass
from enum import Enum, auto

from hub.fhir.negotiation import Format, wanted

__all__ = ["Words", "wanted_words"]

_HL7 = ("application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7")
_FHIR = {
    "application/fhir+json": Format.JSON,
    "application/json+fhir": Format.JSON,
    "application/fhir+xml": Format.XML,
    "application/xml+fhir": Format.XML,
}
_ANY = ("", "*/*", "application/*")


class _Kind(Enum):
    RECEIPT = auto()
    OUTCOME = auto()
    ACKNOWLEDGEMENT = auto()


@dataclass(frozen=True, slots=True)
class Words:
    """How an answer is to be written."""

    kind: _Kind
    form: Format = Format.JSON
    media_type: str = "application/json"

    @property
    def is_outcome(self) -> bool:
        """An OperationOutcome, in `form`."""
        return self.kind is _Kind.OUTCOME

    @property
    def is_acknowledgement(self) -> bool:
        """An HL7 v2 message, of `media_type`."""
        return self.kind is _Kind.ACKNOWLEDGEMENT


def wanted_words(accept: str, content_type: str, format_parameter: str | None) -> Words:
    """What a sender asks for; where it takes anything, the words that it speaks itself.

    Raises `NotAcceptable` where none of those asked for is there.
    """
    sent = content_type.partition(";")[0].strip().lower()
    asked = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if format_parameter is None:
        if spoken := next((name for name in asked if name in _HL7), None):
            return Words(_Kind.ACKNOWLEDGEMENT, media_type=spoken)
        if all(name in _ANY for name in asked):
            if sent in _HL7:
                return Words(_Kind.ACKNOWLEDGEMENT, media_type=sent)
            return Words(_Kind.OUTCOME, _FHIR[sent]) if sent in _FHIR else Words(_Kind.RECEIPT)
    form = wanted(accept, format_parameter)
    is_fhir = form is Format.XML or any(name in _FHIR for name in asked) or (format_parameter or "") in _FHIR
    return Words(_Kind.OUTCOME if is_fhir else _Kind.RECEIPT, form)
