"""Checks a search protocol as it was saved, FHIR or HTML, without a network: who signed it, and whether it is whole."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.errors import Malformed
from hub.fhir.formats import read
from hub.fhir.negotiation import Format
from hub.fhir.search_protocol.document import signed_part
from hub.fhir.search_protocol.page import document_in, signature_of
from hub.fhir.search_protocol.signing import signed_by

__all__ = ["Checked", "checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check found: the thumbprints of the keys that signed the page (None: it is none, or changed) and the FHIR
    document (None: it is not there, or changed), and what the document says of itself.
    """

    is_page: bool
    page: str | None
    document: str | None
    number: str = ""
    made_at: str = ""
    base: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether not a byte that counts was changed since one key signed all of it."""
        return self.document is not None and (not self.is_page or self.page == self.document)

    @property
    def fingerprint(self) -> str:
        """That of the key which signed the document; blank where it is not whole."""
        return self.document or ""


def checked(content: bytes) -> Checked | None:
    """What became of a file; None for what is no search protocol."""
    parts = signature_of(content)
    if parts is None:
        tree = _tree(content)
        return None if tree is None else _checked(tree, is_page=False, page=None)
    jws, signed = parts
    inside = document_in(content)
    tree = None if inside is None else _tree(inside)
    page = signed_by(jws, signed)
    if tree is None:
        return Checked(is_page=True, page=page, document=None)
    return _checked(tree, is_page=True, page=page)


def _checked(tree: Any, *, is_page: bool, page: str | None) -> Checked:
    try:
        data = tree["signature"]["data"]
        jws = base64.b64decode(data, validate=True)
        # Bits behind the end would be nobody's, and could be changed.
        once = base64.b64encode(jws).decode() == data
        fingerprint = signed_by(jws.decode("ascii"), signed_part(tree)) if once else None
    except (KeyError, TypeError, ValueError, AttributeError):
        fingerprint = None
    return Checked(
        is_page=is_page,
        page=page,
        document=fingerprint,
        number=_text(tree.get("identifier", {}).get("value")),
        made_at=_text(tree.get("timestamp")),
        base=next((_text(one.get("url")) for one in _resources(tree) if one.get("resourceType") == "Device"), ""),
    )


def _tree(content: bytes) -> Any:
    """The document, from JSON or XML; None for what is none."""
    begin = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    try:
        tree = read(content, Format.XML if begin == b"<" else Format.JSON)
    except Malformed:
        return None
    is_document = isinstance(tree, dict) and tree.get("resourceType") == "Bundle" and tree.get("type") == "document"
    return tree if is_document and "signature" in tree else None


def _resources(tree: Any) -> Iterator[Any]:
    for entry in tree.get("entry", ()):
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            yield entry["resource"]


def _text(told: Any) -> str:
    return told if isinstance(told, str) else ""
