"""FHIR XML into resource trees as `strict_json` reads them, and back (https://hl7.org/fhir/R4/xml.html)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from functools import cache
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from lxml import etree

from conformance.formats import r4_types, safe_xml
from conformance.formats.alike import meant

__all__ = ["NotFhirXml", "parse", "write"]

_FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_DIV = f"{{{_XHTML}}}div"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_ATTRIBUTES_MAX = 100
_BLANK = " \t\r\n"
_DEEPEST = 49
"""Objects in each other: with a list in the last of them, these are the levels of JSON that `strict_json` takes."""


class NotFhirXml(ValueError):
    """Bytes that are no FHIR XML that we take: why, and in which line; the reason repeats nothing of the content.

    `reason` is English, `reason_de` German.
    """

    def __init__(self, reason: str, reason_de: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.reason_de = reason_de
        self.line = line


def parse(body: bytes) -> dict[str, Any]:
    """The tree of the resource that the bytes write. Raises `NotFhirXml`, with the first thing that is wrong.

    Numbers and booleans are typed as R4 types their elements; codes, dates and rules are not looked at, nor is a
    narrative, whose text stays as it was sent.
    """
    try:
        events = safe_xml.iterate(body, ())
        root = next(events)
        for _ in events:
            pass
    except safe_xml.NotXml as error:
        raise NotFhirXml(error.reason, error.reason_de, error.line) from None
    return _Reader(body).resource(root, 1)


def write(tree: Mapping[str, Any], *, pretty: bool = False) -> bytes:
    """The tree as FHIR XML, in the order of the schema. Raises `ValueError` for what R4 or XML cannot say."""
    chunks: list[str] = []
    _write_resource(tree, chunks, f' xmlns="{_FHIR}"')
    text = "".join(_indented(chunks) if pretty else chunks)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


# --- the table, made ready ---


class _Kind(Enum):
    ATTRIBUTE = auto()
    PRIMITIVE = auto()
    COMPLEX = auto()
    RESOURCE = auto()
    NARRATIVE = auto()
    COMPANION = auto()
    """`_birthDate` beside `birthDate`: what JSON says of a primitive apart from its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """An element of a type, as one of its types: `deceasedBoolean` and `deceasedDateTime` are two of equal order."""

    name: str
    order: int
    kind: _Kind
    is_primitive: bool
    type_name: str
    repeats: bool
    typed: Callable[[str], Any] | None
    """The value that an attribute's text writes, where it is no string; None for a text that writes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A type as XML and JSON write it."""

    name: str
    is_resource: bool
    attributes: tuple[str, ...]
    by_tag: Mapping[str, _Slot]
    by_key: Mapping[str, _Slot]


@cache
def _shape(type_name: str) -> _Shape:
    is_resource = r4_types.named(type_name).kind == "resource"
    # https://hl7.org/fhir/R4/xml.html: "the id attribute of an element, and the url of an extension are attributes".
    attributes = () if is_resource else ("id", "url") if type_name == "Extension" else ("id",)
    orders = {name: order for order, name in enumerate(r4_types.element_types(type_name))}
    by_tag, by_key = {}, {}
    for key, (element, used) in r4_types.json_names(type_name).items():
        kind = _Kind.ATTRIBUTE if key in attributes else _kind(used)
        slot = _Slot(
            name=key,
            order=orders[element.name],
            kind=kind,
            is_primitive=kind is _Kind.PRIMITIVE,
            type_name=used,
            repeats=element.repeats,
            typed=_TYPED.get(used),
        )
        by_key[key] = slot
        if kind is not _Kind.ATTRIBUTE:
            by_tag[_DIV if kind is _Kind.NARRATIVE else f"{{{_FHIR}}}{key}"] = slot
        if kind is _Kind.PRIMITIVE:
            by_key[f"_{key}"] = replace(slot, kind=_Kind.COMPANION, is_primitive=False)
    return _Shape(
        name=type_name,
        is_resource=is_resource,
        attributes=attributes,
        by_tag=MappingProxyType(by_tag),
        by_key=MappingProxyType(by_key),
    )


@cache
def _resource_tags() -> Mapping[str, str]:
    return MappingProxyType({f"{{{_FHIR}}}{name}": name for name in r4_types.resource_types()})


def _kind(type_name: str) -> _Kind:
    if type_name == "xhtml":
        return _Kind.NARRATIVE
    found = r4_types.named(type_name)
    if found.kind == "resource":
        return _Kind.RESOURCE
    return _Kind.PRIMITIVE if found.kind == "primitive" else _Kind.COMPLEX


