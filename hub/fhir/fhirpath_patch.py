"""FHIRPath Patch: a Parameters resource of operations on a resource (https://hl7.org/fhir/R4/fhirpatch.html).

Paths come from anybody: the functions they may use go down the resource, so that no path costs more than a few walks
through it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.formats import fhirpath, r4_types
from conformance.formats.alike import meant
from conformance.formats.fhirpath import CannotEvaluate, Node, NotFhirPath
from conformance.formats.r4_types import Element
from hub.errors import Invalid, Malformed
from hub.search.unreadable_path import unreadable
from mappings.errors import Issue

__all__ = ["apply", "operations"]

_MOST = 100
_PATH_LONGEST = 500
_FUNCTIONS = (
    *("all", "as", "contains", "count", "empty", "endsWith", "exists", "extension", "first", "hasValue", "is", "last"),
    *("lower", "not", "ofType", "single", "skip", "startsWith", "tail", "take", "upper", "where"),
)
_WALKED_MOST = 20_000_000
"""Operations times bytes of the resource."""
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`", re.DOTALL)
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(", re.ASCII)
_PART_OF = re.compile(r"(?P<owner>.+)\.(?P<name>[A-Za-z]+)", re.DOTALL)

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    """One operation: its parts by name, and where it stands in the Parameters."""

    place: str
    kind: str
    parts: Mapping[str, Mapping[str, Any]]


def operations(parameters: Mapping[str, Any]) -> list[_Operation]:
    """The operations that a Parameters resource writes. Raises `Malformed` where it writes none."""
    given = parameters.get("parameter", [])
    if not isinstance(given, list) or len(given) > _MOST:
        raise _malformed(
            "Parameters.parameter",
            f"erwartet werden bis zu {_MOST} Operationen",
            f"expected up to {_MOST} operations",
            "too-costly" if isinstance(given, list) else "structure",
        )
    return [_operation(f"Parameters.parameter[{at}]", one) for at, one in enumerate(given)]


def apply(tree: Tree, told: list[_Operation], *, size: int) -> None:
    """Changes a resource of so many bytes as the operations say, one after the other. Raises `Invalid` where one
    cannot be done.
    """
    if len(told) * size > _WALKED_MOST:
        raise _cannot(
            told[0],
            "zu viele Operationen für eine so große Ressource; sie mit PUT ganz schreiben",
            "too many operations for so large a resource; write it as a whole with PUT",
            "too-costly",
        )
    for operation in told:
        _KINDS[operation.kind](tree, operation)


def _operation(place: str, given: Any) -> _Operation:
    parts = given.get("part") if isinstance(given, dict) and given.get("name") == "operation" else None
    if not isinstance(parts, list):
        raise _malformed(place, "erwartet wird name „operation“ mit part", "expected the name 'operation' with part")
    named: dict[str, Mapping[str, Any]] = {}
    for part in parts:
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name in named:
            raise _malformed(
                place, "jeder part hat einen name, und jeden nur einmal", "each part has a name, each once"
            )
        named[name] = part
    kind = _value(named["type"]) if "type" in named else None
    if not isinstance(kind, str) or kind not in _KINDS:
        listed = ", ".join(_KINDS)
        raise _malformed(place, f"type: erwartet wird eine von: {listed}", f"type: expected one of: {listed}")
    needed = _NEEDED[kind]
    for name in needed:
        if name not in named:
            listed = ", ".join(needed)
            raise _malformed(place, f"{kind} braucht: {listed}", f"{kind} needs: {listed}", "required")
    return _Operation(place=place, kind=kind, parts=named)


def _add(tree: Tree, told: _Operation) -> None:
    found = _nodes(tree, told)
    if len(found) != 1:
        raise _one_expected(told, len(found))
    _add_to(found[0], _text(told, "name"), told)


def _add_to(node: Node, name: str, told: _Operation) -> None:
    element, key, value, beside = _member(node.type, name, told.parts["value"], told)
    owner = _owner(node)
    if element.repeats:
        _List(owner, key).insert(None, value, beside)
        return
    if any(other in owner or f"_{other}" in owner for other in _keys(node.type, element)):
        raise _cannot(told, f"{element.name} steht schon da: replace", f"{element.name} is there already: replace it")
    _put(owner, key, value, beside)


def _insert(tree: Tree, told: _Operation) -> None:
    index = _index(told, "index")
    found = _nodes(tree, told)
    if not found:
        owner, name = _owner_of_none(tree, told)
        if index != 0:
            raise _outside(told, "index", 0)
        _add_to(owner, name, told)
        return
    node, whole = _collection(found, told)
    _, _, value, beside = _member(_parent(node, told).type, node.name or "", told.parts["value"], told)
    if index > len(whole):
        raise _outside(told, "index", len(whole))
    whole.insert(index, value, beside)


def _delete(tree: Tree, told: _Operation) -> None:
    found = _nodes(tree, told)
    if len(found) > 1:
        raise _one_expected(told, len(found))
    for node in found:
        _remove(node, told)


def _replace(tree: Tree, told: _Operation) -> None:
    found = _nodes(tree, told)
    if len(found) != 1:
        raise _one_expected(told, len(found))
    node = found[0]
    parent = _parent(node, told)
    name = node.name or ""
    element, key, value, beside = _member(parent.type, name, told.parts["value"], told)
    owner = _owner(parent)
    if node.index is not None:
        _List(owner, name).put(node.index, value, beside)
        return
    if element.is_choice:
        owner.pop(name, None)
    owner.pop(f"_{name}", None)
    _put(owner, key, value, beside)


def _move(tree: Tree, told: _Operation) -> None:
    source, destination = _index(told, "source"), _index(told, "destination")
    found = _nodes(tree, told)
    if not found:
        raise _one_expected(told, 0)
    _, whole = _collection(found, told)
    for name, index in (("source", source), ("destination", destination)):
        if index >= len(whole):
            raise _outside(told, name, len(whole) - 1)
    value, beside = whole.pop(source)
    whole.insert(destination, value, beside)


_KINDS: Mapping[str, Callable[[Tree, _Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
_NEEDED = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}


class _List:
    """An element that repeats: its values, and beside them under `_name` the ids and extensions of primitives.

    https://hl7.org/fhir/R4/json.html#primitive
    """

    def __init__(self, owner: Tree, name: str) -> None:
        self._owner = owner
        self._name = name
        values, beside = owner.get(name), owner.get(f"_{name}")
        self._values: list[Any] = list(values) if isinstance(values, list) else []
        self._beside: list[Any] = list(beside) if isinstance(beside, list) else []
        length = max(len(self._values), len(self._beside))
        self._values += [None] * (length - len(self._values))
        self._beside += [None] * (length - len(self._beside))

    def __len__(self) -> int:
        return len(self._values)

    def insert(self, index: int | None, value: Any, beside: Any) -> None:
        at = len(self) if index is None else index
        self._values.insert(at, value)
        self._beside.insert(at, beside)
        self._write()

    def put(self, index: int, value: Any, beside: Any) -> None:
        self._values[index], self._beside[index] = value, beside
        self._write()

    def pop(self, index: int) -> tuple[Any, Any]:
        found = self._values.pop(index), self._beside.pop(index)
        self._write()
        return found

    def _write(self) -> None:
        for key, items in ((self._name, self._values), (f"_{self._name}", self._beside)):
            if any(item is not None for item in items):
                self._owner[key] = items
            else:
                self._owner.pop(key, None)


def _nodes(tree: Tree, told: _Operation) -> list[Node]:
    return _found(tree, _text(told, "path"), told)


def _found(tree: Tree, path: str, told: _Operation) -> list[Node]:
    if len(path) > _PATH_LONGEST:
        raise _malformed(
            told.place,
            f"path: erwartet werden bis zu {_PATH_LONGEST} Zeichen",
            f"path: expected up to {_PATH_LONGEST} characters",
            "too-costly",
        )
    _refuse_far_reaching(path, told)
    try:
        found = fhirpath.compile(path, of=tree["resourceType"]).nodes(tree)
    except NotFhirPath as error:
        said_de, said_en = unreadable(error)
        raise _malformed(told.place, f"path, {said_de}", f"path, {said_en}") from error
    except CannotEvaluate as error:
        raise _cannot(told, "path: lässt sich hier nicht auswerten", "path: cannot be evaluated here") from error
    if any(not _is_of(tree, node) for node in found):
        raise _cannot(
            told,
            "path: erwartet werden Elemente der Ressource, keine berechneten Werte",
            "path: expected elements of the resource, no computed values",
        )
    return found


def _refuse_far_reaching(path: str, told: _Operation) -> None:
    bare = _LITERAL.sub("''", path)
    calls = set(_CALL.findall(bare))
    if any(sign in bare for sign in ("%", "//", "/*")) or not calls <= set(_FUNCTIONS):
        listed = ", ".join(_FUNCTIONS)
        raise _cannot(
            told,
            f"path: möglich sind Elemente, [n], Vergleiche und die Funktionen {listed}",
            f"path: possible are elements, [n], comparisons and the functions {listed}",
            "not-supported",
        )


def _is_of(tree: Tree, node: Node) -> bool:
    while node.parent is not None:
        node = node.parent
    return node.value is tree


def _parent(node: Node, told: _Operation) -> Node:
    if node.parent is None:
        raise _cannot(told, "path: die Ressource als Ganzes nicht", "path: not the resource as a whole")
    return node.parent


def _owner(node: Node) -> Tree:
    """The object that holds the elements of a node; for a primitive that which stands beside it, made at need."""
    if isinstance(node.value, dict):
        return node.value
    if isinstance(node.extra, dict):
        return node.extra
    assert node.parent is not None, "a resource is an object"
    assert node.name is not None
    made: Tree = {}
    above = _owner(node.parent)
    if node.index is None:
        above[f"_{node.name}"] = made
    else:
        _List(above, node.name).put(node.index, node.value, made)
    return made


def _owner_of_none(tree: Tree, told: _Operation) -> tuple[Node, str]:
    """Where the first item of a list that is not there yet belongs: `Patient.name` is `name` of `Patient`."""
    split = _PART_OF.fullmatch(_text(told, "path").strip())
    owners = _found(tree, split["owner"], told) if split else []
    if split is None or len(owners) != 1:
        raise _one_expected(told, 0)
    return owners[0], split["name"]


def _collection(found: list[Node], told: _Operation) -> tuple[Node, _List]:
    """The list that nodes are the items of: all of them, and of one list."""
    first = found[0]
    parent = _parent(first, told)
    whole = _List(_owner(parent), first.name or "")
    if first.index is None or len(found) != len(whole) or any(_other_list(first, node) for node in found):
        raise _cannot(
            told,
            "path: erwartet wird eine Liste, alle Einträge eines Elements",
            "path: expected a list, all items of one element",
        )
    return first, whole


def _other_list(one: Node, other: Node) -> bool:
    return one.name != other.name or _place_of(one.parent) != _place_of(other.parent)


def _place_of(node: Node | None) -> tuple[str | int, ...] | None:
    return None if node is None else node.path


def _remove(node: Node, told: _Operation) -> None:
    """Takes an element away, and what is empty without it."""
    parent = _parent(node, told)
    name = node.name or ""
    owner = _owner(parent)
    if node.index is None:
        owner.pop(name, None)
        owner.pop(f"_{name}", None)
    else:
        _List(owner, name).pop(node.index)
    if owner or parent.parent is None:
        return
    if parent.value is None or parent.value is owner:
        _remove(parent, told)
    else:
        _drop_beside(parent)


def _drop_beside(node: Node) -> None:
    """A primitive without its last extension has nothing beside it."""
    assert node.parent is not None
    above = _owner(node.parent)
    if node.index is None:
        above.pop(f"_{node.name}", None)
    else:
        _List(above, node.name or "").put(node.index, node.value, None)


def _member(type_name: str, name: str, part: Mapping[str, Any], told: _Operation) -> tuple[Element, str, Any, Any]:
    """The element of a type that a name means, its name in JSON, the value a part writes, and what is beside that."""
    given = _typed(part)
    bare = name.removesuffix("[x]")
    known = r4_types.json_names(type_name) if type_name in r4_types.names() else {}
    key = bare
    if key not in known and given is not None:
        key = f"{bare}{given}"  # a choice: its name in JSON says the type
    elif key in known and known[key][0].is_choice and given is not None:
        key = f"{known[key][0].name.removesuffix('[x]')}{given}"
    if key not in known:
        said_de, said_en = meant(bare, _elements(type_name) if known else ())
        raise _cannot(
            told,
            f"name, value: {type_name} hat kein solches Element mit einem Wert dieses Typs{said_de}",
            f"name, value: {type_name} has no such element with a value of this type{said_en}",
        )
    element, element_type = known[key]
    if given is not None:
        return element, key, part.get(f"value{given}"), part.get(f"_value{given}")
    if isinstance(part.get("resource"), dict):
        return element, key, part["resource"], None
    return element, key, _built(element_type, part, told), None


def _built(type_name: str, part: Mapping[str, Any], told: _Operation) -> Tree:
    """An object of a type that has no name, written as parts."""
    parts = part.get("part")
    if not isinstance(parts, list) or not parts:
        raise _malformed(told.place, "value: erwartet wird value[x] oder part", "value: expected value[x] or part")
    made: Tree = {}
    for one in parts:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, str):
            raise _malformed(told.place, "jeder part hat einen name", "each part has a name")
        element, key, value, beside = _member(type_name, name, one, told)
        if element.repeats:
            _List(made, key).insert(None, value, beside)
        else:
            _put(made, key, value, beside)
    return made


def _put(owner: Tree, key: str, value: Any, beside: Any) -> None:
    if value is not None:
        owner[key] = value
    else:
        owner.pop(key, None)
    if beside is not None:
        owner[f"_{key}"] = beside


def _keys(type_name: str, element: Element) -> Iterator[str]:
    return (key for key, (other, _) in r4_types.json_names(type_name).items() if other.name == element.name)


def _typed(part: Mapping[str, Any]) -> str | None:
    """The type after `value`, as the part's name in JSON has it."""
    for key in part:
        name = key.removeprefix("_")
        if name.startswith("value") and len(name) > len("value"):
            return name.removeprefix("value")
    return None


