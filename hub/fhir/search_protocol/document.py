"""A search protocol as a FHIR document: a Composition that people read, the answer of the search as it was, the hub
that made both, and a signature over all of it (https://hl7.org/fhir/R4/documents.html).

The signature is a JWS over the canonical JSON of the Bundle without `signature.data`, and without `id` and `meta`, so
that a server may keep the document as it likes (`http://hl7.org/fhir/canonicalization/json#document`).
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid5

from markupsafe import escape

from hub.fhir.search_protocol.record import Record, Tree
from hub.fhir.search_protocol.signing import Signer, canonical
from hub.fhir.search_protocol.texts import TEXTS
from hub.store.clock import instant, micros
from mappings.terminology import Language

__all__ = ["document", "found", "signed_part"]

_XHTML = "http://www.w3.org/1999/xhtml"
_UNSIGNED = ("id", "meta")
_SIGNATURE_TYPES = "urn:iso-astm:E1762-95:2013"
_SOURCE_SIGNATURE = "1.2.840.10065.1.12.1.14"


def document(
    answer: Tree, *, base: str, view: str, at: datetime, language: Language, number: UUID, signer: Signer
) -> dict[str, Any]:
    """The signed document of a searchset that answered at a moment; `number` is its own, `base` the hub's address."""
    texts, moment = TEXTS[language], instant(micros(at))
    names = {one: f"urn:uuid:{uuid5(number, one)}" for one in ("Composition", "Device", "Provenance", "Bundle")}
    hub = {"reference": names["Device"], "display": "Platzfrei"}
    record = Record.of(answer, at, language)
    composition: dict[str, Any] = {
        "resourceType": "Composition",
        "language": language,
        "text": _narrative(_whole(record, view, language)),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{number}"},
        "status": "final",
        "type": {"text": texts["title"]},
        "date": moment,
        "author": [hub],
        "title": texts["title"],
        "section": [
            {"title": texts["asked"], "text": _narrative(_criteria(record))},
            {
                "title": texts["result"],
                "text": _narrative(_result(record, view, language)),
                "entry": [{"reference": names["Bundle"]}],
            },
        ],
    }
    device: dict[str, Any] = {
        "resourceType": "Device",
        "deviceName": [{"name": "Platzfrei", "type": "user-friendly-name"}],
        "version": [{"value": version("platzfrei")}],
        "url": base,
    }
    provenance: dict[str, Any] = {
        "resourceType": "Provenance",
        "target": [{"reference": names["Composition"]}],
        "recorded": moment,
        "agent": [
            {
                "type": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                            "code": "author",
                        }
                    ]
                },
                "who": hub,
            }
        ],
        "entity": [{"role": "source", "what": {"reference": names["Bundle"]}}],
    }
    resources = (composition, device, provenance, answer)
    made: dict[str, Any] = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{number}"},
        "type": "document",
        "timestamp": moment,
        "entry": [{"fullUrl": names[str(one["resourceType"])], "resource": one} for one in resources],
    }
    made["signature"] = {
        "type": [{"system": _SIGNATURE_TYPES, "code": _SOURCE_SIGNATURE, "display": "Source Signature"}],
        "when": moment,
        "who": hub,
        "targetFormat": "application/fhir+json",
        "sigFormat": "application/jose",
    }
    made["signature"]["data"] = base64.b64encode(signer.sign(signed_part(made)).encode()).decode()
    return made


def signed_part(bundle: Mapping[str, Any]) -> bytes:
    """The bytes of a document that its signature is over."""
    signature = {name: value for name, value in bundle["signature"].items() if name != "data"}
    rest = {name: value for name, value in bundle.items() if name not in _UNSIGNED}
    return canonical({**rest, "signature": signature})


def _narrative(content: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}">{content}</div>'}


def _whole(record: Record, view: str, language: Language) -> str:
    texts = TEXTS[language]
    head = f"<p>{escape(texts['lead'])}</p><p>{escape(texts['when'])}: {escape(record.when)}</p>"
    return f"{head}{_criteria(record)}{_result(record, view, language)}"


def _criteria(record: Record) -> str:
    rows = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in record.asked)
    return f"<table><tbody>{''.join(rows)}</tbody></table>"


def _result(record: Record, view: str, language: Language) -> str:
    texts = TEXTS[language]
    told = f"<p>{escape(found(record, language))}</p><p>{escape(texts[view])}</p>"
    if record.lines:
        heads = ("number", "facility", "offer", "free", "as_of", "contact")
        rows = (
            (
                str(number),
                "; ".join(filter(None, (one.facility, one.address, f"{one.kilometres} km"))),
                one.offer,
                " ".join(filter(None, (one.state, one.free, one.from_when, one.rooms))),
                " ".join(filter(None, (one.as_of, one.age))),
                ", ".join((*one.phones, *one.emails)),
            )
            for number, one in enumerate(record.lines, 1)
        )
        head = "".join(f"<th>{escape(texts[name])}</th>" for name in heads)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        told += f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if record.why_not:
        items = "".join(f"<li>{escape(one)}</li>" for one in record.why_not)
        told += f"<p>{escape(texts['why_not'])}</p><ul>{items}</ul>"
    return told


def found(record: Record, language: Language) -> str:
    """How many offers fitted, as a sentence."""
    texts = TEXTS[language]
    if record.total == 0:
        return texts["found_none"]
    return texts["found_one"] if record.total == 1 else texts["found"].format(record.total, len(record.lines))
