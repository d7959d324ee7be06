"""Holds a resource against base FHIR R4: structure, cardinality, formats, references, required codes, narrative and
invariants (https://hl7.org/fhir/R4/validation.html).

Each type is made once into a table of small functions, one for each name that may stand in its JSON, so that a right
resource costs one look at each of its values; places are worked out only where something is wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from threading import RLock
from typing import Any

from conformance.formats import fhirpath, narrative, r4_finding, r4_types
from conformance.formats.r4_codes import coding_check, concept_check
from conformance.formats.r4_finding import Finding, Said
from conformance.formats.r4_primitives import PRIMITIVES, Primitive
from conformance.formats.r4_references import contained_types, entry_types, local_references, reference_check
from conformance.formats.r4_rules import GERMAN, RULES, Rule
from conformance.formats.r4_run import ElementCheck, Enough, Node, Place, Run
from conformance.formats.r4_types import Element

__all__ = ["Finding", "findings"]

Field = Callable[[Any, Node, Place, Run], None]


def findings(resource: Mapping[str, Any], *, type_name: str | None = None) -> list[Finding]:
    """All that is wrong with a resource as `strict_json` reads it, in the order of its elements; empty if nothing is.

    With `type_name` it must be of this type. The resources in a Bundle and in Parameters are held against their own
    types in place. Of more than two hundred findings the first are told, and that there are more.
    """
    run = Run()
    node = resource if isinstance(resource, dict) else dict(resource)
    kind = node.get("resourceType")
    name = kind if isinstance(kind, str) and kind in r4_types.resource_types() else "Resource"
    root: Place = (None, "", None, name, name, node)
    try:
        if type_name is not None and kind != type_name:
            run.say(r4_finding.two_types(type_name), root)
        _check_resource(node, root, run)
    except Enough:
        run.found.append(r4_finding.too_many().at(name))
    return run.found


class _Shape:
    """A type, made ready for checking."""

    __slots__ = ("choices", "engine", "fields", "name", "required", "rules")

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Field] = {}
        self.required: tuple[tuple[str, str, tuple[str, ...], str], ...] = ()
        self.choices: tuple[tuple[frozenset[str], str], ...] = ()
        self.rules: tuple[tuple[str, Rule], ...] = ()
        self.engine: tuple[str, ...] = ()


_SHAPES: dict[str, _Shape] = {}
_UNFINISHED: dict[str, _Shape] = {}
_MAKING = RLock()


def _shape(name: str) -> _Shape:
    return _SHAPES.get(name) or _made(name)


def _made(name: str) -> _Shape:
    """Types refer to each other in circles: a shape is known to them before it is whole, to other threads after."""
    with _MAKING:
        found = _SHAPES.get(name) or _UNFINISHED.get(name)
        if found is None:
            is_first = not _UNFINISHED
            found = _UNFINISHED[name] = _Shape(name)
            _fill(found)
            if is_first:
                _SHAPES.update(_UNFINISHED)
                _UNFINISHED.clear()
        return found


def _fill(shape: _Shape) -> None:
    known = r4_types.named(shape.name)
    required, choices = [], []
    if known.kind == "resource":
        shape.fields["resourceType"] = _nothing_to_check
    for element in known.elements.values():
        names = []
        for type_name in element.types:
            key = _json_name(element, type_name)
            names.append(key)
            shape.fields[key] = _field(element, key, type_name)
            if type_name in PRIMITIVES and type_name != "xhtml":
                names.append(f"_{key}")
                shape.fields[f"_{key}"] = _sibling_field(element, key, type_name)
        if element.min > 0:
            required.append((names[0], names[-1], tuple(names[1:-1]), element.name))
        if element.is_choice:
            choices.append((frozenset(names), element.name))
    shape.required = tuple(required)
    shape.choices = tuple(choices)
    shape.rules, shape.engine = _rules(known.invariants)


# These are checked where they stand, by the walk itself.
_BUILT_IN = frozenset({"dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ele-1", "ref-1", "txt-1", "txt-2"})


def _rules(keys: Iterable[str]) -> tuple[tuple[tuple[str, Rule], ...], tuple[str, ...]]:
    others = [key for key in keys if key not in _BUILT_IN]
    return (
        tuple((key, RULES[key]) for key in others if key in RULES),
        tuple(key for key in others if key not in RULES),
    )


def _json_name(element: Element, type_name: str) -> str:
    return f"{element.name[:-3]}{type_name[0].upper()}{type_name[1:]}" if element.is_choice else element.name


def _step(element: Element, type_name: str) -> str:
    return f"{element.name[:-3]}.ofType({type_name})" if element.is_choice else element.name


def _nothing_to_check(_value: Any, _node: Node, _place: Place, _run: Run) -> None:
    return


def _check(shape: _Shape, node: Node, place: Place, run: Run) -> None:
    fields = shape.fields
    for key, value in node.items():
        field = fields.get(key)
        if field is None:
            position = list(node).index(key) + 1
            run.say(r4_finding.unknown_element(key, position, fields), place)
        else:
            field(value, node, place, run)
    for name, other, more, said in shape.required:
        if name not in node and other not in node and not any(one in node for one in more):
            run.say(r4_finding.required(said), place, said.removesuffix("[x]"))
    if shape.choices and len(node) > 1:
        for names, said in shape.choices:
            found = sorted({one.lstrip("_") for one in names & node.keys()})
            if len(found) > 1:
                run.say(r4_finding.mixed_choice(found), place, said.removesuffix("[x]"))
    for key, holds in shape.rules:
        if not holds(node):
            run.say(_broken(key), place)
    if shape.engine:
        run.pending.append((place, shape.engine))


def _check_complex(shape: _Shape, node: Node, place: Place, run: Run) -> None:
    if len(node) == 1 and "id" in node:
        run.say(r4_finding.nothing_there(), place)
    _check(shape, node, place, run)


@cache
def _broken(key: str) -> Said:
    rule = r4_types.invariant(key)
    return r4_finding.broken_rule(key, rule.human, GERMAN.get(key), severity=rule.severity)


# --- fields: what stands under one name -------------------------------------------------------------------------------


def _field(element: Element, key: str, type_name: str) -> Field:
    if type_name in PRIMITIVES:
        return _primitive_field(element, key, type_name)
    step = _step(element, type_name)
    check = _element_check(element, type_name)
    return _several(check, key, step, type_name) if element.repeats else _single(check, key, step, type_name)


def _single(check: ElementCheck, key: str, step: str, type_name: str) -> Field:
    def field(value: Any, _node: Node, place: Place, run: Run) -> None:
        if type(value) is dict and value:
            check(value, (place, key, None, step, type_name, value), run)
        elif type(value) is list:
            run.malform(r4_finding.not_several(), place, step)
        else:
            _say_no_object(value, type_name, place, run, step)

    return field


def _several(check: ElementCheck, key: str, step: str, type_name: str) -> Field:
    def field(value: Any, _node: Node, place: Place, run: Run) -> None:
        if type(value) is not list:
            run.malform(r4_finding.not_one(), place, step)
            return
        if not value:
            run.malform(_EMPTY_ARRAY, place, step)
        for index, one in enumerate(value):
            if type(one) is dict and one:
                check(one, (place, key, index, step, type_name, one), run)
            else:
                _say_no_object(one, type_name, place, run, step, index)

    return field


_EMPTY_ARRAY = r4_finding.empty("An array", "Ein Array")
_EMPTY_OBJECT = r4_finding.empty("An object", "Ein Objekt")


def _say_no_object(
    value: Any, type_name: str, place: Place, run: Run, step: str = "", index: int | None = None
) -> None:
    if value is None:
        run.malform(r4_finding.null(), place, step, index)
    elif value == {}:
        run.malform(_EMPTY_OBJECT, place, step, index)
    else:
        run.malform(r4_finding.not_of_type(type_name, "an object", "ein Objekt"), place, step, index)


def _element_check(element: Element, type_name: str) -> ElementCheck:
    """The check of one object that stands in this element."""
    if type_name == "Resource":
        return _check_contained if element.name == "contained" else _check_resource
    shape = _shape(type_name)
    further = list(_further(element, type_name))
    rules, engine = _rules(element.invariants)

    def plain(node: Node, place: Place, run: Run) -> None:
        _check_complex(shape, node, place, run)

    if not (further or rules or engine):
        return plain

    def checked(node: Node, place: Place, run: Run) -> None:
        _check_complex(shape, node, place, run)
        for one in further:
            one(node, place, run)
        for key, holds in rules:
            if not holds(node):
                run.say(_broken(key), place)
        if engine:
            run.pending.append((place, engine))

    return checked


def _further(element: Element, type_name: str) -> Iterator[ElementCheck]:
    if type_name == "Reference":
        yield reference_check(frozenset(element.targets))
    allowed = r4_types.codes(element.binding) if element.binding else None
    if element.binding and allowed is not None:
        if type_name == "Coding":
            yield coding_check(element.binding, allowed)
        elif type_name == "CodeableConcept":
            yield concept_check(element.binding, allowed)


# --- primitives -------------------------------------------------------------------------------------------------------


def _primitive_field(element: Element, key: str, type_name: str) -> Field:
    step = _step(element, type_name)
    if type_name == "xhtml":
        return _narrative_field(step)
    primitive = PRIMITIVES[type_name]
    holds, said = _value_check(element, primitive)
    engine = _rules(element.invariants)[1]
    hidden = f"_{key}"

    def single(value: Any, _node: Node, place: Place, run: Run) -> None:
        if not holds(value):
            _say_wrong_value(value, primitive, said, place, run, step)
        elif engine:
            run.pending.append(((place, key, None, step, type_name, value), engine))

    def several(value: Any, node: Node, place: Place, run: Run) -> None:
        if type(value) is not list:
            run.malform(r4_finding.not_one(), place, step)
            return
        if not value:
            run.malform(_EMPTY_ARRAY, place, step)
        for index, one in enumerate(value):
            if holds(one):
                if engine:
                    run.pending.append(((place, key, index, step, type_name, one), engine))
            elif one is not None or not _keeps_a_place(node.get(hidden), index):
                _say_wrong_value(one, primitive, said, place, run, step, index)

    return several if element.repeats else single


def _value_check(element: Element, primitive: Primitive) -> tuple[Callable[[object], bool], Said]:
    """Whether a value is right, and what to say where it is of the right kind and still wrong."""
    allowed = r4_types.codes(element.binding) if element.binding and primitive.name == "code" else None
    if allowed is not None and element.binding:
        codes = frozenset(code for listed in allowed.values() for code in listed)
        said = r4_finding.not_in_value_set(element.binding, allowed)
        return lambda value: type(value) is str and value in codes, said
    said = r4_finding.unlike_type(primitive.name, primitive.expected_en, primitive.expected_de)
    return primitive.holds, said


def _say_wrong_value(
    value: Any, primitive: Primitive, said: Said, place: Place, run: Run, step: str, index: int | None = None
) -> None:
    if value is None:
        run.malform(r4_finding.null(), place, step, index)
    elif value == "":
        run.say(r4_finding.empty("A value", "Ein Wert"), place, step, index)
    elif type(value) is list and index is None:
        run.malform(r4_finding.not_several(), place, step)
    elif type(value) not in primitive.python:
        expected = r4_finding.not_of_type(primitive.name, primitive.expected_en, primitive.expected_de)
        run.malform(expected, place, step, index)
    else:
        run.say(said, place, step, index)


def _keeps_a_place(siblings: Any, index: int) -> bool:
    return type(siblings) is list and index < len(siblings) and siblings[index] is not None


def _sibling_field(element: Element, key: str, type_name: str) -> Field:
    """What stands under `_name`: the id and extensions of a primitive value."""
    shape = _shape("Element")
    step = _step(element, type_name)

    def check(node: Node, place: Place, run: Run) -> None:
        if len(node) == 1 and "id" in node and place[5] is None:
            run.say(r4_finding.nothing_there(), place)
        _check(shape, node, place, run)

    def single(value: Any, node: Node, place: Place, run: Run) -> None:
        if type(value) is dict and value:
            check(value, (place, key, None, step, type_name, node.get(key)), run)
        else:
            _say_no_object(value, "Element", place, run, step)

    def several(value: Any, node: Node, place: Place, run: Run) -> None:
        if type(value) is not list:
            run.malform(r4_finding.not_one(), place, step)
            return
        if not value:
            run.malform(_EMPTY_ARRAY, place, step)
        values = node.get(key)
        beside = values if type(values) is list else []
        for index, one in enumerate(value):
            other = beside[index] if index < len(beside) else None
            if type(one) is dict and one:
                check(one, (place, key, index, step, type_name, other), run)
            elif one is not None or other is None:
                _say_no_object(one, "Element", place, run, step, index)

    return several if element.repeats else single


def _narrative_field(step: str) -> Field:
    primitive = PRIMITIVES["xhtml"]
    wrong = r4_finding.unlike_type(primitive.name, primitive.expected_en, primitive.expected_de)

    def field(value: Any, _node: Node, place: Place, run: Run) -> None:
        if not primitive.holds(value):
            _say_wrong_value(value, primitive, wrong, place, run, step)
            return
        for fault in narrative.faults(value):
            said = Said(key=fault.rule, code="invariant", text_en=fault.text_en, text_de=fault.text_de)
            run.say(said, place, step)

    return field


# --- resources --------------------------------------------------------------------------------------------------------


def _check_resource(node: Node, place: Place, run: Run) -> None:
    """A resource that stands for itself: the root, an entry's, a parameter's."""
    kind = _kind(node, place, run)
    if kind is None:
        return
    around = (run.container, run.contained, run.in_contained, run.full_urls, run.malformed, run.pending)
    run.container, run.contained, run.in_contained = kind, contained_types(node), False
    run.malformed, run.pending = False, []
    if kind == "Bundle":
        run.full_urls = entry_types(node)
    own = (*place[:4], kind, node)
    _check(_shape(kind), node, own, run)
    _check_containment(node, own, run)
    if not run.malformed:
        _evaluate(run)
    malformed = run.malformed
    run.container, run.contained, run.in_contained, run.full_urls, run.malformed, run.pending = around
    run.malformed = run.malformed or malformed


def _check_contained(node: Node, place: Place, run: Run) -> None:
    kind = _kind(node, place, run)
    if kind is None:
        return
    if "contained" in node:
        run.say(r4_finding.nested_contained(), place, "contained")
    if run.in_contained:
        return
    run.in_contained = True
    _check(_shape(kind), node, (*place[:4], kind, node), run)
    run.in_contained = False


def _kind(node: Node, place: Place, run: Run) -> str | None:
    kind = node.get("resourceType")
    if isinstance(kind, str) and kind in r4_types.resource_types():
        return kind
    run.malform(r4_finding.no_resource(), place)
    return None


def _check_containment(node: Node, place: Place, run: Run) -> None:
    """dom-3 to dom-6; dom-2 is said where it is met."""
    if r4_types.named(place[4]).base != "DomainResource":
        return
    if "contained" in node:
        referred = set(local_references(node))
        for index, one in enumerate(node["contained"] if isinstance(node["contained"], list) else ()):
            if not isinstance(one, dict):
                continue
            name, meta = one.get("id"), one.get("meta")
            is_referred = isinstance(name, str) and f"#{name}" in referred
            if not is_referred and "#" not in local_references(one):
                run.say(_broken("dom-3"), place, "contained", index)
            if isinstance(meta, dict):
                if "versionId" in meta or "lastUpdated" in meta:
                    run.say(_broken("dom-4"), place, "contained", index)
                if "security" in meta:
                    run.say(_broken("dom-5"), place, "contained", index)
    text = node.get("text")
    if not (isinstance(text, dict) and "div" in text):
        run.say(_broken("dom-6"), place)


# --- invariants in FHIRPath -------------------------------------------------------------------------------------------


def _evaluate(run: Run) -> None:
    made: dict[int, fhirpath.Node] = {}
    for place, keys in run.pending:
        node = _node(place, made)
        for key in keys:
            if not _holds(key, node):
                run.say(_broken(key), place)


def _holds(key: str, node: fhirpath.Node) -> bool:
    expression = _compiled(key, node.type)
    if expression is None:
        return True
    try:
        return expression.holds(node)
    except fhirpath.CannotEvaluate:
        # The values are not such as the rule speaks of; what is wrong with them is said of themselves.
        return True


@cache
def _compiled(key: str, type_name: str) -> fhirpath.Expression | None:
    """The rule's expression; None where it speaks of elements that the type lacks: a choice's rule is for one of its
    types, and cid-0 asks for the name of a ChargeItemDefinition, which has none."""
    try:
        return fhirpath.compile(r4_types.invariant(key).expression, of=type_name)
    except fhirpath.NotFhirPath:
        return None


def _node(place: Place, made: dict[int, fhirpath.Node]) -> fhirpath.Node:
    """The node of a place; those above are made once and kept by their places, which outlive them."""
    found = made.get(id(place))
    if found is None:
        above, key, index, _, type_name, value = place
        if above is None:
            found = fhirpath.Node(type_name, value)
        else:
            parent = _node(above, made)
            extra = parent.value.get(f"_{key}") if type_name in PRIMITIVES and isinstance(parent.value, dict) else None
            if isinstance(extra, list):
                extra = extra[index] if index is not None and index < len(extra) else None
            found = fhirpath.Node(type_name, value, parent, key, index, extra)
        made[id(place)] = found
    return found
