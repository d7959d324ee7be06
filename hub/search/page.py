"""Runs a query on one projection: one page of matches, what they include, and the true total.

Where few resources match, their rids are taken and looked at one by one; where many do, an index is walked in the order
that is asked for. Either way an item that did not change is neither skipped nor repeated from page to page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Any

from hub.errors import Malformed
from hub.search import contents, order, statements
from hub.search.codes import OWN_CODES
from hub.search.conditions import Condition, Indexed, Not, binds_of
from hub.search.includes import INCLUDED_MAX, INCLUDED_OF_ONE_MAX, Seen, included
from hub.search.order import Key, Position
from hub.search.query import Query, Search, parse
from hub.search.registry import Registry
from hub.search.types.near import TABLE as POSITION
from hub.store.reader import Reader
from hub.store.shown import Shown, address
from hub.store.tables import Projection
from mappings.errors import Issue

__all__ = ["Page", "find", "matching"]

_FEW = 1000
"""So many matches are looked at one by one, where they are to be sorted or narrowed down."""
_VERY_FEW = 64
_UNSORTED = 200
"""The same where they are only to be counted, if a page holds as many."""
_MANY = 5000
"""So many are taken as they come, where counting them would cost as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`next_after` is where the next page begins, None on the last; `total` is None where it was not wanted.

    `kilometres` are those of the matches where a place was asked for, else there are none.
    `cut`: with the one match more was to be included than is shown.
    """

    matches: Sequence[Shown]
    kilometres: Sequence[float | None] = ()
    included: Sequence[Shown] = ()
    total: int | None
    next_after: str | None = None
    cut: bool = False


def find(reader: Reader, projection: Projection, query: Query) -> Page:
    """The page of a query."""
    total: int | None = 0
    found: list[list[Position]] = []
    known: dict[int, int] = {}
    for search in query.searches:
        one = _Search(reader, projection, search)
        rows, how_many = one.run(query)
        found.append(rows)
        known |= one.versions
        total = None if how_many is None or total is None else total + how_many
    if query.count == 0:
        return Page(matches=(), total=total)
    keys = query.order
    rows = found[0] if len(found) == 1 else list(merge(*found, key=order.by(keys)))
    more, rows = len(rows) > query.count, rows[: query.count]
    rids = [rid for _, rid in rows]
    matches = contents.by_rid(reader, projection, rids, known)
    others: Sequence[Shown] = ()
    cut = False
    if query.includes and rows:
        seen = _seen(query, rids, matches)
        versions, cut = included(reader, projection, query.following, seen, INCLUDED_MAX)
        while cut and len(seen) > 1:
            # A shorter page, so that nothing is missing from all of them.
            more, seen = True, seen[: len(seen) // 2]
            versions, cut = included(reader, projection, query.following, seen, INCLUDED_MAX)
        if cut:
            versions, cut = included(reader, projection, query.following, seen, INCLUDED_OF_ONE_MAX)
        rows, rids, matches = rows[: len(seen)], rids[: len(seen)], matches[: len(seen)]
        others = contents.by_version(reader, projection, versions)
    return Page(
        matches=matches,
        kilometres=_kilometres(reader, projection, query, rids),
        included=others,
        total=total,
        next_after=order.cursor(keys, rows[-1]) if more else None,
        cut=cut,
    )


def _seen(query: Query, rids: Sequence[int], matches: Sequence[Shown]) -> list[Seen]:
    """Where references are followed from."""
    if len(query.searches) == 1 and not query.following.needs_ids:
        return [(rid, 0, query.searches[0].type, "") for rid in rids]
    return [(rid, 0, *address(one)) for rid, one in zip(rids, matches, strict=True)]


def matching(
    reader: Reader,
    projection: Projection,
    registry: Registry,
    resource_type: str,
    pairs: Iterable[tuple[str, str]],
    base: str,
) -> list[str]:
    """The ids, two at most, that the criteria of a conditional interaction select.

    Raises `Malformed` where a criterion is not understood, or none is given.
    """
    query = parse(registry, resource_type, pairs, codes=OWN_CODES, base=base, strict=True)
    (search,) = query.searches
    if not search.conditions:
        raise Malformed(
            Issue(
                code="criteria-missing",
                fhir_code="required",
                place="http",
                text_de="ohne Kriterien ist jede Ressource gemeint; erwartet wird zum Beispiel identifier=System|Wert",
                text_en="without criteria every resource is meant; expected for example identifier=system|value",
            )
        )
    rows, _ = _Search(reader, projection, search).page(None, 2)
    return [address(one)[1] for one in contents.by_rid(reader, projection, [rid for _, rid in rows[:2]])]


def _kilometres(reader: Reader, projection: Projection, query: Query, rids: Sequence[int]) -> Sequence[float | None]:
    """How far those are from the place that was asked for."""
    if len(query.searches) != 1 or not rids:
        return ()
    for condition in query.searches[0].conditions:
        if isinstance(condition.shape, Indexed) and condition.shape.table == POSITION and condition.shape.terms:
            told = {name: condition.binds[f"0_{name}"] for name in ("latitude", "longitude", "cosine")}
            binds = {f"s0_{name}": value for name, value in {**told, "param": condition.binds["param"]}.items()}
            found: dict[int, float] = dict(reader.all(statements.distances(projection.name), {**binds, "rids": rids}))
            return [found.get(rid) for rid in rids]
    return ()


class _Search:
    """A search of one type, on one projection."""

    def __init__(self, reader: Reader, projection: Projection, search: Search) -> None:
        self._reader = reader
        self._view = projection.name
        self._type = search.type
        self._conditions = search.conditions
        self._shapes = search.shapes
        self._binds = search.binds
        self._keys = search.keys
        self.versions: dict[int, int] = {}
        """Those of rows, where a statement told them by the way."""

    def run(self, query: Query) -> tuple[list[Position], int | None]:
        """What stands behind the start of a page in order, one more than the page holds, and how many match at all."""
        rows, total = self.page(query.after, query.count + 1 if query.count else 0)
        if total is None and query.total != "none":
            total = self._total()
        return rows, total

    def page(self, start: Position | None, most: int) -> tuple[list[Position], int | None]:
        """The same, the total only where it is known already."""
        if len(self._conditions) == 1 and self._keys and most:
            found = self._few_by_key(start, most)
            if found is not None:
                return found
        if len(self._conditions) == 1 and not self._keys and most and start is None and self._shapes[0].names:
            rows = self._first_by_rid(most)
            return rows, len(rows) if len(rows) < most else None
        few = self._few(most) if self._conditions else None
        if few is None:
            if len(self._conditions) > 1 and not self._keys:
                rows = self._walk_rids(self._conditions, {**self._binds, "most": _MANY + 1}, None)
                if len(rows) <= _MANY:
                    return order.after((), rows, start)[:most], len(rows)
            if most == 0:
                return [], None
            return self._walk(self._conditions, self._keys, start, most), None
        if most == 0:
            return [], len(few)
        bys = [key.by for key in self._keys]
        rows = order.sorted_rows(bys, self._valued(few))
        return order.after(bys, rows, start)[:most], len(few)

    def _first_by_rid(self, most: int) -> list[Position]:
        """The first that one condition names: with all of a short answer nothing is left to count."""
        statement = statements.by_rid(self._view, self._shapes, 0, None, versions=True)
        found = sorted(self._reader.all(statement, {**self._binds, "most": most}))
        self.versions = dict(found)
        return [((), rid) for rid, _ in found]

    def _few_by_key(self, start: Position | None, most: int) -> tuple[list[Position], int] | None:
        """The same where one condition names few, each with one value of each key; else None."""
        (shape,), bys = self._shapes, tuple(key.by for key in self._keys)
        if not shape.names or not all(by.single or by.is_column for by in bys):
            return None
        row = self._reader.first(statements.few(self._view, shape), {**self._binds, "most": _FEW + 1})
        total = int(row[0]) if row else 0
        if total > _FEW:
            return None
        binds, there = _ordered(self._keys, start)
        statement = statements.few_by_key(self._view, shape, bys, there)
        rows = self._reader.all(statement, {**self._binds, **binds, "most": most})
        self.versions = {row[0]: row[1] for row in rows}
        return order.sorted_rows(bys, [(row[2:], row[0]) for row in rows]), total

    def _few(self, shown: int) -> list[int] | None:
        """The rids of all matches; None where there are many."""
        drivers = sorted(
            (number for number, shape in enumerate(self._shapes) if shape.names),
            key=lambda number: self._shapes[number].rank,
        )
        alone = len(self._shapes) == 1
        for most in (_FEW if self._keys else min(_UNSORTED, shown),) if alone else (_VERY_FEW, _FEW):
            for driver in drivers:
                found = self._named(driver, most)
                if found is None:
                    continue
                if alone or not found:
                    return list(found)
                statement = statements.fitting(self._view, self._shapes, driver)
                return [rid for (rid,) in self._reader.all(statement, {**self._binds, "rids": list(found)})]
        return None

    def _named(self, driver: int, most: int) -> set[int] | None:
        """The rids that one condition names; None where there are more than `most`, or no index names them."""
        condition = self._conditions[driver]
        binds = {f"c0_{name}": value for name, value in condition.binds.items()}
        rows = self._reader.all(statements.candidates(self._view, condition.shape), {**binds, "most": most + 1})
        return None if len(rows) > most else {rid for (rid,) in rows}

    def _valued(self, rids: list[int]) -> list[Position]:
        """The rids with their values for each key."""
        columns: list[dict[int, Any]] = []
        for key in self._keys:
            binds = {**_numbered(key.binds, 0), "rids": rids}
            rows = self._reader.all(statements.key_values(self._view, key.by), binds)
            if not key.by.single:
                # Of several values the last is kept: the smallest, descending the largest.
                rows.sort(reverse=not key.by.descending)
            columns.append(dict(rows))
        if len(columns) == 1:
            value = columns[0].get
            return [((value(rid),), rid) for rid in rids]
        return [(tuple(column.get(rid) for column in columns), rid) for rid in rids]

    def _total(self) -> int:
        if not self._conditions:
            row = self._reader.first(statements.total_of_type(self._view), {"type": self._type})
            return int(row[0]) if row else 0
        statement = statements.counted(self._view, self._shapes, self._driver(self._conditions))
        row = self._reader.first(statement, self._binds)
        return int(row[0]) if row else 0

    def _driver(self, conditions: Sequence[Condition]) -> int | None:
        """The condition that names the fewest; None where none names any."""
        shapes = tuple(condition.shape for condition in conditions)
        drivers = [number for number, shape in enumerate(shapes) if shape.names]
        if len(drivers) < 2:
            return drivers[0] if drivers else None
        sizes = {}
        for number in drivers:
            statement = statements.counted(self._view, (shapes[number],), 0, up_to=True)
            binds = {f"c0_{name}": value for name, value in conditions[number].binds.items()}
            row = self._reader.first(statement, {**binds, "most": _MANY})
            sizes[number] = (int(row[0]) if row else 0, shapes[number].rank)
        return min(sizes, key=lambda number: sizes[number])

    def _walk(
        self, conditions: tuple[Condition, ...], keys: tuple[Key, ...], start: Position | None, most: int
    ) -> list[Position]:
        """What stands behind the start in order: first what has a value of the first key, then what has none."""
        shapes = tuple(condition.shape for condition in conditions)
        binds: dict[str, object] = {"type": self._type, **binds_of(conditions), "most": most}
        if not keys:
            return self._walk_rids(conditions, binds, start)
        first, rows = keys[0], list[Position]()
        if start is None or start[0][0] is not None:
            more, there = _ordered(keys, start)
            binds |= more
            statement = statements.by_key(self._view, shapes, tuple(key.by for key in keys), there)
            rows += ((tuple(values), rid) for rid, *values in self._reader.all(statement, binds))
        if first.by.is_column or len(rows) >= most:
            return rows
        without = Condition(Not(Indexed(first.by.table, (), first.by.single)), {"param": first.binds["param"]})
        behind = start if start is not None and start[0][0] is None else None
        rest = self._walk(
            (*conditions, without), keys[1:], None if behind is None else (behind[0][1:], behind[1]), most - len(rows)
        )
        return [*rows, *(((None, *values), rid) for values, rid in rest)]

    def _walk_rids(
        self, conditions: tuple[Condition, ...], binds: dict[str, object], start: Position | None
    ) -> list[Position]:
        shapes = tuple(condition.shape for condition in conditions)
        if start is not None:
            binds["after"] = start[1]
        statement = statements.by_rid(self._view, shapes, self._driver(conditions), None if start is None else ())
        return [((), rid) for (rid,) in self._reader.all(statement, binds)]


def _ordered(keys: Sequence[Key], start: Position | None) -> tuple[dict[str, object], statements.Start]:
    """The binds of an order that begins behind a position, and which values of that there are."""
    binds = {name: value for place, key in enumerate(keys) for name, value in _numbered(key.binds, place).items()}
    if start is None:
        return binds, None
    binds |= {f"v{place}": value for place, value in enumerate(start[0])} | {"after": start[1]}
    return binds, tuple(value is not None for value in start[0])


def _numbered(binds: Mapping[str, object], place: int) -> dict[str, object]:
    return {f"s{place}_{name}": value for name, value in binds.items()}
