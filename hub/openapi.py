"""An OpenAPI document of what this server does, and a page on which vendors try it, without anything from elsewhere
(https://spec.openapis.org/oas/v3.1.0).
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from conformance import spec
from hub.fhir import merge_patch
from hub.fhir.context import Context
from hub.fhir.router import modules
from hub.search.registry import Registry

__all__ = ["add_openapi", "document"]

_JSON, _XML = "application/fhir+json", "application/fhir+xml"
_FEATURED = ("HealthcareService", "Location", "Organization", "Schedule", "Slot")
"""The types of a vacancy: each of them shows its search parameters."""

_TRY: Mapping[tuple[str, str], str] = {
    ("HealthcareService", "_include"): "HealthcareService:location",
    ("Location", "near"): "52.85|8.05|25|km",
    ("Organization", "name"): "haus",
    ("Schedule", "_include"): "Schedule:actor",
    ("Slot", "_include"): "Slot:schedule",
    ("Slot", "status"): "free",
    ("find-vacancies", "care-form"): "kurzzeitpflege",
    ("find-vacancies", "distance"): "25",
    ("find-vacancies", "postal-code"): "49661",
}
"""(Type or operation, parameter) → a value that finds something in the invented region of `platzfrei demo`."""

_CARE_FORM = spec.canonical("CodeSystem", "care-form")
_TRY_OPERATION: Mapping[str, Mapping[str, str]] = {
    "CodeSystem/$lookup": {"system": _CARE_FORM, "code": "kurzzeitpflege"},
    "CodeSystem/$subsumes": {"system": _CARE_FORM, "codeA": "kurzzeitpflege", "codeB": "kurzzeitpflege-solitaer"},
    "CodeSystem/$validate-code": {"url": _CARE_FORM, "code": "kurzzeitpflege"},
    "ValueSet/$expand": {"url": spec.canonical("ValueSet", "care-form"), "count": "20"},
    "ValueSet/$validate-code": {
        "url": spec.canonical("ValueSet", "care-form"),
        "system": _CARE_FORM,
        "code": "kurzzeitpflege",
    },
}

_DELIVERY = {
    "facilities": [
        {
            "id": "H1",
            "name": "Haus am Moor",
            "postalCode": "49661",
            "city": "Cloppenburg",
            "phone": "04471 555-0",
            "offers": [
                {
                    "id": "H1-KZP",
                    "careForm": "kurzzeitpflege",
                    "licensed": 12,
                    "free": 2,
                    "validAt": "2026-11-22T08:00:00+01:00",
                }
            ],
        }
    ]
}

_FHIRPATH_PATCH = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "replace"},
                {"name": "path", "valueString": "Organization.name"},
                {"name": "value", "valueString": "Haus am See"},
            ],
        }
    ],
}

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Platzfrei API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Without `validatorUrl: null` the page would ask a server on the internet whether the document is valid.
_START = b"""SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, tryItOutEnabled: true, validatorUrl: null,
  docExpansion: "list", displayRequestDuration: true, defaultModelsExpandDepth: -1
});
"""


def add_openapi(app: FastAPI, context: Context) -> None:
    """The document at `/openapi.json`, the page at `/docs`; nothing on it comes from another server."""

    def description(_request: Request) -> Response:
        told = document(context.registry(), sandbox=context.sandbox, writes=context.store is not None)
        return Response(orjson.dumps(told), media_type="application/json", headers=_HEADERS)

    def page(_request: Request) -> Response:
        return Response(_PAGE, media_type="text/html", headers=_HEADERS)

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "start.js":
            return Response(_START, media_type="text/javascript", headers=_HEADERS)
        if name not in _ASSETS:
            return Response(status_code=404, headers=_HEADERS)
        return Response(_asset(name), media_type=_ASSETS[name], headers=_HEADERS | {"Cache-Control": "max-age=3600"})

    app.router.routes.extend(
        [Route("/openapi.json", description), Route("/docs", page), Route("/docs/{name}", asset)],
    )


def document(registry: Registry, *, sandbox: bool, writes: bool) -> dict[str, Any]:
    """The OpenAPI document: the routes that there are, and the searches of the types of a vacancy."""
    paths: dict[str, dict[str, Any]] = {}
    for resource_type in _FEATURED:
        if resource_type in registry.types:
            paths[f"/fhir/{resource_type}"] = {"get": _search(registry, resource_type)}
    for module in modules():
        if module.WRITES and not writes and not hasattr(module, "writes"):
            continue
        for method, path in module.ROUTES:
            # A server that answers OPTIONS tells more elsewhere.
            if method != "OPTIONS":
                item = paths.setdefault(f"/fhir{path}".rstrip("/"), {})
                item[method.lower()] = _route(registry, module, method, path)
    paths["/ingest/{source}"] = {"post": _ingest(sandbox)}
    paths["/health/live"] = {
        "get": {"tags": ["Server"], "summary": "Whether the server is alive", "responses": _answers("application/json")}
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Platzfrei",
            "version": version("platzfrei"),
            "summary": "Free care places in Germany, by HL7 FHIR R4 (4.0.1)",
            "description": _description(sandbox),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name} for name in _tags(paths)],
        "paths": paths,
        "components": {"securitySchemes": {"source": {"type": "http", "scheme": "bearer"}}},
    }


def _description(sandbox: bool) -> str:
    if sandbox:
        return "Sandbox: professional view, loopback only, no sign-in, invented data only, every R4 type."
    return "Public view. `GET /fhir/metadata` is the CapabilityStatement; nothing is written through FHIR."


def _tags(paths: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(tag for item in paths.values() for told in item.values() for tag in told["tags"]))


def _search(registry: Registry, resource_type: str) -> dict[str, Any]:
    known = registry.parameters(resource_type).values()
    told = [
        _query(one.code, one.description or f"{one.type} ({one.url})", _TRY.get((resource_type, one.code)))
        for one in known
    ]
    return {
        "tags": ["Vacancies"],
        "summary": f"Search {resource_type}",
        "parameters": [*told, *_results(resource_type)],
        "responses": _answers(),
    }


def _results(resource_type: str) -> Iterator[dict[str, Any]]:
    for name, description in (
        ("_count", "So many on a page."),
        ("_include", "What these refer to, as Type:parameter."),
        ("_revinclude", "What refers to these, as Type:parameter."),
        ("_sort", "Parameters, the last with - before them downwards."),
        ("_summary", "true, text, data, count or false."),
        ("_elements", "Elements, comma between them."),
    ):
        yield _query(name, description, _TRY.get((resource_type, name)))


def _route(registry: Registry, module: Any, method: str, path: str) -> dict[str, Any]:
    name = getattr(module, "NAME", None)
    told: dict[str, Any] = {
        "tags": [_tag(module, path)],
        "summary": _summary(module),
        "parameters": list(_path_parameters(registry, path)),
        "responses": _answers(),
    }
    if name is not None and method == "GET":
        told["parameters"] += _operation_parameters(name, path)
    elif method == "GET":
        told["parameters"].append(_any("Parameters of the interaction."))
    if method in ("POST", "PUT", "PATCH"):
        told["requestBody"] = _body(module, method, path)
    if method == "PUT":
        told["parameters"].append(_header("If-Match", 'The version that is changed, such as W/"1".'))
    if path.endswith("/{type}") and method == "POST":
        told["parameters"].append(_header("If-None-Exist", "Create only where this search finds nothing."))
    return told


def _tag(module: Any, path: str) -> str:
    if module_name := getattr(module, "NAME", None):
        return "Vacancies" if module_name == "find-vacancies" else "Operations"
    return "FHIR, every type" if "{type}" in path else "FHIR, whole server"


def _summary(module: Any) -> str:
    first: str = " ".join((module.__doc__ or "").split("(http")[0].split("\n\n")[0].split())
    return first.rstrip(" .:")


def _path_parameters(registry: Registry, path: str) -> Iterator[dict[str, Any]]:
    for name in (word.strip("{}") for word in path.split("/") if word.startswith("{")):
        schema: dict[str, Any] = {"type": "string"}
        if name == "type":
            schema["enum"] = list(registry.types)
            schema["default"] = "Location"
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _operation_parameters(name: str, path: str) -> Iterator[dict[str, Any]]:
    """Those of our own definition; of HL7's operations whatever is asked, with values to try."""
    for definition in spec.load("OperationDefinition"):
        if definition["code"] == name:
            for one in definition["parameter"]:
                if one["use"] == "in":
                    yield _query(one["name"], one["documentation"], _TRY.get((name, one["name"])))
            return
    yield _any("Parameters of the operation.", _TRY_OPERATION.get(path.strip("/")))


