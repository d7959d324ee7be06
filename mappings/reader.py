"""A record that remembers which of its fields were read, so that the rest can be named
(`unread` of the source map, `mappings/source_map.py`)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["Fields", "Path", "Reader", "is_blank"]

Fields = Mapping[str, Any]
"""A record's content: names to text, or to nested mappings and lists where the format nests."""

Path = tuple[str | int, ...]
"""The way from a record's root to a value: names, and positions in lists."""


class Reader:
    """Reads a record, or one element of a list in it, by name and remembers what was asked for."""

    __slots__ = ("_entered", "_names", "_names_by_path", "_node", "_read", "path")

    def __init__(self, fields: Fields) -> None:
        self._node = fields
        self.path: Path = ()
        # Nearly all fields are asked for by the name they have in their mapping: those have a set of their own, by the
        # mapping's path; what was reached by a dotted walk has its whole path.
        self._names: set[str] = set()
        self._names_by_path: dict[Path, set[str]] = {(): self._names}
        self._read: set[Path] = set()
        self._entered: set[Path] = set()

    def locate(self, name: str) -> Path | None:
        """The path of a name from the record's root; None where it is absent.

        A name as it stands goes before a dotted walk through nested mappings, since column names may hold dots.
        """
        if name in self._node:
            return (*self.path, name)
        below = _located(self._node, name)
        return None if below is None else (*self.path, *below)

    def value(self, name: str) -> Any:
        """The value of a name, None where it is absent; it counts as read from now on."""
        if name in self._node:
            self._names.add(name)
            return self._node[name]
        if "." not in name:
            return None
        path = self.locate(name)
        if path is None:
            head = name.partition(".")[0]
            if head in self._node and is_blank(self._node[head]):
                self._names.add(head)  # nothing in the place of an object is read as well as can be
            return None
        self._read.add(path)
        node: Any = self._node
        for length in range(len(self.path), len(path)):
            node = node[path[length]]
            if length:
                self._entered.add(path[:length])
        return node

    def values(self, names: Iterable[str | None]) -> list[Any]:
        """The values of names in their order, as `value` gives each; None for no name."""
        node, read = self._node, self._names
        found: list[Any] = []
        for name in names:
            if name is None:
                found.append(None)
            elif name in node:
                read.add(name)
                found.append(node[name])
            else:
                found.append(self.value(name) if "." in name else None)
        return found

    def each(self, name: str) -> "list[Reader]":
        """A reader for each element of a list; no readers where the list is absent or null.

        TypeError where there is something else than a list of mappings.
        """
        found = self.value(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(element, Mapping) for element in found):
            raise TypeError(name)
        path = self.locate(name)
        assert path is not None
        self._names.discard(name)
        self._read.discard(path)
        self._entered.add(path)
        return [self._child(element, (*path, position)) for position, element in enumerate(found)]

    def unread(self) -> tuple[str, ...]:
        """The names of all fields that nobody asked for, without positions in lists, each once, in their order."""
        return tuple(dict.fromkeys(self._unread(self._node, self.path)))

    def _child(self, element: Fields, path: Path) -> "Reader":
        child = Reader.__new__(Reader)
        child._node = element
        child.path = path
        child._names = self._names_by_path.setdefault(path, set())
        child._names_by_path = self._names_by_path
        child._read = self._read
        child._entered = self._entered
        self._entered.add(path)
        return child

    def _unread(self, node: Any, path: Path) -> Iterator[str]:
        names = self._names_by_path.get(path, _NO_NAMES)
        if names and names.issuperset(node):
            return
        children = enumerate(node) if isinstance(node, list) else node.items()
        for step, child in children:
            if step in names:
                continue
            below = (*path, step)
            if below in self._read:
                continue
            if below in self._entered:
                yield from self._unread(child, below)
            else:
                yield ".".join(each for each in below if isinstance(each, str))


_NO_NAMES: frozenset[str] = frozenset()


def is_blank(value: Any) -> bool:
    """Whether a value says nothing: null, white space, an empty list or mapping, or a list of such."""
    if value is None or value == "":
        return True
    if isinstance(value, str):
        return value.isspace()
    if isinstance(value, int):
        return False
    if isinstance(value, list | tuple):
        return all(is_blank(each) for each in value)
    return isinstance(value, Mapping) and not value


def _located(node: Any, name: str) -> tuple[str, ...] | None:
    if not isinstance(node, dict):
        return None
    if name in node:
        return (name,)
    head, dot, rest = name.partition(".")
    if not dot or head not in node:
        return None
    below = _located(node[head], rest)
    return None if below is None else (head, *below)
