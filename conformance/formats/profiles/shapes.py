"""What several layers of rules say together of an element, made ready for checking: a profile, those it is based on,
and those that its types name (https://hl7.org/fhir/R4/profiling.html)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.formats import fhirpath, r4_types
from conformance.formats.fhirpath.model import ABSTRACT, ancestors
from conformance.formats.profiles import said
from conformance.formats.profiles.definition import Constraint, Rules, Slicing
from conformance.formats.profiles.library import Roots
from conformance.formats.profiles.run import Run
from conformance.formats.r4_finding import Said

__all__ = ["Alternatives", "Element", "Field", "Rule", "Shape", "Slice", "is_of"]


@dataclass(slots=True, kw_only=True)
class Rule:
    """A constraint that R4 has not; `expression` is None where it cannot be read."""

    told: Said
    expression: fhirpath.Expression | None
    not_read: Said


@dataclass(slots=True, kw_only=True)
class Alternatives:
    """Profiles of which a value must follow one."""

    profiles: tuple[str, ...]
    told: Said


@dataclass(slots=True, kw_only=True)
class Slice:
    """A slice, and how often it may be there."""

    name: str
    element: "Element"
    min: int
    max: int | None
    profile: str


class Shape:
    """What is asked of a value of one type."""

    __slots__ = (
        "alternatives",
        "bindings",
        "fields",
        "fixed",
        "is_empty",
        "layers",
        "least",
        "longest",
        "most",
        "patterns",
        "problems",
        "rules",
        "targets",
    )

    def __init__(self) -> None:
        self.layers: tuple[Rules, ...] = ()
        self.fields: dict[str, Field] = {}
        self.fixed: list[tuple[Any, Said]] = []
        self.patterns: list[tuple[Any, Said]] = []
        self.bindings: list[tuple[str, str]] = []
        """Value set and profile."""
        self.rules: list[Rule] = []
        self.targets: list[tuple[frozenset[str], Said]] = []
        self.alternatives: list[Alternatives] = []
        self.longest: tuple[int, Said] | None = None
        self.least: list[tuple[Any, Said]] = []
        self.most: list[tuple[Any, Said]] = []
        self.problems: list[Said] = []
        self.is_empty = True


class Element:
    """An element as a profile speaks of it; what is asked of a value of it depends on the value's type.

    `own` are the layers that speak of just this element or slice, `layers` also those of what it is a slice of.
    """

    def __init__(
        self, name: str, possible: tuple[str, ...], own: Sequence[Rules], layers: Sequence[Rules], known: str | None
    ) -> None:
        self.name = name
        """As R4 has it, with its `[x]`."""
        self.own = tuple(own)
        self.layers = _unique(layers)
        self.known = known
        """The value set to which R4 itself binds it as required."""
        self.base_possible = possible
        self.shorthands: dict[str, list[Rules]] = {}
        """Rules that are written of `valueQuantity`, not of `value[x]`."""
        self._shapes: dict[str, Shape] = {}
        self.prepared: Any = None

    @cached_property
    def allowed(self) -> frozenset[str] | None:
        """The types that the layers leave; None where they say nothing of it."""
        allowed: frozenset[str] | None = None
        for layer in self.layers:
            if layer.types:
                codes = frozenset(one.code for one in layer.types)
                allowed = codes if allowed is None else _both(allowed, codes)
        if allowed is None or allowed >= set(self.base_possible) or any("." in one for one in self.base_possible):
            return None
        return allowed

    @cached_property
    def possible(self) -> tuple[str, ...]:
        """The types that values can have."""
        if self.allowed is None:
            return self.base_possible
        return tuple(sorted(one for one in self.allowed if one in r4_types.names()))

    @property
    def step(self) -> str:
        return self.name.removesuffix("[x]")

    @cached_property
    def slicing(self) -> Slicing | None:
        """How its slices are told apart; None where it has none."""
        told = [layer.slicing for layer in self.own if layer.slicing is not None]
        discriminators = next((one.discriminators for one in told if one.discriminators), ())
        if not discriminators and self.name.endswith("[x]"):
            discriminators = (("type", "$this"),)
        elif not discriminators and self.name in ("extension", "modifierExtension"):
            discriminators = (("value", "url"),)
        if not discriminators or not (self.shorthands or any(layer.slices or layer.slicing for layer in self.own)):
            return None
        rules = next((one.rules for one in told if one.rules), "open")
        return Slicing(discriminators=discriminators, rules=rules, ordered=any(one.ordered for one in told))

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """In the order in which the most general layer that knows them has them."""
        named: dict[str, list[Rules]] = {}
        for layer in reversed(self.own):
            for name, rules in layer.slices.items():
                named.setdefault(name, []).insert(0, rules)
        for name, several in self.shorthands.items():
            named.setdefault(name, []).extend(several)
        return tuple(self._slice(name, own) for name, own in named.items())

    def _slice(self, name: str, own: list[Rules]) -> Slice:
        possible = self.base_possible
        if self.name.endswith("[x]") and not any(rules.types for rules in own):
            meant = tuple(one for one in possible if f"{self.step}{one[0].upper()}{one[1:]}" == name)
            possible = meant or possible
        inherited = [layer for layer in self.layers if layer not in own]
        return Slice(
            name=name,
            element=Element(self.name, possible, own, [*own, *inherited], self.known),
            min=max(rules.min for rules in own),
            max=_least(rules.max for rules in own),
            profile=own[0].profile,
        )

    def shape(self, type_name: str, run: Run) -> Shape:
        """What is asked of a value of this type."""
        found = self._shapes.get(type_name)
        if found is None:
            found = self._shapes[type_name] = _shaped(self.layers, type_name, self.known, run)
        return found


@dataclass(slots=True, kw_only=True)
class Field:
    """What is asked of one of the elements below; 0 and None where it is no more than R4 asks."""

    name: str
    step: str
    element: Element
    min: int
    max: int | None
    min_profile: str
    max_profile: str


def _shaped(layers: tuple[Rules, ...], type_name: str, known: str | None, run: Run) -> Shape:
    shape = Shape()
    shape.layers = _with_type_profiles(layers, type_name, shape, run)
    key = (*map(id, shape.layers), type_name, known)
    kept = run.library.shapes.get(key)
    if isinstance(kept, Shape) and kept.problems == shape.problems:
        return kept
    _fill(shape, type_name, known, run)
    shape.fields = {field.step: field for field in _fields(shape.layers, type_name)}
    shape.is_empty = not (
        shape.fields
        or shape.fixed
        or shape.patterns
        or shape.bindings
        or shape.rules
        or shape.targets
        or shape.alternatives
        or shape.longest
        or shape.least
        or shape.most
        or shape.problems
    )
    run.library.keep(key, shape)
    return shape


def _with_type_profiles(layers: tuple[Rules, ...], type_name: str, shape: Shape, run: Run) -> tuple[Rules, ...]:
    found = list(layers)
    for layer in layers:
        for used in layer.types:
            if not used.profiles or not is_of(type_name, {used.code}):
                continue
            if len(used.profiles) > 1:
                told = said.no_profile_of_these(used.profiles, layer.profile)
                shape.alternatives.append(Alternatives(profiles=used.profiles, told=told))
                continue
            roots = run.roots(used.profiles[0])
            if isinstance(roots, Roots):
                if roots.definition.type in ancestors(type_name):
                    found += roots.named
                shape.problems += roots.problems
            elif type_name == "Extension":
                # That it is there can be told by its URL; that its definition is unknown is no news.
                found.append(run.library.extension_of(used.profiles[0]))
            else:
                shape.problems.append(roots)
    return _unique(found)


def _fill(shape: Shape, type_name: str, known: str | None, run: Run) -> None:
    keys = set()
    for layer in shape.layers:
        for value in layer.fixed:
            shape.fixed.append((value, said.fixed(value, layer.profile)))
        for value in layer.patterns:
            shape.patterns.append((value, said.pattern(value, layer.profile)))
        for value_set in layer.bindings:
            url = value_set.partition("|")[0]
            if url != known and all(url != one.partition("|")[0] for one, _ in shape.bindings):
                shape.bindings.append((value_set, layer.profile))
        if layer.longest is not None and (shape.longest is None or layer.longest < shape.longest[0]):
            shape.longest = (layer.longest, said.length(layer.longest, layer.profile))
        if layer.least is not None:
            shape.least.append((layer.least, said.out_of_range(layer.least, layer.most, layer.profile)))
        if layer.most is not None:
            shape.most.append((layer.most, said.out_of_range(layer.least, layer.most, layer.profile)))
        for constraint in layer.constraints:
            key = (constraint.key, constraint.expression)
            if key not in keys and not _is_of_r4(constraint, type_name):
                keys.add(key)
                shape.rules.append(_rule(constraint, type_name, layer.profile))
        if type_name == "Reference":
            shape.targets += _targets(layer, run)


def _is_of_r4(constraint: Constraint, type_name: str) -> bool:
    if not constraint.is_core:
        return False
    for key in (constraint.key, f"{type_name.partition('.')[0]}:{constraint.key}"):
        try:
            r4_types.invariant(key)
        except KeyError:
            continue
        return True
    return False


def _rule(constraint: Constraint, type_name: str, profile: str) -> Rule:
    try:
        expression = fhirpath.compile(constraint.expression, of=type_name)
    except fhirpath.NotFhirPath:
        expression = None
    return Rule(
        told=said.rule(constraint, profile),
        expression=expression,
        not_read=said.rule_not_read(constraint, profile),
    )


def _targets(layer: Rules, run: Run) -> Iterator[tuple[frozenset[str], Said]]:
    for used in layer.types:
        if used.code == "Reference" and used.targets:
            types = [run.type_of(one) for one in used.targets]
            if None not in types:
                names = frozenset(one for one in types if one is not None)
                yield names, said.wrong_target(names, layer.profile)


def _fields(layers: Sequence[Rules], type_name: str) -> Iterator[Field]:
    if type_name not in r4_types.names():
        return
    own: dict[str, list[Rules]] = {}
    shorthands: dict[str, dict[str, list[Rules]]] = {}
    elements, keys = r4_types.element_types(type_name), r4_types.json_names(type_name)
    for layer in layers:
        for name, rules in layer.children.items():
            if name in elements:
                own.setdefault(name, []).append(rules)
                referred = rules.referred()
                if referred is not None:
                    own[name].append(referred)
            elif name in keys:
                several = shorthands.setdefault(keys[name][0].name, {})
                several.setdefault(name, []).append(rules)
    for name, known in elements.items():
        if name in own or name in shorthands:
            field = _field(name, known, own.get(name, []), shorthands.get(name, {}))
            if field is not None:
                yield field


def _field(name: str, known: r4_types.Element, own: list[Rules], shorthands: dict[str, list[Rules]]) -> Field | None:
    element = Element(name, known.types, own, own, known.binding)
    element.shorthands = shorthands
    least = max(own, key=lambda rules: rules.min, default=None)
    limits = [rules for rules in own if rules.max is not None and (known.max is None or rules.max < known.max)]
    most = min(limits, key=lambda rules: rules.max or 0, default=None)
    wanted = least.min if least is not None and least.min > known.min else 0
    return Field(
        name=name,
        step=element.step,
        element=element,
        min=wanted,
        max=most.max if most is not None else None,
        min_profile=least.profile if least is not None else "",
        max_profile=most.profile if most is not None else "",
    )


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """The types that both allow, where an abstract type allows those that come from it."""
    return frozenset(name for name in one | other if is_of(name, one) and is_of(name, other))


def is_of(type_name: str, allowed: Collection[str]) -> bool:
    """Whether a value of the type may stand where these are allowed: a `code` where `string` is may not."""
    return type_name in allowed or any(one in ABSTRACT and one in ancestors(type_name) for one in allowed)


def _least(limits: Iterator[int | None]) -> int | None:
    return min((one for one in limits if one is not None), default=None)


def _unique(layers: Sequence[Rules]) -> tuple[Rules, ...]:
    return tuple({id(one): one for one in layers}.values())
