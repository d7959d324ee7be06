"""Our JSON in the format that was asked for, and what was sent as a tree (https://hl7.org/fhir/R4/formats.html)."""

import re
from decimal import Decimal
from typing import Any

import msgspec

from conformance.formats import fhir_xml, strict_json
from hub.errors import Malformed
from hub.fhir.negotiation import Format
from mappings.errors import Issue

__all__ = ["encoded", "read", "rendered"]

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What JSON can write and XML cannot: no stored resource has it, an outcome that names a parameter may."""


def rendered(content: bytes, wanted: Format, *, pretty: bool) -> bytes:
    """FHIR JSON that we hold, as it was asked for: JSON that is not to be pretty is the same bytes."""
    if wanted is Format.JSON:
        return msgspec.json.format(content, indent=2) if pretty else content
    tree = _DECODER.decode(content)
    try:
        return fhir_xml.write(tree, pretty=pretty)
    except ValueError:
        return fhir_xml.write(_sayable(tree), pretty=pretty)


def read(body: bytes, sent: Format) -> Any:
    """The tree of a body; raises `Malformed`, which says where, and repeats nothing."""
    if not body or body.isspace():
        raise _empty()
    try:
        return strict_json.parse(body) if sent is Format.JSON else fhir_xml.parse(body)
    except strict_json.NotJson as error:
        raise _unreadable("not-json", "JSON", error, error.column) from None
    except fhir_xml.NotFhirXml as error:
        raise _unreadable("not-fhir-xml", "FHIR XML", error) from None


def encoded(tree: Any) -> bytes:
    """A tree as JSON, its decimals as they were."""
    return _ENCODER.encode(tree)


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {key: _sayable(one) for key, one in value.items()}
    return [_sayable(one) for one in value] if isinstance(value, list) else value


def _unreadable(
    code: str, expected: str, error: strict_json.NotJson | fhir_xml.NotFhirXml, column: int | None = None
) -> Malformed:
    place_de = f"Zeile {error.line}" if column is None else f"Zeile {error.line}, Spalte {column}"
    place_en = f"line {error.line}" if column is None else f"line {error.line}, column {column}"
    return Malformed(
        Issue(
            code=code,
            fhir_code="structure",
            text_de=f"{place_de}: kein gültiges {expected}: {error.reason_de}; der Absender berichtigt es",
            text_en=f"{place_en}: not valid {expected}: {error.reason}; the sender corrects it",
        )
    )


def _empty() -> Malformed:
    return Malformed(
        Issue(
            code="no-body",
            fhir_code="required",
            text_de="der Body ist leer; erwartet wird eine Ressource in FHIR JSON oder FHIR XML",
            text_en="the body is empty; expected a resource in FHIR JSON or FHIR XML",
        )
    )
