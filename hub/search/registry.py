"""The search parameters that there are: HL7's, those of `conformance/spec/SearchParameter-*.json`, and those that an
operator adds as resources while the hub runs.

What is indexed, what can be asked for and what the CapabilityStatement declares all come from here
(https://hl7.org/fhir/R4/searchparameter.html).
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from functools import cache, cached_property, lru_cache
from importlib import resources
from types import MappingProxyType, ModuleType
from typing import Any

from conformance import spec
from conformance.formats import fhirpath
from conformance.formats.r4_types import named, names, resource_types, search_parameters
from hub.search.expressions import Outline, outline, parts_for
from hub.search.types import composite, date, near, number, quantity, reference, string, token, uri
from hub.search.types.term import Row
from hub.search.unreadable_path import unreadable

__all__ = ["ALL_TYPES", "SERVED_TYPES", "Component", "Registry", "SearchParameter", "Unusable"]

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

_MODULES: Mapping[str, ModuleType] = MappingProxyType(
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
_UNSUPPORTED = frozenset(("phonetic",))
"""Codes that promise more than their expression says."""
_EXAMPLES = "http://hl7.org/fhir/SearchParameter/example"
_EXPRESSION_MAX = 2000
_ROWS_OF = "2"
"""Moves when the same parameters make other rows than before."""

_NO_OUTLINE = Outline(keys=frozenset(), types=frozenset(), single=False, systems=None)


class Unusable(ValueError):
    """A SearchParameter that cannot be searched by; the texts say what would be right."""

    def __init__(self, text_de: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text_de = text_de
        self.text_en = text_en


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
        return _MODULES[self.type]

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
            added[tree.get("url", "")] = self._checked(tree, added)
        return Registry(self.types, tuple(added.values()))

    def parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type, by code."""
        return self._of(resource_type).parameters

    def knows(self, url: str) -> bool:
        """Whether a parameter with this URL is here."""
        return url in _shipped_urls() or any(one["url"] == url for one in self._added)

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
        told.update(_shipped_digest())
        for one in sorted(self._added, key=lambda one: str(one["url"])):
            told.update(repr([(name, one.get(name)) for name in _DEFINING]).encode())
        return told.hexdigest()

    def _of(self, resource_type: str) -> _Known:
        known = self._known.get(resource_type)
        if known is None:
            mine = [one for one in self._added if resource_type in _bases(one)]
            known = _Known(resource_type, [*_shipped(resource_type), *mine])
            self._known[resource_type] = known
        return known

    def _checked(self, tree: Mapping[str, Any], added: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
        """The definition that a SearchParameter resource makes."""
        for name in ("url", "code", "type", "expression"):
            if not isinstance(tree.get(name), str) or not tree[name]:
                raise Unusable(f"{name} fehlt", f"{name} is required")
        definition = {name: tree[name] for name in (*_DEFINING, "description") if name in tree}
        if tree["type"] not in _MODULES or tree["type"] == "special":
            possible = ", ".join(sorted(set(_MODULES) - {"special"}))
            raise Unusable(f"type: möglich sind {possible}", f"type: possible are {possible}")
        if len(tree["expression"]) > _EXPRESSION_MAX:
            raise Unusable(
                f"expression: höchstens {_EXPRESSION_MAX} Zeichen", f"expression: at most {_EXPRESSION_MAX} characters"
            )
        bases = _bases(tree)
        if not bases:
            raise Unusable("base: erwartet werden Ressourcentypen von R4", "base: expected resource types of R4")
        if not _is_code(tree["code"]):
            raise Unusable(
                "code: erwartet werden Buchstaben, Ziffern und Bindestriche; die mit _ am Anfang sind FHIRs eigene",
                "code: expected letters, digits and hyphens; those that begin with _ are FHIR's own",
            )
        for base in bases:
            taken = next((one for one in _shipped(base) if one["code"] == tree["code"]), None)
            taken = taken or next(
                (one for one in added.values() if one["code"] == tree["code"] and base in _bases(one)), None
            )
            if taken is not None and taken["url"] != tree["url"]:
                raise Unusable(
                    f"code: {base} hat schon einen Parameter dieses Namens, {taken['url']}",
                    f"code: {base} has a parameter of this name, {taken['url']}",
                )
            _try(SearchParameter(definition, base))
        return definition


_DEFINING = ("url", "code", "type", "base", "expression", "target", "component")


def _try(parameter: SearchParameter) -> None:
    """Raises `Unusable` for what cannot be evaluated, and for a type that its values never have."""
    if not parameter.parts:
        raise Unusable(
            f"expression: nichts darin beginnt mit {parameter.base}",
            f"expression: nothing in it begins with {parameter.base}",
        )
    try:
        fhirpath.compile(parameter.expression, of=parameter.base)
        for component in parameter.components:
            fhirpath.compile(component.expression, of=component.focus)
    except fhirpath.NotFhirPath as error:
        said_de, said_en = unreadable(error)
        raise Unusable(f"expression, {said_de}", f"expression, {said_en}") from error
    except KeyError as error:
        raise Unusable(
            "component.definition: erwartet wird die URL eines bekannten Suchparameters",
            "component.definition: expected the URL of a search parameter that is known",
        ) from error
    if parameter.type == "composite" and not parameter.components:
        raise Unusable("component: ein composite hat Bestandteile", "component: a composite has components")
    if not _fits(parameter.type, parameter.holds):
        given = ", ".join(sorted(parameter.holds))
        possible = ", ".join(one for one in sorted(_INDEXED_TYPES) if _fits(one, parameter.holds)) or "–"
        raise Unusable(
            f"type: die expression ergibt {given}, nie etwas für {parameter.type}; möglich: {possible}",
            f"type: the expression gives {given}, never anything for {parameter.type}; possible: {possible}",
        )


_NUMBERS = frozenset(("decimal", "integer", "positiveInt", "unsignedInt"))
_QUANTITIES = frozenset(("Age", "Count", "Distance", "Duration", "Money", "Quantity", "Range", "SampledData"))
_PRIMITIVES = frozenset(name for name in names() if named(name).kind == "primitive" and name != "xhtml")
_TEXTS = _PRIMITIVES - _NUMBERS - {"boolean"}
_INDEXED_TYPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "date": frozenset(("date", "dateTime", "instant", "Period", "Timing")),
        "number": _NUMBERS | _QUANTITIES,
        "quantity": _QUANTITIES,
        "reference": resource_types() | {"DomainResource", "Reference", "Resource", "canonical", "uri", "url"},
        "string": _TEXTS
        | {"Address", "Annotation", "CodeableConcept", "Coding", "ContactPoint", "HumanName", "Identifier"},
        "token": _PRIMITIVES | {"CodeableConcept", "Coding", "ContactPoint", "Identifier"},
        "uri": _TEXTS,
    }
)
"""The FHIR types of which each kind of parameter finds something in values; a composite asks its components."""


