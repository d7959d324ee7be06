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
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from conformance import spec
from conformance.formats import fhir_xml
from hub.fhir.context import Context
from hub.fhir.router import modules
from hub.openapi_examples import (
    DELIVERY,
    FHIR_JSON,
    FHIR_XML,
    bodies,
    operation_query,
    query,
    search_value,
    variables,
)
from hub.search.registry import Registry

__all__ = ["add_openapi", "document"]

_FEATURED = ("HealthcareService", "Location", "Organization", "Schedule", "Slot")
"""The types of a vacancy: each of them shows its search parameters."""

_WITHOUT_BODY = ("204", "304")
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
    """The document at `/openapi.json`, the page at `/docs`, and `/` leads there; nothing on it comes from another
    server.
    """

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

    def root(_request: Request) -> Response:
        return RedirectResponse("docs", status_code=303, headers=_HEADERS)

    app.router.routes.extend(
        [
            Route("/", root),
            Route("/openapi.json", description),
            Route("/docs", page),
            Route("/docs/{name}", asset),
        ],
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
    paths["/ingest/{source}/status"] = {"get": _told_of_source(sandbox, "How a source stands, and what it sent last")}
    paths["/ingest/{source}/aside"] = {"get": _told_of_source(sandbox, "What lies aside of a source, and why")}
    paths["/ingest/{source}/deliveries/{number}"] = {
        "get": _told_of_source(sandbox, "The receipt of a delivery, again", "number")
    }
    paths["/health/live"] = {
        "get": {"tags": ["Server"], "summary": "Whether the server is alive", "responses": _answers("application/json")}
    }
    paths["/health/ready"] = {
        "get": {
            "tags": ["Server"],
            "summary": "Whether the server should be sent requests",
            "responses": _answers("application/json"),
        }
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
        _query(one.code, one.description or f"{one.type} ({one.url})", search_value(resource_type, one.code))
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
        yield _query(name, description, search_value(resource_type, name))


def _route(registry: Registry, module: Any, method: str, path: str) -> dict[str, Any]:
    name = getattr(module, "NAME", None)
    told: dict[str, Any] = {
        "tags": [_tag(module, path)],
        "summary": _summary(module),
        "parameters": list(_path_parameters(registry, method, path)),
        "responses": _answers(
            FHIR_JSON, FHIR_XML, *getattr(module, "ALSO_ANSWERS", ()), statuses=_statuses(name, method, path)
        ),
    }
    if name is not None and method == "GET":
        told["parameters"] += _operation_parameters(name, path)
    elif method == "GET":
        told["parameters"].append(_any("Parameters of the interaction.", query(method, path)))
    elif asked := query(method, path) if path == "/{type}" else None:
        told["parameters"].append(_any("The search that finds the one that is meant.", asked))
    if method in ("POST", "PUT", "PATCH"):
        told["requestBody"] = _body(method, path)
    told["parameters"] += _conditions(name, method, path)
    return told


def _conditions(operation: str | None, method: str, path: str) -> Iterator[dict[str, Any]]:
    if method in ("PUT", "PATCH", "DELETE"):
        yield _header("If-Match", 'Only where this is the version that stands here, such as W/"1".')
    elif (method, path) == ("GET", "/{type}/{id}"):
        yield _header("If-None-Match", 'Only where this is not the version that stands here, such as W/"1".')
    elif operation is None and (method, path) == ("POST", "/{type}"):
        yield _header("If-None-Exist", "Create only where this search finds nothing.")


def _statuses(operation: str | None, method: str, path: str) -> Mapping[str, str]:
    """https://hl7.org/fhir/R4/http.html#summary"""
    if method == "DELETE":
        return {"204": "It is not there any more."}
    if method == "PUT":
        return {"200": "Updated.", "201": "Created."}
    if operation is None and (method, path) == ("POST", "/{type}"):
        return {"201": "Created.", "200": "What If-None-Exist finds is there already."}
    if (method, path) == ("GET", "/{type}/{id}"):
        return {"200": "Done.", "304": "The client has this version already."}
    return {"200": "Done."}


def _tag(module: Any, path: str) -> str:
    if module_name := getattr(module, "NAME", None):
        return "Vacancies" if module_name == "find-vacancies" else "Operations"
    return "FHIR, every type" if "{type}" in path else "FHIR, whole server"


def _summary(module: Any) -> str:
    first: str = " ".join((module.__doc__ or "").split("(http")[0].split("\n\n")[0].split())
    return first.rstrip(" .:")


def _path_parameters(registry: Registry, method: str, path: str) -> Iterator[dict[str, Any]]:
    examples = variables(method, path)
    for name in (word.strip("{}") for word in path.split("/") if word.startswith("{")):
        schema: dict[str, Any] = {"type": "string"}
        if name == "type":
            schema["enum"] = list(registry.types)
            schema["default"] = examples[name]
        yield {"name": name, "in": "path", "required": True, "schema": schema, "example": examples[name]}


def _operation_parameters(name: str, path: str) -> Iterator[dict[str, Any]]:
    """Those of our own definition; of HL7's operations whatever is asked, with values to try."""
    for definition in spec.load("OperationDefinition"):
        if definition["code"] == name:
            for one in definition["parameter"]:
                if one["use"] == "in":
                    yield _query(one["name"], one["documentation"], search_value(name, one["name"]))
            return
    yield _any("Parameters of the operation.", operation_query(path))


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


def _body(method: str, path: str) -> dict[str, Any]:
    return {"required": True, "content": {name: _content(name, one) for name, one in bodies(method, path).items()}}


def _content(media_type: str, example: Any) -> dict[str, Any]:
    if media_type == FHIR_XML:
        return {"schema": {"type": "string"}, "example": fhir_xml.write(example, pretty=True).decode()}
    return {"schema": {"type": "array" if isinstance(example, list) else "object"}, "example": example}


def _ingest(sandbox: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tags": ["Deliveries"],
        "summary": "A delivery of a source, answered with its receipt",
        "parameters": [
            {"name": "source", "in": "path", "required": True, "schema": {"type": "string"}, "example": "json"},
            _header("Idempotency-Key", "The same key again gets the same receipt."),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": DELIVERY}},
        },
        "responses": _answers("application/json", statuses=_RECEIVED),
    }
    if not sandbox:
        told["security"] = [{"source": []}]
    return told


_RECEIVED = {
    "200": "Taken, at least in part; single records may be set aside.",
    "202": "Held until the operator decides, or, with Prefer: respond-async, all of it is on disk and is being taken.",
    "422": "Nothing was taken: the receipt of what was rejected or wholly set aside, or an OperationOutcome where the "
    "Idempotency-Key came with other content before.",
}


def _told_of_source(sandbox: bool, summary: str, number: str | None = None) -> dict[str, Any]:
    parameters = [{"name": "source", "in": "path", "required": True, "schema": {"type": "string"}, "example": "json"}]
    if number is not None:
        parameters.append(
            {"name": number, "in": "path", "required": True, "schema": {"type": "string"}, "example": "1"}
        )
    told: dict[str, Any] = {
        "tags": ["Deliveries"],
        "summary": summary,
        "parameters": parameters,
        "responses": _answers("application/json"),
    }
    if not sandbox:
        told["security"] = [{"source": []}]
    return told


def _answers(*media_types: str, statuses: Mapping[str, str] | None = None) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": "object"}} for media_type in media_types or (FHIR_JSON, FHIR_XML)}
    told: dict[str, Any] = {
        status: {"description": description} | ({} if status in _WITHOUT_BODY else {"content": content})
        for status, description in (statuses or {"200": "Done."}).items()
    }
    outcome = {"schema": {"type": "object"}}
    told["4XX"] = {"description": "What is wrong, and who must act.", "content": {FHIR_JSON: outcome}}
    return told


@cache
def _asset(name: str) -> bytes:
    return resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()
