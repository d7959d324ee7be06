"""FHIRPath N1 with what FHIR R4 adds to it, compiled to closures over JSON trees
(https://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html)."""

from conformance.formats.fhirpath.context import Resolver
from conformance.formats.fhirpath.errors import CannotEvaluate, NotFhirPath, TooCostly
from conformance.formats.fhirpath.expression import Expression, compile  # noqa: A004 - as in `re.compile`
from conformance.formats.fhirpath.node import Node, root

__all__ = ["CannotEvaluate", "Expression", "Node", "NotFhirPath", "Resolver", "TooCostly", "compile", "root"]
