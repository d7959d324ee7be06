"""XML: which element is a record, and which of its parts may stand more than once."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from adapters import registry
from adapters.base import Record
from adapters.sketch import SAMPLE, Sketch
from conformance.formats import safe_xml
from mappings.errors import Rejected

__all__ = ["FORMAT", "sketch"]

FORMAT = "xml_records"


def sketch(body: bytes) -> Sketch | None:
    """The repeated element that holds the most of the document."""
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        (root,) = safe_xml.iterate(body, ())
    except (safe_xml.NotXml, ValueError):
        return None
    times: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for element in root.iter():
        if len(element) or element.attrib:
            times[str(element.tag)] += 1
            sizes[str(element.tag)] += sum(len(each.attrib) + (not len(each)) for each in element.iter())
    repeated = [tag for tag, count in times.items() if count > 1]
    if not repeated:
        return None
    record = max(repeated, key=lambda tag: sizes[tag])
    options: dict[str, Any] = {"record": record}
    records = _records(body, options)
    lists = sorted({way for one in records for way in _lists(one, "")})
    if lists:
        options["lists"] = lists
        records = _records(body, options)
    return Sketch(format=FORMAT, options=options, records=records)


def _records(body: bytes, options: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    try:
        decoded = registry.adapter(FORMAT).decode(body, options)
        parts = [part for _, part in zip(range(SAMPLE), decoded.records, strict=False)]
    except Rejected:
        return ()
    return tuple(part.fields for part in parts if isinstance(part, Record))


def _lists(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in node.items():
        if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            yield prefix + name
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping):
                yield from _lists(each, f"{prefix}{name}.")