# https://hl7.org/fhir/R4/datatypes.html#integer; more digits than these are no integer of 32 bits in any case.
_INTEGER = re.compile(r"0|[-+]?[1-9][0-9]{0,19}")
_DECIMAL = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?(?:[eE]([+-]?[0-9]{1,4}))?")
_LONGEST_NUMBER = 100
"""`strict_json` takes no longer ones, and no larger exponents."""


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _decimal(text: str) -> int | Decimal | None:
    found = _DECIMAL.fullmatch(text)
    if found is None:
        return None
    whole, fraction, exponent = found.groups()
    if len(whole) + len(fraction or "") > _LONGEST_NUMBER or abs(int(exponent or 0)) > _LONGEST_NUMBER:
        return None
    # As JSON's readers do: digits alone are a whole number.
    return int(text) if fraction is None and exponent is None else Decimal(text)


_TYPED: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "boolean": {"true": True, "false": False}.get,
        "decimal": _decimal,
        "integer": _integer,
        "positiveInt": _integer,
        "unsignedInt": _integer,
    }
)


# --- reading ---


class _Reader:
    """Turns the elements of one document into trees, in the document's order."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._narratives: Iterator[str] | None = None
        self._has_prefixes = False

    def resource(self, element: etree._Element, depth: int) -> dict[str, Any]:
        name = _resource_tags().get(element.tag)
        if name is None:
            raise _not_a_resource(element)
        found: dict[str, Any] = {"resourceType": name}
        self._fill(found, element, _shape(name), depth)
        return found

    def _fill(self, found: dict[str, Any], element: etree._Element, shape: _Shape, depth: int) -> None:
        for name, text in _attributes_of(element):
            if name in shape.attributes:
                found[name] = _filled(element, text)
            elif not (shape.is_resource and name == _SCHEMA_LOCATION):
                raise _unexpected_attribute(element, shape)
        self._fill_elements(found, element, shape, depth)

    def _fill_elements(self, found: dict[str, Any], element: etree._Element, shape: _Shape, depth: int) -> None:
        if depth > _DEEPEST:
            raise _refusal(
                element, f"nested deeper than {_DEEPEST} levels", f"tiefer als {_DEEPEST} Ebenen geschachtelt"
            )
        if text := element.text:
            _refuse_text(element, text)
        by_tag = shape.by_tag
        last = -1
        previous = ""
        aligned: list[str] = []
        for child in element:
            slot = by_tag.get(child.tag)
            if slot is None:
                raise _unexpected_element(child, shape)
            name = slot.name
            if slot.order <= last:
                _refuse_order(child, slot, last, previous)
            last, previous = slot.order, name
            value = _bare_value(child, slot) if slot.is_primitive else self._value(child, slot, depth + 1)
            if value is None:
                if self._put_primitive(found, child, slot, depth + 1):
                    aligned.append(name)
            elif not slot.repeats:
                found[name] = value
            elif name in found:
                found[name].append(value)
            else:
                found[name] = [value]
            if tail := child.tail:
                _refuse_text(child, tail)
        for name in aligned:
            _align(found, name)

    def _value(self, element: etree._Element, slot: _Slot, depth: int) -> Any:
        if slot.kind is _Kind.COMPLEX:
            found: dict[str, Any] = {}
            self._fill(found, element, _shape(slot.type_name), depth + slot.repeats)
            if not found:
                raise _empty(element, slot)
            return found
        if slot.kind is _Kind.NARRATIVE:
            return self._narrative(element)
        return self._wrapped(element, slot, depth + slot.repeats)

    def _wrapped(self, element: etree._Element, slot: _Slot, depth: int) -> dict[str, Any]:
        if len(element) != 1 or element.keys():
            raise _refusal(
                element,
                f"{slot.name} holds exactly one resource, and has no attributes",
                f"{slot.name} enthält genau eine Ressource und hat keine Attribute",
            )
        _refuse_text(element, element.text)
        _refuse_text(element, element[0].tail)
        return self.resource(element[0], depth)

    def _narrative(self, element: etree._Element) -> str:
        if self._narratives is None:
            self._narratives = _sent_narratives(self._body, element)
            self._has_prefixes = b"xmlns:" in self._body
        sent = next(self._narratives, None)
        # What is declared above the div, a prefix or its own namespace, is missing in its text.
        if sent is None or (self._has_prefixes and not _is_narrative(sent)):
            return _serialised(element)
        return sent

    def _put_primitive(self, found: dict[str, Any], element: etree._Element, slot: _Slot, depth: int) -> bool:
        """Puts a value, if there is one, and what is said of it beside; whether a list of companions is begun."""
        value = None
        beside: dict[str, Any] = {}
        for name, text in _attributes_of(element):
            if name == "value":
                value = _typed(element, slot, text)
            elif name == "id":
                beside["id"] = _filled(element, text)
            else:
                raise _refusal(
                    element,
                    f"{slot.name} has no attributes but value and id",
                    f"{slot.name} hat keine Attribute außer value und id",
                )
        self._fill_elements(beside, element, _shape("Element"), depth + slot.repeats)
        if not beside:
            raise _empty(element, slot)
        key = slot.name
        if not slot.repeats:
            if value is not None:
                found[key] = value
            found[f"_{key}"] = beside
            return False
        values = found.setdefault(key, [])
        values.append(value)
        begun = f"_{key}" not in found
        companions = found.setdefault(f"_{key}", [])
        companions.extend([None] * (len(values) - 1 - len(companions)))
        companions.append(beside)
        return begun


def _bare_value(element: etree._Element, slot: _Slot) -> Any:
    """The value of a primitive of which nothing else is said; None where it has more, or less."""
    if element.keys() != ["value"] or len(element):
        return None
    if text := element.text:
        _refuse_text(element, text)
    return _typed(element, slot, element.get("value", ""))


def _typed(element: etree._Element, slot: _Slot, text: str) -> Any:
    if slot.typed is None:
        return text or _filled(element, text)
    value = slot.typed(text)
    if value is None:
        raise _refusal(
            element,
            f"the value of {slot.name} is no {slot.type_name}",
            f"der Wert von {slot.name} ist nicht vom Typ {slot.type_name}",
        )
    return value


def _align(found: dict[str, Any], name: str) -> None:
    """Makes both lists of a repeated primitive equally long; a list of nulls alone is left out."""
    values, companions = found[name], found[f"_{name}"]
    companions.extend([None] * (len(values) - len(companions)))
    if all(value is None for value in values):
        del found[name]


def _attributes_of(element: etree._Element) -> list[tuple[str, str]]:
    # lxml looks each value up by its attribute's name: hundreds of thousands would take minutes.
    names = element.keys()
    if not names:
        return []
    if len(names) > _ATTRIBUTES_MAX:
        raise _refusal(element, f"more than {_ATTRIBUTES_MAX} attributes", f"mehr als {_ATTRIBUTES_MAX} Attribute")
    return element.items()  # type: ignore[return-value]  # the stubs allow bytes


def _filled(element: etree._Element, text: str) -> str:
    if not text:
        raise _refusal(
            element,
            "an attribute is empty; it is left out where there is nothing to say",
            "ein Attribut ist leer; wo nichts zu sagen ist, fällt es weg",
        )
    return text


def _refuse_text(element: etree._Element, text: str | None) -> None:
    if text and text.strip(_BLANK):
        raise _refusal(
            element,
            "text between elements; values stand in the attribute value",
            "Text zwischen Elementen; Werte stehen im Attribut value",
        )


def _refuse_order(element: etree._Element, slot: _Slot, last: int, previous: str) -> None:
    if slot.order < last:
        raise _refusal(element, f"{slot.name} stands before {previous}", f"{slot.name} gehört vor {previous}")
    if slot.name != previous:
        raise _refusal(
            element,
            f"{slot.name} stands beside {previous}; one type is chosen",
            f"{slot.name} steht neben {previous}; nur ein Typ davon geht",
        )
    if not slot.repeats:
        raise _refusal(element, f"{slot.name} stands once", f"{slot.name} steht nur einmal")


def _empty(element: etree._Element, slot: _Slot) -> NotFhirXml:
    return _refusal(
        element,
        f"{slot.name} is empty; an element has a value or content, or is left out",
        f"{slot.name} ist leer; ein Element hat einen Wert oder Inhalt, oder es fällt weg",
    )


def _unexpected_attribute(element: etree._Element, shape: _Shape) -> NotFhirXml:
    known = shape.attributes or ("xmlns", _SCHEMA_LOCATION)
    return _refusal(
        element,
        f"{shape.name} has no attributes but {' and '.join(known)}",
        f"{shape.name} hat keine Attribute außer {' und '.join(known)}",
    )


def _not_a_resource(element: etree._Element) -> NotFhirXml:
    tag = etree.QName(element)
    if tag.localname in r4_types.resource_types():
        return _other_namespace(element)
    meant_de, meant_en = meant(tag.localname, r4_types.resource_types())
    return _refusal(
        element,
        f"expected a resource type of FHIR R4 in the namespace {_FHIR}{meant_en}",
        f"erwartet wird ein Ressourcentyp von FHIR R4 im Namensraum {_FHIR}{meant_de}",
    )


def _unexpected_element(element: etree._Element, shape: _Shape) -> NotFhirXml:
    tag = etree.QName(element)
    known = [slot.name for slot in shape.by_tag.values()]
    if tag.localname in known:
        return _other_namespace(element)
    meant_de, meant_en = meant(tag.localname, known)
    return _refusal(
        element,
        f"an element that {shape.name} does not have{meant_en}",
        f"ein Element, das {shape.name} nicht hat{meant_de}",
    )


def _other_namespace(element: etree._Element) -> NotFhirXml:
    expected = _XHTML if etree.QName(element).localname == "div" else _FHIR
    return _refusal(
        element,
        f"the element is in another namespace; expected {expected}",
        f"das Element ist in einem anderen Namensraum; erwartet wird {expected}",
    )


def _refusal(element: etree._Element, reason: str, reason_de: str) -> NotFhirXml:
    return NotFhirXml(reason, reason_de, element.sourceline)  # type: ignore[arg-type]  # lxml-stubs say ...; it is an int


# In well-formed XML, `<` begins markup wherever it stands; a tag's attributes alone may hide a `>`.
_MARKUP = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>
    |<(?P<end>/?)div(?=[\s/>])(?:[^<>"']|"[^"]*"|'[^']*')*+>""",
    re.DOTALL | re.VERBOSE,
)
_PREFIXED_DIV = re.compile(rb"<[^\s<>/:]+:div[\s/>]")


