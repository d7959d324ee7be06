"""Which nodes are of a type that an expression names (https://hl7.org/fhirpath/N1/#is-type-specifier,
https://hl7.org/fhir/R4/fhirpath.html#types)."""

from collections.abc import Callable

from conformance.formats import r4_types
from conformance.formats.fhirpath.errors import NotFhirPath
from conformance.formats.fhirpath.model import SYSTEM, SYSTEM_TYPES, ancestors
from conformance.formats.fhirpath.node import Node
from conformance.formats.fhirpath.syntax import TypeName

__all__ = ["fhir_type", "matcher"]


def fhir_type(name: TypeName) -> str | None:
    """The type of FHIR that is meant; None where it is one of FHIRPath itself. Raises `NotFhirPath` for neither."""
    if name.namespace == "System":
        return None
    if name.name in r4_types.names():
        return name.name
    if name.namespace is None and name.name in SYSTEM_TYPES:
        return None
    raise NotFhirPath(f"'{name.name}' is no type of FHIR R4", name.at)


def matcher(name: TypeName, *, exact: bool, lenient: bool) -> Callable[[Node], bool]:
    """Whether a node is of the type or one that comes from it; `exact`: a primitive must be of this very one;
    `lenient`: `Boolean` is also FHIR's boolean. Raises `NotFhirPath`."""
    wanted = fhir_type(name)
    if wanted is None:
        return _system(f"System.{name.name}", lenient=lenient and name.namespace is None)
    if exact and r4_types.named(wanted).kind == "primitive":
        return lambda node: node.type == wanted
    if wanted == "Quantity" and name.namespace is None:
        return lambda node: node.type == "System.Quantity" or wanted in ancestors(node.type)
    return lambda node: wanted in ancestors(node.type)


def _system(wanted: str, *, lenient: bool) -> Callable[[Node], bool]:
    if wanted == "System.Any":
        return lambda node: node.type.startswith("System.")
    if lenient:
        # R4's own rule que-7 says `answer is Boolean` of a boolean, and HL7's components `value.as(DateTime)`.
        return lambda node: SYSTEM.get(node.type) == wanted
    return lambda node: node.type == wanted
