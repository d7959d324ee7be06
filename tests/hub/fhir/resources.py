"""Single resources over HTTP."""

from typing import Any

import httpx
import orjson

from tests.hub.client import Client

__all__ = ["FHIR_JSON", "organization", "put", "sent", "text_of"]

FHIR_JSON = "application/fhir+json"


def organization(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "name": "Pflegewerk Test", **more}


def sent(
    client: Client,
    method: str,
    path: str,
    body: Any = None,
    *,
    status: int | None = None,
    media_type: str = FHIR_JSON,
    **headers: str,
) -> httpx.Response:
    """The answer to a request, which must have the status; headers are written with underscores."""
    content = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
    told = {"content-type": media_type} if content is not None else {}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    response = client.request(method, f"/fhir/{path}", content=content, headers=told)
    assert status is None or response.status_code == status, response.text
    return response


def put(client: Client, resource_id: str, status: int = 200, **more: Any) -> httpx.Response:
    """Writes the organization with an id."""
    return sent(client, "PUT", f"Organization/{resource_id}", organization(id=resource_id, **more), status=status)


def text_of(response: httpx.Response) -> str:
    """The first text of an OperationOutcome."""
    return str(response.json()["issue"][0]["details"]["text"])
