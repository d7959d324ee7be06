"""What a process remembers of the wards of a source, so that a message need not weigh a month of them.

A ward's census stands as long as nobody else wrote events that touch a ward: a mark in the database, another one with
each such write, tells that. Where it does not stand any more, all events are read again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mappings.census import Census

__all__ = ["CensusMemory"]


@dataclass(slots=True)
class CensusMemory:
    """The census of each ward, by its key, of every source of a process."""

    _marks: dict[str, str] = field(default_factory=dict)
    _wards: dict[str, dict[str, Census]] = field(default_factory=dict)

    def take(self, source: str, mark: str | None) -> dict[str, Census]:
        """What is remembered of a source, if its mark is still this; it is forgotten until it is `kept` again."""
        wards = self._wards.pop(source, {})
        return wards if mark is not None and self._marks.pop(source, None) == mark else {}

    def keep(self, source: str, mark: str, wards: Mapping[str, Census]) -> None:
        """Remember a source's wards under a mark; a new one is written together with what they now hold."""
        self._marks[source] = mark
        self._wards[source] = dict(wards)
