"""The expansion of a value set: its codes, as many as are asked for (https://hl7.org/fhir/R4/valueset-operation-expand.html)."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.errors import Invalid
from hub.terminology.concepts import Designation
from hub.terminology.value_sets import Member, ValueSet
from mappings.errors import Issue

__all__ = ["MEMBERS_MAX", "Wanted", "expand"]

MEMBERS_MAX = 5_000
"""As many codes stand in one answer."""

_LEFT_OUT = ("compose", "contained", "expansion", "meta", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of an expansion is asked for. `languages` are base languages in order of preference; a `designations` token
    is `urn:ietf:bcp:47|de` or `system|code` of a use.
    """

    filter: str = ""
    offset: int | None = None
    count: int | None = None
    languages: tuple[str, ...] = ()
    display_language: str = ""
    include_designations: bool = False
    designations: tuple[str, ...] = ()
    include_definition: bool = False
    active_only: bool = False
    selectable_only: bool = False
    nested: bool = False
    exclude_systems: tuple[str, ...] = ()


def expand(value_set: ValueSet, wanted: Wanted, at: str) -> dict[str, Any]:
    """The value set with its expansion as of a moment; `Invalid` (too-costly) where it is too long for one answer."""
    members = [member for member in value_set.members() if _is_wanted(member, wanted)]
    offset, whole = wanted.offset or 0, len(members)
    if wanted.count is None and whole - offset > MEMBERS_MAX:
        raise Invalid(
            Issue(
                code="expansion-too-long",
                fhir_code="too-costly",
                place="ValueSet",
                text_de=f"{whole} Codes sind mehr als die {MEMBERS_MAX}, die in eine Antwort passen; "
                "count und offset teilen sie auf, filter schränkt ein",
                text_en=f"{whole} codes are more than the {MEMBERS_MAX} that fit into one answer; "
                "count and offset split them, filter narrows them",
            )
        )
    count = MEMBERS_MAX if wanted.count is None else min(wanted.count, MEMBERS_MAX)
    paged = wanted.offset is not None or wanted.count is not None
    shown = members[offset : offset + count]
    expansion: dict[str, Any] = {"timestamp": at, "total": whole}
    if paged:
        expansion["offset"] = offset
    if parameters := [*_used(wanted, count if wanted.count is not None else None), *_versions(shown)]:
        expansion["parameter"] = parameters
    # A hierarchy with gaps would claim what the code system does not say.
    nests = wanted.nested and not paged and not wanted.filter
    if contains := _nested(shown, wanted) if nests else [_contained(each, wanted) for each in shown]:
        expansion["contains"] = contains
    left_out = _LEFT_OUT if not wanted.include_definition else tuple(name for name in _LEFT_OUT if name != "compose")
    header = {name: value for name, value in value_set.tree.items() if name.lstrip("_") not in left_out}
    return {**header, "expansion": expansion}


def _is_wanted(member: Member, wanted: Wanted) -> bool:
    if wanted.active_only and member.inactive:
        return False
    if wanted.selectable_only and member.abstract:
        return False
    if member.system in wanted.exclude_systems:
        return False
    words = _folded(wanted.filter).split()
    if not words:
        return True
    text = _folded(" ".join((member.code, *member.names())))
    return all(word in text for word in words)


def _folded(text: str) -> str:
    """Without case, and without the dots and accents that a keyboard may not have."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def _contained(member: Member, wanted: Wanted) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if member.system:
        told["system"] = member.system
    if member.abstract:
        told["abstract"] = True
    if member.inactive:
        told["inactive"] = True
    told["code"] = member.code
    if display := member.label(wanted.languages):
        told["display"] = display
    if designations := [dict(each.tree) for each in member.all_designations() if _is_told(each, wanted)]:
        told["designation"] = designations
    return told


def _is_told(designation: Designation, wanted: Wanted) -> bool:
    if not wanted.designations:
        return wanted.include_designations
    use = designation.tree.get("use", {})
    tokens = {f"urn:ietf:bcp:47|{designation.language}", f"{use.get('system', '')}|{use.get('code', '')}"}
    return not tokens.isdisjoint(wanted.designations)


def _nested(members: Sequence[Member], wanted: Wanted) -> list[dict[str, Any]]:
    told = {(member.system, member.code): _contained(member, wanted) for member in members}
    roots: list[dict[str, Any]] = []
    for member in members:
        above = next(
            (
                told[member.system, parent]
                for parent in (member.concept.parents if member.concept else ())
                if (member.system, parent) in told and not _is_below(parent, member)
            ),
            None,
        )
        here = told[member.system, member.code]
        (roots if above is None else above.setdefault("contains", [])).append(here)
    return roots


def _is_below(code: str, member: Member) -> bool:
    """Whether a parent is a kind of its own child: a circle, which a faulty code system may have."""
    return member.code in (member.code_system.above(code) if member.code_system else ())


def _used(wanted: Wanted, count: int | None) -> list[dict[str, Any]]:
    used: list[tuple[str, str, Any]] = [
        ("filter", "valueString", wanted.filter or None),
        ("offset", "valueInteger", wanted.offset),
        ("count", "valueInteger", count),
        ("displayLanguage", "valueCode", wanted.display_language or None),
        ("includeDesignations", "valueBoolean", wanted.include_designations or None),
        *(("designation", "valueString", token) for token in wanted.designations),
        ("activeOnly", "valueBoolean", wanted.active_only or None),
        ("excludeNotForUI", "valueBoolean", wanted.selectable_only or None),
        *(("exclude-system", "valueUri", system) for system in wanted.exclude_systems),
    ]
    return [{"name": name, element: value} for name, element, value in used if value is not None]


def _versions(members: Sequence[Member]) -> list[dict[str, Any]]:
    systems = {each.code_system.url: each.code_system for each in members if each.code_system}
    told: list[Mapping[str, Any]] = [
        {"name": "version", "valueUri": f"{url}|{system.version}"} for url, system in systems.items() if system.version
    ]
    fragments = [
        {"name": "fragment", "valueUri": url} for url, system in systems.items() if system.content != "complete"
    ]
    return [dict(each) for each in (*told, *fragments)]
