"""What a writer makes: named bytes, and how many records stand in them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["File", "portions"]

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One export file."""

    name: str
    body: bytes
    records: int


def portions(groups: Iterable[list[Item]], most: int) -> Iterator[list[Item]]:
    """The items of all groups in portions of at most so many; a group stays whole where it is not larger itself."""
    portion: list[Item] = []
    for group in groups:
        if portion and len(portion) + len(group) > most:
            yield portion
            portion = []
        portion = portion + group
    if portion:
        yield portion
