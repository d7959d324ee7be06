"""Which Slots of a hit fit what was asked: an offer is found by some of its places, and shown with all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mappings.to_fhir import PLACE

__all__ = ["fitting_slots"]

Tree = Mapping[str, Any]


def fitting_slots(slots: Sequence[Tree], told: Mapping[str, Sequence[str]]) -> list[Tree]:
    """The Slots whose room, sex and needs are those asked for, by the same rules as the search; all where nothing of
    that was asked."""
    rooms, sexes, needs = (set(_codes(told, name)) for name in ("room", "sex", "need"))
    apart = {need for slot in slots for need in _told(slot, "need")}
    return [
        slot
        for slot in slots
        if (not rooms or rooms.intersection(_told(slot, "room")))
        and (not sexes or not (own := set(_told(slot, "sex"))) or own & sexes)
        and needs & apart <= set(_told(slot, "need"))
    ]


def _codes(told: Mapping[str, Sequence[str]], name: str) -> Iterable[str]:
    return (code.strip() for value in told.get(name, ()) for code in value.split(","))


def _told(slot: Tree, url: str) -> Iterator[str]:
    for extension in slot.get("extension", ()):
        for part in extension.get("extension", ()) if extension["url"] == PLACE else ():
            if part["url"] == url:
                yield part.get("valueCode") or part["valueCoding"]["code"]
