"""JSON with a list of records in it (RFC 8259, https://www.rfc-editor.org/rfc/rfc8259).

options:
  records: facilities            # the way to the list, dotted; empty: the root is the list
"""

import json
from collections.abc import Iterator
from typing import Any

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from adapters.folding import folded
from conformance.formats import strict_json
from mappings.errors import Issue, Rejected
from mappings.patient_filter import safe_name

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "json_records"


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not."""
    _way(options)


def decode(body: bytes, options: Options) -> Decoded:
    """One record an object in the list; what is no object there is `Broken`.

    What stands beside the list is no record: the first record names it as dropped.
    """
    where = _way(options)
    try:
        document = strict_json.parse(body)
    except strict_json.NotJson as wrong:
        raise _rejected(
            f"line {wrong.line}, column {wrong.column}",
            f"kein gültiges JSON ({wrong.reason_de})",
            f"not JSON: {wrong.reason}",
        ) from None
    elements, beside = _list(document, where)
    return Decoded(records=folded(_records(elements, where, beside), between=b"\n"))


def _way(options: Options) -> str:
    option.only(options, {"records"})
    where = option.text(options, "records") or ""
    if where and not all(where.split(".")):
        raise option.refused(
            "options.records", "ein Weg wie a.b, leer für die Wurzel", "a way like a.b, blank for the root,"
        )
    return where


def _list(document: Any, where: str) -> tuple[list[Any], tuple[str, ...]]:
    beside: list[str] = []
    node, place = document, "$"
    for step in where.split(".") if where else ():
        if not isinstance(node, dict) or step not in node:
            raise _rejected(place, f"ein Objekt mit „{step}“ ist erwartet", f'an object with "{step}" is expected')
        beside.extend(safe_name(name) for name in node if name != step)
        node, place = node[step], f"{place}.{step}"
    if not isinstance(node, list):
        raise _rejected(place, "eine Liste ist erwartet", "a list is expected")
    return node, tuple(dict.fromkeys(beside))


def _records(elements: list[Any], where: str, beside: tuple[str, ...]) -> Iterator[Record | Broken]:
    for position, element in enumerate(elements):
        place = f"{where}[{position}]"
        if isinstance(element, dict):
            yield Record(place=place, fields=element, dropped=beside)
            beside = ()
        else:
            yield Broken(
                place=place,
                body=json.dumps(element, default=str, ensure_ascii=False).encode(),
                issue=Issue(
                    code="not-an-object",
                    place=place,
                    text_de="Erwartet: ein Objekt. Der Absender muss den Eintrag berichtigen.",
                    text_en="Expected: an object. The sender must correct the entry.",
                    fhir_code="structure",
                ),
            )


def _rejected(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code="not-json-records",
            place=place,
            text_de=f"{german}. Der Absender muss die Nachricht berichtigen.",
            text_en=f"{english}. The sender must correct the message.",
            fhir_code="structure",
        )
    )
