"""The CapabilityStatement: what this server does, made from what is there
(https://hl7.org/fhir/R4/capabilitystatement.html).
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import orjson

from conformance import spec
from conformance.formats.r4_types import compartments
from hub.fhir.interactions import patch
from hub.fhir.router import modules
from hub.search.parameter import SearchParameter
from hub.search.registry import Registry

__all__ = ["FORMATS", "about", "operations", "rest", "statement"]

FORMATS = ("application/fhir+json", "application/fhir+xml", "json", "xml")

_OF_TYPES = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_OF_SYSTEM = ("transaction", "batch", "search-system", "history-system")
_HL7S = frozenset(("evaluate-measure", "expand", "lookup", "subsumes", "translate", "validate", "validate-code"))
"""https://hl7.org/fhir/R4/operationslist.html"""


def statement(registry: Registry, *, base: str, today: str, sandbox: bool, writes: bool) -> bytes:
    """The CapabilityStatement of a server at a base address, as of a day."""
    head = {"resourceType": "CapabilityStatement", **about(base, today, sandbox=sandbox)}
    head |= {"fhirVersion": "4.0.1", "format": list(FORMATS)}
    if writes:
        head["patchFormat"] = list(patch.FORMATS)
    return orjson.dumps(head)[:-1] + b',"rest":[%s]}' % _rest_bytes(registry, sandbox=sandbox, writes=writes)


def about(base: str, today: str, *, sandbox: bool) -> dict[str, Any]:
    """What a statement says of who makes it."""
    return {
        "name": "Platzfrei",
        "title": "Platzfrei",
        "status": "active",
        "date": today,
        "publisher": "Platzfrei",
        "kind": "instance",
        "software": {"name": "Platzfrei", "version": version("platzfrei")},
        "implementation": {"description": _description(sandbox), "url": base},
    }


def rest(registry: Registry, *, sandbox: bool, writes: bool) -> dict[str, Any]:
    """The server's part: types, interactions, searches, operations."""
    codes = _codes(writes)
    pointing = _pointing(registry)
    told: dict[str, Any] = {
        "mode": "server",
        "documentation": _description(sandbox),
        "security": {"description": _security(sandbox)},
        "resource": [_resource(registry, one, codes, pointing.get(one, ()), writes) for one in registry.types],
        "interaction": [_interaction(code, writes) for code in _OF_SYSTEM if code in codes],
        "searchParam": [_parameter(one) for one in _everywhere(registry)],
    }
    told["compartment"] = [one.url for owner, one in compartments().items() if owner in registry.types]
    if found := operations("", writes=writes):
        told["operation"] = [{"name": name, "definition": url} for name, url in found.items()]
    return {name: value for name, value in told.items() if value}


def operations(resource_type: str, *, writes: bool) -> dict[str, str]:
    """Operation → its definition, for a type; for those of the whole server the type is blank."""
    found: dict[str, str] = {}
    for module in modules():
        if not hasattr(module, "NAME") or (module.WRITES and not writes):
            continue
        for _, path in module.ROUTES:
            first = path.strip("/").partition("/")[0]
            holder = "" if first.startswith("$") else first
            if holder == resource_type or (resource_type and holder == "{type}"):
                found.setdefault(module.NAME, _definition(module.NAME, holder))
    return found


# It is the same until a search parameter is added, and long.
@lru_cache(maxsize=4)
def _rest_bytes(registry: Registry, *, sandbox: bool, writes: bool) -> bytes:
    return orjson.dumps(rest(registry, sandbox=sandbox, writes=writes))


def _codes(writes: bool) -> frozenset[str]:
    """The interactions that are there, and are done here."""
    found: set[str] = set()
    for module in modules():
        # A batch can do nothing but read.
        if hasattr(module, "NAME") or (module.WRITES and not writes and not hasattr(module, "writes")):
            continue
        codes = getattr(module, "CODES", None)
        if codes is None:
            found.add(module.CODE)
        else:
            found.update(codes.values() if isinstance(codes, Mapping) else codes)
    return frozenset(found)


def _interaction(code: str, writes: bool) -> dict[str, Any]:
    told = {"code": code}
    if not writes and code in ("batch", "transaction"):
        told["documentation"] = "Entries that read."
    return told


def _resource(
    registry: Registry, resource_type: str, codes: frozenset[str], pointing: Iterable[str], writes: bool
) -> dict[str, Any]:
    known = registry.parameters(resource_type).values()
    told: dict[str, Any] = {
        "type": resource_type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{resource_type}",
        "interaction": [{"code": code} for code in _OF_TYPES if code in codes],
        "versioning": "versioned",
        "readHistory": "vread" in codes,
        "updateCreate": "update" in codes,
        "conditionalCreate": "create" in codes,
        "conditionalRead": "full-support",
        "conditionalUpdate": "update" in codes,
        "conditionalDelete": "single" if "delete" in codes else "not-supported",
        "referencePolicy": ["literal", "logical"],
        "searchInclude": sorted(f"{resource_type}:{one.code}" for one in known if one.type == "reference"),
        "searchRevInclude": sorted(pointing),
        "searchParam": [_parameter(one) for one in known],
        "operation": [
            {"name": name, "definition": url} for name, url in operations(resource_type, writes=writes).items()
        ],
    }
    return {name: value for name, value in told.items() if value != []}


def _parameter(parameter: SearchParameter) -> dict[str, Any]:
    told = {"name": parameter.code, "definition": parameter.url, "type": parameter.type}
    if parameter.description:
        told["documentation"] = parameter.description
    return told


def _everywhere(registry: Registry) -> Iterator[SearchParameter]:
    """The parameters that every type has."""
    first, *others = registry.types
    for code, one in registry.parameters(first).items():
        if code.startswith("_") and all(code in registry.parameters(other) for other in others):
            yield one


def _pointing(registry: Registry) -> Mapping[str, list[str]]:
    """Type → the reference parameters of others that can point to it."""
    found: dict[str, list[str]] = {}
    for source in registry.types:
        for one in registry.parameters(source).values():
            if one.type == "reference":
                for target in one.targets or registry.types:
                    found.setdefault(target, []).append(f"{source}:{one.code}")
    return found


def _definition(name: str, holder: str) -> str:
    """HL7's definition, or else our own."""
    if name not in _HL7S:
        return spec.canonical("OperationDefinition", name)
    kind = "Resource" if holder in ("", "{type}") else holder
    return f"http://hl7.org/fhir/OperationDefinition/{kind}-{name}"


def _description(sandbox: bool) -> str:
    if sandbox:
        return "Platzfrei, sandbox: professional view, loopback only, no sign-in, invented data only, every R4 type."
    return "Platzfrei, public view: free care places as their sources report them."


def _security(sandbox: bool) -> str:
    if sandbox:
        return "No sign-in: whoever reaches this server may read and write everything. It listens on loopback alone."
    return "No sign-in: what is public may be read by everybody. Nothing is written through FHIR."
