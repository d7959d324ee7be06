"""The answer to an error (https://hl7.org/fhir/R4/http.html#Status-Codes)."""

from hub.errors import status_of
from hub.fhir.outcome import outcome_bytes
from hub.fhir.request import Answer
from mappings.errors import PlatzfreiError, Retriable

__all__ = ["refusal"]


def refusal(error: PlatzfreiError) -> Answer:
    """The OperationOutcome of an error, with its status."""
    headers = dict(error.headers)
    if isinstance(error, Retriable):
        headers.setdefault("Retry-After", "5")
    return Answer(status=status_of(error), content=outcome_bytes(error.issues), headers=headers)
