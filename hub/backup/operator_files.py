"""The files that an operator writes beside the database: what of them a backup takes along, and how they are put back.

Taken is what the hub reads as text: maps, code tables, feeds, listeners. They name secrets by the variable or the file
that holds them; what else lies in their folders may be a secret (a listener's private key), and stays outside.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from hub.backup.archive import sync
from hub.feeds import holds_secret

__all__ = ["FOLDERS", "Gathered", "differing", "gathered", "is_name", "put_back"]

FOLDERS: Mapping[str, str] = MappingProxyType(
    {"sources": ".yaml", "terminology": ".json", "feeds": ".yaml", "listeners": ".yaml"}
)
"""Folders of the operator's folder, and how the names end of what is read there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The files by their names (`sources/moor.yaml`), and the names of those that lie there and are not taken along."""

    files: Mapping[str, bytes]
    left_out: tuple[str, ...] = ()


def gathered(folder: Path) -> Gathered:
    """The operator's files as they are now; raises `OSError` for one that cannot be read."""
    files: dict[str, bytes] = {}
    left_out: list[str] = []
    for name, path in _there(folder):
        content = path.read_bytes() if is_name(name) and path.is_file() else None
        if content is None or (name.startswith("feeds/") and holds_secret(content)):
            left_out.append(name)
        else:
            files[name] = content
    return Gathered(files=files, left_out=tuple(left_out))


def _there(folder: Path) -> Iterator[tuple[str, Path]]:
    for part in FOLDERS:
        for path in sorted((folder / part).glob("*")):
            if not path.name.startswith("."):
                yield f"{part}/{path.name}{'/' if path.is_dir() else ''}", path


def is_name(name: str) -> bool:
    """Whether a file of that name is one that a backup holds: never one that leads out of its folder."""
    part, _, file = name.partition("/")
    return part in FOLDERS and file.endswith(FOLDERS[part]) and "/" not in file and not file.startswith(".")


def differing(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The names of those that stand in the folder with another content."""
    return tuple(name for name, content in files.items() if _stands(folder / name) not in (None, content))


def _stands(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def put_back(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write the files; what stood in the place of one with another content stays beside it, and is returned.

    The hub reads none of what stays: its name ends otherwise.
    """
    kept: list[Path] = []
    for name, content in files.items():
        path = folder / name
        stands = _stands(path)
        if stands == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if stands is not None:
            away = path.with_name(f"{path.name}.before-{hashlib.sha256(stands).hexdigest()[:8]}")
            path.replace(away)
            kept.append(away)
        part = path.with_name(f".{path.name}.restoring")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync(path.parent)
    return tuple(kept)
