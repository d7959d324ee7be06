"""Sixty days of a source's deliveries, and ways in which an export breaks: what the drift alarm is measured by."""

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import registry
from adapters.base import Record
from hub.demo import csv_tables, json_files
from hub.demo.region import Region
from mappings.delivery_tally import DeliveryTally, Known
from mappings.drift import Profile, findings
from mappings.errors import Issue
from mappings.language import shipped
from mappings.patient_filter import admit
from mappings.source_map import SourceMap

Rows = list[dict[str, Any]]
WRITERS = {
    "csv-long": csv_tables.long_files,
    "csv-wide": csv_tables.wide_files,
    "json": json_files.facility_files,
}
FREE = {
    "csv-long": ("Frei",),
    "csv-wide": ("Dauerpflege frei", "Kurzzeitpflege frei", "Tagespflege frei"),
    "json": ("free",),
}
LICENSED = {
    "csv-long": ("Plätze",),
    "csv-wide": ("Dauerpflege Plätze", "Kurzzeitpflege Plätze", "Tagespflege Plätze"),
    "json": ("licensed",),
}
KEY = {"csv-long": "EinrichtungsID", "csv-wide": "Haus-Nr", "json": "id"}
SWAPS = {
    "csv-long": (("Frei", "Plätze"), ("Name", "Ort"), ("PLZ", "IK"), ("Breite", "Länge"), ("Belegt", "Warteliste")),
    "csv-wide": (("Dauerpflege frei", "Dauerpflege Plätze"), ("Einrichtung", "Ort"), ("PLZ", "IK")),
    "json": (("free", "licensed"), ("name", "city"), ("latitude", "longitude")),
}
VANISHING = {
    "csv-long": ("Telefon", "Plätze", "Warteliste", "Ort"),
    "csv-wide": ("Telefon", "Dauerpflege frei", "Kurzzeitpflege frei ab", "Ort"),
    "json": ("phone", "free", "careGrades", "validAt"),
}
CODES = {"csv-long": "Angebot", "json": "careForm"}


def records(region: Region, source: str) -> Rows:
    """What the source's adapter makes of the files of a day."""
    found: Rows = []
    for file in WRITERS[source](region):
        source_map = shipped()[source]
        for part in registry.adapter(source_map.format).decode(file.body, source_map.options).records:
            assert isinstance(part, Record)
            found.append(dict(part.fields))
    return found


