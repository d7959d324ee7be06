"""A resource on its way into the store: what it says as a tree, and its members as they were written."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec

__all__ = ["Draft"]

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SERVERS_OWN = ("versionId", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Draft:
    """`meta` and `rest` are JSON members without the braces around them: what a sender wrote, to the last decimal zero.

    https://hl7.org/fhir/R4/resource.html#Meta: version and time of `meta` are the server's own.
    """

    type: str
    id: str
    tree: Mapping[str, Any]
    meta: bytes
    rest: bytes

    @classmethod
    def of(cls, tree: Mapping[str, Any], *, resource_id: str | None = None) -> "Draft":
        """The draft of a tree that nobody wrote down."""
        return cls.received(tree, _ENCODER.encode(tree), resource_id=resource_id)

    @classmethod
    def received(cls, tree: Mapping[str, Any], text: bytes, *, resource_id: str | None = None) -> "Draft":
        """The draft of a resource as it was sent: `text` is the JSON that `tree` was read from."""
        members = _MEMBERS.decode(msgspec.json.format(text, indent=-1))
        meta = members.pop("meta", None)
        kept = _MEMBERS.decode(meta) if meta is not None else {}
        for name in _SERVERS_OWN:
            kept.pop(name, None)
            kept.pop(f"_{name}", None)
        members.pop("resourceType", None)
        members.pop("id", None)
        return cls(
            type=tree["resourceType"],
            id=tree["id"] if resource_id is None else resource_id,
            tree=tree,
            meta=_joined(kept),
            rest=_joined(members),
        )

    @property
    def digest(self) -> bytes:
        """What tells one content from another; the server's own part of `meta` is not in it."""
        return blake2b(self.meta + b"\0" + self.rest, digest_size=16).digest()

    def content(self, version: int, updated: str) -> bytes:
        """The resource as a version of it is stored and served."""
        return b'{"resourceType":"%s","id":"%s","meta":{"versionId":"%d","lastUpdated":"%s"%s%s}%s%s}' % (
            self.type.encode(),
            self.id.encode(),
            version,
            updated.encode(),
            b"," if self.meta else b"",
            self.meta,
            b"," if self.rest else b"",
            self.rest,
        )


def _joined(members: Mapping[str, msgspec.Raw]) -> bytes:
    return b",".join(b'"%s":%s' % (name.encode(), bytes(value)) for name, value in members.items())