def _value(part: Mapping[str, Any]) -> Any:
    given = _typed(part)
    return None if given is None else part.get(f"value{given}")


def _text(told: _Operation, name: str) -> str:
    value = _value(told.parts[name])
    if not isinstance(value, str):
        raise _malformed(told.place, f"{name}: erwartet wird valueString", f"{name}: expected valueString")
    return value


def _index(told: _Operation, name: str) -> int:
    value = _value(told.parts[name])
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _malformed(
            told.place,
            f"{name}: erwartet wird valueInteger, eine Stelle von 0 an",
            f"{name}: expected valueInteger, a place from 0 on",
        )
    return value


def _malformed(place: str, text_de: str, text_en: str, fhir_code: str = "structure") -> Malformed:
    return Malformed(Issue(code="patch-unreadable", fhir_code=fhir_code, place=place, text_de=text_de, text_en=text_en))


def _cannot(told: _Operation, text_de: str, text_en: str, fhir_code: str = "processing") -> Invalid:
    return Invalid(
        Issue(
            code="patch-impossible",
            fhir_code=fhir_code,
            place=told.place,
            text_de=f"{told.kind}: {text_de}",
            text_en=f"{told.kind}: {text_en}",
        )
    )


def _elements(type_name: str) -> list[str]:
    """The names that paths have for the elements of a type."""
    return [name.removesuffix("[x]") for name in r4_types.element_types(type_name)]


def _one_expected(told: _Operation, found: int) -> Invalid:
    return _cannot(
        told,
        f"path: erwartet wird genau ein Element, gefunden sind {found}",
        f"path: expected exactly one element, found {found}",
    )


def _outside(told: _Operation, name: str, most: int) -> Invalid:
    return _cannot(
        told, f"{name}: erwartet wird eine Stelle von 0 bis {most}", f"{name}: expected a place from 0 to {most}"
    )