def _sent_narratives(body: bytes, element: etree._Element) -> Iterator[str]:
    """The divs of the document that stand in no other, as they were sent; none where their places are not plain."""
    encoding = (element.getroottree().docinfo.encoding or "UTF-8").upper()
    if encoding not in ("UTF-8", "ASCII", "US-ASCII") or _PREFIXED_DIV.search(body):
        return
    text = body.decode("utf-8-sig")
    depth = start = 0
    for found in _MARKUP.finditer(text):
        if found["end"] is None:
            continue
        if found["end"]:
            depth -= 1
        else:
            if depth == 0:
                start = found.start()
            depth += not found[0].endswith("/>")
        if depth == 0:
            yield text[start : found.end()]


def _is_narrative(text: str) -> bool:
    try:
        events = safe_xml.iterate(text.encode(), ())
        tag = next(events).tag
        for _ in events:
            pass
    except safe_xml.NotXml:
        return False
    return tag == _DIV


_VOID = frozenset(("area", "br", "col", "hr", "img"))
"""Who reads HTML takes `<b/>` for the beginning of a b; these alone may end at once."""


def _serialised(element: etree._Element, declared: str = f' xmlns="{_XHTML}"') -> str:
    """The div written anew, in the namespace that it declares itself."""
    namespace, _, name = str(element.tag).rpartition("}")
    if namespace != f"{{{_XHTML}":
        raise _refusal(
            element, "an element in a narrative that is not XHTML", "ein Element im Text, das kein XHTML ist"
        )
    attributes = declared
    for key, text in _attributes_of(element):
        known = key.replace(_XML, "xml:")
        if "}" in known:
            raise _refusal(
                element, "an attribute in a narrative that is not XHTML", "ein Attribut im Text, das kein XHTML ist"
            )
        attributes += f' {known}="{_SPECIAL.sub(_escaped, text)}"'
    content = _text_escaped(element.text)
    for child in element:
        content += _serialised(child, "") + _text_escaped(child.tail)
    return f"<{name}{attributes}/>" if not content and name in _VOID else f"<{name}{attributes}>{content}</{name}>"


