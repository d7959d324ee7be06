"""The short way for what search expressions mostly are: paths, with a choice of type or a filter, joined by `|`
(https://hl7.org/fhir/R4/searchparameter.html).

It reads the JSON without making nodes, and returns what the long way would.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from conformance.formats import r4_types
from conformance.formats.fhirpath.model import ABSTRACT, SYSTEM, Way, ancestors, ways
from conformance.formats.fhirpath.references import contained_in, target_type
from conformance.formats.fhirpath.syntax import (
    Call,
    Chain,
    Indexer,
    Literal,
    Member,
    Operation,
    Syntax,
    TypeName,
    TypeOperation,
    Union,
)

__all__ = ["Values", "short_way"]

Values = Callable[[Mapping[str, Any]], list[tuple[str, Any]]]
Filter = Callable[[list[Any], Mapping[str, Any]], list[Any]]
"""The values of a step, and the resource they stand in → those that pass."""


class _Step(NamedTuple):
    key: str
    filters: tuple[Filter, ...] = ()


class _LongWay(Exception):
    """The expression is more than a path."""


class _Nothing(Exception):
    """The path leads nowhere from this type."""


def short_way(syntax: Syntax, of: str) -> Values | None:
    """What finds the values in a resource of the type `of`; None where the expression is more than paths."""
    if of in ABSTRACT or of not in r4_types.resource_types():
        return None
    several = []
    try:
        for part in syntax.parts if isinstance(syntax, Union) else (syntax,):
            try:
                several.append(_path(part, of))
            except _Nothing:
                continue
    except _LongWay:
        return None
    # A union leaves out what is there already: only the long way knows how to compare.
    return several[0] if len(several) == 1 and not isinstance(syntax, Union) else _union(several)


def _union(several: Sequence[Values]) -> Values:
    def union(resource: Mapping[str, Any]) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for one in several:
            found += one(resource)
        return found if len(found) < 2 else _once_each(found)

    return union


def _once_each(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    seen: dict[Any, tuple[str, Any]] = {}
    for pair in found:
        seen.setdefault(_frozen(pair[1]), pair)
    return list(seen.values())


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return ("object", frozenset((key, _frozen(child)) for key, child in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(_frozen, value)))
    return ("boolean", value) if isinstance(value, bool) else value


def _path(syntax: Syntax, of: str) -> Values:
    current: str | None = of
    choice: tuple[Way, ...] = ()
    steps: list[_Step] = []
    for place, step in enumerate(_flat(syntax)):
        if place == 0 and isinstance(step, Member) and step.name[:1].isupper():
            if step.name not in ancestors(of):
                raise _Nothing
            continue
        if isinstance(step, TypeName):
            current, choice = _as(step, current, choice, steps)
            continue
        if current is None or current in ABSTRACT or current in SYSTEM:
            raise _LongWay
        if isinstance(step, Member):
            found = ways(current).get(step.name, ())
            if len(found) == 1:
                current = found[0].type
                steps.append(_Step(found[0].key))
            else:
                current, choice = None, found
        else:
            if step.name == "extension":
                if "extension" not in ways(current):
                    raise _LongWay
                steps.append(_Step("extension"))
                current = "Extension"
            elif not steps:
                raise _LongWay
            steps[-1] = _filtered(steps, _filter(step, current))
    if current in ABSTRACT or (current is None and not choice) or not (steps or choice):
        raise _LongWay
    return _short(tuple(steps), current, choice)


def _flat(syntax: Syntax) -> list[Member | Call | TypeName]:
    match syntax:
        case Member() | Call():
            return [_plain(syntax)] if isinstance(syntax, Call) else [syntax]
        case TypeOperation(operator="as"):
            return [*_flat(syntax.subject), syntax.type]
        case Chain():
            found = _flat(syntax.head)
            for step in syntax.steps:
                if isinstance(step, Indexer):
                    raise _LongWay
                found.append(_plain(step) if isinstance(step, Call) else step)
            return found
    raise _LongWay


def _plain(call: Call) -> Call | TypeName:
    if call.type is not None and call.name != "is":
        return call.type
    if call.name not in ("where", "extension") or len(call.arguments) != 1:
        raise _LongWay
    return call


def _as(
    name: TypeName, current: str | None, choice: tuple[Way, ...], steps: list[_Step]
) -> tuple[str | None, tuple[Way, ...]]:
    wanted = name.name
    if name.namespace == "System" or wanted not in r4_types.names():
        raise _LongWay
    if wanted in ABSTRACT or current in ABSTRACT:
        raise _LongWay
    if current is not None:
        if current == wanted:
            return current, ()
        raise _LongWay
    fitting = [way for way in choice if way.type == wanted]
    # What comes from a complex type is of it too.
    if len(fitting) != 1 or any(wanted in ancestors(way.type) for way in choice if way.type != wanted):
        raise _LongWay
    steps.append(_Step(fitting[0].key))
    return wanted, ()


def _filtered(steps: list[_Step], one: Filter) -> _Step:
    last = steps[-1]
    return _Step(last.key, (*last.filters, one))


def _filter(call: Call, current: str) -> Filter:
    criterion = call.arguments[0]
    match call.name, criterion:
        case "extension", Literal(type="System.String", value=url):
            return _with("url", url)
        case (
            "where",
            TypeOperation(
                operator="is", subject=Call(name="resolve", arguments=(), type=None), type=TypeName() as name
            ),
        ) if name.namespace != "System" and name.name in r4_types.resource_types():
            return _pointing_to(name.name)
        case (
            "where",
            Operation(operator="=", left=Member(name=element), right=Literal(type="System.String", value=text)),
        ):
            found = ways(current).get(element, ())
            if (
                len(found) == 1
                and SYSTEM.get(found[0].type) == "System.String"
                and not r4_types.element_types(current)[element].repeats
            ):
                return _with(found[0].key, text)
    raise _LongWay


def _with(key: str, text: str) -> Filter:
    return lambda values, _: [value for value in values if isinstance(value, dict) and value.get(key) == text]


def _pointing_to(wanted: str) -> Filter:
    def pointing(values: list[Any], resource: Mapping[str, Any]) -> list[Any]:
        known: dict[str, tuple[int | None, Mapping[str, Any]]] = {}

        def contained(reference: str) -> Mapping[str, Any] | None:
            if not known:
                known.update(contained_in(resource))
            found = known.get(reference)
            return None if found is None else found[1]

        return [value for value in values if target_type(value, contained) == wanted]

    return pointing


def _short(steps: tuple[_Step, ...], current: str | None, choice: tuple[Way, ...]) -> Values:
    if current is None:
        return _choosing(steps, choice)
    primitive = current in SYSTEM
    if len(steps) == 1 and not steps[0].filters:
        return _single_step(steps[0].key, current, primitive=primitive)

    def values(resource: Mapping[str, Any]) -> list[tuple[str, Any]]:
        return [
            (current, value)
            for value in _walked(steps, resource)
            if value is not None and isinstance(value, dict) is not primitive
        ]

    return values


def _single_step(key: str, current: str, *, primitive: bool) -> Values:
    def values(resource: Mapping[str, Any]) -> list[tuple[str, Any]]:
        value = resource.get(key)
        if value is None:
            return []
        several = value if isinstance(value, list) else [value]
        return [(current, one) for one in several if one is not None and isinstance(one, dict) is not primitive]

    return values


def _choosing(steps: tuple[_Step, ...], choice: tuple[Way, ...]) -> Values:
    types = {way.key: way.type for way in choice}

    def values(resource: Mapping[str, Any]) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for holder in _walked(steps, resource):
            if not isinstance(holder, dict):
                continue
            # Elements are fewer in a resource than types in a choice.
            for key in holder if len(holder) < len(types) else types:
                if key in types and (value := holder.get(key)) is not None:
                    name = types[key]
                    several = value if isinstance(value, list) else [value]
                    found += [(name, one) for one in several if isinstance(one, dict) is (name not in SYSTEM)]
        return found

    return values


def _walked(steps: tuple[_Step, ...], resource: Mapping[str, Any]) -> list[Any]:
    values: list[Any] = [resource]
    for key, filters in steps:
        found: list[Any] = []
        for holder in values:
            if isinstance(holder, dict):
                value = holder.get(key)
                if isinstance(value, list):
                    found += value
                elif value is not None:
                    found.append(value)
        for one in filters:
            found = one(found, resource)
        if not found:
            return found
        values = found
    return values
