"""The one door for XML: no DTD, no entities, no network, bounded depth; nothing else in the project parses XML
(https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing)."""

import io
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from lxml import etree

__all__ = ["NotXml", "iterate"]


class NotXml(ValueError):
    """Bytes that are no XML that we take: why, and where; the reason repeats nothing of the content."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


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


def iterate(body: bytes, tags: Collection[str]) -> Iterator[etree._Element]:
    """The elements with one of these tags, in their order, each complete when it comes; the root's start comes first.

    An element is emptied when the next one is asked for, so that memory does not grow with the document. Raises
    `NotXml` where the document breaks, which can be after good elements; a DOCTYPE is refused before anything comes.
    """
    events = etree.iterparse(
        io.BytesIO(body),
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
    try:
        for event, element in events:
            if root is None:
                root = element
                if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # lxml-stubs lack it
                    raise NotXml("a DOCTYPE is not taken", 1, 1)
            if event == "start" and ":" in str(element.tag).rpartition("}")[2]:
                # Well-formed, and no name for anybody who knows namespaces (https://www.w3.org/TR/xml-names/#nsc-NSDeclared).
                raise NotXml("a prefix that nobody declared", element.sourceline or 1, 1)
            if element is root and event == "start":
                yield root
            elif event == "end" and element.tag in wanted:
                yield element
                _forget(element)
    except etree.XMLSyntaxError:
        if root is None and _has_doctype(body):
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
