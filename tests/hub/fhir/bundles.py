"""Bundles of requests, and their answers."""

from typing import Any

import httpx
import orjson

from conformance.formats import r4
from tests.hub.client import Client

__all__ = ["asking", "bundle", "errors", "location_id", "organization", "send", "statuses"]


def asking(method: str, url: str, resource: Any = None, *, full_url: str | None = None, **conditions: str) -> Any:
    """An entry that asks for something."""
    entry: dict[str, Any] = {"request": {"method": method, "url": url, **conditions}}
    if resource is not None:
        entry["resource"] = resource
    if full_url is not None:
        entry["fullUrl"] = full_url
    return entry


def bundle(kind: str, *entries: Any) -> Any:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def organization(name: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "name": name, **more}


def send(client: Client, sent: Any, *, status: int = 200, prefer: str | None = None) -> Any:
    """The answer to a Bundle, which must have the status."""
    headers = {"content-type": "application/fhir+json"} | ({"prefer": prefer} if prefer else {})
    body = sent if isinstance(sent, bytes) else orjson.dumps(sent)
    response: httpx.Response = client.request("POST", "/fhir", content=body, headers=headers)
    assert response.status_code == status, response.text
    return orjson.loads(response.content)


def statuses(answer: Any) -> list[str]:
    return [entry["response"]["status"][:3] for entry in answer.get("entry", [])]


def location_id(entry: Any) -> str:
    """The id in the `location` that an entry of an answer tells."""
    return str(entry["response"]["location"].split("/")[1])


def errors(tree: Any) -> list[r4.Finding]:
    """What is wrong with a resource by base R4."""
    return [finding for finding in r4.findings(tree) if finding.severity == "error"]
