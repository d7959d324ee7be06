"""The search parameters that there are: one file each in `conformance/spec/`, read here and nowhere else.

What is indexed, what can be asked for and what the CapabilityStatement declares all come from these files
(https://hl7.org/fhir/R4/searchparameter.html).
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from conformance import spec
from hub.search.types import date, near, reference, string, token

__all__ = ["TYPES", "SearchParameter", "fingerprint", "index_rows", "parameters", "resource_types"]

_INDEXED_TYPES: Mapping[str, ModuleType] = {
    "date": date,
    "reference": reference,
    "special": near,
    "string": string,
    "token": token,
}
TYPES = ("HealthcareService", "Location", "Organization", "Schedule", "Slot")
"""The resource types that are served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParameter:
    """One parameter of one resource type; `number` is its key in the index tables."""

    base: str
    code: str
    type: str
    url: str
    description: str
    paths: tuple[tuple[str, ...], ...]
    targets: tuple[str, ...]
    number: int

    @property
    def implementation(self) -> ModuleType:
        """The module of its type: `rows`, `parse`, `where`."""
        return _INDEXED_TYPES[self.type]

    def values(self, resource: Mapping[str, Any]) -> Iterator[Any]:
        """The elements of a resource that the expression selects."""
        for path in self.paths:
            yield from _walk(resource, path)


def parameters(resource_type: str) -> Mapping[str, SearchParameter]:
    """The indexed parameters of a type, by code."""
    return _registry()[resource_type]


def fingerprint() -> str:
    """What the indexes are made by: another one means that they must be made anew."""
    told = [
        (base, parameter.code, parameter.type, parameter.paths)
        for base, known in sorted(_registry().items())
        for parameter in sorted(known.values(), key=lambda one: one.code)
    ]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def resource_types() -> tuple[str, ...]:
    """The types that are served, in order."""
    return TYPES


def index_rows(resource: Mapping[str, Any]) -> Iterator[tuple[str, tuple[object, ...]]]:
    """What a resource is found by: (table, (parameter's number, value …))."""
    for parameter in _registry()[resource["resourceType"]].values():
        implementation = parameter.implementation
        for value in parameter.values(resource):
            for row in implementation.rows(value):
                yield implementation.TABLE, (parameter.number, *row)


@cache
def _registry() -> Mapping[str, Mapping[str, SearchParameter]]:
    found: dict[str, dict[str, SearchParameter]] = {resource_type: {} for resource_type in TYPES}
    numbers: dict[int, str] = {}
    for resource in spec.load("SearchParameter"):
        for base in resource["base"]:
            if base not in found:
                continue
            parameter = _read(resource, base)
            taken = numbers.setdefault(parameter.number, resource["url"])
            if taken != resource["url"]:
                raise ValueError(f"{taken} and {resource['url']} have the same number: rename one")
            found[base][parameter.code] = parameter
    return found


def _read(resource: Mapping[str, Any], base: str) -> SearchParameter:
    return SearchParameter(
        base=base,
        code=resource["code"],
        type=resource["type"],
        url=resource["url"],
        description=resource["description"],
        paths=tuple(_path(part.strip(), base) for part in resource["expression"].split("|")),
        targets=tuple(resource.get("target", ())),
        number=zlib.crc32(f"{base}.{resource['code']}".encode()),
    )


def _path(expression: str, base: str) -> tuple[str, ...]:
    """`Location.managingOrganization` as steps; only plain paths are understood so far."""
    first, *steps = expression.split(".")
    if first != base or not all(step.isidentifier() for step in steps):
        raise ValueError(f"expression {expression!r}: expected a plain path that begins with {base}")
    return tuple(steps)


def _walk(node: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, path)
    elif not path:
        yield node
    elif isinstance(node, Mapping) and path[0] in node:
        yield from _walk(node[path[0]], path[1:])
