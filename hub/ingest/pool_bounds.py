"""What offers that share places know of each other: a newer word of one is the most that the others have.

A facility that is told of whole, as most are, costs nothing here: what is said at one moment bounds nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select

from hub.store.tables import pool_bound, statement
from mappings.pools import bounds
from mappings.vacancy import VacancyReport

__all__ = ["PoolBounds", "Pooled"]

_REPORT: TypeAdapter[VacancyReport] = TypeAdapter(VacancyReport)
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A statement of an offer that shares places."""

    offer: str
    facility: str
    at: int
    report: VacancyReport
    expired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBounds:
    """How many places offers have at most, and for which of them that is new."""

    most: Mapping[str, int]
    changed: frozenset[str]
    """Offers, told of or not, that were bound otherwise before."""

    @classmethod
    def of(cls, connection: Connection, source: str, told: Sequence[Pooled], *, now: int) -> "PoolBounds":
        """Those of a delivery's offers, which need not be written yet, and of all they share places with."""
        facilities = {one.facility for one in told if one.report.offer.pool}
        return cls._of(connection, source, sorted(facilities), {one.offer: one for one in told}, now)

    @classmethod
    def left(cls, connection: Connection, source: str, facilities: Collection[str], *, now: int) -> "PoolBounds":
        """Those of facilities' offers by what is written of them, once some of that counts no more."""
        return cls._of(connection, source, sorted(facilities), {}, now)

    @classmethod
    def _of(
        cls, connection: Connection, source: str, facilities: Sequence[str], own: Mapping[str, Pooled], now: int
    ) -> "PoolBounds":
        if not facilities:
            return cls(most={}, changed=frozenset())
        moments: dict[str, set[int]] = {}
        offers = set(own)
        for row in _times(connection, source, facilities):
            offers.add(row.offer)
            if row.offer not in own:
                moments.setdefault(row.facility, set()).add(row.ordered_at)
        for one in own.values():
            moments.setdefault(one.facility, set()).add(one.at)
        before = _before(connection, sorted(offers))
        most: dict[str, int] = {}
        for facility in facilities:
            if len(moments.get(facility, ())) > 1:
                most.update(_bounds(connection, source, facility, own, now))
        changed = frozenset(offer for offer in {*most, *before} if most.get(offer) != before.get(offer))
        return cls(most=most, changed=changed)

    def of_offers(self, connection: Connection, offers: Collection[str]) -> dict[str, int]:
        """The bounds of offers, also of those whose facility was not told of now."""
        return {**_before(connection, sorted(offers)), **{one: self.most[one] for one in offers if one in self.most}}

    def keep(self, connection: Connection) -> None:
        """Write down how offers are bound now."""
        _delete(connection, self.changed)
        rows = [{"offer": offer, "most": self.most[offer]} for offer in sorted(self.changed & self.most.keys())]
        if rows:
            connection.execute(insert(pool_bound), rows)


def _times(connection: Connection, source: str, facilities: Sequence[str]) -> Iterable[Any]:
    columns = select(statement.c.offer, statement.c.facility, statement.c.ordered_at)
    for begin in range(0, len(facilities), _CHUNK):
        of_it = statement.c.facility.in_(facilities[begin : begin + _CHUNK])
        yield from connection.execute(columns.where(statement.c.source == source, of_it))


def _bounds(connection: Connection, source: str, facility: str, own: Mapping[str, Pooled], now: int) -> dict[str, int]:
    said = [(one.offer, one.at, one.report) for one in own.values() if one.facility == facility and not one.expired]
    of_it = select(statement).where(statement.c.source == source, statement.c.facility == facility)
    said.extend(
        (row.offer, row.ordered_at, _REPORT.validate_json(row.report))
        for row in connection.execute(of_it)
        if row.offer not in own and row.expires_at > now
    )
    return bounds(said)


def _before(connection: Connection, offers: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for begin in range(0, len(offers), _CHUNK):
        some = pool_bound.c.offer.in_(offers[begin : begin + _CHUNK])
        found.update((row.offer, row.most) for row in connection.execute(select(pool_bound).where(some)))
    return found


def _delete(connection: Connection, offers: Collection[str]) -> None:
    if offers:
        connection.execute(delete(pool_bound).where(pool_bound.c.offer.in_(sorted(offers))))
