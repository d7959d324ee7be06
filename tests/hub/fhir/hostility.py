"""A request as raw as a socket would bring it, what came of it, and what of that no server may do."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from starlette.types import ASGIApp, Message, Scope

from conformance.formats import fhir_xml, r4

__all__ = ["CANARY", "Attack", "Outcome", "complaints", "sent"]

CANARY = "A123456780"
"""Has the form of a health insurance number: it stands in the values of attacks, and in no log and no refusal."""

_SECONDS = 2.0
_PIECE = 1 << 16
_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """`answers` are the classes of status that are right, as their first digit; `path` and `query` go as they are."""

    name: str
    method: str = "GET"
    path: str = "/fhir/Patient"
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    answers: str = "4"

    @property
    def bare(self) -> bool:
        """Whether the answer has no content, whatever its status."""
        return self.method == "HEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came back, and what it took of this process's CPU."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    content: bytes = field(repr=False)
    seconds: float

    def header(self, name: str) -> str:
        """The value of a header, blank where there is none."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), "")


def sent(app: ASGIApp, attack: Attack) -> Outcome:
    """Has an application answer a request, without a client that would mend it on the way."""
    raw = attack.path.encode("utf-8", "surrogateescape")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": attack.method,
        "scheme": "http",
        "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
        "raw_path": raw,
        "query_string": attack.query.encode(),
        "headers": _headers(attack),
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50000),
    }
    pieces = [attack.body[begin : begin + _PIECE] for begin in range(0, len(attack.body), _PIECE)] or [b""]
    messages: list[Message] = []

    async def receive() -> Message:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Message) -> None:
        messages.append(message)

    before = time.process_time()
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # an ASGI application is a coroutine function
    seconds = time.process_time() - before
    return Outcome(
        status=messages[0]["status"],
        headers=tuple(messages[0]["headers"]),
        content=b"".join(message.get("body", b"") for message in messages[1:]),
        seconds=seconds,
    )


def _headers(attack: Attack) -> list[tuple[bytes, bytes]]:
    told = {"host": "127.0.0.1:8080", "content-length": str(len(attack.body))}
    told |= {"content-type": _JSON} if attack.body else {}
    named = {name.lower() for name, _ in attack.headers}
    pairs = [*((name, value) for name, value in told.items() if name not in named), *attack.headers]
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def complaints(attack: Attack, outcome: Outcome) -> list[str]:
    """What is wrong with the answer to an attack."""
    found = []
    if str(outcome.status)[0] not in attack.answers:
        found.append(f"{outcome.status}, expected {' or '.join(f'{one}xx' for one in attack.answers)}")
    if outcome.seconds > _SECONDS:
        found.append(f"took {outcome.seconds:.1f} s")
    for name, value in outcome.headers:
        if any(byte < 32 or byte == 127 for byte in name + value):
            found.append(f"a control character in the header {name!r}")
    if outcome.status in (204, 304) or attack.bare:
        return found + (["content where none may be"] if outcome.content else [])
    tree = _tree(outcome)
    if tree is None:
        return [*found, "no FHIR"] if outcome.content or outcome.status >= 400 else found
    if outcome.status >= 400:
        if tree.get("resourceType") != "OperationOutcome":
            found.append("refused without an OperationOutcome")
        if CANARY.encode() in outcome.content:
            found.append("the refusal repeats a value")
    shell = {key: value for key, value in tree.items() if key != "entry"}
    for one in (shell, *_outcomes(tree)):
        found += [f"{each.expression}: {each.key}" for each in r4.findings(one) if each.severity == "error"]
    return found


def _tree(outcome: Outcome) -> Mapping[str, Any] | None:
    try:
        kind = outcome.header("content-type")
        tree = fhir_xml.parse(outcome.content) if "xml" in kind else orjson.loads(outcome.content)
    except (fhir_xml.NotFhirXml, orjson.JSONDecodeError):
        return None
    return tree if isinstance(tree, dict) and "resourceType" in tree else None


def _outcomes(tree: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for entry in tree.get("entry", ()):
        told = entry.get("response", {}).get("outcome") or entry.get("resource", {})
        if told.get("resourceType") == "OperationOutcome":
            yield told