def objects(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The records, and the objects in their lists."""
    for row in rows:
        yield row
        for value in row.values():
            if isinstance(value, list):
                yield from objects([each for each in value if isinstance(each, dict)])


def changed(rows: Rows, change: Callable[[dict[str, Any]], None]) -> Rows:
    made = copy.deepcopy(rows)
    for one in objects(made):
        change(one)
    return made


def _set(names: Sequence[str], convert: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def change(one: dict[str, Any]) -> None:
        for name in names:
            if one.get(name) not in (None, ""):
                one[name] = convert(one[name])

    return change


def _swap(first: str, second: str) -> Callable[[dict[str, Any]], None]:
    def change(one: dict[str, Any]) -> None:
        if first in one or second in one:
            one[first], one[second] = one.get(second, ""), one.get(first, "")

    return change


def _swapped(rows: Rows, first: str, second: str) -> Rows:
    """Two columns under each other's name; in the long CSV one of them may stand in the rows of an offer."""
    if all(first not in row for row in rows) and any("rows" in row for row in rows):
        made = copy.deepcopy(rows)
        for row in made:
            each = row["rows"][0]
            each[first], row[second] = row.get(second, ""), each.get(first, "")
        return made
    return changed(rows, _swap(first, second))


def _like(value: Any, number: int) -> Any:
    return number if isinstance(value, int) else str(number)


def drifts(rows: Rows, source: str) -> Iterator[tuple[str, Rows]]:
    """Every way of breaking, with what it makes of the day's records."""
    yield "all zeros", changed(rows, _zeros(source))
    if (filled := _blanks_are_zeros(rows, source)) != rows:
        yield "blanks are zeros", filled
    yield "no numbers", changed(rows, _set(FREE[source], lambda _value: ""))
    yield (
        "shifted decimals",
        changed(rows, _set((*FREE[source], *LICENSED[source]), lambda value: _like(value, int(float(value) * 10)))),
    )
    for first, second in SWAPS[source]:
        yield f"swapped columns {first}/{second}", _swapped(rows, first, second)
    for name in (name for name in VANISHING[source] if _says_something(rows, name)):
        yield f"vanished column {name}", changed(rows, lambda one, name=name: one.pop(name, None))  # type: ignore[misc]
    if source in CODES:
        yield (
            "new code",
            changed(rows, _set((CODES[source],), lambda code: "Langz.-Pfl. neu" if _is_long(code) else code)),
        )
        yield "all one code", changed(rows, _set((CODES[source],), lambda _code: "tagespflege"))
    yield "halved file", copy.deepcopy(rows[: len(rows) // 2])
    yield "other keys", changed(rows, _set((KEY[source],), lambda key: f"neu-{key}"))
    yield "an hour's garbage", changed(rows, _set(FREE[source], lambda _value: "?"))


def _says_something(rows: Rows, name: str) -> bool:
    return any(one.get(name) not in (None, "", []) for one in objects(rows))


def _zeros(source: str) -> Callable[[dict[str, Any]], None]:
    plain = _set(FREE[source], lambda value: _like(value, 0))

    def change(one: dict[str, Any]) -> None:
        plain(one)
        if source == "json" and one.get("state") == "some":
            one["state"], one["blocks"] = "none", []

    return change


def _blanks_are_zeros(rows: Rows, source: str) -> Rows:
    def change(one: dict[str, Any]) -> None:
        for name in FREE[source]:
            if name in one and one[name] == "":
                one[name] = "0"
            elif source == "json" and "careForm" in one and name not in one:
                one[name] = 0

    return changed(rows, change)


def _is_long(code: str) -> bool:
    return code in ("Dauerpflege", "vollst.", "dauerpflege", "Pflegedienst", "AMB", "ambulante-pflege")


@dataclass(slots=True)
class Source:
    """A source under watch: its profile, and what is known of its offers."""

    source_map: SourceMap
    profile: Profile = field(default_factory=Profile)
    known: dict[str, Known] = field(default_factory=dict)

    def tally(self, rows: Sequence[Mapping[str, Any]]) -> DeliveryTally:
        tally = DeliveryTally(names=self.source_map.names)
        for row in rows:
            kept = admit(row, self.source_map).fields
            mapped = self.source_map.read(kept)
            tally.add(kept, mapped.issues, mapped.reports)
        return tally

    def examine(self, rows: Rows) -> tuple[Issue, ...]:
        return findings(self.profile, self.tally(rows).snapshot(at=0, known=self.known))

    def take(self, rows: Rows, at: int, *, accepted: bool = False) -> None:
        tally = self.tally(rows)
        if self.profile.is_news(at, tally.records):
            self.profile = self.profile.with_one_more(tally.snapshot(at=at, known=self.known, accepted=accepted))
        self.known |= tally.sample


def is_held(issues: Sequence[Issue]) -> bool:
    return any(issue.severity == "error" for issue in issues)


@dataclass(slots=True)
class Tallied:
    """How often the alarm was raised, and should have been."""

    days: int = 0
    false_alarms: list[str] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)


def watch(source: str, regions: Iterable[Region], *, first: int | None = None, every: int = 1) -> Tallied:
    """Day by day: the delivery as it is, and on every so manieth day after a week each way of breaking it."""
    tallied, watched = Tallied(), Source(shipped()[source])
    for number, region in enumerate(regions):
        rows = records(region, source)[:first]
        found = watched.examine(rows)
        tallied.days += 1
        if is_held(found):
            tallied.false_alarms.append(f"{source}, day {number}: {'; '.join(map(str, found))}")
        if number >= 7 and number % every == 0:
            for name, broken in drifts(rows, source):
                kind = name.partition(" column")[0]
                tallied.broken[kind] += 1
                tallied.held[kind] += is_held(watched.examine(broken))
        watched.take(rows, number * 86_400_000_000, accepted=is_held(found))
    return tallied
