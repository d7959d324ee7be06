"""The contract as data: the FHIR artefacts that say what Platzfrei's resources, codes and searches are.

This package imports nothing of ours, so that the hub and the kit that tests it read the same contract
(https://hl7.org/fhir/R4/conformance-module.html).
"""

import json
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["CANONICAL", "canonical", "load", "schema"]

CANONICAL = "https://platzfrei.org/fhir"


def canonical(kind: str, name: str) -> str:
    """The canonical URL of one of our own artefacts, for example `canonical("CodeSystem", "care-form")`."""
    return f"{CANONICAL}/{kind}/{name}"


@cache
def load(kind: str) -> tuple[dict[str, Any], ...]:
    """All artefacts of one resource type (`CodeSystem`, `SearchParameter` …), ordered by file name."""
    folder = resources.files(__name__)
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith(f"{kind}-"))
    return tuple(json.loads(folder.joinpath(name).read_bytes()) for name in names)


@cache
def schema(name: str) -> bytes:
    """A JSON Schema of ours, as it is published: `schema("places")` (https://json-schema.org/draft/2020-12).

    KeyError for one that does not exist.
    """
    folder = resources.files(__name__).joinpath("schemas")
    found = {entry.name.removesuffix(".json"): entry for entry in folder.iterdir()}
    return found[name].read_bytes()
