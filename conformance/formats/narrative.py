"""A resource's narrative: safe XHTML and nothing else (https://hl7.org/fhir/R4/narrative.html, rules txt-1 and txt-2).

The elements and attributes are those of R4's rule txt-1. Links and images may lead elsewhere, as R4 permits; nothing
may run, and a style may load nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lxml import etree

from conformance.formats import safe_xml

__all__ = ["ATTRIBUTES", "ELEMENTS", "Fault", "faults"]

_NAMESPACE = "http://www.w3.org/1999/xhtml"
_PREFIX = f"{{{_NAMESPACE}}}"
_XML = "{http://www.w3.org/XML/1998/namespace}"

_ELEMENTS = """
    a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i img
    li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
    """
ELEMENTS = frozenset(_ELEMENTS.split())
_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset
    cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc name nowrap rel
    rev rowspan rules scope shape span src start style summary tabindex title type valign value vspace width
    """
ATTRIBUTES = frozenset(_ATTRIBUTES.split())

_TAGS = frozenset(f"{_PREFIX}{name}" for name in ELEMENTS)
_KNOWN_ATTRIBUTES = ATTRIBUTES | {f"{_XML}lang", f"{_XML}space"}
_LINKS = frozenset({"href", "src", "cite", "longdesc"})

# Browsers pass over white space and control characters in a scheme.
_IGNORED = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_SCHEMES = frozenset({"http", "https", "mailto", "tel", "ftp", "urn"})
_IMAGE = re.compile(r"data:image/(?:png|gif|jpeg|jpg|bmp|webp);base64,", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LOADS = re.compile(r"\\|@|/\*|javascript:|vbscript:|expression\(|behaviou?r:|-moz-binding|image-set\(", re.IGNORECASE)
_COMMENTED = re.compile("<!--(.*?)-->", re.DOTALL)
_URL = re.compile(r"url\(['\"]?(.{0,40})", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What makes a narrative no safe one; the texts repeat nothing of it."""

    rule: Literal["txt-1", "txt-2"]
    text_en: str
    text_de: str


def faults(div: str) -> list[Fault]:
    """What is wrong with the text of a `Narrative.div`; empty where it is safe."""
    try:
        root = _root(div)
    except safe_xml.NotXml as wrong:
        return [_no_xml(wrong)]
    except UnicodeEncodeError:
        return [_no_xml(safe_xml.NotXml("half a surrogate pair", 1, 1))]
    found = list(dict.fromkeys(_unsafe(root)))
    if _has_two_readings(div):
        found.insert(0, _TWO_READINGS)
    if root.tag != f"{_PREFIX}div":
        found.insert(0, _NO_DIV)
    elif not _says_something(root):
        found.append(_EMPTY)
    return found


def _root(div: str) -> etree._Element:
    elements = list(safe_xml.iterate(div.encode(), ()))
    return elements[0]


def _has_two_readings(div: str) -> bool:
    """Whether HTML may see elements where XML has none: `<!--><script>…</script>-->` runs in one of the two."""
    if "<?" in div or "<![" in div:
        return True
    return any("<" in comment or ">" in comment for comment in _COMMENTED.findall(div))


def _unsafe(root: etree._Element) -> Iterator[Fault]:
    for element in root.iter():
        tag = element.tag
        if tag not in _TAGS and not (element is root and tag.rpartition("}")[2] == "div"):
            yield _wrong_element(element)
        for name, value in element.attrib.items():
            if name not in _KNOWN_ATTRIBUTES:
                yield _wrong_attribute(element)
            elif name in _LINKS:
                if not _is_safe_link(str(value), image=name == "src"):
                    yield _wrong_link(element)
            elif name == "style" and not _is_safe_style(str(value)):
                yield _wrong_style(element)


def _is_safe_link(value: str, *, image: bool) -> bool:
    link = _IGNORED.sub("", value)
    scheme = _SCHEME.match(link)
    if scheme is None or scheme[1].lower() in _SCHEMES:
        return True
    return image and _IMAGE.match(link) is not None


def _is_safe_style(value: str) -> bool:
    style = _IGNORED.sub("", _COMMENT.sub("", value))
    if _LOADS.search(style):
        return False
    return all(_IMAGE.match(url[1]) for url in _URL.finditer(style))


def _says_something(root: etree._Element) -> bool:
    if any(text.strip() for text in root.itertext()):
        return True
    return any(image.get("src") for image in root.iter(f"{_PREFIX}img"))


_NO_DIV = Fault(
    rule="txt-1",
    text_en=f'The narrative must be one <div xmlns="{_NAMESPACE}">. The sender must wrap it so.',
    text_de=f'Der Text muss ein <div xmlns="{_NAMESPACE}"> sein. Der Absender muss ihn so einfassen.',
)
_TWO_READINGS = Fault(
    rule="txt-1",
    text_en="The narrative holds a CDATA section, a processing instruction, or markup in a comment, which HTML reads "
    "otherwise than XML. The sender must leave it out.",
    text_de="Der Text enthält einen CDATA-Abschnitt, eine Verarbeitungsanweisung oder Markup in einem Kommentar; HTML "
    "liest das anders als XML. Der Absender muss es weglassen.",
)
_EMPTY = Fault(
    rule="txt-2",
    text_en="The narrative says nothing: it must hold text or an image. The sender must fill it or leave it out.",
    text_de="Der Text ist leer: er muss etwas sagen oder ein Bild zeigen. Der Absender muss ihn füllen oder weglassen.",
)


def _no_xml(wrong: safe_xml.NotXml) -> Fault:
    return Fault(
        rule="txt-1",
        text_en=f"The narrative is no XHTML (line {wrong.line}, column {wrong.column}: {wrong.reason}); named "
        "entities such as &nbsp; are not XML. The sender must write well-formed XHTML.",
        text_de=f"Der Text ist kein XHTML (Zeile {wrong.line}, Spalte {wrong.column}); benannte Zeichen wie &nbsp; "
        "gibt es in XML nicht. Der Absender muss wohlgeformtes XHTML schreiben.",
    )


def _wrong_element(element: etree._Element) -> Fault:
    allowed = ", ".join(sorted(ELEMENTS))
    return Fault(
        rule="txt-1",
        text_en=f"Line {element.sourceline}: an element that a narrative may not hold. Allowed, in the namespace of "
        f"XHTML: {allowed}. The sender must leave it out.",
        text_de=f"Zeile {element.sourceline}: ein Element, das hier nicht stehen darf. Erlaubt sind im Namensraum von "
        f"XHTML: {allowed}. Der Absender muss es weglassen.",
    )


def _wrong_attribute(element: etree._Element) -> Fault:
    return Fault(
        rule="txt-1",
        text_en=f"Line {element.sourceline}: an attribute that a narrative may not hold; there are no event attributes "
        "(onclick …), and only those of R4's rule txt-1. The sender must leave it out.",
        text_de=f"Zeile {element.sourceline}: ein Attribut, das hier nicht stehen darf; Ereignisse (onclick …) gibt es "
        "nicht, nur die Attribute der Regel txt-1 von R4. Der Absender muss es weglassen.",
    )


def _wrong_link(element: etree._Element) -> Fault:
    schemes = ", ".join(sorted(_SCHEMES))
    return Fault(
        rule="txt-1",
        text_en=f"Line {element.sourceline}: a link or image that is not safe. Allowed are {schemes}, relative links, "
        "and for images data:image/…;base64. The sender must correct it.",
        text_de=f"Zeile {element.sourceline}: ein Verweis oder Bild, das nicht sicher ist. Erlaubt sind {schemes}, "
        "relative Verweise und für Bilder data:image/…;base64. Der Absender muss es berichtigen.",
    )


def _wrong_style(element: etree._Element) -> Fault:
    return Fault(
        rule="txt-1",
        text_en=f"Line {element.sourceline}: a style that loads or runs something. Only plain properties and images as "
        "data:image/…;base64 are allowed. The sender must leave it out.",
        text_de=f"Zeile {element.sourceline}: eine Formatierung, die etwas nachlädt oder ausführt. Erlaubt sind nur "
        "einfache Eigenschaften und Bilder als data:image/…;base64. Der Absender muss sie weglassen.",
    )
