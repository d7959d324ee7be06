"""The capabilities interaction: what this server does, made from what is there (https://hl7.org/fhir/R4/http.html#capabilities)."""

from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from conformance import spec
from hub.fhir.context import Context, base_url, fhir_response
from hub.search.parameters import parameters, resource_types

__all__ = ["CODE", "ROUTES", "answer", "statement"]

CODE = "capabilities"
ROUTES = (("GET", "/metadata"),)

_INTERACTIONS = ("read", "vread", "search-type")
_EVERYWHERE = ("_id", "_lastUpdated")


async def answer(context: Context, request: Request) -> Response:
    """The CapabilityStatement."""
    return fhir_response(_serialised(base_url(request), context.sandbox))


@cache
def _serialised(base: str, sandbox: bool) -> bytes:
    return orjson.dumps(statement(base, sandbox=sandbox))


def statement(base: str, *, sandbox: bool) -> dict[str, Any]:
    """The CapabilityStatement of a server at a base address."""
    today = datetime.now(UTC).date().isoformat()
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": today,
        "publisher": "Platzfrei",
        "kind": "instance",
        "software": {"name": "Platzfrei", "version": version("platzfrei")},
        "implementation": {"description": _description(sandbox), "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "documentation": _description(sandbox),
                "resource": [_resource(resource_type) for resource_type in resource_types()],
                "searchParam": [
                    {"name": one["code"], "definition": one["url"], "type": one["type"]}
                    for one in spec.load("SearchParameter")
                    if one["code"] in _EVERYWHERE
                ],
            }
        ],
    }


def _description(sandbox: bool) -> str:
    if sandbox:
        return "Platzfrei, sandbox: professional view, loopback only, no sign-in, invented data only."
    return "Platzfrei, public view: free care places as their sources report them."


def _resource(resource_type: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": resource_type,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned",
        "readHistory": True,
    }
    known = parameters(resource_type).values()
    includes = [f"{resource_type}:{one.code}" for one in known if one.type == "reference"]
    if includes:
        told["searchInclude"] = includes
    told["searchParam"] = [
        {"name": one.code, "definition": one.url, "type": one.type, "documentation": one.description} for one in known
    ]
    operations = [
        {"name": one["code"], "definition": one["url"]}
        for one in spec.load("OperationDefinition")
        if resource_type in one["resource"]
    ]
    if operations:
        told["operation"] = operations
    return told
