"""The hub's secret, kept in a file beside the database and never in it: what turns a visit number into a hash."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

__all__ = ["Key"]

_BYTES = 32


class Key:
    """A secret that hashes; the same text always gets the same hash, and none can be turned back without the file."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def of(cls, path: Path) -> "Key":
        """The key in a file, made anew (readable by its owner alone) where there is none yet."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(bytes.fromhex(path.read_text("ascii")))
        with os.fdopen(handle, "w", encoding="ascii") as file:
            secret = secrets.token_bytes(_BYTES)
            file.write(secret.hex())
            file.flush()
            os.fsync(file.fileno())
        return cls(secret)

    def digest(self, body: bytes) -> bytes:
        """The keyed hash of bytes."""
        return hmac.new(self._secret, body, hashlib.sha256).digest()

    def pseudonym(self, text: str) -> str:
        """The keyed hash of a number that stands for a patient's stay, 32 hexadecimal digits."""
        return self.digest(text.encode())[:16].hex()
