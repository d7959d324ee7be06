"""The one door for XML: no DTD, no entities, no network, bounded depth; nothing else in the project parses XML
(https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing)."""

import io
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from lxml import etree

__all__ = ["NotXml", "Stream", "iterate"]


class NotXml(ValueError):
    """Bytes that are no XML that we take: why, and where; the reason repeats nothing of the content.

    `reason` is English, `reason_de` German.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.reason_de = _REASONS_DE.get(reason, "kein wohlgeformtes XML")
        self.line = line
        self.column = column


class Stream(Protocol):
    """Bytes that come as they are asked for."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


_REASONS = {
    "ERR_DOCUMENT_EMPTY": "an element is expected",
    "ERR_DOCUMENT_END": "something stands after the end of the document",
    "ERR_INVALID_CHAR": "a character that XML does not allow",
    "ERR_INVALID_ENCODING": "bytes that the stated encoding does not have",
    "ERR_NAME_REQUIRED": "a name is expected",
    "ERR_TAG_NAME_MISMATCH": "an end tag does not match its start tag",
    "ERR_TAG_NOT_FINISHED": "the document ends before its last tag is closed",
    "ERR_UNDECLARED_ENTITY": "an entity that XML itself does not declare",
    "ERR_UNKNOWN_ENCODING": "an encoding that nobody knows",
    "ERR_UNSUPPORTED_ENCODING": "an encoding that is not supported",
}


_REASONS_DE: Mapping[str, str] = MappingProxyType(
    {
        "a DOCTYPE is not taken": "ein DOCTYPE wird nicht angenommen",
        "a character that XML does not allow": "ein Zeichen, das XML nicht erlaubt",
        "a name is expected": "ein Name wird erwartet",
        "a prefix that is not declared": "ein Präfix, das nirgends erklärt ist",
        "an element is expected": "ein Element wird erwartet",
        "an encoding that is not supported": "eine Kodierung, die nicht unterstützt wird",
        "an encoding that nobody knows": "eine Kodierung, die niemand kennt",
        "an end tag does not match its start tag": "ein End-Tag passt nicht zu seinem Start-Tag",
        "an entity that XML itself does not declare": "eine Entität, die XML selbst nicht kennt",
        "bytes that the stated encoding does not have": "Bytes, die es in der angegebenen Kodierung nicht gibt",
        "something stands after the end of the document": "nach dem Ende des Dokuments steht noch etwas",
        "too many elements": "zu viele Elemente",
        "the document ends before its last tag is closed": "das Dokument endet, bevor alle Tags geschlossen sind",
    }
)
"""The reasons in German."""


def iterate(
    body: bytes | Stream,
    tags: Collection[str],
    *,
    most: int | None = None,
    most_within: int | None = None,
    beside: Callable[[etree._Element], None] | None = None,
) -> Iterator[etree._Element]:
    """The elements with one of these tags, in their order, each complete when it comes; the root's start comes first.

    An element is emptied when the next one is asked for, and one that stands outside them when it ends, so that memory
    does not grow with the document; without tags the whole tree stays. Raises `NotXml` where the document breaks, which
    can be after good elements, and where it has more than `most` elements, or one of those that come more than
    `most_within`; a DOCTYPE is refused before anything comes. `beside` is shown each element that stands outside, when
    it ends, its children emptied already.
    """
    events = etree.iterparse(
        io.BytesIO(body) if isinstance(body, bytes) else body,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    wanted = frozenset(tags)
    root: etree._Element | None = None
    count = opened = 0
    limit = most if most is not None else sys.maxsize
    try:
        for event, element in events:
            if event == "start":
                count += 1
                if count > limit:
                    raise NotXml("too many elements", max(element.sourceline or 1, 1), 1)
                if element.tag[0] != "{" and ":" in element.tag:
                    raise NotXml("a prefix that is not declared", max(element.sourceline or 1, 1), 1)
                if element.tag in wanted:
                    opened += 1
                    if opened == 1 and most_within is not None:
                        limit = count + most_within if most is None else min(count + most_within, most)
                if root is None:
                    root = element
                    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # lxml-stubs lack it
                        raise NotXml("a DOCTYPE is not taken", 1, 1)
                    yield root
            elif not opened:
                if wanted:
                    if beside is not None and element is not root:
                        beside(element)
                    _forget(element)
            elif element.tag in wanted:
                opened -= 1
                if not opened:
                    limit = most if most is not None else sys.maxsize
                yield element
                _forget(element)
    except etree.XMLSyntaxError:
        if root is None and isinstance(body, bytes) and _has_doctype(body):
            raise NotXml("a DOCTYPE is not taken", 1, 1) from None
        raise _refusal(events.error_log) from None
    except (LookupError, UnicodeDecodeError):
        raise NotXml("an encoding that nobody knows", 1, 1) from None


def _forget(element: etree._Element) -> None:
    """Empties an element and drops what stands before it, in its parent too."""
    element.clear()
    node: etree._Element | None = element
    while node is not None:
        parent = node.getparent()
        if parent is not None:
            while node.getprevious() is not None:
                del parent[0]
        node = parent


def _refusal(log: Iterable[Any]) -> NotXml:
    """What the parser noted last: its own words name tags and values, so the kind of error alone is taken."""
    noted = list(log)
    if not noted:
        return NotXml(_REASONS["ERR_DOCUMENT_EMPTY"], 1, 1)
    last = noted[-1]
    return NotXml(_REASONS.get(last.type_name, "not well-formed XML"), max(last.line, 1), max(last.column, 1))


def _has_doctype(body: bytes) -> bool:
    return any("<!DOCTYPE".encode(encoding) in body for encoding in ("ascii", "utf-16-le", "utf-16-be"))
