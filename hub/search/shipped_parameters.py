"""The search parameters that are shipped, as defined: HL7's, and those of `conformance/spec/SearchParameter-*.json`."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from conformance import spec
from conformance.formats.r4_types import resource_types, search_parameters

__all__ = ["DEFINING", "bases_of", "shipped", "shipped_digest", "shipped_urls", "types_by_url"]

_UNSUPPORTED = frozenset(("phonetic",))
"""Codes that promise more than their expression says."""
_EXAMPLES = "http://hl7.org/fhir/SearchParameter/example"
DEFINING = ("url", "code", "type", "base", "expression", "target", "component")
"""What of a definition decides what is indexed."""


def bases_of(definition: Mapping[str, Any]) -> Collection[str]:
    """The types that a definition is for."""
    bases = definition.get("base", ())
    if "Resource" in bases:
        return resource_types()
    if "DomainResource" in bases:
        return resource_types() - {"Binary", "Bundle", "Parameters"}
    return [base for base in bases if base in resource_types()]


def shipped(resource_type: str) -> Sequence[Mapping[str, Any]]:
    """The definitions for a type."""
    by_type = _definitions()
    everywhere = by_type["Resource"] if resource_type in resource_types() else ()
    return [*everywhere, *by_type.get(resource_type, ())]


@cache
def _definitions() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {"Resource": []}
    for definition in (*search_parameters(), *spec.load("SearchParameter")):
        if not definition.get("expression") or definition["url"].startswith(_EXAMPLES):
            continue
        if definition["code"] in _UNSUPPORTED or "http://example.org" in definition["expression"]:
            continue
        for base in definition.get("base", ()):
            found.setdefault(base, []).append(definition)
    return found


@cache
def shipped_urls() -> frozenset[str]:
    """The URLs of all of them."""
    return frozenset(one["url"] for listed in _definitions().values() for one in listed)


@cache
def shipped_digest() -> bytes:
    """A digest that moves with any of them."""
    folder = resources.files(spec)
    told = hashlib.blake2b(folder.joinpath("r4", "search-parameters.json").read_bytes())
    for one in spec.load("SearchParameter"):
        told.update(repr([(name, one.get(name)) for name in DEFINING]).encode())
    return told.digest()


@cache
def types_by_url() -> Mapping[str, str]:
    """The search type of each URL, also of those that are for components alone."""
    return {one["url"]: one["type"] for one in (*search_parameters(), *spec.load("SearchParameter"))}
