"""What a home has said last, offer by offer, and when that is due again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sqlalchemy import Connection, select

from hub.homes.home import Home
from hub.store.tables import statement
from mappings.language import Ladder
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
        """The moment of the statement that turns stale first; None where one was never made."""
        moments = [one.said_at if one else None for one in self.said.values()]
        return min((at for at in moments if at is not None), default=None) if None not in moments else None

    @property
    def stale_at(self) -> int | None:
        """When the first of its statements turns stale; None where one was never made."""
        return None if self.oldest is None else self.oldest + _micros(self.ladder.aging)

    @property
    def expires_at(self) -> int | None:
        """When the first of its statements counts no more; None where one was never made."""
        return None if self.oldest is None else self.oldest + _micros(self.ladder.stale)

    @property
    def remind_at(self) -> int:
        """When somebody should remind the home: a day before it turns stale, sooner where that is soon."""
        if self.stale_at is None:
            return self.home.added_at
        return self.stale_at - min(_DAY, _micros(self.ladder.aging) // 2)

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
    """What each home said last, in their order."""
    ids = {home.offer_id(offer.care_form): None for home in homes for offer in home.offers}
    wanted, found = list(ids), {}
    columns = (statement.c.offer, statement.c.ordered_at, statement.c.digest, statement.c.report)
    for begin in range(0, len(wanted), _CHUNK):
        chunk = wanted[begin : begin + _CHUNK]
        for row in connection.execute(select(*columns).where(statement.c.offer.in_(chunk))):
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
