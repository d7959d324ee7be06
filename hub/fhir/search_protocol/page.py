"""A search protocol as one HTML file: nothing in it runs, nothing comes from elsewhere, and all of it is signed.

The FHIR document lies in it, compressed. The page's own signature, in the element `page-signature`, is over the file's
bytes without it.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hub.fhir.search_protocol.document import found
from hub.fhir.search_protocol.record import Record
from hub.fhir.search_protocol.signing import Signer
from hub.fhir.search_protocol.texts import TEXTS
from mappings.terminology import Language

__all__ = ["document_in", "headers", "page", "signature_of", "template"]

_TEMPLATES = Path(__file__).with_name("templates")
_SIGNATURE = re.compile(rb'(<code id="page-signature">)([A-Za-z0-9_.-]{0,2000})(</code>)')
_FHIR = re.compile(rb'<div hidden id="fhir" [^>]{0,200}>([A-Za-z0-9+/=]+)</div>')
_DOCUMENT_MAX = 64 * 1024 * 1024


def page(
    record: Record,
    fhir: bytes,
    *,
    base: str,
    view: str,
    number: str,
    version: str,
    language: Language,
    signer: Signer,
) -> bytes:
    """The file; `fhir` is the signed document as JSON, `number` its own, `version` the hub's."""
    made = template("protocol.html.j2").render(
        record=record,
        found=found(record, language),
        text=TEXTS[language],
        language=language,
        base=base,
        keys=f"{base.removesuffix('/fhir')}/.well-known/jwks.json",
        view=view,
        number=number,
        version=version,
        fingerprint=signer.fingerprint,
        mark="",
        fhir=base64.b64encode(zlib.compress(fhir, 9)).decode(),
    )
    content = made.encode()
    signature = signer.sign(content).encode()
    return _SIGNATURE.sub(lambda found: found[1] + signature + found[3], content, count=1)


def signature_of(content: bytes) -> tuple[str, bytes] | None:
    """The signature of a page, and the bytes that it is over; None for what is no such page."""
    marked = _SIGNATURE.findall(content)
    if len(marked) != 1:
        return None
    signed = _SIGNATURE.sub(lambda found: found[1] + found[3], content)
    return marked[0][1].decode("ascii"), signed


def document_in(content: bytes) -> bytes | None:
    """The FHIR document that lies in a page, as JSON; None where none does."""
    told = _FHIR.findall(content)
    if len(told) != 1:
        return None
    try:
        unpacking = zlib.decompressobj()
        unpacked = unpacking.decompress(base64.b64decode(told[0], validate=True), _DOCUMENT_MAX)
    except (zlib.error, ValueError):
        return None
    return unpacked if unpacking.eof else None


@cache
def headers() -> Mapping[str, str]:
    """Those of the page by HTTP: its own style and nothing else."""
    # A template ends where its last line does.
    style = (_TEMPLATES / "protocol.css").read_text("utf-8").removesuffix("\n")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Language",
    }


@cache
def template(name: str) -> Any:
    """One of the pages, which all have the same style."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return made.get_template(name)
