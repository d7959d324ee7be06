"""The history of all resources (https://hl7.org/fhir/R4/http.html#history)."""

from hub.fhir.context import Context
from hub.fhir.history import history
from hub.fhir.request import Answer, Request
from hub.store.reader import Reader

__all__ = ["CODE", "ROUTES", "WRITES", "answer"]

CODE = "history-system"
ROUTES = (("GET", "/_history"),)
WRITES = False


def answer(context: Context, reader: Reader, request: Request) -> Answer:
    """Its versions, newest first."""
    return history(context, reader, request)
