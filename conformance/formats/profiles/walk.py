"""Holds a place in a resource against what a profile asks of it (https://hl7.org/fhir/R4/profiling.html)."""

from collections.abc import Sequence

from conformance.formats import fhirpath
from conformance.formats.fhirpath import Node
from conformance.formats.fhirpath.model import ancestors
from conformance.formats.profiles import said
from conformance.formats.profiles.contexts import stands_right
from conformance.formats.profiles.discriminators import Matches, fixed_url, is_coded, matches, referred
from conformance.formats.profiles.library import Roots
from conformance.formats.profiles.nodes import children
from conformance.formats.profiles.run import Run
from conformance.formats.profiles.shapes import Element, Field, Rule, Shape, Slice, is_of
from conformance.formats.profiles.values import below, follows, is_same

__all__ = ["check_profile"]


def check_profile(node: Node, profile: Roots, run: Run) -> None:
    """Notes all that keeps the value from following the profile."""
    definition = profile.definition
    if definition.type not in ancestors(node.type):
        run.say(said.other_type(definition.type, definition.url), node)
        return
    key = (id(node.value), definition.url)
    if key in run.active:
        return
    run.active.add(key)
    try:
        for problem in profile.problems:
            run.say(problem, node)
        if definition.type == "Extension" and not stands_right(node, definition.contexts, run):
            run.say(said.context([place for _, place in definition.contexts], definition.url), node)
        shape = _element(profile, node.type).shape(node.type, run)
        _check_shape(node, shape, run)
        if definition.type == "Extension":
            _check_parts(node, shape, definition.url, run)
    finally:
        run.active.discard(key)


def _element(profile: Roots, type_name: str) -> Element:
    found = profile.elements.get(type_name)
    if found is None:
        found = profile.elements[type_name] = Element(type_name, (type_name,), profile.named, profile.named, None)
    return found


def _conforms(node: Node, canonical: str, run: Run) -> bool:
    """Whether a value follows a profile; one that is not known is taken to be followed."""
    roots = run.roots(canonical)
    if not isinstance(roots, Roots):
        return True
    part = run.apart()
    check_profile(node, roots, part)
    run.joined(part)
    return part.errors == 0


def _check_shape(node: Node, shape: Shape, run: Run) -> None:
    run.spend()
    if shape.is_empty:
        return
    value = node.value
    for problem in shape.problems:
        run.say(problem, node)
    for fixed, told in shape.fixed:
        if not is_same(value, fixed):
            run.say(told, node)
    for pattern, told in shape.patterns:
        if not follows(value, pattern, run.spend):
            run.say(told, node)
    for value_set, profile in shape.bindings:
        _check_binding(node, value_set, profile, run)
    if shape.longest is not None and isinstance(value, str) and len(value) > shape.longest[0]:
        run.say(shape.longest[1], node)
    for limit, told in shape.least:
        if below(value, limit):
            run.say(told, node)
    for limit, told in shape.most:
        if below(limit, value):
            run.say(told, node)
    if shape.targets:
        target = referred(node)
        for names, told in shape.targets:
            if target is not None and not names & ancestors(target.type):
                run.say(told, node, "reference" if isinstance(value, dict) and "reference" in value else "")
    for several in shape.alternatives:
        if not any(_conforms(node, one, run) for one in several.profiles):
            run.say(several.told, node)
    for rule in shape.rules:
        _check_rule(node, rule, run)
    for field in shape.fields.values():
        _check_field(node, field, run)


def _check_parts(node: Node, shape: Shape, profile: str, run: Run) -> None:
    """An extension's parts, whose names are no URLs, are all defined by it, also where it does not close them."""
    field = shape.fields.get("extension")
    slicing = field.element.slicing if field is not None else None
    if slicing is not None and slicing.rules == "closed":
        return
    slices = field.element.slices if field is not None else ()
    known = {value for one in slices for value in fixed_url(one.element, run)}
    for part in children(node, "extension"):
        url = part.value.get("url") if isinstance(part.value, dict) else None
        if isinstance(url, str) and ":" not in url and url not in known:
            run.say(said.in_no_slice(sorted(known), profile), part)


