"""The functions whose arguments are evaluated before they are; those that evaluate their arguments once per item stand
in the compiler (https://hl7.org/fhirpath/N1/#functions)."""

from collections.abc import Mapping

from conformance.formats.fhirpath.functions import collections, conversion, fhir, numbers, strings
from conformance.formats.fhirpath.part import Function

__all__ = ["FUNCTIONS"]

FUNCTIONS: Mapping[str, Function] = {
    **collections.FUNCTIONS,
    **conversion.FUNCTIONS,
    **fhir.FUNCTIONS,
    **numbers.FUNCTIONS,
    **strings.FUNCTIONS,
}
