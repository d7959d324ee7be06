"""Mails that ask a home for its numbers before they turn stale: one a period, from an outbox.

A reminder is written down before it is sent, claimed by whoever sends it, and marked when the mail server took it: what
fails between is sent again, so none is lost, and one is doubled only where a program died after the server took it.
A server that is not to be had ends the round: the next one begins with those that were not tried.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hub.homes.home import Home
from hub.homes.homes import Homes
from hub.homes.mail import UNSENT, Mailer, is_refusal
from hub.homes.standing import Standing, standings
from hub.homes.texts import day_and_time
from hub.store.clock import micros, moment
from hub.store.tables import home as homes
from hub.store.tables import reminder as reminders
from mappings.terminology import display
from mappings.vacancy import ZONE

__all__ = ["Due", "Reminded", "Reminders"]

_AWAKE = range(7, 19)
"""The hours at which a home's office reads mail, by the clock of Germany."""
_CLAIMED_FOR = timedelta(minutes=30)
_RETRY_FIRST, _RETRY_MOST = timedelta(minutes=50), timedelta(hours=12)
_ATTEMPTS_MAX = 10
_UNREACHED = timedelta(minutes=50)
"""Less than the hour between two rounds, and long enough for those to come first that were not tried."""
_NEVER = 0
"""The period of an offer that has not been reported yet."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A home whose report is due: somebody rings it, where no mail does."""

    standing: Standing
    care_forms: tuple[str, ...]
    """Those that are due."""
    reminded_at: int | None = None
    """When a mail left for it in this period, microseconds since 1970."""
    attempts: int = 0


