"""One search parameter of one resource type: what it selects, and what a resource is found by through it
(https://hl7.org/fhir/R4/searchparameter.html).
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, cached_property
from types import MappingProxyType, ModuleType
from typing import Any

from conformance.formats import fhirpath
from hub.search.expressions import Outline, outline, parts_for
from hub.search.shipped_parameters import types_by_url
from hub.search.types import composite, date, near, number, quantity, reference, string, token, uri
from hub.search.types.term import Row

__all__ = ["MODULES", "Component", "SearchParameter"]

MODULES: Mapping[str, ModuleType] = MappingProxyType(
    {
        "composite": composite,
        "date": date,
        "number": number,
        "quantity": quantity,
        "reference": reference,
        "special": near,
        "string": string,
        "token": token,
        "uri": uri,
    }
)
_COLUMNS = ("_id", "_lastUpdated")
"""What the table of resources itself answers."""

_NO_OUTLINE = Outline(keys=frozenset(), types=frozenset(), single=False, systems=None)


class _Searched:
    """What is searched: an expression with a type, whose values are seen without evaluating it."""

    def __init__(self, search_type: str, parts: list[str], focus: str) -> None:
        self.type = search_type
        self.parts = parts
        self.focus = focus
        self.targets: tuple[str, ...] = ()

    @cached_property
    def outline(self) -> Outline:
        """What can be told of the expression."""
        return outline(self.parts, self.focus) if self.parts else _NO_OUTLINE

    @property
    def holds(self) -> frozenset[str]:
        """The FHIR types that its values can have; empty where that cannot be told."""
        return self.outline.types

    @property
    def systems(self) -> Mapping[str, Collection[str]] | None:
        """The code systems that its codes are from, where they say none themselves."""
        return self.outline.systems


class Component(_Searched):
    """One component of a composite parameter; its expression is seen from the elements of the composite."""

    def __init__(self, search_type: str, expression: str, focus: str) -> None:
        super().__init__(search_type, [part.strip() for part in expression.split("|")], focus)
        self.expression = expression


class SearchParameter(_Searched):
    """One parameter of one resource type; `number` is its key in the index tables."""

    def __init__(self, definition: Mapping[str, Any], base: str) -> None:
        super().__init__(definition["type"], parts_for(definition["expression"], base), base)
        self.base = base
        self.code: str = definition["code"]
        self.url: str = definition["url"]
        self.description: str = definition.get("description", "")
        self.expression = " | ".join(self.parts)
        self.targets = tuple(definition.get("target", ()))
        self.number = self.numbered("")
        self._components: Sequence[Mapping[str, str]] = definition.get("component", ())

    @property
    def implementation(self) -> ModuleType:
        """The module of its type: `rows`, `parse`, `where`."""
        return MODULES[self.type]

    @property
    def is_column(self) -> bool:
        """Whether the table of resources itself answers it."""
        return self.code in _COLUMNS

    @property
    def single(self) -> bool:
        """Whether a resource has at most one row of it."""
        return self.outline.single

    @cached_property
    def modifiers(self) -> tuple[str, ...]:
        """The modifiers that it can be asked with."""
        if self.is_column:
            return ("missing",) if self.code == "_lastUpdated" else ("missing", "not")
        own: tuple[str, ...] = self.implementation.MODIFIERS
        if self.type == "composite":
            return own
        types = self.targets if self.type == "reference" else ()
        return ("missing", *own, *types)

    def numbered(self, suffix: str) -> int:
        """The key of rows that are this parameter's in another way: those of `:text`, for example."""
        return _number(f"{self.base}.{self.code}{suffix}")

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The components of a composite."""
        focuses = self.outline.types or ({self.base} if self.base in self.parts else frozenset())
        focus = min(focuses, key=len) if focuses else self.base
        return tuple(
            Component(_component_type(one["definition"]), one["expression"], focus) for one in self._components
        )

    @cached_property
    def values(self) -> Callable[[Mapping[str, Any]], list[tuple[str, Any]]]:
        """FHIR type and value of the elements of a resource that the expression selects."""
        return fhirpath.compile(self.expression, of=self.base).values

    @cached_property
    def rows(self) -> Callable[[Mapping[str, Any], list[tuple[str, Row]]], None]:
        """Adds (index table, row without the rid) of what a resource is found by to a list."""
        if self.implementation is composite:
            return self._composite_rows()
        values, add = self.values, self._add
        return lambda tree, found: add(values(tree), found)

    def moved(
        self,
        before: Mapping[str, Any],
        now: Mapping[str, Any],
        lost: list[tuple[str, Row]],
        found: list[tuple[str, Row]],
    ) -> None:
        """Adds such rows of a resource as it was to one list, and as it is to another, or neither where none differ."""
        if self.implementation is composite:
            self.rows(before, lost)
            self.rows(now, found)
            return
        old, new = self.values(before), self.values(now)
        # What is no text may be equal and found otherwise: true and 1, 1.0 and 1.00.
        if old != new or not all(type(value) is str for _, value in new):
            self._add(old, lost)
            self._add(new, found)

    @cached_property
    def _add(self) -> Callable[[list[tuple[str, Any]], list[tuple[str, Row]]], None]:
        number_ = self.number
        rows, extras, table = self.implementation.rows, self.implementation.extras, self.implementation.TABLE
        has_extras = self.type in ("reference", "token")

        def add(values: list[tuple[str, Any]], found: list[tuple[str, Row]]) -> None:
            for kind, value in values:
                if kind.startswith("System."):
                    kind = kind[7:].lower()
                found += [(table, (number_, *row)) for row in rows(kind, value)]
                if has_extras and isinstance(value, dict):
                    for other, suffix, row in extras(kind, value):
                        found.append((other, (self.numbered(suffix), *row)))

        return add

    def _composite_rows(self) -> Callable[[Mapping[str, Any], list[tuple[str, Row]]], None]:
        expression = fhirpath.compile(self.expression, of=self.base)

        def add(tree: Mapping[str, Any], found: list[tuple[str, Row]]) -> None:
            for ordinal, element in enumerate(expression.nodes(tree)):
                parts = [
                    [
                        row
                        for node in fhirpath.compile(component.expression, of=element.type).nodes_of(element)
                        for row in composite.component_rows(place, component.type, node.type, node.value, ordinal)
                    ]
                    for place, component in enumerate(self.components)
                ]
                if all(parts):
                    found += ((composite.TABLE, (self.number, *row)) for part in parts for row in part)

        return add


@cache
def _number(name: str) -> int:
    # 47 bits: six bytes in SQLite's rows, and a chance of one in a million that any two of ours are the same.
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest()) >> 1


def _component_type(url: str) -> str:
    found = types_by_url()[url.partition("|")[0]]
    if found not in composite.TYPES:
        raise KeyError(url)
    return found
