"""The hub's secret, kept in a file beside the database and never in it: what turns a visit number into a hash."""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from mappings.errors import Issue, Rejected

__all__ = ["Key"]

_BYTES = 32


class Key:
    """A secret that hashes; the same text always gets the same hash, and none can be turned back without the file."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def of(cls, path: Path) -> "Key":
        """The key in a file, made anew (readable by its owner alone) where there is none yet.

        Raises `Rejected` where something else stands there.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        try:
            secret = bytes.fromhex(path.read_text("ascii"))
        except (ValueError, OSError):
            secret = b""
        if len(secret) != _BYTES:
            raise Rejected(
                Issue(
                    code="key-file",
                    place=str(path),
                    text_de=f"hier muss der Schlüssel stehen: {2 * _BYTES} hexadezimale Ziffern; aus der Sicherung "
                    "zurückholen",
                    text_en=f"the key must stand here: {2 * _BYTES} hexadecimal digits; restore it from the backup",
                )
            )
        return cls(secret)

    def derived(self, purpose: str) -> bytes:
        """A key of its own for one purpose: nothing signed or hashed with it says anything of the others."""
        # Another hash than `digest`: whoever chooses a body that reads like a purpose must not find its key stored.
        return hmac.new(self._secret, b"platzfrei key\n" + purpose.encode(), hashlib.sha512).digest()[:_BYTES]

    @property
    def fingerprint(self) -> str:
        """What tells this key from others and betrays nothing of it: 16 hexadecimal digits."""
        return self.derived("fingerprint").hex()[:16]

    def digest(self, body: bytes) -> bytes:
        """The keyed hash of bytes."""
        return hmac.new(self._secret, body, hashlib.sha256).digest()

    def pseudonym(self, text: str) -> str:
        """The keyed hash of a number that stands for a patient's stay, 32 hexadecimal digits."""
        return self.digest(text.encode())[:16].hex()


def _make(path: Path) -> None:
    """Write a new key whole, or leave the one that another program wrote meanwhile."""
    made = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(_BYTES).hex())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
    finally:
        made.unlink(missing_ok=True)
