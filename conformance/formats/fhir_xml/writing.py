"""Resource trees into FHIR XML."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from conformance.formats import r4_types
from conformance.formats.fhir_xml.divs import is_narrative
from conformance.formats.fhir_xml.escapes import SPECIAL, escaped
from conformance.formats.fhir_xml.refusals import BLANK
from conformance.formats.fhir_xml.shapes import FHIR, XHTML, Kind, Shape, Slot, shape_of

__all__ = ["write"]


def write(tree: Mapping[str, Any], *, pretty: bool = False) -> bytes:
    """The tree as FHIR XML, in the order of the schema. Raises `ValueError` for what R4 or XML cannot say."""
    chunks: list[str] = []
    _write_resource(tree, chunks, f' xmlns="{FHIR}"')
    text = "".join(_indented(chunks) if pretty else chunks)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


_SMALLEST_PLAIN = -20


def _write_resource(tree: Any, chunks: list[str], namespace: str = "") -> None:
    name = tree.get("resourceType") if isinstance(tree, Mapping) else None
    if not isinstance(name, str) or name not in r4_types.resource_types():
        raise ValueError("resourceType is no resource type of FHIR R4")
    _write_element(name, namespace, tree, shape_of(name), chunks)


def _write_element(name: str, attributes: str, tree: Mapping[str, Any], shape: Shape, chunks: list[str]) -> None:
    start = len(chunks)
    chunks.append(f"<{name}{attributes}>")
    _write_elements(tree, shape, chunks)
    if len(chunks) == start + 1:
        chunks[start] = f"<{name}{attributes}/>"
    else:
        chunks.append(f"</{name}>")


def _write_elements(tree: Mapping[str, Any], shape: Shape, chunks: list[str]) -> None:
    slots = []
    last = -1
    ordered = True
    for key in tree:
        slot = shape.by_key.get(key)
        if slot is None:
            if shape.is_resource and key == "resourceType":
                continue
            raise ValueError(f"an element that {shape.name} does not have")
        if slot.kind is Kind.ATTRIBUTE:
            continue
        slots.append(slot)
        if slot.order <= last or slot.kind is Kind.COMPANION:
            ordered = False
        last = slot.order
    if not ordered:
        _write_disordered(tree, shape, slots, chunks)
        return
    for slot in slots:
        value = tree[slot.name]
        if slot.is_primitive and not slot.repeats:
            chunks.append(f'<{slot.name} value="{_value_text(slot, value)}"/>')
        else:
            _write_slot(slot, value, None, chunks)


def _write_disordered(tree: Mapping[str, Any], shape: Shape, slots: list[Slot], chunks: list[str]) -> None:
    """Writes in the schema's order, each primitive with its companion."""
    found: dict[int, Slot] = {}
    for slot in slots:
        if found.setdefault(slot.order, slot).name != slot.name:
            raise ValueError(f"{shape.name} has {slot.name} beside {found[slot.order].name}; one type is chosen")
    for _, slot in sorted(found.items()):
        companion = f"_{slot.name}"
        if any(name in tree and tree[name] is None for name in (slot.name, companion)):
            raise _wrong(slot)
        _write_slot(slot, tree.get(slot.name), tree.get(companion), chunks)


def _write_slot(slot: Slot, value: Any, companion: Any, chunks: list[str]) -> None:
    if slot.kind in (Kind.PRIMITIVE, Kind.COMPANION):
        if not slot.repeats:
            _write_primitive(slot, value, companion, chunks)
            return
        for one, beside in _aligned(slot, value, companion):
            _write_primitive(slot, one, beside, chunks)
    elif not slot.repeats:
        _write_value(slot, value, chunks)
    elif isinstance(value, list) and value:
        for one in value:
            _write_value(slot, one, chunks)
    else:
        raise _wrong(slot)


def _aligned(slot: Slot, value: Any, companion: Any) -> Iterator[tuple[Any, Any]]:
    values, companions = ([] if one is None else one for one in (value, companion))
    if not isinstance(values, list) or not isinstance(companions, list) or not (values or companions):
        raise _wrong(slot)
    return zip_longest(values, companions)


def _write_value(slot: Slot, value: Any, chunks: list[str]) -> None:
    if slot.kind is Kind.NARRATIVE:
        chunks.append(_narrative(value))
        return
    if not isinstance(value, dict) or not value:
        raise _wrong(slot)
    if slot.kind is Kind.RESOURCE:
        chunks.append(f"<{slot.name}>")
        _write_resource(value, chunks)
        chunks.append(f"</{slot.name}>")
    else:
        shape = shape_of(slot.type_name)
        _write_element(slot.name, _attributes(value, shape), value, shape, chunks)


def _write_primitive(slot: Slot, value: Any, companion: Any, chunks: list[str]) -> None:
    text = "" if value is None else f' value="{_value_text(slot, value)}"'
    if companion is None:
        if value is None:
            raise _wrong(slot)
        chunks.append(f"<{slot.name}{text}/>")
        return
    if not isinstance(companion, dict) or not companion:
        raise _wrong(slot)
    shape = shape_of("Element")
    _write_element(slot.name, _attributes(companion, shape) + text, companion, shape, chunks)


def _attributes(tree: Mapping[str, Any], shape: Shape) -> str:
    text = ""
    for name in shape.attributes:
        if name in tree:
            text += f' {name}="{_string(name, tree[name])}"'
    return text


def _value_text(slot: Slot, value: Any) -> str:
    if slot.typed is None:
        return value if type(value) is str and value and not SPECIAL.search(value) else _string(slot.name, value)
    if slot.type_name == "boolean":
        if value is True or value is False:
            return "true" if value else "false"
    elif type(value) is int:
        return str(value)
    elif slot.type_name == "decimal" and isinstance(value, Decimal) and value.is_finite():
        # Python's own text is 0E-8 where 0.00000000 was sent; an exponent is left for what is very small or large.
        return f"{value:f}" if value.adjusted() >= _SMALLEST_PLAIN and "E+" not in str(value) else str(value)
    raise _wrong(slot)


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is no text, or an empty one")
    return SPECIAL.sub(escaped, value)


def _narrative(value: Any) -> str:
    """The div as it is; it is parsed, or its text could end the element that it stands in."""
    text = value.strip(BLANK) if isinstance(value, str) else ""
    if not text.startswith("<div") or not is_narrative(text):
        raise ValueError(f"div is no XML that begins with <div in the namespace {XHTML}")
    return text


def _wrong(slot: Slot) -> ValueError:
    one = "a list of " if slot.repeats else "one "
    return ValueError(f"{slot.name} is {one}{slot.type_name}, and not empty")


def _indented(chunks: list[str]) -> Iterator[str]:
    """Each tag on a line of its own, a narrative as it is."""
    depth = 0
    for chunk in chunks:
        if chunk.startswith("</"):
            depth -= 1
        yield f"{'  ' * depth}{chunk}\n"
        if not chunk.startswith(("</", "<div")) and not chunk.endswith("/>"):
            depth += 1
