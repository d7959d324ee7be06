"""The div of a narrative: as it was sent, or written anew."""

import re
from collections.abc import Iterator

from lxml import etree

from conformance.formats import safe_xml
from conformance.formats.fhir_xml.escapes import SPECIAL, escaped
from conformance.formats.fhir_xml.refusals import attributes_of, refusal
from conformance.formats.fhir_xml.shapes import DIV, XHTML

__all__ = ["is_narrative", "sent_narratives", "serialised"]

_XML = "{http://www.w3.org/XML/1998/namespace}"


# In well-formed XML, `<` begins markup wherever it stands; a tag's attributes alone may hide a `>`.
_MARKUP = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>
    |<(?P<end>/?)div(?=[\s/>])(?:[^<>"']|"[^"]*"|'[^']*')*+>""",
    re.DOTALL | re.VERBOSE,
)
_PREFIXED_DIV = re.compile(rb"<[^\s<>/:]+:div[\s/>]")


def sent_narratives(body: bytes, element: etree._Element) -> Iterator[str]:
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


def is_narrative(text: str) -> bool:
    """Whether a text is XML whose root is the div of a narrative."""
    try:
        events = safe_xml.iterate(text.encode(), ())
        tag = next(events).tag
        for _ in events:
            pass
    except safe_xml.NotXml:
        return False
    return tag == DIV


_VOID = frozenset(("area", "br", "col", "hr", "img"))
"""Who reads HTML takes `<b/>` for the beginning of a b; these alone may end at once."""


def serialised(element: etree._Element, declared: str = f' xmlns="{XHTML}"') -> str:
    """The div written anew, in the namespace that it declares itself."""
    namespace, _, name = str(element.tag).rpartition("}")
    if namespace != f"{{{XHTML}":
        raise refusal(element, "an element in a narrative that is not XHTML", "ein Element im Text, das kein XHTML ist")
    attributes = declared
    for key, text in attributes_of(element):
        known = key.replace(_XML, "xml:")
        if "}" in known:
            raise refusal(
                element, "an attribute in a narrative that is not XHTML", "ein Attribut im Text, das kein XHTML ist"
            )
        attributes += f' {known}="{SPECIAL.sub(escaped, text)}"'
    content = _text_escaped(element.text)
    for child in element:
        content += serialised(child, "") + _text_escaped(child.tail)
    return f"<{name}{attributes}/>" if not content and name in _VOID else f"<{name}{attributes}>{content}</{name}>"


def _text_escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
