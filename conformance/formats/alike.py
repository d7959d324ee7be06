"""The known name that somebody probably meant by another one."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["meant"]

_LONGEST = 64
_MOST = 2_000
"""Names that one is compared with: each costs microseconds."""


def meant(name: str, known: Iterable[str]) -> tuple[str, str]:
    """What is to be said behind a refusal, German and English, of the known name that is alike; else nothing."""
    listed = sorted(known)
    if not name or len(name) > _LONGEST or len(listed) > _MOST:
        return "", ""
    found = get_close_matches(name, listed, n=1, cutoff=0.7)
    return (f"; vielleicht {found[0]}", f"; perhaps {found[0]}") if found else ("", "")
