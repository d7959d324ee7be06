"""JSON: where in it the list of records is."""

from collections.abc import Iterator
from typing import Any

from adapters.sketch import SAMPLE, Sketch
from conformance.formats import strict_json

__all__ = ["FORMAT", "sketch"]

FORMAT = "json_records"


def sketch(body: bytes) -> Sketch | None:
    """The list of objects that holds the most of the document, not one within another."""
    try:
        document = strict_json.parse(body)
    except strict_json.NotJson:
        return None
    ways = list(_lists(document, ""))
    if not ways:
        return None
    way, elements = max(ways, key=lambda found: _size(found[1]))
    records = tuple(each for each in elements if isinstance(each, dict))[:SAMPLE]
    return Sketch(format=FORMAT, options={"records": way} if way else {}, records=records)


def _lists(node: Any, way: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(node, list):
        if any(isinstance(each, dict) for each in node):
            yield way, node
    elif isinstance(node, dict):
        for name, value in node.items():
            if "." not in name:
                yield from _lists(value, f"{way}.{name}" if way else name)


def _size(node: Any) -> int:
    if isinstance(node, dict):
        return sum(map(_size, node.values()))
    return sum(map(_size, node)) if isinstance(node, list) else 1
