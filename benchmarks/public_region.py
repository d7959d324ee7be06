"""The public directory and vacancy of a hub's database, as any FHIR server can be given it, and what is found in it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

import orjson
from sqlalchemy import select

from hub.store.database import Database
from hub.store.repository import current
from hub.store.tables import VIEWS
from mappings.gazetteer import kilometres

__all__ = ["Circle", "PublicRegion", "Wanted"]

_TYPES = ("Organization", "Location", "HealthcareService", "Schedule", "Slot")
"""In an order in which what is referred to comes first."""

Tree = dict[str, Any]


class Circle(NamedTuple):
    """A place and how far from it is looked."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a question asks of a Schedule and what belongs to it; the place is a circle or postal codes."""

    place: Circle | Collection[str]
    care_forms: Collection[str]
    need: str | None
    begun_by: str | None
    """An instant by which a Slot has begun."""


@dataclass(frozen=True, slots=True)
class _Offer:
    id: str
    location: str
    care_forms: frozenset[str]
    needs: frozenset[str]


@dataclass(slots=True)
class PublicRegion:
    """The resources of the public view, read from the database a Bundle at a time, and what stands in them."""

    database: str
    number: int = 0
    _positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    _postal_codes: dict[str, str] = field(default_factory=dict)
    _needs: dict[str, frozenset[str]] = field(default_factory=dict)
    _box: tuple[float, float, float, float] = (0, 0, 0, 0)
    _offers: list[_Offer] = field(default_factory=list)
    _free: set[str] = field(default_factory=set)
    _first: dict[str, str] = field(default_factory=dict)
    """When the first Slot of a Schedule begins, free or not."""

    def __post_init__(self) -> None:
        for one in self._resources():
            self.number += 1
            self._note(one)
        latitudes, longitudes = zip(*self._positions.values(), strict=True)
        self._box = (min(latitudes), max(latitudes), min(longitudes), max(longitudes))

    def bundles(self, entries: int) -> Iterator[bytes]:
        """Transactions that PUT every resource at its id, of so many entries at most."""
        resources = self._resources()
        while some := list(islice(resources, entries)):
            yield orjson.dumps(
                {"resourceType": "Bundle", "type": "transaction", "entry": [_put(resource) for resource in some]}
            )

    def near(self, latitude: float, longitude: float, km: float) -> bool:
        """Whether a facility stands within a distance."""
        south, north, west, east = self._box
        if not (south - 1 < latitude < north + 1 and west - 1 < longitude < east + 1):
            return False
        return any(kilometres(latitude, longitude, *position) <= km for position in self._positions.values())

    def expected(self, wanted: Wanted) -> set[str]:
        """The ids of the Schedules that a question is to find."""
        there: Collection[str]
        if isinstance(wanted.place, Circle):
            latitude, longitude, km = wanted.place
            there = {name for name, at in self._positions.items() if kilometres(latitude, longitude, *at) <= km}
        else:
            there = {name for name, code in self._postal_codes.items() if code in wanted.place}
        return {
            offer.id
            for offer in self._offers
            if offer.location in there
            and not offer.care_forms.isdisjoint(wanted.care_forms)
            and (wanted.need is None or wanted.need in offer.needs)
            and offer.id in self._free
            and (wanted.begun_by is None or self._first[offer.id] <= wanted.begun_by)
        }

    def _resources(self) -> Iterator[Tree]:
        """All, what is referred to first; without the version and instant that this hub gave them."""
        store = Database(self.database)
        tables = VIEWS["public"]
        row = tables.resource
        with store.reading() as connection:
            for kind in _TYPES:
                statement = (
                    select(tables.history.c.content)
                    .join(row, current(tables))
                    .where(row.c.type == kind, row.c.deleted.is_(False))
                    .order_by(row.c.rid)
                )
                parts = (False, True) if kind == "Organization" else (False,)
                for part in parts:
                    for (content,) in connection.execution_options(yield_per=1000).execute(statement):
                        resource = orjson.loads(content)
                        if kind == "Organization" and ("partOf" in resource) != part:
                            continue
                        for name in ("versionId", "lastUpdated"):
                            resource["meta"].pop(name, None)
                        yield resource

    def _note(self, resource: Tree) -> None:
        name = resource["id"]
        match resource["resourceType"]:
            case "Location":
                if position := resource.get("position"):
                    self._positions[name] = (position["latitude"], position["longitude"])
                self._postal_codes[name] = resource.get("address", {}).get("postalCode", "")
            case "HealthcareService":
                self._needs[name] = _codes(resource.get("characteristic", ()))
            case "Schedule":
                actors = dict(actor["reference"].split("/") for actor in resource["actor"])
                self._offers.append(
                    _Offer(
                        name,
                        actors.get("Location", ""),
                        _codes(resource.get("serviceType", ())),
                        self._needs.get(actors.get("HealthcareService", ""), frozenset()),
                    )
                )
            case "Slot":
                schedule = resource["schedule"]["reference"].split("/")[1]
                begins = _utc(resource["start"])
                self._first[schedule] = min(begins, self._first.get(schedule, begins))
                if resource["status"] == "free":
                    self._free.add(schedule)


def _put(resource: Tree) -> Tree:
    address = f"{resource['resourceType']}/{resource['id']}"
    return {
        "fullUrl": f"http://example.org/fhir/{address}",
        "resource": resource,
        "request": {"method": "PUT", "url": address},
    }


def _codes(concepts: Sequence[Tree]) -> frozenset[str]:
    return frozenset(coding["code"] for concept in concepts for coding in concept.get("coding", ()))


def _utc(instant: str) -> str:
    """An instant as one that can be compared as text."""
    return datetime.fromisoformat(instant).astimezone(UTC).isoformat()
