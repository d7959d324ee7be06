"""What somebody has seen of a search for places, as a signed text that he keeps and the hub does not.

A cursor is base64url (RFC 4648) of: version, view, a digest of the criteria, when it was made (seconds since 1970), the
state of the view then, the offers' rows (differences, zlib) with a mark each of what was shown of them, and an
HMAC-SHA-256 of all that, cut to 16 bytes. It carries rows of a projection and hashes; no criterion, and nothing of a
person.
"""

import base64
import binascii
import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

__all__ = ["LIFETIME", "MARK", "OFFERS_MAX", "Cursors", "Difference", "Refusal", "Seen", "compare", "criteria_digest"]

OFFERS_MAX = 400
"""In a cursor: with the criteria it is still a URL that everybody takes."""
LIFETIME = 30 * 86_400
"""Seconds that a cursor is good for."""
MARK = 6
"""Bytes of an offer's mark."""

_VERSION = 1
_HEAD = struct.Struct(">BB12sIQIHH")
"""Version, view, criteria, made at, the view's newest moment and how many versions are of it, offers, bytes of rows."""
_MAC = 16
_CRITERIA = 12


class Refusal(Enum):
    """Why a cursor is not taken."""

    UNREADABLE = "unreadable"
    OTHER_VIEW = "other-view"
    OTHER_CRITERIA = "other-criteria"
    TOO_OLD = "too-old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The offers that fitted a search, by row, each with a mark of what was shown of it.

    `at`: seconds since 1970; `state`: of the view, the same where no version was made since.
    """

    at: int
    state: tuple[int, int]
    marks: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows of offers that came, are shown otherwise, or went."""

    came: frozenset[int]
    changed: frozenset[int]
    went: frozenset[int]


class Cursors:
    """Makes the cursors of one view, and reads them; `secret` signs nothing else."""

    def __init__(self, secret: bytes, view: str) -> None:
        self._secret = secret
        self._view = hashlib.blake2b(view.encode(), digest_size=1).digest()[0]

    def make(self, seen: Seen, criteria: bytes) -> str:
        """The cursor of what was seen, of at most `OFFERS_MAX` offers, by criteria as `criteria_digest` has them."""
        rids = sorted(seen.marks)
        steps = [after - before for before, after in zip([0, *rids], rids, strict=False)]
        rows = zlib.compress(struct.pack(f"<{len(steps)}Q", *steps), 1)
        head = _HEAD.pack(_VERSION, self._view, criteria, seen.at, *seen.state, len(rids), len(rows))
        told = b"".join((head, rows, *map(seen.marks.__getitem__, rids)))
        return base64.urlsafe_b64encode(told + self._mac(told)).rstrip(b"=").decode()

    def read(self, cursor: str, criteria: bytes, *, at: int) -> Seen | Refusal:
        """What a cursor says that was made for this view and these criteria, not too long before `at`."""
        signed = _decoded(cursor)
        told, mac = signed[:-_MAC], signed[-_MAC:]
        if len(told) < _HEAD.size or not hmac.compare_digest(mac, self._mac(told)):
            return Refusal.UNREADABLE
        version, view, made_for, made_at, newest, versions, offers, length = _HEAD.unpack_from(told)
        if version != _VERSION:
            return Refusal.TOO_OLD
        if view != self._view:
            return Refusal.OTHER_VIEW
        if made_for != criteria:
            return Refusal.OTHER_CRITERIA
        if at - made_at > LIFETIME:
            return Refusal.TOO_OLD
        rows, marks = told[_HEAD.size : _HEAD.size + length], told[_HEAD.size + length :]
        rids = accumulate(struct.unpack(f"<{offers}Q", zlib.decompress(rows)))
        each = (marks[place : place + MARK] for place in range(0, len(marks), MARK))
        return Seen(at=made_at, state=(newest, versions), marks=dict(zip(rids, each, strict=True)))

    def _mac(self, told: bytes) -> bytes:
        return hmac.digest(self._secret, told, "sha256")[:_MAC]


def criteria_digest(criteria: Iterable[tuple[str, str]]) -> bytes:
    """What tells one search from another, in whatever order its criteria stand."""
    told = "\n".join(f"{len(name)} {name} {len(value)} {value}" for name, value in sorted(criteria))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=_CRITERIA).digest()


def compare(before: Mapping[int, bytes], now: Mapping[int, bytes]) -> Difference:
    """What makes the one set the other."""
    return Difference(
        came=frozenset(now.keys() - before.keys()),
        changed=frozenset(rid for rid, mark in now.items() if before.get(rid, mark) != mark),
        went=frozenset(before.keys() - now.keys()),
    )


def _decoded(text: str) -> bytes:
    """The bytes of base64url without padding, blank unless written in the one way."""
    try:
        decoded = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    return decoded if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == text else b""
