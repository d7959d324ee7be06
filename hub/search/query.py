"""A search request, parsed: what is asked for, what was left aside, and the `self` link that says so.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, cast

from hub.errors import Malformed
from hub.search import order, refusals
from hub.search.conditions import Condition, Indexed, Shape, binds_of, joined
from hub.search.criteria import Criteria, Unknown, has_no_criterion, too_wide
from hub.search.includes import Include, Includes
from hub.search.query_string import COUNT_DEFAULT, encoded, parse_count
from hub.search.registry import Registry
from hub.search.types.near import TABLE as POSITION
from hub.search.types.term import Codes, first_unescaped_bar
from mappings.errors import Issue

__all__ = ["SUMMARIES", "Query", "Search", "parse"]

_CONDITIONS_MAX = 30
_INCLUDES_MAX = 32
_KEYS_MAX = 5
_ELEMENTS_MAX = 100

Summary = Literal["", "true", "text", "data", "count", "false"]
Total = Literal["accurate", "estimate", "none"]

SUMMARIES = ("true", "text", "data", "count", "false")
_TOTALS = ("accurate", "estimate", "none")
_RESULT = ("_count", "_after", "_sort", "_summary", "_elements", "_total", "_contained", "_type")
_FULL_TEXT = ("_content", "_text")
_ELSEWHERE = ("_format", "_pretty")
_CANONICALS = ("url", "url:below", "url:above")


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is asked of one type: all conditions hold, and in which order it is answered."""

    type: str
    conditions: tuple[Condition, ...] = ()
    keys: tuple[order.Key, ...] = ()

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Those of the conditions."""
        return tuple(condition.shape for condition in self.conditions)

    @cached_property
    def binds(self) -> Mapping[str, object]:
        """The values of all conditions, and the type."""
        return {"type": self.type, **binds_of(self.conditions)}


@dataclass(frozen=True, kw_only=True)
class Query:
    """A parsed search; `used` are the parameters that count, `ignored` the names that were not understood."""

    searches: tuple[Search, ...]
    includes: tuple[Include, ...] = ()
    count: int = COUNT_DEFAULT
    after: order.Position | None = None
    after_text: str = ""
    summary: Summary = ""
    elements: tuple[str, ...] = ()
    total: Total = "accurate"
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[Issue, ...] = ()

    @cached_property
    def order(self) -> tuple[order.By, ...]:
        """The keys of the order, the same for all searches."""
        return tuple(key.by for key in self.searches[0].keys) if self.searches else ()

    @cached_property
    def following(self) -> Includes:
        """The includes, as they are followed."""
        return Includes.of(self.includes)

    @cached_property
    def self_query(self) -> str:
        """The query string of the `self` link: what was used, as it was used."""
        return encoded(self.used)


@dataclass(slots=True)
class _Told:
    """The parameters of the result, as they come."""

    count: int = COUNT_DEFAULT
    after: str = ""
    sort: list[str] = field(default_factory=list)
    summary: Summary = ""
    elements: list[str] = field(default_factory=list)
    total: Total = "accurate"
    types: list[str] | None = None


def parse(
    registry: Registry,
    resource_type: str | None,
    pairs: Iterable[tuple[str, str]],
    *,
    codes: Codes,
    base: str = "",
    now: datetime | None = None,
    strict: bool = False,
    present: Iterable[str] = (),
    within: tuple[str, str] | None = None,
) -> Query:
    """The query of a type, or without one of the types that `_type` names, on the server at `base`.

    Where that names none, they are those of which there are resources, `present`. `within` is the resource whose
    compartment is searched.

    Raises `Malformed` for what cannot be asked, and with `strict` for unknown parameters.
    """
    told, used, rest = _Told(), list[tuple[str, str]](), list[tuple[str, str]]()
    for name, value in pairs:
        if (not value and not has_no_criterion(name)) or name in _ELSEWHERE:
            continue
        if name in _RESULT and not (name == "_type" and resource_type):
            _take(told, name, value)
            if name not in ("_count", "_after"):
                used.append((name, value))
        else:
            rest.append((name, value))
    types = (resource_type,) if resource_type else _types(registry, told.types, present)
    includes: list[Include] = []
    criteria = [(name, value) for name, value in rest if not _is_include(name)]
    ignored: dict[str, Issue] = {}
    for name, value in rest:
        if _is_include(name):
            include = Include.parse(registry, types, name, value)
            if include.leads_nowhere(types):
                ignored.setdefault(f"{name}={value}", refusals.include_of_another(name, types))
            else:
                includes.append(include)
                used.append((name, value))
    if includes and told.summary == "text":
        raise refusals.include_of_texts()
    if len(includes) > _INCLUDES_MAX:
        raise refusals.too_many("http", _INCLUDES_MAX, "_include und _revinclude", "_include and _revinclude")
    if len(criteria) > _CONDITIONS_MAX:
        raise refusals.too_many("http", _CONDITIONS_MAX, "Kriterien", "criteria")
    reader = Criteria(registry=registry, codes=codes, base=base, now=now)
    conditions: dict[str, list[Condition]] = {one: [] for one in types}
    if within is not None:
        belonging = ((one, reader.within(one, *within)) for one in types)
        conditions = {one: [condition] for one, condition in belonging if condition is not None}
    candidates = tuple(conditions)
    for name, value in (each for one in criteria for each in _apart(registry, types, *one)):
        if name in _FULL_TEXT:
            raise refusals.not_supported(name)
        if name == "_query":
            raise refusals.no_named_query()
        found, unknown = _conditions(reader, candidates, name, value)
        if unknown is not None and not found:
            ignored.setdefault(name, unknown.issue)
            continue
        if unknown is not None and told.types is not None:
            raise refusals.not_common(name, found)
        # Of all types: one that has no such parameter has nothing that fulfils it.
        conditions = {one: several for one, several in conditions.items() if one in found}
        for one, several in conditions.items():
            if (condition := found[one]) is not None:
                several.append(condition)
    if strict and ignored:
        raise Malformed(*(replace(issue, severity="error") for issue in ignored.values()))
    for several in conditions.values():
        too_wide(several)
    keys = {one: _keys(registry, one, told.sort, several) for one, several in conditions.items()}
    if len({tuple(key.by.table for key in several) for several in keys.values()}) > 1:
        raise refusals.sort_unknown(("_id", "_lastUpdated"))
    searches = [Search(type=one, conditions=joined(several), keys=keys[one]) for one, several in conditions.items()]
    used += ((name, value) for name, value in criteria if name not in ignored)
    query = Query(
        searches=tuple(searches),
        includes=tuple(includes),
        count=0 if told.summary == "count" else told.count,
        summary=told.summary,
        elements=tuple(dict.fromkeys(told.elements)),
        total=told.total,
        used=(*used, ("_count", str(told.count))),
        ignored=tuple(ignored.values()),
    )
    return _at(query, told.after) if told.after else query


def _apart(registry: Registry, types: Iterable[str], name: str, value: str) -> tuple[tuple[str, str], ...]:
    """A criterion; that of a canonical with its version, `url=http://…|1.0`, as the two that it is."""
    if name in _CANONICALS and (bar := first_unescaped_bar(value)) > 0 and value[bar + 1 :] and "," not in value:
        known = [registry.parameters(one) for one in types]
        if all("version" in one and "url" in one and one["url"].type == "uri" for one in known):
            return (name, value[:bar]), ("version", value[bar + 1 :])
    return ((name, value),)


def _conditions(
    reader: Criteria, types: Iterable[str], name: str, value: str
) -> tuple[dict[str, Condition | None], Unknown | None]:
    """A criterion's condition by the types that have such a parameter, and what is said where one has not."""
    found: dict[str, Condition | None] = {}
    unknown: Unknown | None = None
    for one in types:
        try:
            found[one] = reader.condition(one, name, value)
        except Unknown as error:
            unknown = unknown or error
    return found, unknown


