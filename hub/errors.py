"""The leaves of the error tree, each with its HTTP status and FHIR issue code.

    PlatzfreiError                     status   who acts
     ├─ Rejected                       400      the sender changes the message
     │  ├─ Malformed                   400
     │  ├─ TooCostly                   400
     │  ├─ Unauthenticated             401
     │  ├─ Forbidden                   403
     │  ├─ NotFound                    404
     │  ├─ MethodNotAllowed            405
     │  ├─ NotAcceptable               406
     │  ├─ TooSlow                     408
     │  ├─ VersionConflict             409
     │  ├─ Gone                        410
     │  ├─ PreconditionFailed          412
     │  ├─ TooLarge                    413
     │  ├─ UnsupportedMediaType        415
     │  └─ Invalid                     422
     ├─ Retriable                      503      the clock
     ├─ Quarantined                    202      an operator
     └─ Fault                          500      us

The branches stand in `mappings/errors.py`, the lowest layer that needs them. Issue codes: https://hl7.org/fhir/R4/codesystem-issue-type.html.
"""

from mappings.errors import Fault, PlatzfreiError, Quarantined, Rejected, Retriable

__all__ = [
    "Forbidden",
    "Gone",
    "Invalid",
    "Malformed",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "PreconditionFailed",
    "TooCostly",
    "TooLarge",
    "TooSlow",
    "Unauthenticated",
    "UnsupportedMediaType",
    "VersionConflict",
    "http_part",
    "status_of",
]


class Malformed(Rejected):
    """The request cannot be read."""


class TooCostly(Rejected):
    """The request can be read, and answering it takes longer than others should wait."""


class Unauthenticated(Rejected):
    """The request does not say who sends it, or wrongly."""


class Forbidden(Rejected):
    """Who sends the request is known, and may not do this."""


class NotFound(Rejected):
    """There is no such thing, or not for whoever asks: both are answered alike."""


class MethodNotAllowed(Rejected):
    """The thing exists, this is not done to it."""


class NotAcceptable(Rejected):
    """The answer cannot be had in the form asked for."""


class VersionConflict(Rejected):
    """What is to be written contradicts what stands here; whoever sends it reads that first."""


class Gone(Rejected):
    """The thing existed and was deleted."""


class PreconditionFailed(Rejected):
    """What the sender made a condition of the request does not hold."""


class TooLarge(Rejected):
    """The message is larger than what is taken at once."""


class TooSlow(Rejected):
    """The message did not arrive in time."""


class UnsupportedMediaType(Rejected):
    """The message comes in a form that is not taken."""


class Invalid(Rejected):
    """The message can be read, and says what cannot be."""


_STATUS: dict[type[PlatzfreiError], int] = {
    Rejected: 400,
    Malformed: 400,
    TooCostly: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    TooSlow: 408,
    VersionConflict: 409,
    Gone: 410,
    PreconditionFailed: 412,
    TooLarge: 413,
    UnsupportedMediaType: 415,
    Invalid: 422,
    Retriable: 503,
    Quarantined: 202,
    Fault: 500,
}


def http_part(name: str) -> str:
    """Where a parameter or header of a request is, as an OperationOutcome says it: `http.name`.

    https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.location
    """
    return f"http.{name}" if name.isidentifier() else f"http.`{name}`"


def status_of(error: PlatzfreiError) -> int:
    """The HTTP status that answers an error."""
    return _STATUS[type(error)]
