"""Deterministic resource ids: the same thing from the same source has the same id, for ever
(https://hl7.org/fhir/R4/resource.html#id).
"""

from functools import lru_cache
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from conformance.spec import CANONICAL

__all__ = ["NAMESPACE", "Kind", "resource_id"]

Kind = Literal["Organization/operator", "Organization/facility", "Location", "HealthcareService", "Schedule", "Slot"]
"""What the id is of; operators and facilities are both Organizations, and their keys may be equal."""

NAMESPACE = uuid5(NAMESPACE_URL, CANONICAL)
"""Of every UUID that we make of a name."""


@lru_cache(maxsize=1024)
def resource_id(source: str, kind: Kind, key: str) -> str:
    """The id of a thing that `source` calls `key`: a UUID in lower case, never random, never changed."""
    return str(uuid5(NAMESPACE, f"{source}\n{kind}\n{key}"))
