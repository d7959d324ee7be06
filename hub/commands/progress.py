"""A progress bar on the terminal's error stream; nothing where that is no terminal."""

import sys
from types import TracebackType
from typing import Self

__all__ = ["Progress"]

_WIDTH = 28


class Progress:
    """Shows how much of `total` is done, and of what."""

    def __init__(self, total: int) -> None:
        self._total = max(total, 1)
        self._done = 0
        self._label = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def total(self, total: int) -> None:
        """Say how much there is, where that is known only now."""
        self._total = max(total, 1)

    def show(self, label: str) -> None:
        """Name what is being done."""
        self._label = label
        self._draw()

    def advance(self, count: int) -> None:
        """Count what is done."""
        self._done += count
        self._draw()

    def left(self, left: int, total: int) -> None:
        """Say how much is left, of how much."""
        self._total, self._done = max(total, 1), total - left
        self._draw()

    def _draw(self) -> None:
        if not sys.stderr.isatty():
            return
        share = min(self._done / self._total, 1)
        bar = "█" * round(share * _WIDTH)
        sys.stderr.write(f"\r\x1b[K{bar:░<{_WIDTH}} {share:4.0%}  {self._label}")
        sys.stderr.flush()
