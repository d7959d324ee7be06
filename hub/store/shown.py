"""Resources as Bundles show them, kept in memory: a version that was committed never changes."""

from collections.abc import Mapping, Sequence
from threading import Lock

__all__ = ["BYTES_MAX", "Kept", "Shown", "Version", "address", "content", "shown", "shown_as_stored"]

Version = int
"""The row of a resource and the number of its version, as one number (`packed_pair`)."""

Shown = bytes
"""What an entry says of a resource, from behind the base of its address to the end of the resource itself.

Plain bytes: of all other objects Python would look through thousands, now and then, for rings to take away.
"""

BYTES_MAX = 16 * 1024 * 1024
"""Of what is kept of one view, in one process."""
_ONCE_MAX = 20_000
"""Versions of which it is known that they were shown once."""
_OVERHEAD = 200
"""Bytes that one costs beside its own."""
_BEHIND = b'","resource":'
_TYPE_AT = len('{"resourceType":"')
_ID, _META = b'","id":"', b'","meta":'


def shown(resource_type: str, resource_id: str, content: bytes) -> Shown:
    """What is shown of a resource that has this content."""
    return b"%b/%b%b%b" % (resource_type.encode(), resource_id.encode(), _BEHIND, content)


def shown_as_stored(content: bytes) -> Shown:
    """What is shown of a resource, as every version is stored: with type and id before all else (`Draft.content`)."""
    return content[_TYPE_AT : content.index(_META)].replace(_ID, b"/") + _BEHIND + content


def address(one: Shown) -> tuple[str, str]:
    """Type and id of a resource."""
    resource_type, _, resource_id = one[: one.index(_BEHIND)].decode().partition("/")
    return resource_type, resource_id


def content(one: Shown) -> bytes:
    """The resource itself."""
    return one[one.index(_BEHIND) + len(_BEHIND) :]


class Kept:
    """What was shown of one view more than once of late, by its version, up to a number of bytes.

    Only what a snapshot has read belongs here: what a transaction writes may be undone, and its number given again.
    """

    def __init__(self, most: int = BYTES_MAX) -> None:
        self._most = most // 2
        self._new: dict[Version, Shown] = {}
        self._old: dict[Version, Shown] = {}
        """What was there when the newer half began, and goes when that is full, unless it is asked for meanwhile."""
        self._bytes = 0
        self._once: set[Version] = set()
        """What was shown once: most is not asked for again soon, and what it would push out may be."""
        self._lock = Lock()

    def of(self, versions: Sequence[Version]) -> list[Shown | None]:
        """What is shown of each version, None where that is not kept."""
        new, old = self._new, self._old
        found = list(map(new.get, versions))
        if old and None in found:
            found = [old.get(version) if one is None else one for version, one in zip(versions, found, strict=True)]
            self._put({version: old[version] for version in versions if version in old and version not in new})
        return found

    def add(self, more: Mapping[Version, Shown]) -> None:
        """Keep what is shown of versions from the second time on, but for what would take the place of many."""
        once = self._once
        again = once & more.keys()
        if len(once) > _ONCE_MAX:
            # Another thread may still look into the other one, or add to it: then a little is forgotten.
            once = self._once = set()
        once.update(more)
        if again:
            self._put({version: more[version] for version in again})

    def _put(self, more: Mapping[Version, Shown]) -> None:
        size = sum(map(len, more.values())) + _OVERHEAD * len(more)
        with self._lock:
            if size <= self._most // 8 and self._bytes + size <= self._most:
                # What another thread has added meanwhile is counted twice: then the half is full a little earlier.
                self._new.update(more)
                self._bytes += size
                return
            for version, one in more.items():
                self._add(version, one)

    def _add(self, version: Version, one: Shown) -> None:
        size = len(one) + _OVERHEAD
        if size > self._most // 8 or version in self._new:
            return
        self._new[version] = one
        self._bytes += size
        if self._bytes > self._most:
            self._old, self._new, self._bytes = self._new, {}, 0
