"""Signatures of search protocols: JWS with ES256 and a detached payload (RFC 7515, appendix F; RFC 7518).

The header carries the public key and its thumbprint (RFC 7638), so that anybody can check a file without us; whose key
it is tells the key set that the hub serves (RFC 7517).
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

__all__ = ["ALGORITHM", "Signer", "canonical", "signed_by", "thumbprint"]

ALGORITHM = "ES256"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256 (https://www.secg.org/sec2-v2.pdf, 2.4.2)."""
_BYTES = 32
_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="sorted")
_JWS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs protocols and nothing else."""

    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, secret: bytes) -> "Signer":
        """The signer of a secret of 32 random bytes: always the same key."""
        number = int.from_bytes(hashlib.sha512(b"platzfrei P-256\n" + secret).digest()) % (_ORDER - 1) + 1
        return cls(ec.derive_private_key(number, ec.SECP256R1()))

    @property
    def public(self) -> dict[str, str]:
        """The public key as a JWK."""
        numbers = self._key.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": _number(numbers.x), "y": _number(numbers.y)}

    @property
    def fingerprint(self) -> str:
        """The thumbprint of the public key: 43 characters."""
        return thumbprint(self.public)

    @property
    def key_set(self) -> dict[str, Any]:
        """The JWK Set that is served."""
        return {"keys": [{**self.public, "kid": self.fingerprint, "alg": ALGORITHM, "use": "sig"}]}

    def sign(self, payload: bytes) -> str:
        """The JWS of bytes, without them."""
        header = _text(orjson.dumps({"alg": ALGORITHM, "kid": self.fingerprint, "jwk": self.public}))
        r, s = decode_dss_signature(self._key.sign(_input(header, payload), ec.ECDSA(hashes.SHA256())))
        return f"{header}..{_text(r.to_bytes(_BYTES) + s.to_bytes(_BYTES))}"


def signed_by(jws: str, payload: bytes) -> str | None:
    """The thumbprint of the key that signed these very bytes; None where nobody did."""
    try:
        header, nothing, signature = jws.split(".")
        told = orjson.loads(_bytes(header))
        raw = _bytes(signature)
        if len(jws) > _JWS_MAX or nothing or told["alg"] != ALGORITHM or len(raw) != 2 * _BYTES or "crit" in told:
            return None
        jwk = told["jwk"]
        if (jwk["kty"], jwk["crv"]) != ("EC", "P-256") or told["kid"] != thumbprint(jwk):
            return None
        x, y = (int.from_bytes(_bytes(jwk[name])) for name in ("x", "y"))
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        whole = encode_dss_signature(int.from_bytes(raw[:_BYTES]), int.from_bytes(raw[_BYTES:]))
        key.verify(whole, _input(header, payload), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
        return None
    return str(told["kid"])


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """What tells a public key from others (RFC 7638)."""
    told = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return _text(hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).digest())


def canonical(tree: Any) -> bytes:
    """FHIR's canonical JSON: no white space, properties in the order of the alphabet
    (https://hl7.org/fhir/R4/json.html#canonical); decimals keep their zeros.
    """
    return _CANONICAL.encode(tree)


def _input(header: str, payload: bytes) -> bytes:
    return f"{header}.{_text(payload)}".encode()


def _number(value: int) -> str:
    return _text(value.to_bytes(_BYTES))


def _text(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """The bytes of base64url without padding; ValueError unless they are written in the one way."""
    try:
        told = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if _text(told) != text:
        raise ValueError("not base64url")
    return told
