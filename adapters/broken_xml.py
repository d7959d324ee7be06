"""A document that breaks midway: what stands before the break is read, the rest is one broken part."""

import re

from adapters.base import Broken
from conformance.formats.safe_xml import NotXml
from mappings.errors import Issue

__all__ = ["broken_xml"]


def broken_xml(body: bytes, wrong: NotXml, ends: re.Pattern[bytes]) -> Broken:
    """The bytes from the last complete record before the break to the end; `ends` finds what closes a record."""
    place = f"line {wrong.line}, column {wrong.column}"
    return Broken(
        place=place,
        body=_rest(body, wrong.line, ends),
        issue=Issue(
            code="not-xml",
            place=place,
            text_de=f"Hier bricht das XML ({wrong.reason_de}); was davor steht, ist gelesen. "
            "Der Absender muss die Datei neu erzeugen.",
            text_en=f"The XML breaks here ({wrong.reason}); what stands before is read. "
            "The sender must make the file anew.",
            fhir_code="structure",
        ),
    )


def _rest(body: bytes, line: int, ends: re.Pattern[bytes]) -> bytes:
    end_of_line = 0
    for _ in range(line):
        end_of_line = body.find(b"\n", end_of_line) + 1 or len(body)
    start = 0
    for match in ends.finditer(body, 0, end_of_line):
        start = match.end()
    return body[start:]
