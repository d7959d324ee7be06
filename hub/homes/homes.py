"""The homes that report by link: who they are, what they may do, and what they say on its way into the pipeline."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select, update

from adapters.base import Delivery
from adapters.receipt import Receipt
from hub.errors import Invalid, NotFound, VersionConflict
from hub.homes.home import PLACES_MAX, SOURCE, Home
from hub.homes.links import LIFETIME, Forms, Link, Links
from hub.homes.standing import Standing, standings
from hub.keys import Key
from hub.store.clock import day, micros
from hub.store.database import Database
from hub.store.reader import Transaction
from hub.store.tables import home as homes
from hub.store.tables import reminder as reminders
from hub.store.tables import statement
from hub.store.writer import Writer
from mappings.errors import Issue
from mappings.source_map import Ladder
from mappings.vacancy import ReportedBy

__all__ = ["Homes", "Opened", "Shut", "not_offered"]

_HOUR = timedelta(hours=1)
_SENDS_AN_HOUR = 30
_GENERATIONS = 30_000
"""Homes begin anywhere: after a backup was restored, a number may come again, its old links must not."""


class Shut(StrEnum):
    """Why a link opens nothing."""

    UNKNOWN = "unknown"
    """It was not made here, it was changed, or its home is no more."""
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opens."""

    link: Link
    home: Home


@dataclass(frozen=True, kw_only=True)
class Homes:
    """The register of homes; every method may be called by several threads and programs at once."""

    database: Database
    writer: Writer
    key: Key
    receive: Callable[[Delivery], Receipt]
    end: Callable[[Transaction, Collection[str]], int]
    """Has offers be no more, by their ids; how many there were."""
    ladder: Ladder
    clock: Callable[[], datetime]
    links: Links = field(init=False)
    forms: Forms = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "links", Links(self.key))
        object.__setattr__(self, "forms", Forms(self.key))

    def all(self) -> list[Home]:
        """Every home, by its id."""
        with self.database.reading() as connection:
            return [Home.from_row(row) for row in connection.execute(select(homes).order_by(homes.c.id))]

    def named(self, name: str) -> Home:
        """Raises `NotFound`, naming the command that lists them."""
        with self.database.reading() as connection:
            row = connection.execute(select(homes).where(homes.c.id == name)).first()
        if row is None:
            raise NotFound(
                Issue(
                    code="unknown-home",
                    fhir_code="not-found",
                    place="ID",
                    text_de="dieses Haus gibt es nicht; alle zeigt: platzfrei homes",
                    text_en="there is no such home; all are shown by: platzfrei homes",
                )
            )
        return Home.from_row(row)

    def add(self, home: Home) -> None:
        """Write a new home down; raises `VersionConflict` where there is one of that id, and changes nothing of it."""
        told = {"facility": home.to_json(), "email": home.email}
        with self.database.writing() as connection:
            standing = connection.execute(select(homes).where(homes.c.id == home.id)).first()
            if standing is not None:
                raise VersionConflict(_there_already(Home.from_row(standing)))
            begun = {
                "generation": 1 + secrets.randbelow(_GENERATIONS),
                "added_at": micros(self.clock()),
                "sending_since": 0,
                "sent": 0,
            }
            connection.execute(insert(homes), {"id": home.id, **told, **begun})

    def change(self, home: Home) -> int:
        """Write down what is known of a home now, by its number; its links stay valid.

        Care forms that it offers no more are gone at once: returns how many of them it had told of. All else that
        changed is shown with its next report.
        """
        own = homes.c.number == home.number
        offered = {home.offer_id(offer.care_form) for offer in home.offers}

        def change(transaction: Transaction) -> int:
            connection = transaction.connection
            email = connection.execute(select(homes.c.email).where(own)).scalar()
            if email != home.email:
                # What another address did not take says nothing of this one.
                connection.execute(
                    delete(reminders).where(reminders.c.home == home.number, reminders.c.sent_at.is_(None))
                )
            connection.execute(update(homes).where(own).values(facility=home.to_json(), email=home.email))
            return self.end(transaction, _said(transaction, home) - offered)

        return self.writer.submit(change, limited=False).result()

    def remove(self, name: str) -> int:
        """Forget a home and its offers: no link of it opens any more; returns how many offers it had told of."""
        gone = self.named(name)

        def remove(transaction: Transaction) -> int:
            transaction.connection.execute(delete(reminders).where(reminders.c.home == gone.number))
            transaction.connection.execute(delete(homes).where(homes.c.number == gone.number))
            return self.end(transaction, _said(transaction, gone))

        return self.writer.submit(remove, limited=False).result()

    def revoke(self, name: str) -> None:
        """Make all links of a home void; those made later are valid."""
        home = self.named(name)
        with self.database.writing() as connection:
            connection.execute(
                update(homes).where(homes.c.number == home.number).values(generation=homes.c.generation + 1)
            )

    def link(self, home: Home, lifetime: timedelta = LIFETIME) -> str:
        """A new link of a home: its path on this hub."""
        return f"/m/{self.links.make(home.number, home.generation, at=self.clock(), lifetime=lifetime)}"

    def opened(self, token: str) -> Opened | Shut:
        """What a link opens, or why nothing."""
        link = self.links.read(token)
        if link is None:
            return Shut.UNKNOWN
        with self.database.reading() as connection:
            row = connection.execute(select(homes).where(homes.c.number == link.home)).first()
        if row is None:
            return Shut.UNKNOWN
        if link.generation != row.generation:
            return Shut.REVOKED
        if link.last_day < day(self.clock().date()):
            return Shut.EXPIRED
        return Opened(link, Home.from_row(row))

    def standing(self, home: Home) -> Standing:
        """What a home said last."""
        with self.database.reading() as connection:
            return standings(connection, [home], self.ladder)[0]

    def may_send(self, home: Home) -> bool:
        """Whether a home may report by its link now; this counts as once."""
        now = micros(self.clock())
        began = now - _HOUR // timedelta(microseconds=1)
        of_home = homes.c.number == home.number
        with self.database.writing() as connection:
            connection.execute(
                update(homes).where(of_home, homes.c.sending_since <= began).values(sending_since=now, sent=0)
            )
            return bool(
                connection.execute(
                    update(homes).where(of_home, homes.c.sent < _SENDS_AN_HOUR).values(sent=homes.c.sent + 1)
                ).rowcount
            )

    def report(self, home: Home, free: Mapping[str, int], by: ReportedBy, *, message_id: str | None = None) -> Receipt:
        """Say how many places are free: care form → number; other offers of the home are not spoken of.

        Raises `Invalid` for another care form and for a number that cannot be.
        """
        licensed = {offer.care_form: offer.licensed for offer in home.offers}
        for care_form, number in free.items():
            if care_form not in licensed:
                raise Invalid(not_offered(home, "--free"))
            if not 0 <= number <= (licensed[care_form] or PLACES_MAX):
                raise Invalid(_too_many(care_form, licensed[care_form] or PLACES_MAX))
        body = home.report(free, by)
        receipt = self.receive(Delivery(source=SOURCE, body=body, received_at=self.clock(), message_id=message_id))
        with self.database.reading() as connection:
            late = _gone(connection, home, free)
        if late:
            # It told of them when they were no more, and nobody could ever remove them.
            self.writer.submit(
                lambda transaction: self.end(transaction, _gone(transaction.connection, home, free)), limited=False
            ).result()
        return receipt