def _check_binding(node: Node, value_set: str, profile: str, run: Run) -> None:
    value = node.value
    if isinstance(value, dict):
        if node.type == "CodeableConcept" and "coding" not in value:
            return
        if node.type == "Quantity" and "code" not in value:
            return
        if node.type not in _CODED:
            return
    elif not isinstance(value, str):
        return
    codes = run.codes(value_set)
    if codes is None:
        run.say(said.not_judged(value_set, profile), node)
    elif not is_coded(node, codes):
        run.say(said.not_coded(value_set, codes, profile), node)


_CODED = frozenset({"Coding", "CodeableConcept", "Quantity"})


def _check_rule(node: Node, rule: Rule, run: Run) -> None:
    if rule.expression is None:
        run.say(rule.not_read, node)
        return
    evaluation = run.evaluation(node)
    try:
        if not rule.expression.holds_in(evaluation):
            run.say(rule.told, node)
    except fhirpath.CannotEvaluate:
        # The values are not such as the rule speaks of; what is wrong with them is said of themselves.
        pass
    run.evaluated(evaluation)


def _check_field(node: Node, field: Field, run: Run) -> None:
    found = children(node, field.step)
    run.spend(len(found) + 1)
    if len(found) < field.min:
        run.say(said.missing(field.name, field.min, field.min_profile), node, field.step)
    if field.max is not None and len(found) > field.max:
        run.say(said.too_many(field.name, field.max, field.max_profile), node, field.step)
        if field.max == 0:
            return
    _check_items(node, found, field.element, run)


def _check_items(above: Node, found: Sequence[Node], element: Element, run: Run) -> None:
    slicing = element.slicing
    if slicing is None or not element.slices:
        for node in found:
            _check_item(node, element, run)
        return
    ready = _ready(element, run)
    members: dict[str, list[Node]] = {one.name: [] for one, _ in ready}
    names = list(members)
    last, others, wrong_order = -1, False, False
    is_clear = all(test is not None for _, test in ready)
    for node in found:
        run.spend(len(ready))
        for position, (one, test) in enumerate(ready):
            if test is not None and test(node, run):
                members[one.name].append(node)
                wrong_order = wrong_order or (slicing.ordered and position < last)
                wrong_order = wrong_order or (slicing.rules == "openAtEnd" and others)
                last = position
                break
        else:
            others = True
            if _DEFAULT in members:
                members[_DEFAULT].append(node)
                continue
            if slicing.rules == "closed" and is_clear:
                run.say(said.in_no_slice(names, _profile_of(element)), node)
            _check_item(node, element, run)
    if wrong_order:
        run.say(said.out_of_order(names, _profile_of(element)), above, element.step)
    for one, test in ready:
        if test is None and one.name != _DEFAULT:
            if one.min or found:
                run.say(said.not_told_apart(one.name, one.profile), above, element.step)
            continue
        _check_members(above, members[one.name], one, element, run)


_DEFAULT = "@default"


def _check_members(above: Node, members: Sequence[Node], one: Slice, element: Element, run: Run) -> None:
    if len(members) < one.min:
        run.say(said.slice_missing(element.name, one.name, one.min, one.profile), above, element.step)
    if one.max is not None and len(members) > one.max:
        run.say(said.slice_too_many(element.name, one.name, one.max, one.profile), above, element.step)
    _check_items(above, members, one.element, run)


def _ready(element: Element, run: Run) -> list[tuple[Slice, Matches | None]]:
    found: list[tuple[Slice, Matches | None]] | None = element.prepared
    if found is None:
        slicing = element.slicing
        paths = slicing.discriminators if slicing is not None else ()
        found = [(one, None if one.name == _DEFAULT else matches(one, paths, run, _conforms)) for one in element.slices]
        element.prepared = found
    return found


def _profile_of(element: Element) -> str:
    return next((layer.profile for layer in element.own if layer.slicing is not None), element.layers[0].profile)


def _check_item(node: Node, element: Element, run: Run) -> None:
    allowed = element.allowed
    if allowed is not None and not is_of(node.type, allowed):
        run.say(said.wrong_type(sorted(allowed), element.layers[0].profile), node)
        return
    _check_shape(node, element.shape(node.type, run), run)
