"""What else a search shows: the resources that its matches refer to, or that refer to them.

https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, select

from hub.search import refusals
from hub.search.registry import ALL_TYPES, Registry
from hub.search.types.term import unindexed
from hub.store.prepared import Prepared, one_of, packed_pair
from hub.store.reader import Reader, Row
from hub.store.shown import Version
from hub.store.tables import VIEWS, Projection

__all__ = ["INCLUDED_MAX", "INCLUDED_OF_ONE_MAX", "Include", "Includes", "Seen", "included"]

INCLUDED_MAX = 1000
"""With the matches of a page."""
INCLUDED_OF_ONE_MAX = 5000
"""With a match alone on its page."""
_ROUNDS_MAX = 10
_ITERATE = ("iterate", "recurse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Reference parameters to follow, by the type that they start from; `reverse` from their targets.

    `target` is the only type to refer to, where one is named; nothing is shown that is not of the types `served`.
    """

    numbers: Mapping[str, tuple[int, ...]]
    target: str | None
    reverse: bool
    iterate: bool
    served: frozenset[str]
    leads_to_served: bool = False
    """Whether all that it can lead to is of these."""

    @classmethod
    def parse(cls, registry: Registry, types: Sequence[str], name: str, value: str) -> "Include":
        """`Type:parameter`, `Type:parameter:Target`, or `*` for all; `Malformed` for what there is not."""
        told, _, modifier = name.partition(":")
        reverse = told.lower() == "_revinclude"
        if modifier and modifier not in _ITERATE:
            raise refusals.modifier_unknown(told, _ITERATE)
        source, _, rest = value.partition(":")
        code, _, target = rest.partition(":")
        if value == "*":
            sources, code = (registry.types if reverse else types), "*"
        else:
            sources = (source,) if source in registry.types else ()
        numbers = {}
        for one in sources:
            followed = tuple(
                parameter.number
                for parameter in registry.parameters(one).values()
                if parameter.type == "reference"
                and code in ("*", parameter.code)
                and (not target or not parameter.targets or target in parameter.targets)
            )
            if followed:
                numbers[one] = followed
        if not numbers or (target and target not in registry.types):
            raise refusals.include_unknown(told, _possible(registry, types, reverse=reverse))
        served = frozenset(registry.types)
        leads = set(numbers) if reverse else {target} if target else _targets_of(registry, numbers)
        return cls(
            numbers=numbers,
            target=target or None,
            reverse=reverse,
            iterate=bool(modifier),
            served=served,
            leads_to_served=leads <= served,
        )

    def leads_nowhere(self, types: Collection[str]) -> bool:
        """Whether it shows what refers to another type alone than those that are searched."""
        return self.reverse and not self.iterate and self.target is not None and self.target not in types


def _targets_of(registry: Registry, numbers: Mapping[str, tuple[int, ...]]) -> set[str]:
    """The types that references of these parameters can be to."""
    return {
        target
        for source, followed in numbers.items()
        for parameter in registry.parameters(source).values()
        if parameter.number in followed
        for target in parameter.targets or ALL_TYPES
    }


def _possible(registry: Registry, types: Sequence[str], *, reverse: bool) -> Iterator[str]:
    for source in registry.types if reverse else types[:5]:
        for parameter in registry.parameters(source).values():
            points_here = not parameter.targets or not set(types).isdisjoint(parameter.targets)
            if parameter.type == "reference" and (points_here or not reverse):
                yield f"{source}:{parameter.code}"


Seen = tuple[int, int, str, str]
"""A resource that references are followed from: row, version, of which a match needs none, type and id."""


@dataclass(frozen=True, slots=True)
class Includes:
    """All includes of a search: those that are followed from its matches, and those from what was included."""

    first: Sequence[Include] = ()
    further: Sequence[Include] = ()

    @classmethod
    def of(cls, includes: Sequence[Include]) -> "Includes":
        """The same, as few as can be."""
        return cls(_together(includes), _together([one for one in includes if one.iterate]))

    @property
    def needs_ids(self) -> bool:
        """Whether the ids of matches count."""
        return any(one.reverse for one in self.first)


