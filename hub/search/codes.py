"""What terminology knows of codes, for the modifiers that ask it (https://hl7.org/fhir/R4/search.html#token)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hub.search.types.term import Codes
from hub.terminology.codes import above, below, codes_in
from hub.terminology.definitions import Find, nothing_stored

__all__ = ["NO_CODES", "OWN_CODES", "Terminology"]


ById = Callable[[str, str], Mapping[str, Any] | None]
"""(resource type, id) → the resource that is stored, or None."""


class Terminology:
    """Our own definitions, R4's, and those that `find` finds by a canonical URL, `by_id` by where they stand."""

    def __init__(self, find: Find, by_id: ById) -> None:
        self._find = find
        self._by_id = by_id

    def of(self, value_set: str) -> Iterable[tuple[str, str]]:
        """System and code of each member of a value set, named by its canonical URL or as `ValueSet/id`."""
        return codes_in(value_set, self._find if "://" in value_set else self._literal)

    def _literal(self, kind: str, url: str, version: str | None) -> Mapping[str, Any] | None:
        named, _, resource_id = url.partition("/")
        found = self._by_id(kind, resource_id) if named == kind and resource_id else None
        return found or self._find(kind, url, version)

    def below(self, system: str, code: str) -> Iterable[str]:
        """A code and all its kinds."""
        return below(system, code, self._find)

    def above(self, system: str, code: str) -> Iterable[str]:
        """A code and all that it is a kind of."""
        return above(system, code, self._find)


class _NoCodes:
    def of(self, value_set: str) -> Iterable[tuple[str, str]]:
        raise KeyError(value_set)

    def below(self, system: str, code: str) -> Iterable[str]:
        raise KeyError(system, code)

    above = below


NO_CODES: Codes = _NoCodes()
"""None: whoever asks is refused."""


def _none_by_id(_kind: str, _id: str) -> None:
    return None


OWN_CODES: Codes = Terminology(nothing_stored, _none_by_id)
"""Ours and R4's alone."""