def _fits(search_type: str, holds: Collection[str]) -> bool:
    """Whether a parameter can find something in values of these types; unknown ones may be any."""
    return not holds or search_type not in _INDEXED_TYPES or not _INDEXED_TYPES[search_type].isdisjoint(holds)


def _is_code(code: str) -> bool:
    return len(code) <= 64 and code[0] != "_" and all(one.isalnum() or one in "-_" for one in code) and code.isascii()


def _bases(definition: Mapping[str, Any]) -> Collection[str]:
    """The types that a definition is for."""
    bases = definition.get("base", ())
    if "Resource" in bases:
        return resource_types()
    if "DomainResource" in bases:
        return resource_types() - {"Binary", "Bundle", "Parameters"}
    return [base for base in bases if base in resource_types()]


@cache
def _number(name: str) -> int:
    # 47 bits: six bytes in SQLite's rows, and a chance of one in a million that any two of ours are the same.
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=6).digest()) >> 1


def _shipped(resource_type: str) -> Sequence[Mapping[str, Any]]:
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
def _shipped_urls() -> frozenset[str]:
    return frozenset(one["url"] for listed in _definitions().values() for one in listed)


@cache
def _shipped_digest() -> bytes:
    folder = resources.files(spec)
    told = hashlib.blake2b(folder.joinpath("r4", "search-parameters.json").read_bytes())
    for one in spec.load("SearchParameter"):
        told.update(repr([(name, one.get(name)) for name in _DEFINING]).encode())
    return told.digest()


@cache
def _types_by_url() -> Mapping[str, str]:
    return {one["url"]: one["type"] for one in (*search_parameters(), *spec.load("SearchParameter"))}


def _component_type(url: str) -> str:
    found = _types_by_url()[url.partition("|")[0]]
    if found not in composite.TYPES:
        raise KeyError(url)
    return found
