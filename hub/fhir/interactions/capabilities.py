"""The capabilities interaction: what this server does, made from what is there (https://hl7.org/fhir/R4/http.html#capabilities)."""

import importlib
import pkgutil
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from conformance import spec
from hub.fhir import interactions
from hub.fhir.context import Context, base_url, fhir_response
from hub.search.parameters import parameters, resource_types

__all__ = ["CODE", "ROUTES", "answer", "statement"]

CODE = "capabilities"
ROUTES = (("GET", "/metadata"),)

_EVERYWHERE = ("_id", "_lastUpdated")


async def answer(context: Context, request: Request) -> Response:
    """The CapabilityStatement."""
    today = context.clock().date().isoformat()
    return fhir_response(orjson.dumps(statement(base_url(request), today, sandbox=context.sandbox)))


def statement(base: str, today: str, *, sandbox: bool) -> dict[str, Any]:
    """The CapabilityStatement of a server at a base address, as of a day."""
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


@cache
def _interactions() -> tuple[str, ...]:
    """The codes of the interactions with a type that are there."""
    names = (info.name for info in pkgutil.iter_modules(interactions.__path__))
    modules = [importlib.import_module(f"{interactions.__name__}.{name}") for name in names]
    return tuple(sorted(module.CODE for module in modules if "{type}" in module.ROUTES[0][1]))


def _description(sandbox: bool) -> str:
    if sandbox:
        return "Platzfrei, sandbox: professional view, loopback only, no sign-in, invented data only."
    return "Platzfrei, public view: free care places as their sources report them."


def _resource(resource_type: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": resource_type,
        "interaction": [{"code": code} for code in _interactions()],
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
