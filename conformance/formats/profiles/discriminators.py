"""By what the slices of an element are told apart (https://hl7.org/fhir/R4/profiling.html#discriminator)."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from conformance.formats import r4_types
from conformance.formats.fhirpath import Node, references
from conformance.formats.fhirpath.model import ancestors
from conformance.formats.fhirpath.node import root
from conformance.formats.profiles.nodes import children
from conformance.formats.profiles.run import Run
from conformance.formats.profiles.shapes import Element, Shape, Slice, is_of
from conformance.formats.profiles.values import follows, is_same

__all__ = ["Conforms", "Matches", "fixed_url", "is_coded", "matches", "referred"]

Matches = Callable[[Node, Run], bool]
"""Whether a value belongs to a slice."""

Conforms = Callable[[Node, str, Run], bool]
"""Whether a value follows a profile."""

_MOST_STEPS: Final = 20
_STEP: Final = re.compile(
    r"(?P<this>\$this)|(?P<resolve>resolve\(\))|(?:ofType|as)\(\s*(?:FHIR\.)?(?P<type>\w+)\s*\)"
    r"|extension\(\s*'(?P<url>[^']*)'\s*\)|(?P<name>\w+)(?:\[x\])?"
)


class _Step(NamedTuple):
    kind: str
    """`name`, `type`, `url` or `resolve`."""
    text: str


def matches(one: Slice, discriminators: Sequence[tuple[str, str]], run: Run, conforms: Conforms) -> Matches | None:
    """How to tell what belongs to a slice; None where its definition does not say it."""
    tests: list[Matches] = []
    for kind, path in discriminators:
        steps = _steps(path)
        test = None if steps is None else _test(kind, one.element, steps, run, conforms)
        if test is None:
            return None
        tests.append(test)
    if len(tests) == 1:
        return tests[0]
    return lambda node, run: all(test(node, run) for test in tests)


def _steps(path: str) -> tuple[_Step, ...] | None:
    steps: list[_Step] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or len(steps) >= _MOST_STEPS:
            return None
        if found.lastgroup is not None and found.lastgroup != "this":
            steps.append(_Step(found.lastgroup, found[found.lastgroup]))
        at = found.end()
        if at < len(path):
            if path[at] != ".":
                return None
            at += 1
    return tuple(steps)


def _test(kind: str, element: Element, steps: tuple[_Step, ...], run: Run, conforms: Conforms) -> Matches | None:
    if kind in ("value", "pattern"):
        return _value(element, steps, run)
    if kind == "exists":
        return _exists(element, steps, run)
    if kind == "type":
        return _type(element, steps, run)
    if kind == "profile":
        return _profile(element, steps, run, conforms)
    return None


# --- what a definition says at the end of a path ----------------------------------------------------------------------


def _below(element: Element, step: _Step, run: Run) -> Iterator[Element]:
    """The definitions that a step leads to."""
    if step.kind == "type":
        if any(step.text in ancestors(one) or one == "Resource" for one in element.possible):
            narrowed = Element(element.name, (step.text,), element.own, element.layers, element.known)
            yield narrowed
        return
    for type_name in element.possible:
        run.spend()
        shape = element.shape(type_name, run)
        field = shape.fields.get(step.text if step.kind == "name" else "extension")
        if field is None:
            continue
        if step.kind == "name":
            yield field.element
        else:
            for one in field.element.slices:
                if step.text in fixed_url(one.element, run):
                    yield one.element


def fixed_url(element: Element, run: Run) -> list[Any]:
    """The URL of the extensions that a definition speaks of, where it says it."""
    field = element.shape("Extension", run).fields.get("url")
    return [value for value, _ in field.element.shape("uri", run).fixed] if field is not None else []


def _ends(element: Element, steps: Sequence[_Step], run: Run) -> list[Element]:
    found = [element]
    for step in steps:
        if step.kind != "resolve":
            found = [one for above in found for one in _below(above, step, run)]
    return found


Expected = Callable[[Node, Run], bool]


def _value(element: Element, steps: tuple[_Step, ...], run: Run) -> Matches | None:
    plain = _plain_value(element, steps, run)
    if plain is not None:
        return plain
    expected = list(_expected(element, steps, run))
    if not expected:
        return _exists(element, steps, run)
    return lambda node, run: any(test(one, run) for one in _values(node, steps, run) for test in expected)


def _plain_value(element: Element, steps: tuple[_Step, ...], run: Run) -> Matches | None:
    """The most frequent of all: a text that stands right below, such as a URL or a system."""
    if len(steps) != 1 or steps[0].kind != "name":
        return None
    name = steps[0].text
    ends = _ends(element, steps, run)
    if len(ends) != 1 or len(ends[0].possible) != 1 or ends[0].name != name:
        return None
    shape = ends[0].shape(ends[0].possible[0], run)
    values = [value for value, _ in (*shape.fixed, *shape.patterns)]
    if not values or not all(isinstance(one, str) and one == values[0] for one in values):
        return None
    wanted = values[0]

    def has(node: Node, _run: Run) -> bool:
        return isinstance(node.value, dict) and node.value.get(name) == wanted

    known = r4_types.element_types(element.possible[0]).get(name) if len(element.possible) == 1 else None
    return has if known is not None and not known.repeats else None


def _expected(element: Element, steps: Sequence[_Step], run: Run, *, inner: bool = True) -> Iterator[Expected]:
    """What a value must be like to belong; one of these is enough."""
    for type_name in element.possible:
        run.spend()
        shape = element.shape(type_name, run)
        if not steps:
            test = _asked(shape)
            if test is not None:
                yield test
        elif steps[0].kind == "name":
            names = [step.text for step in steps if step.kind == "name"]
            if len(names) == len(steps):
                for value, _ in (*shape.fixed, *shape.patterns):
                    for wanted in _inside(value, names):
                        yield _following(wanted)
    if steps:
        for one in _below(element, steps[0], run) if steps[0].kind != "resolve" else ():
            found = list(_expected(one, steps[1:], run))
            if not found and inner:
                found = [test for part in one.slices for test in _expected(part.element, steps[1:], run, inner=False)]
            yield from found


def _following(wanted: Any) -> Expected:
    return lambda node, run: follows(node.value, wanted, run.spend)


def _inside(value: Any, names: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _inside(one, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and names[0] in value:
        yield from _inside(value[names[0]], names[1:])


def _asked(shape: Shape) -> Expected | None:
    fixed = [value for value, _ in shape.fixed]
    patterns = [value for value, _ in shape.patterns]
    value_sets = [one for one, _ in shape.bindings]
    below = [] if fixed or patterns else list(_fixed_below(shape))
    if not (fixed or patterns or value_sets or below):
        return None

    def test(node: Node, run: Run) -> bool:
        if fixed or patterns:
            return all(is_same(node.value, one) for one in fixed) and all(
                follows(node.value, one, run.spend) for one in patterns
            )
        if below and not all(
            any(follows(one.value, value, run.spend) for one in children(node, name)) for name, value in below
        ):
            return False
        sets = [run.codes(one) for one in value_sets]
        return all(codes is not None and is_coded(node, codes) for codes in sets)

    return test


def _fixed_below(shape: Shape) -> Iterator[tuple[str, Any]]:
    for field in shape.fields.values():
        for layer in field.element.layers:
            for value in (*layer.fixed, *layer.patterns):
                yield field.step, value


def is_coded(node: Node, codes: frozenset[tuple[str, str]]) -> bool:
    """Whether a code, a Coding, one coding of a CodeableConcept, or the unit of a Quantity is among the codes."""
    value = node.value
    if isinstance(value, str):
        return any(code == value for _, code in codes)
    if not isinstance(value, dict):
        return False
    if node.type == "CodeableConcept":
        codings = value.get("coding")
        return isinstance(codings, list) and any(_pair(one) in codes for one in codings if isinstance(one, dict))
    return _pair(value) in codes


def _pair(coding: dict[str, Any]) -> tuple[str, str]:
    system, code = coding.get("system"), coding.get("code")
    return (system if isinstance(system, str) else "", code if isinstance(code, str) else "")


def _exists(element: Element, steps: tuple[_Step, ...], run: Run) -> Matches | None:
    if not steps or steps[-1].kind not in ("name", "url"):
        return None
    for above in _ends(element, steps[:-1], run):
        for type_name in above.possible:
            field = above.shape(type_name, run).fields.get(steps[-1].text if steps[-1].kind == "name" else "extension")
            if field is None:
                continue
            if field.max == 0:
                return lambda node, run: not _values(node, steps, run)
            if field.min > 0:
                return lambda node, run: bool(_values(node, steps, run))
    return None


def _type(element: Element, steps: tuple[_Step, ...], run: Run) -> Matches | None:
    allowed: set[str] = set()
    resolves = bool(steps) and steps[-1].kind == "resolve"
    for end in _ends(element, steps, run):
        if resolves:
            for type_name in end.possible:
                for names, _ in end.shape(type_name, run).targets:
                    allowed |= names
        else:
            allowed.update(end.allowed or (end.possible if len(end.possible) < 10 else ()))
    if not allowed:
        return None
    return lambda node, run: any(is_of(one.type, allowed) for one in _values(node, steps, run))


def _profile(element: Element, steps: tuple[_Step, ...], run: Run, conforms: Conforms) -> Matches | None:
    wanted: set[str] = set()
    resolves = bool(steps) and steps[-1].kind == "resolve"
    for end in _ends(element, steps, run):
        for layer in end.layers:
            for used in layer.types:
                wanted.update(used.targets if resolves else used.profiles)
    if not wanted:
        return None

    def test(node: Node, run: Run) -> bool:
        return any(_conforms(one, profile, run, conforms) for one in _values(node, steps, run) for profile in wanted)

    return test


def _conforms(node: Node, profile: str, run: Run, conforms: Conforms) -> bool:
    type_name = run.type_of(profile)
    if type_name is not None and type_name not in ancestors(node.type):
        return False
    if isinstance(node.value, dict) and node.value.keys() == {"resourceType"}:
        # Only its type is known.
        return type_name is not None
    return conforms(node, profile, run)


# --- what stands at the end of a path ---------------------------------------------------------------------------------


def _values(node: Node, steps: Sequence[_Step], run: Run) -> list[Node]:
    found = [node]
    for step in steps:
        run.spend(len(found) + 1)
        if step.kind == "name":
            found = [below for one in found for below in children(one, step.text)]
        elif step.kind == "type":
            found = [one for one in found if step.text in ancestors(one.type)]
        elif step.kind == "url":
            found = [
                below
                for one in found
                for below in children(one, "extension")
                if isinstance(below.value, dict) and below.value.get("url") == step.text
            ]
        else:
            found = [target for one in found if (target := referred(one)) is not None]
    return found


def referred(node: Node) -> Node | None:
    """The resource that a reference means where it is in the same one; else a bare one of the type that it names."""
    text = node.value.get("reference") if isinstance(node.value, dict) else node.value
    holder = references.outermost(node)
    if isinstance(text, str) and text.startswith("#"):
        found = references.contained_in(holder.value).get(text)
        if found is None:
            return None
        index, resource = found
        return holder if index is None else Node(root(resource).type, resource, holder, "contained", index)
    while holder.parent is not None:
        holder = references.enclosing(holder.parent)
        if holder.type == "Bundle" and isinstance(text, str):
            for entry in children(holder, "entry"):
                if isinstance(entry.value, dict) and entry.value.get("fullUrl") == text:
                    return next(iter(children(entry, "resource")), None)
    type_name = references.target_type(node.value, lambda _: None)
    return None if type_name is None else Node(type_name, {"resourceType": type_name})
