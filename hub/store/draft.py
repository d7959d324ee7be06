"""A resource on its way into the store: what it says as a tree, and its members as they were written."""

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

__all__ = ["Draft", "Found", "Index"]

Found = Set[tuple[str, tuple[object, ...]]]
"""(index table, its row without the rid) of each value of a resource."""

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_SERVERS_OWN = ("versionId", "lastUpdated")


class Index(Protocol):
    """What resources are found by."""

    def rows(self, tree: Mapping[str, Any]) -> Iterable[tuple[str, tuple[object, ...]]]:
        """(index table, its row without the rid) of each value of a resource."""

    def tables(self, resource_type: str) -> Collection[str]:
        """The index tables in which resources of a type can have rows."""


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
    posted: bool = False
    """Whether the server gave it its id: a create, which the history tells from an update that created."""
    _found: list[Any] = field(default_factory=list, compare=False, repr=False)

    def found_by(self, index: Index) -> Found:
        """What it is found by; both views are the same, so it is made out once."""
        if not self._found or self._found[0] is not index:
            self._found[:] = [index, set(index.rows(self.tree))]
        found: Found = self._found[1]
        return found

    @classmethod
    def of(cls, tree: Mapping[str, Any], *, resource_id: str | None = None) -> "Draft":
        """The draft of a tree that nobody wrote down."""
        return cls.received(tree, _ENCODER.encode(tree), resource_id=resource_id)

    @classmethod
    def received(
        cls, tree: Mapping[str, Any], text: bytes, *, resource_id: str | None = None, posted: bool = False
    ) -> "Draft":
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
            posted=posted,
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