def _text_escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


# --- writing ---

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_SMALLEST_PLAIN = -20
_SPECIAL = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')


def _write_resource(tree: Any, chunks: list[str], namespace: str = "") -> None:
    name = tree.get("resourceType") if isinstance(tree, Mapping) else None
    if not isinstance(name, str) or name not in r4_types.resource_types():
        raise ValueError("resourceType is no resource type of FHIR R4")
    _write_element(name, namespace, tree, _shape(name), chunks)


def _write_element(name: str, attributes: str, tree: Mapping[str, Any], shape: _Shape, chunks: list[str]) -> None:
    start = len(chunks)
    chunks.append(f"<{name}{attributes}>")
    _write_elements(tree, shape, chunks)
    if len(chunks) == start + 1:
        chunks[start] = f"<{name}{attributes}/>"
    else:
        chunks.append(f"</{name}>")


def _write_elements(tree: Mapping[str, Any], shape: _Shape, chunks: list[str]) -> None:
    slots = []
    last = -1
    ordered = True
    for key in tree:
        slot = shape.by_key.get(key)
        if slot is None:
            if shape.is_resource and key == "resourceType":
                continue
            raise ValueError(f"an element that {shape.name} does not have")
        if slot.kind is _Kind.ATTRIBUTE:
            continue
        slots.append(slot)
        if slot.order <= last or slot.kind is _Kind.COMPANION:
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


