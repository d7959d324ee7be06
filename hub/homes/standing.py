"""What a home has said last, offer by offer, and when that is due again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import Connection, select

from hub.homes.home import Home
from hub.store.tables import statement
from mappings.source_map import Ladder
from mappings.vacancy import ReportedBy

__all__ = ["Said", "Standing", "standings"]

_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The last statement of one offer; its moment in microseconds since 1970."""

    free: int | None
    said_at: int
    by: ReportedBy | None
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A home and what it said last: care form → statement, None where it never said anything."""

    home: Home
    said: dict[str, Said | None]
    ladder: Ladder

    @property
    def oldest(self) -> int | None:
        """The moment of the statement that turns stale first; None where none was ever made."""
        return min((one.said_at for one in self.said.values() if one is not None), default=None)

    @property
    def stale_at(self) -> int | None:
        """When the first of its statements turns stale; None where none was ever made."""
        return None if self.oldest is None else self.oldest + _micros(self.ladder.aging)

    @property
    def expires_at(self) -> int | None:
        """When the first of its statements counts no more; None where none was ever made."""
        return None if self.oldest is None else self.oldest + _micros(self.ladder.stale)

    @property
    def is_whole(self) -> bool:
        """Whether it said something of each of its offers."""
        return None not in self.said.values()

    def remind_at(self, care_form: str) -> int:
        """When somebody should ask for an offer: a day before it turns stale, sooner where that is soon; from the
        beginning where nothing was ever said of it."""
        said = self.said[care_form]
        if said is None:
            return self.home.added_at
        aging = _micros(self.ladder.aging)
        return said.said_at + aging - min(_DAY, aging // 2)

    def due(self, now: int) -> tuple[str, ...]:
        """The care forms that somebody should ask for by `now`."""
        return tuple(care_form for care_form in self.said if self.remind_at(care_form) <= now)

    @property
    def shown(self) -> bytes:
        """The versions of all statements: what a form that shows them goes with."""
        told = (one.digest.hex() if one else "-" for one in self.said.values())
        return "\n".join((*self.said, *told)).encode()

    @property
    def free(self) -> dict[str, int | None]:
        """The places that are free by care form, as far as they were ever told."""
        return {care_form: one.free if one else None for care_form, one in self.said.items()}


_DAY = 86_400_000_000


def standings(connection: Connection, homes: Sequence[Home], ladder: Ladder) -> list[Standing]:
    """What each home said last, in their order; what was withdrawn was never said."""
    ids = {home.offer_id(offer.care_form): home for home in homes for offer in home.offers}
    wanted, found = list(ids), {}
    columns = (statement.c.offer, statement.c.ordered_at, statement.c.expired, statement.c.expires_at)
    for begin in range(0, len(wanted), _CHUNK):
        chunk = wanted[begin : begin + _CHUNK]
        rows = select(*columns, statement.c.digest, statement.c.report).where(statement.c.offer.in_(chunk))
        for row in connection.execute(rows):
            is_withdrawn = row.expired and row.expires_at < row.ordered_at + _micros(ladder.stale)
            # An id may have been another home's before.
            if is_withdrawn or row.ordered_at < ids[row.offer].added_at:
                continue
            told = orjson.loads(row.report)
            by = told.get("reported_by")
            found[row.offer] = Said(
                free=told["counts"]["accepting"],
                said_at=row.ordered_at,
                by=ReportedBy(by) if by else None,
                digest=row.digest,
            )
    return [
        Standing(
            home=home,
            said={offer.care_form: found.get(home.offer_id(offer.care_form)) for offer in home.offers},
            ladder=ladder,
        )
        for home in homes
    ]


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