def _gone(connection: Connection, home: Home, care_forms: Collection[str]) -> set[str]:
    """Those offers among a home's that it has no more."""
    row = connection.execute(select(homes).where(homes.c.id == home.id)).first()
    offered = {home.offer_id(offer.care_form) for offer in Home.from_row(row).offers} if row is not None else set()
    return {home.offer_id(care_form) for care_form in care_forms} - offered


def _said(transaction: Transaction, home: Home) -> set[str]:
    """The offers of which a home ever said anything."""
    of_home = (statement.c.source == SOURCE, statement.c.facility == home.id)
    return set(transaction.connection.execute(select(statement.c.offer).where(*of_home)).scalars())


def _there_already(home: Home) -> Issue:
    town = f"{home.postal_code} {home.city}".strip()
    return Issue(
        code="home-exists",
        fhir_code="duplicate",
        place="ID",
        text_de=f"„{home.id}“ gibt es schon: {home.name}, {town}; nichts wurde geändert. Dasselbe Haus ändern: "
        f"platzfrei homes change {home.id} …; ein anderes Haus braucht eine andere ID",
        text_en=f"there is '{home.id}' already: {home.name}, {town}; nothing was changed. To change this home: "
        f"platzfrei homes change {home.id} …; another home needs another ID",
    )


def not_offered(home: Home, option: str) -> Issue:
    """What is said where an option names a care form that a home does not offer."""
    listed = ", ".join(offer.care_form for offer in home.offers)
    return Issue(
        code="not-offered",
        place=option,
        text_de=f"das bietet dieses Haus nicht an; es gibt: {listed}",
        text_en=f"the home does not offer this; there are: {listed}",
    )


def _too_many(care_form: str, most: int) -> Issue:
    return Issue(
        code="free-places",
        place="--free",
        text_de=f"{care_form}: 0 bis {most} freie Plätze",
        text_en=f"{care_form}: 0 to {most} free places",
    )
