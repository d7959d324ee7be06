"""The TerminologyCapabilities: which codes this server knows, and what it does with them
(https://hl7.org/fhir/R4/terminologycapabilities.html).
"""

from collections.abc import Iterator
from typing import Any

from conformance import spec
from hub.fhir.capability_statement import about, operations

__all__ = ["terminology"]

_EXPANSION = (
    "activeOnly",
    "count",
    "date",
    "designation",
    "displayLanguage",
    "exclude-system",
    "excludeNested",
    "excludeNotForUI",
    "excludePostCoordinated",
    "filter",
    "includeDefinition",
    "includeDesignations",
    "offset",
    "url",
    "valueSet",
    "valueSetVersion",
)


def terminology(base: str, today: str, *, sandbox: bool, writes: bool) -> dict[str, Any]:
    """What the terminology operations that are there can be asked."""
    of_sets, of_maps = (operations(kind, writes=writes) for kind in ("ValueSet", "ConceptMap"))
    told: dict[str, Any] = {
        "resourceType": "TerminologyCapabilities",
        **about(base, today, sandbox=sandbox),
        "codeSystem": list(_code_systems("subsumes" in operations("CodeSystem", writes=writes))),
    }
    if "expand" in of_sets:
        parameters = [{"name": name} for name in _EXPANSION]
        told["expansion"] = {"hierarchical": True, "paging": True, "incomplete": False, "parameter": parameters}
    if "validate-code" in of_sets:
        told["validateCode"] = {"translations": False}
    if "translate" in of_maps:
        told["translation"] = {"needsMap": False}
    return told


def _code_systems(subsumption: bool) -> Iterator[dict[str, Any]]:
    """Our own; those of FHIR R4 and those that are stored here as resources are known as well."""
    for one in spec.load("CodeSystem"):
        yield {"uri": one["url"], "version": [{"code": one["version"], "isDefault": True}], "subsumption": subsumption}
