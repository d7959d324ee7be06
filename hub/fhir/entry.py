"""An entry of a batch or transaction: a request of its own, and the answer to it as an entry
(https://hl7.org/fhir/R4/bundle.html#bundle-unique).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import msgspec
import orjson

from hub.errors import Malformed
from hub.fhir.request import Answer, Request
from hub.store.clock import instant, micros
from mappings.errors import Issue

__all__ = ["Entry", "read_entry", "response_entry"]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_CONDITIONS = {"ifMatch": "if-match", "ifNoneMatch": "if-none-match", "ifNoneExist": "if-none-exist"}
_JSON = "application/fhir+json"
_LONGEST_URL = 16_384
_MOST_WORDS = 8
_OUTCOME = b'{"resourceType":"OperationOutcome"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`request` is what it asks for; `tree` and `text` are the resource that it brings, `text` as it was written."""

    position: int
    request: Request
    full_url: str = ""
    tree: dict[str, Any] | None = None
    text: bytes = b""
    wants_content: bool = True
    """HEAD is a GET whose content nobody wants."""

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"Bundle.entry[{self.position}]"


def read_entry(told: Any, text: bytes, position: int, bundle: Request) -> Entry:
    """The entry at a position of a Bundle that came as a request; `text` is that of its resource.

    Raises `Malformed` for what asks for nothing.
    """
    place = f"Bundle.entry[{position}]"
    asked = told.get("request") if isinstance(told, dict) else None
    if not isinstance(asked, dict):
        raise _wrong(f"{place}.request", "method und url", "method and url", "required")
    method = asked.get("method")
    if method not in _METHODS:
        listed = ", ".join(_METHODS)
        raise _wrong(f"{place}.request.method", f"eines von: {listed}", f"one of: {listed}", "code-invalid")
    path, query = _address(asked.get("url"), f"{place}.request.url", bundle.base)
    if not path and method == "POST":
        raise _wrong(
            f"{place}.request.url",
            "kein Stapel im Stapel: die Einträge des inneren in den äußeren schreiben",
            "no batch inside a batch: write the entries of the inner one into the outer",
            "not-supported",
        )
    tree = told.get("resource")
    if tree is not None and not (isinstance(tree, dict) and isinstance(tree.get("resourceType"), str)):
        raise _wrong(f"{place}.resource", "eine Ressource mit resourceType", "a resource with resourceType")
    full_url = told.get("fullUrl", "")
    if not isinstance(full_url, str):
        raise _wrong(f"{place}.fullUrl", "eine Adresse als Text", "an address as a text")
    headers = {"prefer": _preference(bundle.header("prefer")), **_conditions(asked, f"{place}.request")}
    if language := bundle.header("accept-language"):
        headers["accept-language"] = language
    body = b""
    if tree is not None:
        media_type, body = _body(tree, text, method, f"{place}.resource")
        headers["content-type"] = media_type
    return Entry(
        position=position,
        request=Request(
            method="GET" if method == "HEAD" else method,
            path=path,
            query=query,
            headers=headers,
            body=body,
            base=bundle.base,
        ),
        full_url=full_url,
        tree=tree,
        text=text,
        wants_content=method != "HEAD",
    )


def response_entry(answer: Answer, entry: Entry | None, base: str) -> bytes:
    """The entry that tells an answer; without an `entry` none could be read."""
    response: dict[str, Any] = {"status": f"{answer.status} {HTTPStatus(answer.status).phrase}"}
    if answer.location is not None:
        response["location"] = answer.location
    if answer.etag is not None:
        response["etag"] = answer.etag
    if answer.updated is not None:
        response["lastModified"] = instant(micros(answer.updated))
    members: list[bytes] = []
    if answer.content and (answer.status >= 400 or _is_outcome_of_write(answer, entry)):
        response["outcome"] = msgspec.Raw(answer.content)
    elif answer.content and entry is not None and entry.wants_content:
        if answer.version is not None:
            where = (answer.location or "/".join(entry.request.path)).partition("/_history/")[0]
            members.append(b'"fullUrl":%s' % orjson.dumps(f"{base}/{where}"))
        members.append(b'"resource":%s' % answer.content)
    members.append(b'"response":%s' % msgspec.json.encode(response))
    return b"{%s}" % b",".join(members)


