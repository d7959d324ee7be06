"""The free blocks of a view's offers, in memory: what the search for places reads, and the database says of them.

They lie by bands of latitude, ordered by longitude. A band is read when somebody looks there first; from then on it
follows the list of changes that every write of an offer's places, times, areas or members and of a version leaves
(`Projection.change`). Who writes here holds the lock. What is `Known` is never changed, but replaced: who reads it
needs none, and reads all of it as of one moment; members and versions are looked up one by one.
"""

import math
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, bindparam, func, select

from hub.store.block_rows import NOT_SAID, NUMBERS, TIMES, Rows
from hub.store.change_kind import ChangeKind
from hub.store.prepared import Prepared, one_of, packed_pair
from hub.store.shown import Version
from hub.store.tables import VIEWS, Projection
from hub.store.words import Words

__all__ = ["BANDS", "Blocks", "Known", "on_sphere"]

Read = Callable[[Prepared, Mapping[str, Any]], list[tuple[Any, ...]]]
"""Reads all rows of a statement, in one snapshot."""

_Place = tuple[Any, ...]
"""A block as it is read: `_places`."""
_Change = tuple[int, int, int]
"""The number of a change, a row and the kind."""
_N = TypeVar("_N", np.int16, np.uint32)

BANDS = 8
"""Bands of latitude in a degree: 14 km each, as far as people mostly look."""
_UNPLACED = np.iinfo(np.int16).min

_CHANGES_MAX = 20_000
_OFFERS_MAX = 3_000
"""What is read again because it changed; where more did, all is forgotten, and read again when it is needed."""

_Kind = tuple[int, int]
"""The numbers of a care form and a state."""


class _Span(NamedTuple):
    """Where the blocks of a kind begin and end, and what any of them serves and has (bit masks)."""

    begin: int
    end: int
    needs: int
    rooms: int


class _Band(NamedTuple):
    """The blocks of a band by care form and state, and ascending by longitude; those of one offer side by side."""

    spans: Mapping[_Kind, _Span]
    longitudes: "array[float]"
    rows: Rows
    of_any: NDArray[np.intp]
    """The places of the rows ascending by longitude, whatever their kind."""
    longitudes_of_any: "array[float]"

    @classmethod
    def of(cls, longitudes: NDArray[np.float64], rows: Rows) -> "_Band":
        """That of blocks in any order."""
        order = np.lexsort((rows["rid"], longitudes, rows["state"], rows["care_form"]))
        rows = rows.at(order)
        kinds = list(zip(rows["care_form"].tolist(), rows["state"].tolist(), strict=True))
        spans = {}
        end = 0
        for kind, several in groupby(kinds):
            begin, end = end, end + sum(1 for _ in several)
            needs, rooms = (int(np.bitwise_or.reduce(rows[name][begin:end])) for name in ("needs", "rooms"))
            spans[kind] = _Span(begin, end, needs, rooms)
        longitudes = longitudes[order]
        of_any = np.lexsort((rows["rid"], longitudes))
        return cls(spans, _packed(longitudes), rows, of_any, _packed(longitudes[of_any]))


class Known(NamedTuple):
    """What is kept of blocks as of one change: never changed, but replaced."""

    seen: int
    """The newest change that it knows."""
    bands: Mapping[int, _Band]
    coming: Mapping[int, tuple[int, ...]]
    """The services that come to a postal code, by their rids."""
    services: Mapping[int, Rows]
    """The blocks of those services."""


