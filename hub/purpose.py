"""What a database is for: a region's real data is never shown as a sandbox, and no invented region is built into it.

A demo's database may be looked at in every way, and files may be taken into it, to try them.
"""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from hub.store.database import Database
from hub.store.tables import about
from mappings.errors import Issue, Rejected

__all__ = ["Purpose", "claim", "remember", "remembered", "time_shift"]


class Purpose(StrEnum):
    """A region's real data, an invented region, or vendors' tests."""

    REGION = "region"
    DEMO = "demo"
    SANDBOX = "sandbox"


_SHARED = {
    (Purpose.REGION, Purpose.DEMO),
    (Purpose.SANDBOX, Purpose.DEMO),
}


def claim(database: Database, wanted: Purpose) -> Purpose:
    """Say what a database is used for; raises `Rejected` where it is for something else. Returns what it is for."""
    with database.writing() as connection:
        told = _value(connection, "purpose")
        if told is None:
            connection.execute(insert(about), {"name": "purpose", "value": wanted.value})
            return wanted
    purpose = Purpose(told)
    if purpose is wanted or (wanted, purpose) in _SHARED:
        return purpose
    raise Rejected(
        Issue(
            code="database-purpose",
            place="--database",
            text_de=f"diese Datenbank ist für „{purpose}“, nicht für „{wanted}“; mit --database eine andere wählen",
            text_en=f"this database is for '{purpose}', not for '{wanted}'; choose another with --database",
        )
    )


def remember(database: Database, name: str, value: str) -> None:
    """Write down a fact about the database."""
    with database.writing() as connection:
        connection.execute(delete(about).where(about.c.name == name))
        connection.execute(insert(about), {"name": name, "value": value})


def remembered(database: Database, name: str) -> str | None:
    """A fact about the database."""
    with database.reading() as connection:
        return _value(connection, name)


def time_shift(database: Database) -> timedelta:
    """How far a demo's clock is from ours, where it was built as of another day; zero for every other database."""
    told = remembered(database, "time_shift")
    return timedelta(seconds=float(told)) if told else timedelta()


def _value(connection: Connection, name: str) -> str | None:
    value: str | None = connection.execute(select(about.c.value).where(about.c.name == name)).scalar()
    return value
