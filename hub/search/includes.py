"""What else a search shows: the resources that its matches refer to, or that refer to them.

https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam, select

from hub.search import refusals
from hub.search.registry import Registry
from hub.search.types.term import unindexed
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader
from hub.store.shown import Version
from hub.store.tables import VIEWS, Projection

__all__ = ["INCLUDED_MAX", "INCLUDED_OF_ONE_MAX", "Include", "included"]

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
        return cls(
            numbers=numbers,
            target=target or None,
            reverse=reverse,
            iterate=bool(modifier),
            served=frozenset(registry.types),
        )

    def leads_nowhere(self, types: Collection[str]) -> bool:
        """Whether it shows what refers to another type alone than those that are searched."""
        return self.reverse and not self.iterate and self.target is not None and self.target not in types


def _possible(registry: Registry, types: Sequence[str], *, reverse: bool) -> Iterator[str]:
    for source in registry.types if reverse else types[:5]:
        for parameter in registry.parameters(source).values():
            points_here = not parameter.targets or not set(types).isdisjoint(parameter.targets)
            if parameter.type == "reference" and (points_here or not reverse):
                yield f"{source}:{parameter.code}"


class _Seen(NamedTuple):
    """A resource that references are followed from."""

    rid: int
    type: str
    id: str
    version: int = 0
    """Of a match nobody asks."""


def included(
    reader: Reader,
    projection: Projection,
    includes: Sequence[Include],
    matches: Sequence[tuple[int, str, str]],
    most: int,
) -> tuple[list[Version], bool]:
    """The versions of what is shown with matches (rid, type, id), none of them a match, and whether there are more."""
    known = {rid for rid, _, _ in matches}
    found: list[Version] = []
    fresh = [_Seen(*match) for match in matches]
    for number_ in range(_ROUNDS_MAX):
        following = _together([include for include in includes if number_ == 0 or include.iterate])
        reached: dict[int, _Seen] = {}
        for include in following:
            left = most - len(found) - len(reached) + 1
            for one in _followed(reader, projection, include, fresh, left + len(known)):
                if one.rid not in known and one.type in include.served:
                    reached[one.rid] = one
            if len(found) + len(reached) > most:
                return [*found, *_versions(reached.values())][:most], True
        if not reached:
            break
        known |= reached.keys()
        found += sorted(_versions(reached.values()))
        fresh = list(reached.values())
    return found, False


def _versions(seen: Iterable[_Seen]) -> list[Version]:
    return [(one.rid, one.version) for one in seen]


def _together(includes: Sequence[Include]) -> list[Include]:
    """The same, those that one statement can answer as one: forward, to whatever type."""
    alike = [one for one in includes if not one.reverse and one.target is None]
    if len(alike) < 2:
        return list(includes)
    numbers: dict[str, tuple[int, ...]] = {}
    for one in alike:
        for source, followed in one.numbers.items():
            numbers[source] = (*numbers.get(source, ()), *followed)
    return [replace(alike[0], numbers=numbers), *(one for one in includes if one not in alike)]


def _followed(
    reader: Reader, projection: Projection, include: Include, seen: Collection[_Seen], most: int
) -> Iterator[_Seen]:
    if include.reverse:
        numbers = [number for followed in include.numbers.values() for number in followed]
        by_type: dict[str, list[str]] = {}
        for one in seen:
            if include.target in (None, one.type):
                by_type.setdefault(one.type, []).append(one.id)
        for resource_type, ids in by_type.items():
            binds = {"params": numbers, "type": resource_type, "ids": ids, "most": most}
            yield from map(_Seen._make, reader.all(_pointing(projection.name), binds))
        return
    rids = [one.rid for one in seen if one.type in include.numbers]
    if not rids:
        return
    numbers = [number for one in include.numbers for number in include.numbers[one]]
    binds = {"params": numbers, "rids": rids, "most": most}
    typed = include.target is not None
    if typed:
        binds["type"] = include.target
    rows = reader.all(_targets(projection.name, typed), binds)
    if len(rows) == most:
        # What many refer to came as often: where there may be more, each counts once.
        rows = reader.all(_targets(projection.name, typed, once=True), binds)
    yield from map(_Seen._make, rows)


@lru_cache
def _targets(view: str, typed: bool, *, once: bool = False) -> Prepared:
    tables = VIEWS[view]
    link, target = tables.indexes["reference"], tables.resource
    statement = (
        select(target.c.rid, target.c.type, target.c.id, target.c.version)
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


@lru_cache
def _pointing(view: str) -> Prepared:
    tables = VIEWS[view]
    link, source = tables.indexes["reference"], tables.resource
    return Prepared(
        select(source.c.rid, source.c.type, source.c.id, source.c.version)
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
