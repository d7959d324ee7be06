"""What is said, in German and English, of a FHIRPath that cannot be read (http://hl7.org/fhirpath/N1/)."""

import re

from conformance.formats import r4_types
from conformance.formats.alike import meant
from conformance.formats.fhirpath import NotFhirPath

__all__ = ["unreadable"]

_LISTED = 40
_NO_ELEMENT = re.compile(r"'(?P<name>[A-Za-z]\w{0,63})' is no element of (?P<types>[\w.]+(?:, [\w.]+)*)", re.ASCII)
_GERMAN = (
    (re.compile(r"'(\w{1,64})' is no function of FHIRPath that is known here", re.ASCII), "„{}“ ist keine Funktion"),
    (re.compile(r"'(\w{1,64})' is no type of FHIR R4", re.ASCII), "„{}“ ist kein Typ von FHIR R4"),
    (re.compile(r"here '(\W{1,2})' is expected", re.ASCII), "hier wird „{}“ erwartet"),
    (re.compile(r"longer than (\d+) characters", re.ASCII), "länger als {} Zeichen"),
    (re.compile(r"here the expression should end()"), "hier müsste der Ausdruck enden, oder ein Operator stehen"),
    (re.compile(r"here a (?:value, a )?name()"), "hier wird ein Wert oder Name erwartet"),
)
"""The commonest reasons of the FHIRPath compiler."""


def unreadable(error: NotFhirPath) -> tuple[str, str]:
    """The place and the reason, German and English; an unknown element with the one that is probably meant."""
    reason_de, reason_en = _reasons(error.reason)
    at = error.position + 1
    return f"Zeichen {at}: {reason_de}", f"character {at}: {reason_en}"


def _reasons(reason: str) -> tuple[str, str]:
    unknown = _NO_ELEMENT.match(reason)
    if unknown is not None:
        return _no_element(unknown["name"], unknown["types"])
    for pattern, said in _GERMAN:
        found = pattern.match(reason)
        if found is not None:
            return said.format(found[1]), reason
    return "ab hier nicht als FHIRPath lesbar", reason


def _no_element(name: str, types: str) -> tuple[str, str]:
    known = {
        key.removesuffix("[x]")
        for one in types.split(", ")
        if one in r4_types.names()
        for key in r4_types.element_types(one)
    }
    said_de, said_en = meant(name, known)
    listed = ", ".join(sorted(known)[:_LISTED])
    if listed and not said_de:
        said_de, said_en = f"; es gibt: {listed}", f"; there are: {listed}"
    return f"„{name}“ ist kein Element von {types}{said_de}", f"'{name}' is no element of {types}{said_en}"
