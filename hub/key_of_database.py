"""Holds a database to the key that its hashes were made with: another key would find nothing of what it hashed."""

from sqlalchemy import delete, insert, select

from hub.keys import Key
from hub.store.database import LOST_RACES, Database
from hub.store.tables import about
from mappings.errors import Issue, Rejected

__all__ = ["NAME", "forget_key", "hold_to_key", "wrong_key"]

NAME = "key"
"""The fact of the database that tells the key's fingerprint."""


def hold_to_key(database: Database, key: Key, place: str) -> None:
    """Remember the key's fingerprint where none is known; raises `Rejected` where it is another's."""
    known = select(about.c.value).where(about.c.name == NAME)
    with database.reading() as connection:
        found = connection.execute(known).scalar()
    if found is None:
        try:
            with database.writing() as connection:
                connection.execute(insert(about), {"name": NAME, "value": key.fingerprint})
        except LOST_RACES:
            pass
        with database.reading() as connection:
            found = connection.execute(known).scalar()
    if found != key.fingerprint:
        raise Rejected(wrong_key(place, str(found), key.fingerprint))


def forget_key(database: Database) -> None:
    """Whichever key opens the database next is its key."""
    with database.writing() as connection:
        connection.execute(delete(about).where(about.c.name == NAME))


def wrong_key(place: str, wanted: str, found: str) -> Issue:
    """The issue of a key that is not the database's: the operator puts back the right one."""
    return Issue(
        code="key-mismatch",
        place=place,
        text_de=f"das ist nicht der Schlüssel dieser Datenbank (ihrer: {wanted}, dieser: {found}); den richtigen von "
        "dort zurückholen, wo er getrennt aufbewahrt wird. Ist er verloren: platzfrei backup, dann platzfrei restore "
        "--new-key",
        text_en=f"this is not the key of this database (its own: {wanted}, this one: {found}); put the right one back "
        "from where it is kept apart. If it is lost: platzfrei backup, then platzfrei restore --new-key",
    )