def _is_outcome_of_write(answer: Answer, entry: Entry | None) -> bool:
    """What `Prefer: return=OperationOutcome` asked for; that of an operation or a search is its content."""
    if entry is None or entry.request.method == "GET" or not answer.content.startswith(_OUTCOME):
        return False
    return not any(word.startswith(("$", "_")) for word in entry.request.path)


def _address(url: Any, place: str, base: str) -> tuple[tuple[str, ...], str]:
    if not isinstance(url, str) or len(url) > _LONGEST_URL or "\0" in url or "#" in url:
        raise _address_expected(place)
    below, _, query = url.removeprefix(base).removeprefix("/").partition("?")
    if "://" in below:
        raise _address_expected(place)
    try:
        path = tuple(unquote(word, errors="strict") for word in below.split("/")) if below else ()
    except UnicodeDecodeError:
        raise _address_expected(place) from None
    if len(path) > _MOST_WORDS or not all(path):
        raise _address_expected(place)
    return path, query


def _address_expected(place: str) -> Malformed:
    return _wrong(
        place,
        "eine Adresse unter der dieses Servers, zum Beispiel Location/1 oder Location?name=Haus",
        "an address below that of this server, for example Location/1 or Location?name=Haus",
    )


def _conditions(asked: Mapping[str, Any], place: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, header in _CONDITIONS.items():
        if name in asked:
            if not isinstance(asked[name], str):
                raise _wrong(f"{place}.{name}", "ein Text", "a text")
            found[header] = asked[name]
    if "ifModifiedSince" in asked:
        try:
            moment = datetime.fromisoformat(asked["ifModifiedSince"])
            found["if-modified-since"] = format_datetime(moment.astimezone(tz=None))
        except (TypeError, ValueError, OverflowError):
            moment = None
        if moment is None or moment.tzinfo is None:
            raise _wrong(
                f"{place}.ifModifiedSince",
                "ein Zeitpunkt mit Zone, zum Beispiel 2026-11-22T08:00:00Z",
                "an instant with a zone, for example 2026-11-22T08:00:00Z",
            )
    return found


def _preference(prefer: str) -> str:
    """Who sends hundreds of resources has them: they come back only where that is asked for."""
    return prefer if "return=" in prefer.replace(" ", "") else ", ".join(filter(None, ("return=minimal", prefer)))


def _body(tree: Mapping[str, Any], text: bytes, method: str, place: str) -> tuple[str, bytes]:
    """Media type and bytes; a JSON Patch comes in a Binary (https://hl7.org/fhir/R4/http.html#patch)."""
    if method != "PATCH" or tree["resourceType"] != "Binary":
        return _JSON, text
    media_type, data = tree.get("contentType"), tree.get("data", "")
    if not isinstance(media_type, str) or not media_type.isascii() or not isinstance(data, str):
        raise _wrong(place, "contentType und data", "contentType and data", "required")
    try:
        return media_type, base64.b64decode("".join(data.split()), validate=True)
    except (ValueError, binascii.Error):
        raise _wrong(f"{place}.data", "Base64", "base64") from None


def _wrong(place: str, expected_de: str, expected_en: str, fhir_code: str = "value") -> Malformed:
    return Malformed(
        Issue(
            code="bundle-entry",
            fhir_code=fhir_code,
            place=place,
            text_de=f"erwartet wird {expected_de}; der Absender berichtigt den Eintrag",
            text_en=f"expected {expected_en}; the sender corrects the entry",
        )
    )
