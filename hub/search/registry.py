"""The search parameters that there are: HL7's, those of `conformance/spec/SearchParameter-*.json`, and those that an
operator adds as resources while the hub runs.

What is indexed, what can be asked for and what the CapabilityStatement declares all come from here
(https://hl7.org/fhir/R4/searchparameter.html).
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from conformance.formats.r4_types import resource_types
from hub.search.parameter import SearchParameter
from hub.search.shipped_parameters import DEFINING, bases_of, shipped, shipped_digest, shipped_urls
from hub.search.types import string, token
from hub.search.types.term import Row
from hub.search.usable import checked

__all__ = ["ALL_TYPES", "SERVED_TYPES", "Registry"]

ALL_TYPES: tuple[str, ...] = tuple(sorted(resource_types()))
"""Every type of R4: all can be stored and indexed."""

SERVED_TYPES = (
    "CapabilityStatement",
    "CodeSystem",
    "ConceptMap",
    "Endpoint",
    "HealthcareService",
    "Location",
    "Measure",
    "NamingSystem",
    "OperationDefinition",
    "Organization",
    "OrganizationAffiliation",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
    "Schedule",
    "SearchParameter",
    "Slot",
    "StructureDefinition",
    "ValueSet",
)
"""The types of the directory and of vacancies, and of what defines them."""

_ROWS_OF = "3"
"""Moves when the same parameters make other rows than before."""


class _Known:
    """The parameters of one type, and which of them an element of a resource concerns."""

    def __init__(self, base: str, definitions: Iterable[Mapping[str, Any]]) -> None:
        found: dict[str, SearchParameter] = {}
        for definition in definitions:
            found[definition["code"]] = SearchParameter(definition, base)
        self.parameters: Mapping[str, SearchParameter] = MappingProxyType(dict(sorted(found.items())))

    @cached_property
    def by_key(self) -> tuple[Mapping[str, Sequence[SearchParameter]], Sequence[SearchParameter]]:
        """Those that begin at each key of a resource, and those that begin who knows where."""
        by_key: dict[str, list[SearchParameter]] = {}
        always = []
        for parameter in self.parameters.values():
            if parameter.is_column:
                continue
            keys = parameter.outline.keys
            if keys is None:
                always.append(parameter)
            else:
                for key in keys:
                    by_key.setdefault(key, []).append(parameter)
        return by_key, always

    @cached_property
    def tables(self) -> frozenset[str]:
        """The index tables that resources of the type can have rows in."""
        found = {parameter.implementation.TABLE for parameter in self.parameters.values() if not parameter.is_column}
        if "reference" in found:
            found.add(token.TABLE)
        if "token" in found:
            found.add(string.TABLE)
        return frozenset(found)

    def rows(self, tree: Mapping[str, Any]) -> list[tuple[str, Row]]:
        """What a resource is found by."""
        found: list[tuple[str, Row]] = []
        for parameter in self._concerned(tree):
            parameter.rows(tree, found)
        return found

    def moved(
        self, before: Mapping[str, Any], now: Mapping[str, Any], elements: Set[str]
    ) -> tuple[set[tuple[str, Row]], set[tuple[str, Row]]]:
        """What a resource was found by and is no longer, and the other way round."""
        lost: list[tuple[str, Row]] = []
        found: list[tuple[str, Row]] = []
        for parameter in self._concerned(elements):
            parameter.moved(before, now, lost, found)
        gone, new = set(lost), set(found)
        return gone - new, new - gone

    def _concerned(self, keys: Iterable[str]) -> Iterable[SearchParameter]:
        """The parameters that elements with these keys bear on, each once."""
        by_key, always = self.by_key
        groups = [by_key[key] for key in keys if key in by_key]
        if len(groups) == 1 and not always:
            return groups[0]
        return {parameter.number: parameter for group in (always, *groups) for parameter in group}.values()


class Registry:
    """The parameters of every type, of which `types` are served."""

    def __init__(
        self, types: Iterable[str], added: Sequence[Mapping[str, Any]] = (), known: dict[str, _Known] | None = None
    ) -> None:
        self.types = tuple(sorted(types))
        self._served = frozenset(self.types)
        self._added = tuple(added)
        self._known = {} if known is None else known

    def serves(self, resource_type: str) -> bool:
        """Whether resources of a type can be asked for."""
        return resource_type in self._served

    @property
    def added(self) -> tuple[Mapping[str, Any], ...]:
        """The definitions that SearchParameter resources gave."""
        return self._added

    @classmethod
    def shipped(cls) -> "Registry":
        """The parameters that are shipped, of all types."""
        return cls(ALL_TYPES)

    @lru_cache(maxsize=8)  # noqa: B019 - registries live as long as the hub, and there are few
    def serving(self, types: tuple[str, ...]) -> "Registry":
        """The same parameters, of which those of some types can be asked for."""
        return Registry(types, self._added, self._known)

    def with_resources(self, trees: Iterable[Mapping[str, Any]]) -> "Registry":
        """Those and more, that SearchParameter resources define.

        One with the URL of another takes its place. Raises `Unusable`.
        """
        added = {one["url"]: one for one in self._added}
        for tree in trees:
            added[tree.get("url", "")] = checked(tree, added)
        return Registry(self.types, tuple(added.values()))

    def parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type, by code."""
        return self._of(resource_type).parameters

    def knows(self, url: str) -> bool:
        """Whether a parameter with this URL is here."""
        return url in shipped_urls() or any(one["url"] == url for one in self._added)

    def reads(self, resource_type: str, elements: Set[str]) -> bool:
        """Whether a parameter of a type reads one of the elements, or who knows which."""
        by_key, always = self._of(resource_type).by_key
        return bool(always) or not elements.isdisjoint(by_key)

    def rows(self, tree: Mapping[str, Any]) -> Sequence[tuple[str, Row]]:
        """What a resource is found by: (index table, its row without the rid)."""
        return self._of(tree["resourceType"]).rows(tree)

    def moved(
        self, before: Mapping[str, Any], now: Mapping[str, Any], elements: Set[str]
    ) -> tuple[Set[tuple[str, Row]], Set[tuple[str, Row]]]:
        """Such rows that a resource had and has no longer, and those that it has now and had not; `elements` are all
        that differ."""
        return self._of(now["resourceType"]).moved(before, now, elements)

    def tables(self, resource_type: str) -> Collection[str]:
        """The index tables in which resources of a type can have rows."""
        return self._of(resource_type).tables

    def fingerprint(self) -> str:
        """What the indexes are made by: another one means that they must be made anew."""
        told = hashlib.sha256(_ROWS_OF.encode())
        told.update(shipped_digest())
        for one in sorted(self._added, key=lambda one: str(one["url"])):
            told.update(repr([(name, one.get(name)) for name in DEFINING]).encode())
        return told.hexdigest()

    def _of(self, resource_type: str) -> _Known:
        known = self._known.get(resource_type)
        if known is None:
            mine = [one for one in self._added if resource_type in bases_of(one)]
            known = _Known(resource_type, [*shipped(resource_type), *mine])
            self._known[resource_type] = known
        return known
