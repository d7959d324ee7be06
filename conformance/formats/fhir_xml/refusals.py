"""What is wrong with bytes that are no FHIR XML, said with its line and without their content."""

from lxml import etree

from conformance.formats import r4_types
from conformance.formats.alike import meant
from conformance.formats.fhir_xml.shapes import FHIR, XHTML, Shape, Slot

__all__ = [
    "BLANK",
    "SCHEMA_LOCATION",
    "NotFhirXml",
    "attributes_of",
    "empty",
    "not_a_resource",
    "other_namespace",
    "refusal",
    "refuse_order",
    "refuse_text",
    "unexpected_attribute",
    "unexpected_element",
]

SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_ATTRIBUTES_MAX = 100
BLANK = " \t\r\n"


class NotFhirXml(ValueError):
    """Bytes that are no FHIR XML that we take: why, and in which line; the reason repeats nothing of the content.

    `reason` is English, `reason_de` German.
    """

    def __init__(self, reason: str, reason_de: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.reason_de = reason_de
        self.line = line


def attributes_of(element: etree._Element) -> list[tuple[str, str]]:
    """Names and values of the attributes; raises `NotFhirXml` where they are too many."""
    # lxml looks each value up by its attribute's name: hundreds of thousands would take minutes.
    names = element.keys()
    if not names:
        return []
    if len(names) > _ATTRIBUTES_MAX:
        raise refusal(element, f"more than {_ATTRIBUTES_MAX} attributes", f"mehr als {_ATTRIBUTES_MAX} Attribute")
    return element.items()  # type: ignore[return-value]  # the stubs allow bytes


def refuse_text(element: etree._Element, text: str | None) -> None:
    """Raises `NotFhirXml` where text stands between elements."""
    if text and text.strip(BLANK):
        raise refusal(
            element,
            "text between elements; values stand in the attribute value",
            "Text zwischen Elementen; Werte stehen im Attribut value",
        )


def refuse_order(element: etree._Element, slot: Slot, last: int, previous: str) -> None:
    """Raises `NotFhirXml` where an element does not come after those before it."""
    if slot.order < last:
        raise refusal(element, f"{slot.name} stands before {previous}", f"{slot.name} gehört vor {previous}")
    if slot.name != previous:
        raise refusal(
            element,
            f"{slot.name} stands beside {previous}; one type is chosen",
            f"{slot.name} steht neben {previous}; nur ein Typ davon geht",
        )
    if not slot.repeats:
        raise refusal(element, f"{slot.name} stands once", f"{slot.name} steht nur einmal")


def empty(element: etree._Element, slot: Slot) -> NotFhirXml:
    """An element without value and content."""
    return refusal(
        element,
        f"{slot.name} is empty; an element has a value or content, or is left out",
        f"{slot.name} ist leer; ein Element hat einen Wert oder Inhalt, oder es fällt weg",
    )


def unexpected_attribute(element: etree._Element, shape: Shape) -> NotFhirXml:
    """An attribute that a type does not have."""
    known = shape.attributes or ("xmlns", SCHEMA_LOCATION)
    return refusal(
        element,
        f"{shape.name} has no attributes but {' and '.join(known)}",
        f"{shape.name} hat keine Attribute außer {' und '.join(known)}",
    )


def not_a_resource(element: etree._Element) -> NotFhirXml:
    """A root, or what stands for a resource, that is none."""
    tag = etree.QName(element)
    if tag.localname in r4_types.resource_types():
        return other_namespace(element)
    meant_de, meant_en = meant(tag.localname, r4_types.resource_types())
    return refusal(
        element,
        f"expected a resource type of FHIR R4 in the namespace {FHIR}{meant_en}",
        f"erwartet wird ein Ressourcentyp von FHIR R4 im Namensraum {FHIR}{meant_de}",
    )


def unexpected_element(element: etree._Element, shape: Shape) -> NotFhirXml:
    """An element that a type does not have."""
    tag = etree.QName(element)
    known = [slot.name for slot in shape.by_tag.values()]
    if tag.localname in known:
        return other_namespace(element)
    meant_de, meant_en = meant(tag.localname, known)
    return refusal(
        element,
        f"an element that {shape.name} does not have{meant_en}",
        f"ein Element, das {shape.name} nicht hat{meant_de}",
    )


def other_namespace(element: etree._Element) -> NotFhirXml:
    """An element whose name is right, but not its namespace."""
    expected = XHTML if etree.QName(element).localname == "div" else FHIR
    return refusal(
        element,
        f"the element is in another namespace; expected {expected}",
        f"das Element ist in einem anderen Namensraum; erwartet wird {expected}",
    )


def refusal(element: etree._Element, reason: str, reason_de: str) -> NotFhirXml:
    """What is wrong with an element."""
    return NotFhirXml(reason, reason_de, element.sourceline)  # type: ignore[arg-type]  # lxml-stubs say ...; it is an int
