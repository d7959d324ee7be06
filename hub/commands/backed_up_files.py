"""The operator's files that a backup holds, in a line."""

from collections.abc import Sequence

from hub.backup.operator_files import FOLDERS

__all__ = ["listed"]


def listed(names: Sequence[str]) -> str:
    """How many files of each folder: `sources/ 2, feeds/ 1`; – for none."""
    counts = {part: sum(name.startswith(f"{part}/") for name in names) for part in FOLDERS}
    return ", ".join(f"{part}/ {count}" for part, count in counts.items() if count) or "–"
