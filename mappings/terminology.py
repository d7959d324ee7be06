"""Translates codes by ConceptMaps, those in `mappings/terminology/` and those that a caller hands over, and names the
codes of our own CodeSystems (https://hl7.org/fhir/R4/conceptmap.html).

A code that no table knows is never guessed at: the caller makes an issue of the KeyError.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Literal

from conformance import spec
from conformance.formats import strict_json
from mappings.errors import Issue, Rejected

__all__ = [
    "Language",
    "Table",
    "Translation",
    "ambulatory",
    "ancestors",
    "bits",
    "codes",
    "concept_maps",
    "descendants",
    "display",
    "in_order",
    "known",
    "read_table",
    "table",
    "tables",
    "translate",
]

Language = Literal["de", "en"]


@dataclass(frozen=True, slots=True)
class Translation:
    """What a code means elsewhere: no codes where the table says that it has no counterpart, and `reason` says why."""

    codes: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A ConceptMap as it translates; `file` is where it stands, for who has to add to it."""

    name: str
    file: str
    entries: Mapping[str, tuple[str, Translation]]
    undecided: tuple[str, ...] = ()
    """Codes that it names without a target: nobody has said yet what they mean, so they are unknown."""

    def translate(self, code: str) -> Translation:
        """What the table makes of a code; case and spaces do not matter. KeyError for one that it does not know."""
        return self.entries[_folded(code)][1]

    def undecided_as(self, code: str) -> str:
        """How it writes a code that it names without a target; blank for any other."""
        return next((one for one in self.undecided if _folded(one) == _folded(code)), "")

    def known(self) -> tuple[str, ...]:
        """The source codes as it writes them, in its order."""
        return tuple(code for code, _ in self.entries.values())

    def targets(self) -> frozenset[str]:
        """Every code that it translates to."""
        return frozenset(code for _, translation in self.entries.values() for code in translation.codes)


@dataclass(frozen=True, slots=True)
class _Concept:
    displays: Mapping[Language, str]
    ancestors: tuple[str, ...]
    properties: Mapping[str, Any]


def translate(table: str, code: str) -> Translation:
    """What `mappings/terminology/<table>.json` makes of a code; case and spaces do not matter.

    KeyError for a code or a table that does not exist.
    """
    return _shipped(table).translate(code)


def known(table: str) -> tuple[str, ...]:
    """The source codes of a table as it writes them, in its order."""
    return _shipped(table).known()


def table(name: str) -> Table:
    """A table of `mappings/terminology/`; KeyError for one that does not exist."""
    return _shipped(name)


def read_table(content: bytes, *, name: str, file: str) -> Table:
    """The table that a ConceptMap in JSON writes down; raises `Rejected` naming the place in `file` that is wrong."""
    try:
        tree = strict_json.parse(content)
    except strict_json.NotJson as wrong:
        raise _refused(f"{file}: line {wrong.line}, column {wrong.column}", "JSON", f"JSON ({wrong.reason})") from None
    if not isinstance(tree, dict) or tree.get("resourceType") != "ConceptMap":
        raise _refused(file, "eine ConceptMap", "a ConceptMap")
    entries: dict[str, tuple[str, Translation]] = {}
    undecided: list[str] = []
    for place, element in _elements(tree, file):
        code = element.get("code")
        if not isinstance(code, str) or not code.strip():
            raise _refused(f"{place}.code", "ein Code", "a code")
        if _folded(code) in {*entries, *map(_folded, undecided)}:
            raise _refused(f"{place}.code", "jeder Code einmal", "each code once")
        targets = _list_of_objects(element, "target", place)
        for number, target in enumerate(targets):
            _check_target(target, f"{place}.target[{number}]")
        if targets:
            entries[_folded(code)] = (code, _translation(element))
        else:
            undecided.append(code)
    return Table(name=name, file=file, entries=entries, undecided=tuple(undecided))


