"""What terminology knows of codes, for the modifiers that ask it (https://hl7.org/fhir/R4/search.html#token)."""

from collections.abc import Iterable

from hub.search.types.term import Codes
from hub.terminology.codes import above, below, codes_in
from hub.terminology.definitions import Find, nothing_stored

__all__ = ["NO_CODES", "OWN_CODES", "Terminology"]


class Terminology:
    """Our own definitions, R4's, and those that `find` finds."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def of(self, value_set: str) -> Iterable[tuple[str, str]]:
        """System and code of each member of a value set."""
        return codes_in(value_set, self._find)

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

OWN_CODES: Codes = Terminology(nothing_stored)
"""Ours and R4's alone."""
