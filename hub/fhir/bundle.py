"""Search answers joined from stored bytes (https://hl7.org/fhir/R4/bundle.html#searchset)."""

from collections.abc import Iterable, Sequence
from uuid import NAMESPACE_OID, uuid5

import orjson

__all__ = ["entry", "outcome_entry", "searchset"]


def entry(base: str, resource_type: str, resource_id: str, content: bytes, search: bytes) -> bytes:
    """One entry; `search` is the element `search`, serialised."""
    return b'{"fullUrl":"%s/%s/%s","resource":%s,"search":%s}' % (
        base.encode(),
        resource_type.encode(),
        resource_id.encode(),
        content,
        search,
    )


def outcome_entry(content: bytes) -> bytes:
    """The entry that says what the server has to say of the search."""
    name = str(uuid5(NAMESPACE_OID, content.hex())).encode()
    return b'{"fullUrl":"urn:uuid:%s","resource":%s,"search":{"mode":"outcome"}}' % (name, content)


def searchset(entries: Sequence[bytes], *, total: int, links: Iterable[tuple[str, str]]) -> bytes:
    """A searchset Bundle of entries; `links` are (relation, URL)."""
    told = orjson.dumps([{"relation": relation, "url": url} for relation, url in links])
    head = b'{"resourceType":"Bundle","type":"searchset","total":%d,"link":%s' % (total, told)
    if not entries:
        return head + b"}"
    return head + b',"entry":[' + b",".join(entries) + b"]}"
