"""A list for machines: one JSON document, an element a line."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["json_list"]


def json_list(elements: Iterable[Mapping[str, Any]]) -> str:
    """A JSON array; `[]` where there is nothing."""
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in elements)
    return f"[{lines}]"