def included(
    reader: Reader, projection: Projection, includes: Includes, matches: Sequence[Seen], most: int
) -> tuple[list[Version], bool]:
    """The versions of what is shown with matches, none of them a match, and whether there are more."""
    known = {match[0] for match in matches}
    found: list[Version] = []
    fresh: Collection[Seen] = matches
    following = includes.first
    for _ in range(_ROUNDS_MAX):
        reached: dict[int, Any] = {}
        for include in following:
            named = bool(includes.further) or not include.leads_to_served
            left = most - len(found) - len(reached) + 1
            rows = _followed(reader, projection, include, fresh, left + len(known), named=named)
            if named:
                rows = [row for row in rows if row[2] in include.served]
            reached |= {row[0]: row for row in rows if row[0] not in known}
            if len(found) + len(reached) > most:
                return [*found, *_versions(reached.values())][:most], True
        found += sorted(_versions(reached.values()))
        following = includes.further
        if not reached or not following:
            break
        known |= reached.keys()
        fresh = reached.values()
    return found, False


def _versions(rows: Iterable[Row]) -> list[Version]:
    return [packed_pair(row[0], row[1]) for row in rows]


def _together(includes: Sequence[Include]) -> Sequence[Include]:
    """The same, those that one statement can answer as one: forward, to whatever type."""
    alike = [one for one in includes if not one.reverse and one.target is None]
    if len(alike) < 2:
        return includes
    numbers: dict[str, tuple[int, ...]] = {}
    for one in alike:
        for source, followed in one.numbers.items():
            numbers[source] = (*numbers.get(source, ()), *followed)
    joined = replace(alike[0], numbers=numbers, leads_to_served=all(one.leads_to_served for one in alike))
    return [joined, *(one for one in includes if one not in alike)]


def _followed(
    reader: Reader, projection: Projection, include: Include, seen: Collection[Seen], most: int, *, named: bool
) -> Sequence[Row]:
    """Row and version of what is followed to; `named`: type and id, too."""
    if include.reverse:
        numbers = [number for followed in include.numbers.values() for number in followed]
        by_type: dict[str, list[str]] = {}
        for _, _, resource_type, resource_id in seen:
            if include.target in (None, resource_type):
                by_type.setdefault(resource_type, []).append(resource_id)
        return [
            row
            for resource_type, ids in by_type.items()
            for row in reader.all(
                _pointing(projection.name, named),
                {"params": numbers, "type": resource_type, "ids": ids, "most": most},
            )
        ]
    rids = [one[0] for one in seen if one[2] in include.numbers]
    if not rids:
        return ()
    numbers = [number for followed in include.numbers.values() for number in followed]
    binds: dict[str, object] = {"params": numbers, "rids": rids, "most": most}
    typed = include.target is not None
    if typed:
        binds["type"] = include.target
    rows = reader.all(_targets(projection.name, typed, named), binds)
    if len(rows) == most:
        # What many refer to came as often: where there may be more, each counts once.
        rows = reader.all(_targets(projection.name, typed, named, once=True), binds)
    return rows


@lru_cache
def _targets(view: str, typed: bool, named: bool, *, once: bool = False) -> Prepared:
    tables = VIEWS[view]
    link, target = tables.indexes["reference"], tables.resource
    statement = (
        _shown(target, named)
        .select_from(link)
        .join(
            target,
            (target.c.type == unindexed(link.c.target_type)) & (target.c.id == unindexed(link.c.target_id)),
        )
        .where(
            one_of(link.c.rid, "rids"),
            one_of(unindexed(link.c.param), "params"),
            target.c.deleted.is_(False),
        )
        .limit(bindparam("most"))
    )
    if once:
        statement = statement.distinct()
    return Prepared(statement.where(unindexed(link.c.target_type) == bindparam("type")) if typed else statement)


def _shown(resource: Table, named: bool) -> Select[Any]:
    # Texts that nobody needs cost as much as a row.
    columns = (resource.c.rid, resource.c.version)
    return select(*columns, resource.c.type, resource.c.id) if named else select(*columns)


@lru_cache
def _pointing(view: str, named: bool) -> Prepared:
    tables = VIEWS[view]
    link, source = tables.indexes["reference"], tables.resource
    return Prepared(
        _shown(source, named)
        .distinct()
        .select_from(link)
        .join(source, source.c.rid == link.c.rid)
        .where(
            one_of(link.c.param, "params"),
            one_of(link.c.target_id, "ids"),
            link.c.target_type == bindparam("type"),
        )
        .limit(bindparam("most"))
    )
