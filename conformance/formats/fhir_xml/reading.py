"""FHIR XML into resource trees."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from conformance.formats import safe_xml
from conformance.formats.fhir_xml.divs import is_narrative, sent_narratives, serialised
from conformance.formats.fhir_xml.refusals import (
    SCHEMA_LOCATION,
    NotFhirXml,
    attributes_of,
    empty,
    not_a_resource,
    refusal,
    refuse_order,
    refuse_text,
    unexpected_attribute,
    unexpected_element,
)
from conformance.formats.fhir_xml.shapes import Kind, Shape, Slot, resource_tags, shape_of

__all__ = ["parse"]

_DEEPEST = 49
"""Objects in each other: with a list in the last of them, these are the levels of JSON that `strict_json` takes."""


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


class _Reader:
    """Turns the elements of one document into trees, in the document's order."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._narratives: Iterator[str] | None = None
        self._has_prefixes = False

    def resource(self, element: etree._Element, depth: int) -> dict[str, Any]:
        name = resource_tags().get(element.tag)
        if name is None:
            raise not_a_resource(element)
        found: dict[str, Any] = {"resourceType": name}
        self._fill(found, element, shape_of(name), depth)
        return found

    def _fill(self, found: dict[str, Any], element: etree._Element, shape: Shape, depth: int) -> None:
        for name, text in attributes_of(element):
            if name in shape.attributes:
                found[name] = _filled(element, text)
            elif not (shape.is_resource and name == SCHEMA_LOCATION):
                raise unexpected_attribute(element, shape)
        self._fill_elements(found, element, shape, depth)

    def _fill_elements(self, found: dict[str, Any], element: etree._Element, shape: Shape, depth: int) -> None:
        if depth > _DEEPEST:
            raise refusal(
                element, f"nested deeper than {_DEEPEST} levels", f"tiefer als {_DEEPEST} Ebenen geschachtelt"
            )
        if text := element.text:
            refuse_text(element, text)
        by_tag = shape.by_tag
        last = -1
        previous = ""
        aligned: list[str] = []
        for child in element:
            slot = by_tag.get(child.tag)
            if slot is None:
                raise unexpected_element(child, shape)
            name = slot.name
            if slot.order <= last:
                refuse_order(child, slot, last, previous)
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
                refuse_text(child, tail)
        for name in aligned:
            _align(found, name)

    def _value(self, element: etree._Element, slot: Slot, depth: int) -> Any:
        if slot.kind is Kind.COMPLEX:
            found: dict[str, Any] = {}
            self._fill(found, element, shape_of(slot.type_name), depth + slot.repeats)
            if not found:
                raise empty(element, slot)
            return found
        if slot.kind is Kind.NARRATIVE:
            return self._narrative(element)
        return self._wrapped(element, slot, depth + slot.repeats)

    def _wrapped(self, element: etree._Element, slot: Slot, depth: int) -> dict[str, Any]:
        if len(element) != 1 or element.keys():
            raise refusal(
                element,
                f"{slot.name} holds exactly one resource, and has no attributes",
                f"{slot.name} enthält genau eine Ressource und hat keine Attribute",
            )
        refuse_text(element, element.text)
        refuse_text(element, element[0].tail)
        return self.resource(element[0], depth)

    def _narrative(self, element: etree._Element) -> str:
        if self._narratives is None:
            self._narratives = sent_narratives(self._body, element)
            self._has_prefixes = b"xmlns:" in self._body
        sent = next(self._narratives, None)
        # What is declared above the div, a prefix or its own namespace, is missing in its text.
        if sent is None or (self._has_prefixes and not is_narrative(sent)):
            return serialised(element)
        return sent

    def _put_primitive(self, found: dict[str, Any], element: etree._Element, slot: Slot, depth: int) -> bool:
        """Puts a value, if there is one, and what is said of it beside; whether a list of companions is begun."""
        value = None
        beside: dict[str, Any] = {}
        for name, text in attributes_of(element):
            if name == "value":
                value = _typed(element, slot, text)
            elif name == "id":
                beside["id"] = _filled(element, text)
            else:
                raise refusal(
                    element,
                    f"{slot.name} has no attributes but value and id",
                    f"{slot.name} hat keine Attribute außer value und id",
                )
        self._fill_elements(beside, element, shape_of("Element"), depth + slot.repeats)
        if not beside:
            raise empty(element, slot)
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


def _bare_value(element: etree._Element, slot: Slot) -> Any:
    """The value of a primitive of which nothing else is said; None where it has more, or less."""
    if element.keys() != ["value"] or len(element):
        return None
    if text := element.text:
        refuse_text(element, text)
    return _typed(element, slot, element.get("value", ""))


def _typed(element: etree._Element, slot: Slot, text: str) -> Any:
    if slot.typed is None:
        return text or _filled(element, text)
    value = slot.typed(text)
    if value is None:
        raise refusal(
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


def _filled(element: etree._Element, text: str) -> str:
    if not text:
        raise refusal(
            element,
            "an attribute is empty; it is left out where there is nothing to say",
            "ein Attribut ist leer; wo nichts zu sagen ist, fällt es weg",
        )
    return text