@dataclass(slots=True, kw_only=True)
class Reminded:
    """What became of the reminders that were due, by number; those `waiting`, some failed now, are tried later."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    unreachable: bool = False
    """Whether the mail server was not to be had, which ended the round."""


class Reminders:
    """The outbox of reminders; every method may be called by several threads and programs at once."""

    def __init__(self, homes: Homes, base_url: str, office: str, clock: Callable[[], datetime]) -> None:
        self._homes = homes
        self._base_url = base_url
        self._office = office
        self._clock = clock

    def due(self) -> list[Due]:
        """The homes whose report is due, the one that has been so for longest first."""
        now = micros(self._clock())
        found = []
        with self._homes.database.reading() as connection:
            for standing in self._standings(connection):
                if care_forms := standing.due(now):
                    row = connection.execute(select(reminders).where(_of(standing, _period(standing, now)))).first()
                    sent_at, attempts = (row.sent_at, row.attempts) if row else (None, 0)
                    found.append(Due(standing=standing, care_forms=care_forms, reminded_at=sent_at, attempts=attempts))
        return sorted(found, key=lambda due: min(map(due.standing.remind_at, due.care_forms)))

    def remind(self, mailer: Mailer) -> Reminded:
        """Send the reminders that are due by now."""
        done = Reminded()
        self._write_down()
        while (claimed := self._claim()) is not None:
            home = claimed.standing.home.id
            try:
                mailer.send(self._mail(claimed, mailer.sender))
            except UNSENT as error:
                if not is_refusal(error):
                    _log.warning("no mails: %s", type(error).__name__)
                    self._give_back(claimed)
                    done.unreachable = True
                    break
                done.failed += 1
                _log.warning("no mail to the home %s: %s", home, type(error).__name__)
                self._try_later(claimed)
            else:
                done.sent += 1
                self._mark(claimed)
        done.waiting = self._waiting()
        return done

    def _standings(self, connection: Connection) -> list[Standing]:
        known = [Home.from_row(row) for row in connection.execute(select(homes).order_by(homes.c.id))]
        return standings(connection, known, self._homes.ladder)

    def _write_down(self) -> None:
        """Put what is due into the outbox, and forget what is over: the home has reported since."""
        now = self._clock()
        with self._homes.database.writing() as connection:
            for standing in self._standings(connection):
                of_home = reminders.c.home == standing.home.number
                connection.execute(delete(reminders).where(of_home, reminders.c.period.not_in(_periods(standing))))
                if standing.home.email and standing.due(micros(now)):
                    row = {
                        "home": standing.home.number,
                        "period": _period(standing, micros(now)),
                        "attempts": 0,
                        "try_at": micros(now),
                    }
                    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
                    connection.execute(dialect.insert(reminders).values(row).on_conflict_do_nothing())

    def _claim(self) -> "_Claimed | None":
        """One reminder to send now, that nobody else sends meanwhile."""
        at = self._clock()
        now = micros(at)
        open_ = and_(reminders.c.sent_at.is_(None), reminders.c.try_at <= now, reminders.c.attempts < _ATTEMPTS_MAX)
        with self._homes.database.writing() as connection:
            while True:
                row = connection.execute(
                    select(reminders).where(open_).order_by(reminders.c.try_at).limit(1).with_for_update()
                ).first()
                if row is None:
                    return None
                mine = and_(reminders.c.home == row.home, reminders.c.period == row.period)
                kept = connection.execute(select(homes).where(homes.c.number == row.home)).first()
                standing = standings(connection, [Home.from_row(kept)], self._homes.ladder)[0] if kept else None
                if standing is None or _period(standing, now) != row.period or not standing.home.email:
                    connection.execute(delete(reminders).where(mine))
                    continue
                if (morning := _morning_after(at)) is not None and not _is_last_chance(standing, at, morning):
                    connection.execute(update(reminders).where(mine).values(try_at=micros(morning)))
                    continue
                later = now + _CLAIMED_FOR // timedelta(microseconds=1)
                connection.execute(update(reminders).where(mine).values(try_at=later, attempts=row.attempts + 1))
                return _Claimed(standing=standing, period=row.period, attempts=row.attempts + 1)

    def _try_later(self, claimed: "_Claimed") -> None:
        wait = min(_RETRY_FIRST * 2 ** (claimed.attempts - 1), _RETRY_MOST)
        self._note(claimed, try_at=micros(self._clock() + wait))

    def _give_back(self, claimed: "_Claimed") -> None:
        """Nobody refused it: that was no attempt."""
        self._note(claimed, try_at=micros(self._clock() + _UNREACHED), attempts=claimed.attempts - 1)

    def _mark(self, claimed: "_Claimed") -> None:
        self._note(claimed, sent_at=micros(self._clock()))

    def _note(self, claimed: "_Claimed", **values: int) -> None:
        with self._homes.database.writing() as connection:
            connection.execute(update(reminders).where(_of(claimed.standing, claimed.period)).values(values))

    def _waiting(self) -> int:
        open_ = and_(reminders.c.sent_at.is_(None), reminders.c.attempts < _ATTEMPTS_MAX)
        with self._homes.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(reminders).where(open_)).scalar_one())

    def _mail(self, claimed: "_Claimed", sender: str) -> EmailMessage:
        standing = claimed.standing
        home = standing.home
        message = EmailMessage()
        message["From"] = sender
        message["To"] = home.email
        message["Subject"] = f"{home.name}: freie Plätze bitte kurz bestätigen / please confirm your free places"
        message["Date"] = format_datetime(self._clock())
        # The same for each attempt, so that who gets one twice can see it.
        told = f"{home.number} {home.generation} {claimed.period}".encode()
        message["Message-ID"] = f"<{hashlib.sha256(told).hexdigest()[:32]}@{sender.rpartition('@')[2].strip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self._text(standing), cte="quoted-printable")
        return message

    def _text(self, standing: Standing) -> str:
        link = self._base_url + self._homes.link(standing.home)
        told_de, told_en = _numbers(standing, "de"), _numbers(standing, "en")
        stale_at = standing.stale_at
        is_ahead = stale_at is not None and stale_at > micros(self._clock())
        until_de = f"bis {day_and_time(moment(stale_at), 'de')}" if stale_at is not None and is_ahead else "heute"
        until_en = f"by {day_and_time(moment(stale_at), 'en')}" if stale_at is not None and is_ahead else "today"
        office_de = f"Fragen? {self._office}\n" if self._office else ""
        office_en = f"Questions? {self._office}\n" if self._office else ""
        return (
            f"Guten Tag,\n\nbitte bestätigen oder ändern Sie {until_de} die freien Plätze von {standing.home.name}.\n"
            f"{told_de}\nDrei Mal tippen genügt:\n{link}\n\n"
            f"Der Link gilt nur für Ihr Haus. Bitte geben Sie ihn nicht weiter.\n{office_de}"
            f"\n-- English --\n\nPlease confirm or change the free places of {standing.home.name} {until_en}.\n"
            f"{told_en}\nThree taps are enough:\n{link}\n\n"
            f"The link is for your home alone. Please do not pass it on.\n{office_en}"
        )


def _numbers(standing: Standing, language: str) -> str:
    lines = []
    for care_form, said in standing.said.items():
        name = display("care-form", care_form, "en" if language == "en" else "de")
        if said is None or said.free is None:
            lines.append(f"  {name}: " + ("never reported yet" if language == "en" else "noch nie gemeldet"))
        else:
            lines.append(f"  {name}: {said.free} " + ("free" if language == "en" else "frei"))
    return "\n" + "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A reminder that we send now; `attempts` counts this one."""

    standing: Standing
    period: int
    attempts: int


def _period(standing: Standing, now: int) -> int:
    """Which of its reminders a home is to get by `now`: what turns stale goes before what was never said."""
    due = standing.due(now)
    return standing.stale_at or _NEVER if any(standing.said[care_form] for care_form in due) else _NEVER


def _periods(standing: Standing) -> list[int]:
    """All that may be reminded of until the home reports again."""
    never = [] if standing.is_whole else [_NEVER]
    return never if standing.stale_at is None else [*never, standing.stale_at]


def _morning_after(now: datetime) -> datetime | None:
    """When mails are read again; None where they are read now."""
    local = now.astimezone(ZONE)
    if local.hour in _AWAKE:
        return None
    morning = local.replace(hour=_AWAKE.start, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)


def _is_last_chance(standing: Standing, now: datetime, morning: datetime) -> bool:
    """Whether a report turns stale before the morning: later would be too late."""
    return standing.stale_at is not None and micros(now) < standing.stale_at <= micros(morning)


def _of(standing: Standing, period: int) -> ColumnElement[bool]:
    return and_(reminders.c.home == standing.home.number, reminders.c.period == period)