def _at(query: Query, text: str) -> Query:
    try:
        at = order.position(query.order, text)
    except ValueError:
        raise refusals.page_unknown() from None
    return replace(query, after=at, after_text=text)


def _is_include(name: str) -> bool:
    # IHE mCSD writes `_revInclude`.
    return name.partition(":")[0].lower() in ("_include", "_revinclude")


def _take(told: _Told, name: str, value: str) -> None:
    match name:
        case "_count":
            told.count = parse_count(value)
        case "_after":
            told.after = value
        case "_sort":
            told.sort += [part.strip() for part in value.split(",") if part.strip()]
            if len(told.sort) > _KEYS_MAX:
                raise refusals.too_many("http._sort", _KEYS_MAX, "Schlüssel", "keys")
        case "_summary":
            if value not in SUMMARIES:
                raise refusals.wrong_result_parameter(name, ", ".join(SUMMARIES))
            told.summary = cast("Summary", value)
        case "_elements":
            told.elements += [part.strip() for part in value.split(",") if part.strip()]
            if len(told.elements) > _ELEMENTS_MAX:
                raise refusals.too_many("http._elements", _ELEMENTS_MAX, "Elemente", "elements")
        case "_total":
            if value not in _TOTALS:
                raise refusals.wrong_result_parameter(name, ", ".join(_TOTALS))
            told.total = cast("Total", value)
        case "_contained":
            if value != "false":
                raise refusals.wrong_result_parameter(name, "false")
        case _:
            told.types = [*(told.types or ()), *(part.strip() for part in value.split(",") if part.strip())]


def _types(registry: Registry, told: Sequence[str] | None, present: Iterable[str]) -> tuple[str, ...]:
    if told is None:
        return tuple(sorted(set(present).intersection(registry.types)))
    for one in told:
        if one not in registry.types:
            raise refusals.wrong_result_parameter("_type", ", ".join(registry.types[:80]))
    return tuple(sorted(set(told)))


def _keys(
    registry: Registry, resource_type: str, told: Sequence[str], conditions: Sequence[Condition]
) -> tuple[order.Key, ...]:
    if not told:
        # Without criteria the index by id gives the order for nothing.
        return () if conditions else (order.Key(order.By("id")),)
    return tuple(_key(registry, resource_type, one, conditions) for one in told)


def _key(registry: Registry, resource_type: str, told: str, conditions: Sequence[Condition]) -> order.Key:
    code, descending = told.removeprefix("-"), told.startswith("-")
    if code in ("_id", "_lastUpdated"):
        return order.Key(order.By("id" if code == "_id" else "updated", descending))
    known = registry.parameters(resource_type)
    parameter = known.get(code)
    if parameter is None or parameter.implementation.TABLE not in order.SORTED_BY:
        possible = (one.code for one in known.values() if one.implementation.TABLE in order.SORTED_BY)
        raise refusals.sort_unknown(possible)
    table = parameter.implementation.TABLE
    binds: dict[str, object] = {"param": parameter.number}
    if table == POSITION:
        near = next((one for one in conditions if one.shape == Indexed(POSITION, ("circle",), parameter.single)), None)
        if near is None:
            raise refusals.sort_unknown(one for one in known if one != code)
        binds |= {name: near.binds[f"0_{name}"] for name in ("latitude", "longitude", "cosine")}
    return order.Key(order.By(table, descending, parameter.single), binds)