def _write_disordered(tree: Mapping[str, Any], shape: _Shape, slots: list[_Slot], chunks: list[str]) -> None:
    """Writes in the schema's order, each primitive with its companion."""
    found: dict[int, _Slot] = {}
    for slot in slots:
        if found.setdefault(slot.order, slot).name != slot.name:
            raise ValueError(f"{shape.name} has {slot.name} beside {found[slot.order].name}; one type is chosen")
    for _, slot in sorted(found.items()):
        companion = f"_{slot.name}"
        if any(name in tree and tree[name] is None for name in (slot.name, companion)):
            raise _wrong(slot)
        _write_slot(slot, tree.get(slot.name), tree.get(companion), chunks)


def _write_slot(slot: _Slot, value: Any, companion: Any, chunks: list[str]) -> None:
    if slot.kind in (_Kind.PRIMITIVE, _Kind.COMPANION):
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


def _aligned(slot: _Slot, value: Any, companion: Any) -> Iterator[tuple[Any, Any]]:
    values, companions = ([] if one is None else one for one in (value, companion))
    if not isinstance(values, list) or not isinstance(companions, list) or not (values or companions):
        raise _wrong(slot)
    return zip_longest(values, companions)


def _write_value(slot: _Slot, value: Any, chunks: list[str]) -> None:
    if slot.kind is _Kind.NARRATIVE:
        chunks.append(_narrative(value))
        return
    if not isinstance(value, dict) or not value:
        raise _wrong(slot)
    if slot.kind is _Kind.RESOURCE:
        chunks.append(f"<{slot.name}>")
        _write_resource(value, chunks)
        chunks.append(f"</{slot.name}>")
    else:
        shape = _shape(slot.type_name)
        _write_element(slot.name, _attributes(value, shape), value, shape, chunks)


def _write_primitive(slot: _Slot, value: Any, companion: Any, chunks: list[str]) -> None:
    text = "" if value is None else f' value="{_value_text(slot, value)}"'
    if companion is None:
        if value is None:
            raise _wrong(slot)
        chunks.append(f"<{slot.name}{text}/>")
        return
    if not isinstance(companion, dict) or not companion:
        raise _wrong(slot)
    shape = _shape("Element")
    _write_element(slot.name, _attributes(companion, shape) + text, companion, shape, chunks)


def _attributes(tree: Mapping[str, Any], shape: _Shape) -> str:
    text = ""
    for name in shape.attributes:
        if name in tree:
            text += f' {name}="{_string(name, tree[name])}"'
    return text


def _value_text(slot: _Slot, value: Any) -> str:
    if slot.typed is None:
        return value if type(value) is str and value and not _SPECIAL.search(value) else _string(slot.name, value)
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
    return _SPECIAL.sub(_escaped, value)


def _escaped(found: re.Match[str]) -> str:
    if found[0] not in _ESCAPED:
        raise ValueError("a character that XML does not allow")
    return _ESCAPED[found[0]]


def _narrative(value: Any) -> str:
    """The div as it is; it is parsed, or its text could end the element that it stands in."""
    text = value.strip(_BLANK) if isinstance(value, str) else ""
    if not text.startswith("<div") or not _is_narrative(text):
        raise ValueError(f"div is no XML that begins with <div in the namespace {_XHTML}")
    return text


def _wrong(slot: _Slot) -> ValueError:
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
