"""A part of a resource: what `_summary` or `_elements` asks for (https://hl7.org/fhir/R4/search.html#summary)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from conformance.formats.r4_types import element_types, json_names, named, names
from hub.search.query import SUMMARIES
from hub.search.refusals import wrong_result_parameter

__all__ = ["Subset"]

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TREE = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_ALWAYS = frozenset(("resourceType", "id", "meta"))
_MODIFIERS = frozenset(("implicitRules", "modifierExtension"))
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@dataclass(frozen=True, slots=True)
class Subset:
    """`summary` is `true`, `text`, `data` or blank; then `elements` names elements of the resource."""

    summary: str = ""
    elements: tuple[str, ...] = ()

    @classmethod
    def of(cls, summary: str, elements: Collection[str] = ()) -> "Subset | None":
        """The part that parameters ask for; None where it is the whole."""
        if summary in ("true", "text", "data"):
            return cls(summary)
        return cls(elements=tuple(elements)) if elements else None

    @classmethod
    def asked(cls, pairs: Iterable[tuple[str, str]]) -> "Subset | None":
        """The part that the parameters of a read ask for; `Malformed` for a summary that there is not."""
        summary, elements = "", list[str]()
        for name, value in pairs:
            if name == "_summary" and value:
                if value not in SUMMARIES:
                    raise wrong_result_parameter(name, ", ".join(SUMMARIES))
                summary = value
            elif name == "_elements":
                elements += (part.strip() for part in value.split(",") if part.strip())
        return cls.of(summary, elements)

    def applied(self, content: bytes) -> bytes:
        """The part of a resource, marked as such; what has to be there is there."""
        members = _MEMBERS.decode(content)
        resource_type = _TREE.decode(members["resourceType"])
        kept = _kept(resource_type, self)
        shown: dict[str, Any] = {}
        for name, value in members.items():
            if name == "meta":
                shown[name] = _marked(value)
            elif name in kept:
                shown[name] = value if kept[name] is None else _inner(value, kept[name] or "")
        if "meta" not in shown:
            shown["meta"] = _marked(msgspec.Raw(b"{}"))
        return _ENCODER.encode(shown)


@lru_cache(maxsize=1024)
def _kept(resource_type: str, subset: Subset) -> Mapping[str, str | None]:
    """The names in JSON that are shown, each with the backbone type of which only the summary is."""
    asked = {one.removeprefix(f"{resource_type}.").partition(".")[0].removesuffix("[x]") for one in subset.elements}
    kept: dict[str, str | None] = dict.fromkeys((*_ALWAYS, *_MODIFIERS))
    for name, (element, type_name) in json_names(resource_type).items():
        if subset.summary == "data":
            is_kept = name != "text"
        elif subset.summary == "text":
            is_kept = element.min > 0 or name == "text"
        elif subset.summary == "true":
            is_kept = element.min > 0 or element.summary
        else:
            is_kept = element.min > 0 or not asked.isdisjoint((name, element.name.removesuffix("[x]")))
        if is_kept:
            part = type_name if subset.summary == "true" and _is_backbone(type_name) else None
            kept[name] = part
            kept[f"_{name}"] = None
    return kept


def _is_backbone(type_name: str) -> bool:
    return type_name in names() and named(type_name).kind == "element"


def _marked(meta: msgspec.Raw) -> msgspec.Raw:
    members = _MEMBERS.decode(meta)
    tags = _TREE.decode(members["tag"]) if "tag" in members else []
    if _SUBSETTED not in tags:
        tags = [*tags, _SUBSETTED]
    return msgspec.Raw(_ENCODER.encode({**members, "tag": tags}))


def _inner(value: msgspec.Raw, type_name: str) -> Any:
    return _summary(_TREE.decode(value), type_name)


def _summary(node: Any, type_name: str) -> Any:
    """A backbone element, without what is not in the summary."""
    if isinstance(node, list):
        return [_summary(one, type_name) for one in node]
    if not isinstance(node, dict):
        return node
    known = json_names(type_name)
    elements = element_types(type_name)
    shown = {}
    for name, value in node.items():
        found = known.get(name.removeprefix("_"))
        if found is None:
            continue
        element, inner = found
        if element.min > 0 or element.summary or name in ("id", "modifierExtension") or not _says(elements):
            shown[name] = _summary(value, inner) if _is_backbone(inner) else value
    return shown


def _says(elements: Mapping[str, Any]) -> bool:
    """Whether a backbone element says at all which of its own elements are in the summary."""
    return any(one.summary for name, one in elements.items() if name != "modifierExtension")