class Blocks:
    """Those of one view, in one process."""

    def __init__(self, projection: Projection) -> None:
        self._view = projection.name
        self.care_forms, self.states, self.languages = Words(), Words(), Words()
        self._lock = Lock()
        self._forget(-1)

    def _forget(self, seen: int) -> None:
        self._known = Known(seen, {}, {}, {})
        self._band_of = np.empty(0, np.int16)
        """In which band an offer lies, by its rid."""
        self._members: dict[int, bytes] = {}
        """The rids of what is shown with an offer, packed."""
        self._versions = np.empty(0, np.uint32)
        """The version of a resource, by its rid; `_UNREAD` and `_DELETED`."""

    def follow(self, read: Read) -> Known:
        """Brings what is kept to a snapshot, unless it knows more already; what is kept then.

        Who looks at several places hands it on to `around` and `coming`: an offer that moves meanwhile is in one alone.
        """
        if self._known.seen < 0:
            newest = self._newest(read)
            with self._lock:
                if self._known.seen < 0:
                    self._known = self._known._replace(seen=newest)
                    return self._known
            # Another was first, and has read bands of an older snapshot, perhaps.
        changes = read(_changes(self._view), {"seen": self._known.seen, "most": _CHANGES_MAX + 1})
        if changes:
            with self._lock:
                if changes[-1][0] > self._known.seen:
                    self._apply(read, changes)
        return self._known

    def read_ahead(self, read: Read, south: float, north: float) -> None:
        """Keeps what lies between two latitudes, give or take a band, where it is not kept yet."""
        self._bands(read, self.follow(read), south, north)

    def around(
        self,
        read: Read,
        known: Known,
        care_forms: Sequence[str],
        states: Sequence[str],
        south: float,
        north: float,
        west: float,
        east: float,
        *,
        needs: int = 0,
        rooms: int = 0,
    ) -> Rows:
        """The blocks of some care forms and states in a rectangle, give or take a band; without some of those that do
        not serve all `needs`, or have none of the `rooms`.

        Those of one offer stand side by side.
        """
        bands = self._bands(read, known, south, north)
        # Only now has each of their care forms and states a number.
        kinds = self._kinds(care_forms, states)
        found = []
        for band in bands:
            longitudes = band.longitudes
            for kind in kinds & band.spans.keys():
                span = band.spans[kind]
                if needs & ~span.needs or (rooms and not rooms & span.rooms):
                    continue
                first = bisect_left(longitudes, west, span.begin, span.end)
                last = bisect_right(longitudes, east, first, span.end)
                if first < last:
                    found.append(band.rows.cells[first:last])
        return Rows(np.concatenate(found)) if found else Rows.of(())

    def of_any_kind(self, read: Read, known: Known, south: float, north: float, west: float, east: float) -> Rows:
        """The blocks of every care form and state in a rectangle, give or take a band.

        Those of one offer stand side by side.
        """
        found = []
        for band in self._bands(read, known, south, north):
            first = bisect_left(band.longitudes_of_any, west)
            last = bisect_right(band.longitudes_of_any, east, first)
            if first < last:
                found.append(band.rows.at(band.of_any[first:last]))
        return Rows.joined(found)

    def _bands(self, read: Read, known: Known, south: float, north: float) -> Sequence[_Band]:
        numbers = range(math.floor(south * BANDS), math.floor(north * BANDS) + 1)
        kept = known.bands
        if not kept.keys() >= set(numbers):
            kept = kept if self._is_of(read, known) else {}
            for begin in range(0, len(numbers), BANDS):
                if missing := [number for number in numbers[begin : begin + BANDS] if number not in kept]:
                    kept = {**kept, **self._read_bands(read, missing)}
        return [kept[number] for number in numbers]

    def _kinds(self, care_forms: Sequence[str], states: Sequence[str]) -> set[_Kind]:
        return {(form, state) for form in self.care_forms.numbers(care_forms) for state in self.states.numbers(states)}

    def coming(self, read: Read, known: Known, postal_codes: Sequence[int]) -> Rows:
        """The blocks of the services that say that they come to one of the postal codes, wherever they are; those of a
        service side by side.
        """
        kept = known.services
        areas = {code: known.coming.get(code) for code in postal_codes}
        services = {rid: kept.get(rid) for rids in areas.values() for rid in rids or ()}
        if (None in areas.values() or None in services.values()) and not self._is_of(read, known):
            areas, services, kept = dict.fromkeys(postal_codes), {}, {}
        if missing := [code for code, rids in areas.items() if rids is None]:
            areas |= self._read_areas(read, missing)
            services |= {rid: kept.get(rid) for code in missing for rid in areas[code] or ()}
        if unread := [rid for rid, rows in services.items() if rows is None]:
            services |= self._read_services(read, unread)
        return Rows.joined([rows for rows in services.values() if rows is not None])

    def shown(self, read: Read, offers: Sequence[int]) -> tuple[list[Version], list[Version]]:
        """The versions of offers, in their order without those that are deleted, and of what is shown with them."""
        packed = {rid: self._members.get(rid) for rid in offers}
        if unread := [rid for rid, members in packed.items() if members is None]:
            packed |= self._read_members(read, unread)
        rids = np.frombuffer(b"".join(packed[rid] or b"" for rid in offers), np.int64)
        members = list(dict.fromkeys(rids.tolist()))
        return self._current(read, offers), self._current(read, members)

    def _current(self, read: Read, rids: Sequence[int]) -> list[Version]:
        versions = self._versions_of(read, rids)
        return [packed_pair(rid, number) for rid, number in zip(rids, versions, strict=True) if number != _DELETED]

    def _versions_of(self, read: Read, rids: Sequence[int]) -> list[int]:
        known = self._versions
        if max(rids, default=0) >= len(known):
            found = [int(known[rid]) if rid < len(known) else _UNREAD for rid in rids]
        else:
            found = known.take(rids).tolist()
        if _UNREAD in found:
            unread = [rid for rid, version in zip(rids, found, strict=True) if version == _UNREAD]
            told = self._read_versions(read, unread)
            found = [told[rid] if version == _UNREAD else version for rid, version in zip(rids, found, strict=True)]
        return found

    def _newest(self, read: Read) -> int:
        ((newest,),) = read(_newest(self._view), {})
        return newest or 0

    def _apply(self, read: Read, changes: Sequence[_Change]) -> None:
        ((oldest,),) = read(_oldest(self._view), {})
        by_kind: dict[int, set[int]] = {}
        for _, rid, kind in changes:
            by_kind.setdefault(kind, set()).add(rid)
        offers = by_kind.get(_PLACES, set())
        known = self._known
        if len(changes) > _CHANGES_MAX or len(offers) > _OFFERS_MAX or oldest > known.seen + 1:
            # Too much, or of some it is not known any more what it was.
            self._forget(self._newest(read))
            return
        bands, services = known.bands, known.services
        if offers:
            bands = self._put(list(offers), read(_of_offers(self._view), {"rids": list(offers)}))
        if not services.keys().isdisjoint(offers):
            services = {rid: rows for rid, rows in services.items() if rid not in offers}
        for rid in self._members.keys() & by_kind.get(_MEMBERS, set()):
            del self._members[rid]
        self._versions[[rid for rid in by_kind.get(_VERSION, ()) if rid < len(self._versions)]] = _UNREAD
        self._known = Known(changes[-1][0], bands, {} if _AREAS in by_kind else known.coming, services)

    def _put(self, rids: Sequence[int], places: Sequence[_Place]) -> Mapping[int, _Band]:
        """The bands that are here with other blocks of offers."""
        new: dict[int, list[_Place]] = {}
        for place in places:
            new.setdefault(_band(place), []).append(place)
        self._band_of = _with_room(self._band_of, max(rids), _UNPLACED)
        before = self._band_of[rids]
        gone = np.array(rids)
        bands = dict(self._known.bands)
        for number in {*new, *before.tolist()} & bands.keys():
            band = bands[number]
            stays = np.isin(band.rows["rid"], gone[before == number], invert=True)
            longitudes, rows = self._made(new.get(number, ()))
            before_it = np.frombuffer(band.longitudes, np.float64)[stays]
            bands[number] = _Band.of(
                np.concatenate((before_it, longitudes)), Rows.joined((band.rows.where(stays), rows))
            )
        self._band_of[rids] = _UNPLACED
        for number, there in new.items():
            self._band_of[[place[0] for place in there]] = number
        return bands

    def _read_bands(self, read: Read, numbers: Sequence[int]) -> dict[int, _Band]:
        """Those of these numbers, which ascend; a few together, so that what was read is kept where all takes long."""
        by_band: dict[int, list[_Place]] = {number: [] for number in numbers}
        for place in read(_between(self._view), {"south": numbers[0] / BANDS, "north": (numbers[-1] + 1) / BANDS}):
            if (several := by_band.get(_band(place))) is not None:
                several.append(place)
        bands = {number: _Band.of(*self._made(places)) for number, places in by_band.items()}
        with self._lock:
            if self._is_of(read, self._known):
                self._known = self._known._replace(bands={**self._known.bands, **bands})
                for number, places in by_band.items():
                    if places:
                        rids = [place[0] for place in places]
                        self._band_of = _with_room(self._band_of, max(rids), _UNPLACED)
                        self._band_of[rids] = number
        return bands

    def _read_areas(self, read: Read, postal_codes: Sequence[int]) -> dict[int, tuple[int, ...]]:
        found: dict[int, tuple[int, ...]] = dict.fromkeys(postal_codes, ())
        for code, rid in read(_areas(self._view), {"postal_codes": list(postal_codes)}):
            found[code] += (rid,)
        with self._lock:
            if self._is_of(read, self._known):
                self._known = self._known._replace(coming={**self._known.coming, **found})
        return found

    def _read_services(self, read: Read, rids: Sequence[int]) -> dict[int, Rows]:
        places: dict[int, list[_Place]] = {rid: [] for rid in rids}
        for place in read(_of_offers(self._view), {"rids": list(rids)}):
            places[place[0]].append(place)
        made = {rid: self._made(several)[1] for rid, several in places.items()}
        found = {rid: rows.where(rows["by_area"] != 0) for rid, rows in made.items()}
        with self._lock:
            if self._is_of(read, self._known):
                self._known = self._known._replace(services={**self._known.services, **found})
        return found

    def _read_members(self, read: Read, offers: Sequence[int]) -> dict[int, bytes]:
        members: dict[int, list[int]] = {rid: [] for rid in offers}
        for rid, member in read(_members(self._view), {"rids": list(offers)}):
            members[rid].append(member)
        found = {rid: np.array(several, np.int64).tobytes() for rid, several in members.items()}
        with self._lock:
            if self._is_of(read, self._known):
                self._members |= found
        return found

    def _read_versions(self, read: Read, rids: Sequence[int]) -> dict[int, int]:
        found = dict.fromkeys(rids, _DELETED)
        found |= read(_versions(self._view), {"rids": list(rids)})
        with self._lock:
            if self._is_of(read, self._known):
                self._versions = _with_room(self._versions, max(rids), _UNREAD)
                self._versions[rids] = [found[rid] for rid in rids]
        return found

    def _is_of(self, read: Read, known: Known) -> bool:
        """Whether a snapshot says what is known: it may be older than what others have read meanwhile, or newer."""
        return self._newest(read) == known.seen

    def _made(self, places: Sequence[_Place]) -> tuple[NDArray[np.float64], Rows]:
        """The longitudes of blocks, and these."""
        longitudes = np.array([place[_LONGITUDE] for place in places], np.float64)
        return longitudes, Rows.of([self._block(place) for place in places])

    def _block(self, place: _Place) -> tuple[int, ...]:
        rid, latitude, longitude, valid_at, *numbers, by_area, languages, care_form, state = place
        x, y, z = on_sphere(latitude, longitude)
        return (
            *(rid, *_BITS.unpack(_FLOATS.pack(x, y, z)), NOT_SAID if valid_at is None else valid_at, *numbers),
            self.languages.number(languages),
            self.care_forms.number(care_form),
            self.states.number(state),
            by_area,
        )


