"""What a code is in another code system, by concept maps (https://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub.terminology import parameters
from hub.terminology.definitions import Definitions, Unknown, parted
from hub.terminology.languages import said
from hub.terminology.value_sets import ValueSet

__all__ = ["Asked", "Match", "matches", "target_systems", "written"]

_LISTED = 20

_NO_MATCH = ("unmatched", "disjoint")
_REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A code to translate. `source` and `target` are value sets; `dependencies` are element and codes of a concept."""

    code: str
    system: str = ""
    source: str = ""
    target: str = ""
    target_system: str = ""
    reverse: bool = False
    dependencies: tuple[tuple[str, frozenset[tuple[str, str]]], ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One translation; without `concept` where the map says that there is none, and `comment` says why."""

    equivalence: str
    concept: Mapping[str, Any] | None
    comment: str = ""
    products: tuple[Mapping[str, Any], ...] = ()
    source: str = ""


def matches(maps: Sequence[Mapping[str, Any]], asked: Asked, definitions: Definitions) -> list[Match]:
    """All translations of a code by these maps, each once."""
    found: list[Match] = []
    for concept_map in maps:
        if _fits(concept_map, asked, definitions):
            for match in _of_map(concept_map, asked, definitions, ()):
                if _is_in_target(concept_map, match, asked, definitions) and match not in found:
                    found.append(match)
    return found


def target_systems(maps: Iterable[Mapping[str, Any]], asked: Asked) -> frozenset[str]:
    """The code systems that these maps translate to from the code's; `reverse`, from."""
    here, there = _side("source", asked), _side("target", asked)
    groups = (group for concept_map in maps for group in concept_map.get("group", ()))
    fitting = (group for group in groups if asked.system in ("", group.get(here, asked.system)))
    return frozenset(group[there] for group in fitting if there in group)


def written(found: Sequence[Match], languages: tuple[str, ...], targets_instead: Sequence[str] = ()) -> dict[str, Any]:
    """The translations as a Parameters resource; `targets_instead` are there where no map goes to the one asked for."""
    result = any(each.equivalence not in _NO_MATCH for each in found)
    message = "; ".join(dict.fromkeys(each.comment for each in found if each.comment))
    if not message and not result and targets_instead:
        listed = ", ".join(targets_instead[:_LISTED])
        message = said(
            {
                "de": f"Keine Übersetzungstabelle führt in dieses targetsystem; es gibt: {listed}",
                "en": f"No concept map leads to this targetsystem; there are: {listed}",
            },
            languages,
        )
    elif not message and not result:
        message = said(
            {
                "de": "Keine der Übersetzungstabellen, die passen, nennt diesen Code",
                "en": "None of the concept maps that fit names this code",
            },
            languages,
        )
    return parameters.resource(
        parameters.part("result", valueBoolean=result),
        *([parameters.part("message", valueString=message)] if message else []),
        *(_match(each) for each in found),
    )


def _match(match: Match) -> dict[str, Any]:
    return parameters.part(
        "match",
        parameters.part("equivalence", valueCode=match.equivalence),
        *([parameters.part("concept", valueCoding=dict(match.concept))] if match.concept else []),
        *(
            parameters.part(
                "product",
                parameters.part("element", valueUri=each["property"]),
                parameters.part("concept", valueCoding=_coding(each.get("system"), each["value"], each.get("display"))),
            )
            for each in match.products
        ),
        *([parameters.part("source", valueUri=match.source)] if match.source else []),
    )


def _fits(concept_map: Mapping[str, Any], asked: Asked, definitions: Definitions) -> bool:
    """Whether a map goes from the source, and to the target, that are asked for."""
    for wanted, side in ((asked.source, _side("source", asked)), (asked.target, _side("target", asked))):
        stated = concept_map.get(f"{side}Canonical") or concept_map.get(f"{side}Uri")
        if wanted and stated and parted(stated)[0] != parted(wanted)[0]:
            return False
    stated = concept_map.get(f"{_side('source', asked)}Canonical") or concept_map.get(f"{_side('source', asked)}Uri")
    if asked.source and not stated:
        return _is_in(asked.source, asked.system, asked.code, definitions)
    return True


def _side(side: str, asked: Asked) -> str:
    """Reversed, source and target change places (https://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""
    if not asked.reverse:
        return side
    return "target" if side == "source" else "source"


def _is_in_target(concept_map: Mapping[str, Any], match: Match, asked: Asked, definitions: Definitions) -> bool:
    side = _side("target", asked)
    if not asked.target or concept_map.get(f"{side}Canonical") or concept_map.get(f"{side}Uri"):
        return True
    if match.concept is None:
        return True
    return _is_in(asked.target, match.concept.get("system", ""), match.concept["code"], definitions)


def _is_in(value_set: str, system: str, code: str, definitions: Definitions) -> bool:
    known = ValueSet(definitions.tree("ValueSet", value_set), definitions)
    return any(each.system == system or not system for each in known.candidates(code))


def _of_map(
    concept_map: Mapping[str, Any], asked: Asked, definitions: Definitions, above: tuple[str, ...]
) -> Iterator[Match]:
    url = concept_map.get("url", "")
    for group in concept_map.get("group", ()):
        source, target = group.get("source", ""), group.get("target", "")
        here, there = (target, source) if asked.reverse else (source, target)
        if (asked.system and here and here != asked.system) or (asked.target_system and there != asked.target_system):
            continue
        definitions.spend(1 + len(group["element"]))
        found = _reversed(group, asked) if asked.reverse else _forward(group, asked)
        if found is None:
            yield from _unmapped(group, asked, definitions, (*above, url))
            continue
        for match in found:
            yield _finished(match, there, url, definitions, asked)


def _forward(group: Mapping[str, Any], asked: Asked) -> list[Match] | None:
    """The targets of the code; None where the group does not name it."""
    elements = [each for each in group["element"] if each.get("code") == asked.code]
    if not elements:
        return None
    return [
        Match(
            equivalence=target.get("equivalence", "relatedto"),
            concept=_coding(None, target["code"], target.get("display")) if "code" in target else None,
            comment=target.get("comment", "") if target.get("equivalence") in _NO_MATCH else "",
            products=tuple(each for each in target.get("product", ()) if "property" in each and "value" in each),
        )
        for element in elements
        for target in element.get("target", ())
        if all(_is_met(each, asked) for each in target.get("dependsOn", ()))
    ]


def _reversed(group: Mapping[str, Any], asked: Asked) -> list[Match]:
    return [
        Match(
            equivalence=_reversed_equivalence(target.get("equivalence", "relatedto")),
            concept=_coding(None, element["code"], element.get("display")),
        )
        for element in group["element"]
        for target in element.get("target", ())
        if "code" in element and target.get("code") == asked.code
    ]


def _reversed_equivalence(equivalence: str) -> str:
    return _REVERSED.get(equivalence, equivalence)


def _is_met(needed: Mapping[str, Any], asked: Asked) -> bool:
    return any(
        element == needed.get("property")
        and any(code == needed.get("value") and needed.get("system", system) == system for system, code in codings)
        for element, codings in asked.dependencies
    )


def _unmapped(
    group: Mapping[str, Any], asked: Asked, definitions: Definitions, above: tuple[str, ...]
) -> Iterator[Match]:
    """What a group says of codes that it does not name: https://hl7.org/fhir/R4/conceptmap.html#unmapped"""
    unmapped = group.get("unmapped")
    # Without its system nobody knows that the code is one of this group's.
    if unmapped is None or not asked.system:
        return
    mode = unmapped.get("mode")
    if mode == "other-map":
        other = unmapped.get("url", "")
        if parted(other)[0] not in above:
            yield from _of_map(definitions.tree("ConceptMap", other), asked, definitions, above)
        return
    fixed = mode == "fixed"
    if mode not in ("fixed", "provided") or (fixed and "code" not in unmapped):
        return
    match = Match(
        equivalence="inexact" if fixed else "equivalent",
        concept=_coding(None, unmapped["code"] if fixed else asked.code, unmapped.get("display") if fixed else None),
    )
    yield _finished(match, group.get("target", ""), above[-1], definitions, asked)


def _finished(match: Match, system: str, url: str, definitions: Definitions, asked: Asked) -> Match:
    if match.concept is None:
        return replace(match, source=url)
    code, display = match.concept["code"], match.concept.get("display")
    if display is None and system:
        try:
            known = definitions.code_system(system)
        except Unknown:
            known = None
        concept = known.concept(code) if known else None
        display = known.label(concept, asked.languages) if known and concept else None
    return replace(match, concept=_coding(system, code, display), source=url)


def _coding(system: str | None, code: str, display: str | None) -> dict[str, Any]:
    told = {"system": system, "code": code, "display": display}
    return {name: value for name, value in told.items() if value}
