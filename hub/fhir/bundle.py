"""Search answers joined from stored bytes (https://hl7.org/fhir/R4/bundle.html#searchset)."""

from collections.abc import Iterable, Sequence
from hashlib import sha1
from uuid import UUID

import orjson

from hub.store.shown import Shown

__all__ = ["INCLUDE", "MATCH", "entries", "matches", "outcome_entry", "searchset"]

MATCH = b'{"mode":"match"}'
INCLUDE = b'{"mode":"include"}'


def entries(base: str, resources: Sequence[Shown], search: bytes) -> list[bytes]:
    """Resources as entries, in pieces that are joined once, with all others; `search` is the element `search` of each,
    serialised.
    """
    if not resources:
        return []
    end = b',"search":%b}' % search
    pieces = [end + _head(base)] * (2 * len(resources) + 1)
    pieces[0], pieces[-1] = _head(base), end
    pieces[1::2] = resources
    return pieces


def matches(base: str, resources: Sequence[Shown], searches: Sequence[bytes]) -> list[bytes]:
    """The same, each with an element `search` of its own."""
    head = _head(base)
    return [
        piece
        for resource, search in zip(resources, searches, strict=True)
        for piece in (head, resource, b',"search":', search, b"}")
    ]


def _head(base: str) -> bytes:
    return b',{"fullUrl":"%b/' % base.encode()


def outcome_entry(content: bytes) -> bytes:
    """The entry that says what the server has to say of the search."""
    name = str(UUID(bytes=sha1(content, usedforsecurity=False).digest()[:16], version=5)).encode()
    return b',{"fullUrl":"urn:uuid:%s","resource":%s,"search":{"mode":"outcome"}}' % (name, content)


def searchset(pieces: Sequence[bytes], *, total: int | None, links: Iterable[tuple[str, str]]) -> bytes:
    """A searchset Bundle of entries, given in pieces, each entry with a comma before it; `links` are (relation, URL).
    Without `total` none is told.
    """
    told = orjson.dumps([{"relation": relation, "url": url} for relation, url in links])
    head = b'{"resourceType":"Bundle","type":"searchset",'
    if total is not None:
        head += b'"total":%d,' % total
    head += b'"link":%s' % told
    if not pieces:
        return head + b"}"
    return b"".join((head, b',"entry":[', pieces[0][1:], *pieces[1:], b"]}"))
