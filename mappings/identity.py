"""Deterministic resource ids: the same thing from the same source has the same id, for ever
(https://hl7.org/fhir/R4/resource.html#id).
"""

from functools import lru_cache
from hashlib import sha1
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from conformance.spec import CANONICAL

__all__ = ["NAMESPACE", "Kind", "resource_id"]

Kind = Literal["Organization/operator", "Organization/facility", "Location", "HealthcareService", "Schedule", "Slot"]
"""What the id is of; operators and facilities are both Organizations, and their keys may be equal."""

NAMESPACE = uuid5(NAMESPACE_URL, CANONICAL)
"""Of every UUID that we make of a name."""

_NAMESPACE = NAMESPACE.bytes
_VARIANT = "89ab" * 4
"""Two bits of a UUID say what kind it is, whatever was hashed (https://www.rfc-editor.org/rfc/rfc9562#section-4.1)."""


@lru_cache(maxsize=16_384)
def resource_id(source: str, kind: Kind, key: str) -> str:
    """The id of a thing that `source` calls `key`: a UUID in lower case, never random, never changed."""
    # What `uuid5` makes of it, without an object for each: a report has a dozen of them.
    told = sha1(_NAMESPACE + f"{source}\n{kind}\n{key}".encode(), usedforsecurity=False).hexdigest()
    return f"{told[:8]}-{told[8:12]}-5{told[13:16]}-{_VARIANT[int(told[16], 16)]}{told[17:20]}-{told[20:32]}"