def _elements(tree: Mapping[str, Any], file: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, group in enumerate(_list_of_objects(tree, "group", f"{file}: ConceptMap")):
        place = f"{file}: ConceptMap.group[{number}]"
        for ordinal, element in enumerate(_list_of_objects(group, "element", place)):
            yield f"{place}.element[{ordinal}]", element


def _list_of_objects(node: Mapping[str, Any], name: str, place: str) -> list[Mapping[str, Any]]:
    found = node.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _refused(f"{place}.{name}", "eine Liste von Objekten", "a list of objects")
    return found


def _check_target(target: Mapping[str, Any], place: str) -> None:
    equivalence = target.get("equivalence")
    if equivalence not in _EQUIVALENCES:
        raise _refused(f"{place}.equivalence", f"eines von {_EQUIVALENCES}", f"one of {_EQUIVALENCES}")
    needed = "comment" if equivalence == "unmatched" else "code"
    if not isinstance(target.get(needed), str) or not target[needed].strip():
        raise _refused(f"{place}.{needed}", "ein Text", "a text")


# https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html
_EQUIVALENCES = (
    *("relatedto", "equivalent", "equal", "wider", "subsumes", "narrower"),
    *("specializes", "inexact", "unmatched", "disjoint"),
)


_NO_COUNTERPART = ("unmatched", "disjoint")


def _refused(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code="concept-map",
            place=place,
            text_de=f"erwartet wird {german}; wer die ConceptMap pflegt, berichtigt sie",
            text_en=f"{english} expected; whoever keeps the ConceptMap corrects it",
            fhir_code="structure",
        )
    )


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


def in_order(system_name: str) -> tuple[str, ...]:
    """All codes of one of our CodeSystems as it lists them, each before those below it."""
    return tuple(_system(system_name))


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


@cache
def bits(system_name: str) -> Mapping[str, int]:
    """Each code of one of our CodeSystems as the number whose one bit stands for it in a bit mask (1, 2, 4 …).

    KeyError for a system whose codes have no property `bit` (those that have: need, payer).
    """
    return MappingProxyType({code: 1 << concept.properties["bit"] for code, concept in _system(system_name).items()})


@cache
def ambulatory() -> frozenset[str]:
    """The care forms whose help comes to the person, so that an offer is found by the area that it serves."""
    return frozenset(
        code for code, concept in _system("care-form").items() if concept.properties.get("comes-to-you", False)
    )


def _folder() -> Traversable:
    return resources.files(__package__).joinpath("terminology")


def _folded(code: str) -> str:
    return " ".join(code.split()).casefold()


@cache
def _shipped(name: str) -> Table:
    if name not in tables():
        raise KeyError(name)
    content = _folder().joinpath(f"{name}.json").read_bytes()
    return read_table(content, name=name, file=f"mappings/terminology/{name}.json")


def _translation(element: Mapping[str, Any]) -> Translation:
    targets = element["target"]
    return Translation(
        codes=tuple(target["code"] for target in targets if target["equivalence"] not in _NO_COUNTERPART),
        reason=next((target["comment"] for target in targets if target["equivalence"] == "unmatched"), ""),
    )


@cache
def _system(name: str) -> Mapping[str, _Concept]:
    systems = {system["id"]: system for system in spec.load("CodeSystem")}
    return dict(_concepts(systems[name]["concept"], ()))


def _concepts(concepts: list[dict[str, Any]], above: tuple[str, ...]) -> Iterator[tuple[str, _Concept]]:
    for concept in concepts:
        german = next(each["value"] for each in concept["designation"] if each["language"] == "de")
        properties = {
            told["code"]: value
            for told in concept.get("property", ())
            for name, value in told.items()
            if name.startswith("value")
        }
        yield concept["code"], _Concept({"de": german, "en": concept["display"]}, above, properties)
        yield from _concepts(concept.get("concept", []), (concept["code"], *above))