def _query(name: str, description: str, example: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
    if example is not None:
        told["example"] = example
    return told


def _any(description: str, example: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "name": "parameters",
        "in": "query",
        "description": description,
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        "example": dict(example or {}),
    }


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


def _body(module: Any, method: str, path: str) -> dict[str, Any]:
    if path.endswith("/_search"):
        form = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
        return {"content": {"application/x-www-form-urlencoded": form}}
    example: dict[str, Any] = {"resourceType": "Organization", "name": "Haus am Moor"}
    if hasattr(module, "NAME"):
        example = {"resourceType": "Parameters", "parameter": []}
    elif path == "/":
        request = {"method": "GET", "url": "Location?_count=1"}
        example = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": request}]}
    content: dict[str, Any] = {
        _JSON: {"schema": {"type": "object"}, "example": example},
        _XML: {"schema": {"type": "string"}},
    }
    if method == "PATCH":
        change = [{"op": "replace", "path": "/name", "value": "Haus am See"}]
        content = {"application/json-patch+json": {"schema": {"type": "array"}, "example": change}} | content
        content[merge_patch.MEDIA_TYPE] = {"schema": {"type": "object"}, "example": {"name": "Haus am See"}}
        content[_JSON]["example"] = _FHIRPATH_PATCH
    return {"required": True, "content": content}


def _ingest(sandbox: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tags": ["Deliveries"],
        "summary": "A delivery of a source, answered with its receipt",
        "parameters": [
            {"name": "source", "in": "path", "required": True, "schema": {"type": "string", "default": "json"}},
            _header("Idempotency-Key", "The same key again gets the same receipt."),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": _DELIVERY}},
        },
        "responses": _answers("application/json"),
    }
    if not sandbox:
        told["security"] = [{"source": []}]
    return told


def _answers(*media_types: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "object"}} for media_type in media_types or (_JSON, _XML)}
    outcome = {"description": "What is wrong, and who must act.", "content": {_JSON: {"schema": {"type": "object"}}}}
    return {"200": {"description": "Done.", "content": content}, "4XX": outcome}


@cache
def _asset(name: str) -> bytes:
    return resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()
