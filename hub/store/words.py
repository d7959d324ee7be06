"""Numbers for texts that many rows have in common."""

from collections.abc import Iterable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

__all__ = ["Words"]

_AMONG_MAX = 500
"""Lists of words of which it is kept which numbers they are: care forms come in any combination."""


class Words:
    """Those of one column; a number stays that of its text as long as the process works."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._lock = Lock()
        self._among: dict[tuple[str, ...], NDArray[np.bool_]] = {}
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        """That of a text, a new one where it has none."""
        found = self._numbers.get(text)
        if found is None:
            with self._lock:
                found = self._numbers.get(text)
                if found is None:
                    found = len(self.texts)
                    # First, or others would meet a number without a text.
                    self.texts.append(text)
                    self._numbers[text] = found
        return found

    def numbers(self, texts: Iterable[str]) -> set[int]:
        """Those of texts, where they have any."""
        return {self._numbers[text] for text in texts if text in self._numbers}

    def among(self, wanted: tuple[str, ...]) -> NDArray[np.bool_]:
        """Of each number whether its text is among these."""
        found = self._among.get(wanted)
        if found is None or len(found) < len(self.texts):
            found = np.array([text in wanted for text in self.texts], np.bool_)
            self._among = {**self._among, wanted: found} if len(self._among) < _AMONG_MAX else {wanted: found}
        return found

    def counted(self, numbers: NDArray[np.int64]) -> dict[str, int]:
        """How often each text is among numbers, where it is."""
        times = np.bincount(numbers).tolist()
        return {text: number for text, number in zip(self.texts, times, strict=False) if number}

    def holding(self, part: str) -> NDArray[np.bool_]:
        """Of each number whether its text holds another."""
        return np.array([part in text for text in self.texts], np.bool_)
