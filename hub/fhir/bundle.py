"""Search answers joined from stored bytes (https://hl7.org/fhir/R4/bundle.html#searchset)."""

from collections.abc import Iterable, Sequence
from uuid import NAMESPACE_OID, uuid5

import orjson

from hub.store.shown import Shown

__all__ = ["INCLUDE", "MATCH", "entries", "outcome_entry", "searchset"]

MATCH = b'{"mode":"match"}'
INCLUDE = b'{"mode":"include"}'


def entries(base: str, resources: Sequence[Shown], search: bytes) -> list[bytes]:
    """Resources as entries, in one piece if there are any; `search` is the element `search` of each, serialised."""
    head, end = b'{"fullUrl":"%b/' % base.encode(), b',"search":%b}' % search
    return [head + (end + b"," + head).join(resources) + end] if resources else []


def outcome_entry(content: bytes) -> bytes:
    """The entry that says what the server has to say of the search."""
    name = str(uuid5(NAMESPACE_OID, content.hex())).encode()
    return b'{"fullUrl":"urn:uuid:%s","resource":%s,"search":{"mode":"outcome"}}' % (name, content)


def searchset(entries: Sequence[bytes], *, total: int | None, links: Iterable[tuple[str, str]]) -> bytes:
    """A searchset Bundle of entries; `links` are (relation, URL). Without `total` none is told."""
    told = orjson.dumps([{"relation": relation, "url": url} for relation, url in links])
    head = b'{"resourceType":"Bundle","type":"searchset",'
    if total is not None:
        head += b'"total":%d,' % total
    head += b'"link":%s' % told
    if not entries:
        return head + b"}"
    return head + b',"entry":[' + b",".join(entries) + b"]}"
