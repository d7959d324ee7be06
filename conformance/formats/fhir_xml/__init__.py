"""FHIR XML into resource trees as `strict_json` reads them, and back (https://hl7.org/fhir/R4/xml.html)."""

from conformance.formats.fhir_xml.reading import parse
from conformance.formats.fhir_xml.refusals import NotFhirXml
from conformance.formats.fhir_xml.writing import write

__all__ = ["NotFhirXml", "parse", "write"]
