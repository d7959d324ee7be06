"""The figures of districts, taken once a day and kept for years."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Integer, Text, bindparam, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from hub.reports.published import Missed, by_care_form, published
from hub.store.clock import date_of, day, micros
from hub.store.database import Database
from hub.store.prepared import Prepared
from hub.store.reader import Reader
from hub.store.tables import region_day, region_taken, search_tally
from mappings.district_figures import FIGURES, Figures, counted
from mappings.standing import Standing
from mappings.vacancy import ZONE

__all__ = ["SEARCHES_KEPT", "RegionDays", "Row"]

SEARCHES_KEPT = 400
"""Days: a year, as a report of a district tells at once, and the month in which it is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One district, care form (blank: all) and day; `figures` is None where that day's were not taken, `missed` where
    that was not asked, or the day is not over yet."""

    day: date
    district: str
    care_form: str
    figures: Figures | None
    missed: int | None


class RegionDays:
    """Takes the figures and reads them back; days are those of Europe/Berlin.

    `standings` tells of every offer as it stands (`JoinedView.standings`), `draw` the chance by which small counts are
    rounded.
    """

    def __init__(
        self,
        database: Database,
        standings: Callable[[Connection, int], Iterable[Standing]],
        draw: Callable[[Missed], int],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._standings = standings
        self._draw = draw
        self._clock = clock
        self._taking = threading.Lock()
        first, last = bindparam("first", type_=Integer), bindparam("last", type_=Integer)
        district = bindparam("district", type_=Text)
        self._taken = Prepared(select(region_taken.c.day).where(region_taken.c.day.between(first, last)))
        self._rows = Prepared(
            select(region_day)
            .where(
                region_day.c.day.between(first, last),
                or_(district == _EVERY, region_day.c.district == district),
            )
            .order_by(region_day.c.day, region_day.c.district, region_day.c.care_form)
            .limit(bindparam("most"))
        )
        self._missed = Prepared(
            select(search_tally)
            .where(
                search_tally.c.day.between(first, last),
                or_(district == _EVERY, search_tally.c.district == district),
            )
            .order_by(*search_tally.primary_key)
        )

    @property
    def today(self) -> date:
        """The day that it is."""
        return self._clock().astimezone(ZONE).date()

    def take(self) -> bool:
        """Take today's figures and keep them, unless that was done; whether it was done now. Searches that are told no
        more are forgotten with it.

        However many processes try, one of them does it.
        """
        now = self._clock()
        today = day(now.astimezone(ZONE).date())
        with self._taking:
            with self._database.reading() as connection:
                if connection.execute(select(region_taken.c.day).where(region_taken.c.day == today)).first():
                    return False
                found = counted(self._standings(connection, micros(now)), now=now)
            rows = [
                {"day": today, "district": district, "care_form": form, **asdict(one)}
                for (district, form), one in sorted(found.items())
            ]
            try:
                with self._database.writing() as connection:
                    connection.execute(insert(region_taken), {"day": today, "taken_at": micros(now)})
                    if rows:
                        connection.execute(insert(region_day), rows)
                    connection.execute(delete(search_tally).where(search_tally.c.day < today - SEARCHES_KEPT))
            except IntegrityError:
                return False  # another process has just taken them
        return True

    def taken(self, reader: Reader, first: date, last: date) -> list[date]:
        """The days from `first` to `last` of which there are figures."""
        return sorted(date_of(row[0]) for row in reader.all(self._taken, {"first": day(first), "last": day(last)}))

    def rows(
        self,
        reader: Reader,
        first: date,
        last: date,
        *,
        district: str | None = None,
        searches: bool = False,
        most: int = 1_000_000,
    ) -> list[Row]:
        """What was kept of days, of one district or of all, no more than `most`; with `searches` that found nothing
        also in districts and for care forms that have no offer."""
        asked = {"first": day(first), "last": day(last), "district": _EVERY if district is None else district}
        kept = {
            (found[0], found[1], found[2]): Figures(**dict(zip(FIGURES, found[3:], strict=True)))
            for found in reader.all(self._rows, {**asked, "most": most})
        }
        over = day(self.today) if searches else 0
        missed = by_care_form(self.missed(reader, first, last, district=district)) if searches else {}
        taken = {day(one) for one in self.taken(reader, first, last)}
        return _joined(kept, missed, taken, over)

    def now(self, *, district: str | None = None) -> list[Row]:
        """Today's figures as they are at this moment; nothing is kept."""
        moment = self._clock()
        today = day(moment.astimezone(ZONE).date())
        with self._database.reading() as connection:
            found = counted(self._standings(connection, micros(moment)), now=moment)
        kept = {
            (today, its_district, form): one
            for (its_district, form), one in sorted(found.items())
            if district is None or its_district == district
        }
        return _joined(kept, {}, {today}, today)

    def missed(self, reader: Reader, first: date, last: date, *, district: str | None = None) -> list[Missed]:
        """Searches that found nothing, as they may be shown, on days that are over."""
        last = min(last, self.today - timedelta(days=1))
        asked = {"first": day(first), "last": day(last), "district": _EVERY if district is None else district}
        cells = (
            Missed(
                day=found[0],
                district=found[1],
                municipality=found[2],
                care_forms=tuple(found[3].split()),
                needs=tuple(found[4].split()),
                searches=found[5],
            )
            for found in reader.all(self._missed, asked)
        )
        return published(cells, self._draw)

    def standings(self) -> Iterator[Standing]:
        """Every offer as it stands at this moment, those of one facility after one another."""
        with self._database.reading() as connection:
            yield from self._standings(connection, micros(self._clock()))


_EVERY = "*"


def _joined(
    kept: Mapping[tuple[int, str, str], Figures],
    missed: Mapping[tuple[int, str, str], int],
    taken: Collection[int],
    over: int,
) -> list[Row]:
    return [
        Row(
            day=date_of(key[0]),
            district=key[1],
            care_form=key[2],
            figures=kept.get(key, Figures()) if key[0] in taken else None,
            missed=missed.get(key, 0) if key[0] < over else None,
        )
        for key in sorted({*kept, *missed})
    ]
