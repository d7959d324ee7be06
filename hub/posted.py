"""What a work list is told over HTTP: a JSON object, from a page of its own origin, by the method that fits."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from hub.errors import Malformed, MethodNotAllowed, UnsupportedMediaType, http_part
from mappings.errors import Issue

__all__ = ["only", "posted"]


def posted(request: Request, body: bytes, malformed: Malformed) -> Mapping[str, Any]:
    """The object; raises `malformed` for what is none, and `UnsupportedMediaType`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        # A page of another site cannot send this type without being asked whether it may.
        raise UnsupportedMediaType(
            Issue(
                code="content-type",
                fhir_code="not-supported",
                place=http_part("Content-Type"),
                text_de="erwartet wird application/json",
                text_en="expected application/json",
            )
        )
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise malformed from None
    if not isinstance(told, dict):
        raise malformed
    return told


def only(method: str) -> MethodNotAllowed:
    """What is raised where another method is used."""
    return MethodNotAllowed(
        Issue(
            code="method",
            fhir_code="not-supported",
            place="http",
            text_de=f"hier geht nur {method}",
            text_en=f"only {method} is possible here",
        ),
        headers={"Allow": method},
    )
