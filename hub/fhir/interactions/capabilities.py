"""The capabilities interaction (https://hl7.org/fhir/R4/http.html#capabilities)."""

import orjson

from hub.errors import Malformed, http_part
from hub.fhir.capability_statement import statement
from hub.fhir.context import Context
from hub.fhir.form import pairs_of
from hub.fhir.request import Answer, Request
from hub.fhir.terminology_capabilities import terminology
from hub.store.reader import Reader
from mappings.errors import Issue

__all__ = ["CODE", "ROUTES", "WRITES", "answer"]

CODE = "capabilities"
ROUTES = (("GET", "/metadata"), ("OPTIONS", "/"))
WRITES = False

_MODES = ("full", "normative", "terminology")


def answer(context: Context, _reader: Reader, request: Request) -> Answer:
    """The CapabilityStatement, or with `mode=terminology` the TerminologyCapabilities."""
    mode = next((value for name, value in pairs_of(request.query) if name == "mode"), "full")
    if mode not in _MODES:
        raise _unknown_mode()
    today = context.clock().date().isoformat()
    writes = context.store is not None
    if mode == "terminology":
        told = terminology(request.base, today, sandbox=context.sandbox, writes=writes)
        return Answer(content=orjson.dumps(told))
    return Answer(
        content=statement(context.registry(), base=request.base, today=today, sandbox=context.sandbox, writes=writes)
    )


def _unknown_mode() -> Malformed:
    listed = ", ".join(_MODES)
    return Malformed(
        Issue(
            code="mode",
            fhir_code="value",
            place=http_part("mode"),
            text_de=f"mode: erwartet wird eines von: {listed}",
            text_en=f"mode: expected one of: {listed}",
        )
    )