def on_sphere(latitude: float, longitude: float) -> tuple[float, float, float]:
    """A place on a sphere of radius 1, of degrees; the same for one place, wherever it is asked."""
    phi, along = math.radians(latitude), math.radians(longitude)
    flat = math.cos(phi)
    return flat * math.cos(along), flat * math.sin(along), math.sin(phi)


_PLACES, _AREAS, _MEMBERS, _VERSION = (kind.value for kind in ChangeKind)
_UNREAD, _DELETED = 0, 2**32 - 1
_FLOATS, _BITS = struct.Struct("=3d"), struct.Struct("=3q")
_LATITUDE, _LONGITUDE = 1, 2


def _packed(longitudes: NDArray[np.float64]) -> "array[float]":
    """As `bisect` looks into them fastest."""
    return array("d", longitudes.tobytes())


def _band(place: _Place) -> int:
    latitude: float = place[_LATITUDE]
    return math.floor(latitude * BANDS)


def _with_room(numbers: NDArray[_N], rid: int, nothing: int) -> NDArray[_N]:
    """Numbers by rid with room for another."""
    if rid < len(numbers):
        return numbers
    more = np.full(max(rid + 1, len(numbers) + len(numbers) // 4), nothing, numbers.dtype)
    more[: len(numbers)] = numbers
    return more


def _places(view: str) -> Select[Any]:
    vacancy, freshness = VIEWS[view].vacancy, VIEWS[view].freshness
    return select(
        *(vacancy.c.rid, vacancy.c.latitude, vacancy.c.longitude),
        *(freshness.c[name] for name in TIMES),
        *(vacancy.c[name] for name in NUMBERS),
        *(vacancy.c.by_area, vacancy.c.languages, vacancy.c.care_form, vacancy.c.state),
    ).join(freshness, freshness.c.rid == vacancy.c.rid)


@lru_cache
def _between(view: str) -> Prepared:
    latitude = VIEWS[view].vacancy.c.latitude
    return Prepared(_places(view).where(latitude >= bindparam("south"), latitude < bindparam("north")))


@lru_cache
def _of_offers(view: str) -> Prepared:
    return Prepared(_places(view).where(one_of(VIEWS[view].vacancy.c.rid, "rids")))


@lru_cache
def _areas(view: str) -> Prepared:
    area = VIEWS[view].service_area
    return Prepared(
        select(area.c.postal_code, area.c.rid).where(one_of(area.c.postal_code, "postal_codes")).order_by(area.c.rid)
    )


@lru_cache
def _members(view: str) -> Prepared:
    member = VIEWS[view].member
    of_offers = select(member.c.rid, member.c.member).where(one_of(member.c.rid, "rids"))
    return Prepared(of_offers.order_by(member.c.rid, member.c.member))


@lru_cache
def _versions(view: str) -> Prepared:
    resource = VIEWS[view].resource
    return Prepared(
        select(resource.c.rid, resource.c.version).where(one_of(resource.c.rid, "rids"), resource.c.deleted.is_(False))
    )


@lru_cache
def _changes(view: str) -> Prepared:
    change = VIEWS[view].change
    later = select(change.c.seq, change.c.rid, change.c.kind).where(change.c.seq > bindparam("seen"))
    return Prepared(later.order_by(change.c.seq).limit(bindparam("most")))


@lru_cache
def _newest(view: str) -> Prepared:
    return Prepared(select(func.max(VIEWS[view].change.c.seq)))


@lru_cache
def _oldest(view: str) -> Prepared:
    return Prepared(select(func.min(VIEWS[view].change.c.seq)))
