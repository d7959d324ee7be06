"""A resource on its way into the store: what it says as a tree, and its members as they were written."""

import re
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

__all__ = ["Draft", "Found", "Index"]

Found = Set[tuple[str, tuple[object, ...]]]
"""(index table, its row without the rid) of each value of a resource."""

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_TREE = msgspec.json.Decoder(float_hook=Decimal)
_SERVERS_OWN = ("versionId", "lastUpdated")
_SERVERS_ALL = (*_SERVERS_OWN, *(f"_{name}" for name in _SERVERS_OWN))
_OURS = re.compile(rb'\{"versionId":"[0-9]+","lastUpdated":"[0-9T:.Z-]+"(?:,(.*))?\}', re.DOTALL)
"""How `content` begins it: most that is read was written so."""
_HEAD = ("resourceType", "id", "meta")


class Index(Protocol):
    """What resources are found by."""

    def rows(self, tree: Mapping[str, Any]) -> Iterable[tuple[str, tuple[object, ...]]]:
        """(index table, its row without the rid) of each value of a resource."""

    def moved(self, before: Mapping[str, Any], now: Mapping[str, Any], elements: Set[str]) -> "tuple[Found, Found]":
        """Such rows that a resource had and has no longer, and those that it has now and had not; `elements` are all
        that differ."""

    def reads(self, resource_type: str, elements: Set[str]) -> bool:
        """Whether anything that resources of a type are found by may be in one of the elements."""

    def tables(self, resource_type: str) -> Collection[str]:
        """The index tables in which resources of a type can have rows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """`members` are what a sender wrote, to the last decimal zero; `meta` and `rest` join them, without braces around.

    https://hl7.org/fhir/R4/resource.html#Meta: version and time of `meta` are the server's own.
    """

    type: str
    id: str
    tree: Mapping[str, Any]
    members: Mapping[str, bytes]
    meta: bytes
    rest: bytes
    digest: bytes
    """What tells one content from another; the server's own part of `meta` is not in it."""
    posted: bool = False
    """Whether the server gave it its id: a create, which the history tells from an update that created."""
    _found: list[Any] = field(default_factory=list, compare=False, repr=False)
    _moved: list[Any] = field(default_factory=list, compare=False, repr=False)

    def found_by(self, index: Index) -> Found:
        """What it is found by; both views are the same, so it is made out once."""
        if not self._found or self._found[0] is not index:
            self._found[:] = [index, set(index.rows(self.tree))]
        found: Found = self._found[1]
        return found

    def moved_from(self, stored: bytes, digest: bytes, index: Index) -> tuple[Found, Found]:
        """What it was found by as it stood, and no longer is; and what it is found by now, and was not before.

        `digest` is that of what stood. Only elements that differ are looked at. Both views mostly differ alike, so it
        is made out once.
        """
        if self._moved and self._moved[0] == digest and self._moved[1] is index:
            return self._moved[2], self._moved[3]
        members, meta = _parted(stored)
        own = self.members
        differ = {name for name, value in members.items() if own.get(name) != value}
        differ.update(name for name in own if name not in members)
        if meta != self.meta:
            differ.add("meta")
        elements = {name.removeprefix("_") for name in differ}
        lost: Found = frozenset()
        found: Found = frozenset()
        if index.reads(self.type, elements):
            lost, found = index.moved(_TREE.decode(stored), self.tree, elements)
        self._moved[:] = [digest, index, lost, found]
        return lost, found

    @classmethod
    def of(cls, tree: Mapping[str, Any], *, resource_id: str | None = None) -> "Draft":
        """The draft of a tree that nobody wrote down."""
        members = {name: _ENCODER.encode(value) for name, value in tree.items() if name not in _HEAD}
        meta = {
            name: _ENCODER.encode(value) for name, value in tree.get("meta", {}).items() if name not in _SERVERS_ALL
        }
        return cls._of(tree, members, _joined(meta), resource_id)

    @classmethod
    def received(
        cls, tree: Mapping[str, Any], text: bytes, *, resource_id: str | None = None, posted: bool = False
    ) -> "Draft":
        """The draft of a resource as it was sent: `text` is the JSON that `tree` was read from."""
        members, meta = _parted(msgspec.json.format(text, indent=-1))
        return cls._of(tree, members, meta, resource_id, posted=posted)

    @classmethod
    def _of(
        cls,
        tree: Mapping[str, Any],
        members: Mapping[str, bytes],
        meta: bytes,
        resource_id: str | None,
        *,
        posted: bool = False,
    ) -> "Draft":
        rest = _joined(members)
        return cls(
            type=tree["resourceType"],
            id=tree["id"] if resource_id is None else resource_id,
            tree=tree,
            members=members,
            meta=meta,
            rest=rest,
            digest=blake2b(meta + b"\0" + rest, digest_size=16).digest(),
            posted=posted,
        )

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


def _parted(text: bytes) -> tuple[dict[str, bytes], bytes]:
    """The members of a resource but for type and id, and those of its `meta` that are not the server's own, joined."""
    members = {name: bytes(value) for name, value in _MEMBERS.decode(text).items()}
    meta = members.pop("meta", None)
    members.pop("resourceType", None)
    members.pop("id", None)
    return members, b"" if meta is None else _own_meta(meta)


def _own_meta(text: bytes) -> bytes:
    ours = _OURS.fullmatch(text)
    if ours is not None:
        return ours[1] or b""
    kept = _MEMBERS.decode(text)
    for name in _SERVERS_ALL:
        kept.pop(name, None)
    return _joined({name: bytes(value) for name, value in kept.items()})


def _joined(members: Mapping[str, bytes]) -> bytes:
    return b",".join([b'"%s":%s' % (name.encode(), value) for name, value in members.items()])
