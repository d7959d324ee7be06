"""Translates codes by the ConceptMaps in `mappings/terminology/`, and names the codes of our own CodeSystems
(https://hl7.org/fhir/R4/conceptmap.html).

A code that no table knows is never guessed at: the caller makes an issue of the KeyError.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal

from conformance import spec

__all__ = [
    "Language",
    "Translation",
    "ancestors",
    "codes",
    "concept_maps",
    "descendants",
    "display",
    "known",
    "tables",
    "translate",
]

Language = Literal["de", "en"]


@dataclass(frozen=True, slots=True)
class Translation:
    """What a code means elsewhere: no codes where the table says that it has no counterpart, and `reason` says why."""

    codes: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Concept:
    displays: Mapping[Language, str]
    ancestors: tuple[str, ...]


def translate(table: str, code: str) -> Translation:
    """What `mappings/terminology/<table>.json` makes of a code; case and spaces do not matter.

    KeyError for a code or a table that does not exist.
    """
    return _table(table)[_folded(code)][1]


def known(table: str) -> tuple[str, ...]:
    """The source codes of a table as it writes them, in its order."""
    return tuple(code for code, _ in _table(table).values())


def tables() -> tuple[str, ...]:
    """The names of all tables."""
    return tuple(sorted(entry.name.removesuffix(".json") for entry in _folder().iterdir()))


def concept_maps() -> tuple[dict[str, Any], ...]:
    """All tables as the ConceptMap resources that they are."""
    return tuple(json.loads(_folder().joinpath(f"{name}.json").read_bytes()) for name in tables())


@cache
def codes(system_name: str) -> frozenset[str]:
    """All codes of one of our CodeSystems, for example `codes("room-type")`."""
    return frozenset(_system(system_name))


def display(system_name: str, code: str, language: Language) -> str:
    """What people call a code of one of our CodeSystems."""
    return _system(system_name)[code].displays[language]


def ancestors(code: str) -> tuple[str, ...]:
    """The care form and the wider ones it belongs to, itself first."""
    return (code, *_system("care-form")[code].ancestors)


@cache
def descendants(code: str) -> tuple[str, ...]:
    """The care form and the narrower ones that belong to it, itself first."""
    concepts = _system("care-form")
    if code not in concepts:
        raise KeyError(code)
    return tuple(other for other in concepts if code in ancestors(other))


def _folder() -> Traversable:
    return resources.files(__package__).joinpath("terminology")


def _folded(code: str) -> str:
    return " ".join(code.split()).casefold()


@cache
def _table(name: str) -> Mapping[str, tuple[str, Translation]]:
    if name not in tables():
        raise KeyError(name)
    concept_map = json.loads(_folder().joinpath(f"{name}.json").read_bytes())
    return {
        _folded(element["code"]): (element["code"], _translation(element))
        for group in concept_map["group"]
        for element in group["element"]
    }


def _translation(element: Mapping[str, Any]) -> Translation:
    targets = element["target"]
    return Translation(
        codes=tuple(target["code"] for target in targets if target["equivalence"] != "unmatched"),
        reason=next((target["comment"] for target in targets if target["equivalence"] == "unmatched"), ""),
    )


@cache
def _system(name: str) -> Mapping[str, _Concept]:
    systems = {system["id"]: system for system in spec.load("CodeSystem")}
    return dict(_concepts(systems[name]["concept"], ()))


def _concepts(concepts: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[str, _Concept]]:
    for concept in concepts:
        german = next(each["value"] for each in concept["designation"] if each["language"] == "de")
        yield concept["code"], _Concept({"de": german, "en": concept["display"]}, above)
        yield from _concepts(concept.get("concept", []), (concept["code"], *above))
