"""Search answers joined from stored bytes (https://hl7.org/fhir/R4/bundle.html#searchset)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from uuid import NAMESPACE_OID, uuid5

import orjson

__all__ = ["entry", "outcome_entry", "searchset"]


def entry(base: str, resource_type: str, resource_id: str, content: bytes, search: bytes) -> bytes:
    """One entry; `search` is the element `search`, serialised."""
    head = _head(base, resource_type)
    return b'%b%b","resource":%b,"search":%b}' % (head, resource_id.encode(), content, search)


@lru_cache(maxsize=1024)
def _head(base: str, resource_type: str) -> bytes:
    return f'{{"fullUrl":"{base}/{resource_type}/'.encode()


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
