"""The signed link of a home: it opens one home's page and no other, until it expires or is revoked.

A token is 36 characters (RFC 4648 base64url): version, the home's number, the generation that a revocation ends, the
last day (days since 1970), and an HMAC-SHA-256 of these, cut to 18 bytes. It carries nothing of a person, and no
database knows it.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.keys import Key
from hub.store.clock import day

__all__ = ["LIFETIME", "Form", "Forms", "Link", "Links"]

LIFETIME = timedelta(days=180)
"""How long a link is valid unless said otherwise."""

_VERSION = 1
_HEAD = struct.Struct(">BIHH")
_MAC = 18
_SINCE = struct.Struct(">I")
_FORM_MAC = 17


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says: whose it is, of which generation, and the last day of its validity (days since 1970)."""

    home: int
    generation: int
    last_day: int


class Links:
    """Makes links and reads them."""

    def __init__(self, key: Key) -> None:
        self._secret = key.derived("home link")

    def make(self, home: int, generation: int, *, at: datetime, lifetime: timedelta = LIFETIME) -> str:
        """The token of a new link."""
        head = _HEAD.pack(_VERSION, home, generation, day((at + lifetime).date()))
        return base64.urlsafe_b64encode(head + _mac(self._secret, head, _MAC)).decode()

    def read(self, token: str) -> Link | None:
        """What a token says; None for one that was not made here, or that anybody changed."""
        signed = _decoded(token, _HEAD.size + _MAC)
        if signed is None:
            return None
        head, mac = signed[: _HEAD.size], signed[_HEAD.size :]
        if not hmac.compare_digest(mac, _mac(self._secret, head, _MAC)):
            return None
        version, home, generation, last_day = _HEAD.unpack(head)
        return Link(home, generation, last_day) if version == _VERSION else None


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was shown: when (seconds since 1970), and whether what it shows is what is known now."""

    shown_at: int
    current: bool


class Forms:
    """Marks the forms that a page shows: a form goes with one link and what it showed, and says when."""

    def __init__(self, key: Key) -> None:
        self._secret = key.derived("home form")

    def make(self, link: Link, shown: bytes, *, at: datetime) -> str:
        """The mark of a form that shows `shown`."""
        head = _SINCE.pack(int(at.timestamp()))
        return base64.urlsafe_b64encode(head + self._mac(head, link) + self._mac(head, link, shown)).decode()

    def read(self, mark: str, link: Link, shown: bytes) -> Form | None:
        """What a mark says now that `shown` would be shown; None for one that does not go with the link."""
        marked = _decoded(mark, _SINCE.size + 2 * _FORM_MAC)
        if marked is None:
            return None
        head, mac, content = marked[:4], marked[4 : 4 + _FORM_MAC], marked[4 + _FORM_MAC :]
        if not hmac.compare_digest(mac, self._mac(head, link)):
            return None
        return Form(_SINCE.unpack(head)[0], hmac.compare_digest(content, self._mac(head, link, shown)))

    def _mac(self, head: bytes, link: Link, shown: bytes = b"") -> bytes:
        told = b"%b\n%d %d %d\n%b" % (head, link.home, link.generation, link.last_day, shown)
        return _mac(self._secret, told, _FORM_MAC)


def _mac(secret: bytes, told: bytes, length: int) -> bytes:
    return hmac.new(secret, told, hashlib.sha256).digest()[:length]


def _decoded(text: str, length: int) -> bytes | None:
    """The bytes of base64url; None unless they are so many, written in the one way."""
    try:
        decoded = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(decoded) != length or base64.urlsafe_b64encode(decoded).decode() != text:
        return None
    return decoded
