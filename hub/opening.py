"""A database that can be read: at the newest schema, held to its key, with its clock. All of a hub: `hub/hub.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hub.key_of_database import hold_to_key
from hub.keys import Key
from hub.purpose import time_shift
from hub.settings import Settings
from hub.store.database import Database
from hub.store.schema import migrate
from hub.store.statistics import learn
from mappings.errors import Rejected

__all__ = ["Clock", "OpenDatabase", "now", "open_database"]

Clock = Callable[[], datetime]


def now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDatabase:
    """An open database, and what it is opened with."""

    database: Database
    key: Key = field(repr=False)
    clock: Clock
    """The database's own: a demo lives at another time."""


def open_database(settings: Settings) -> OpenDatabase:
    """Raises `Rejected` for a setting that cannot be."""
    database = Database(settings.database)
    key = Key.of(settings.key_file)
    try:
        migrate(database)
        learn(database)
        hold_to_key(database, key, str(settings.key_file))
    except Rejected:
        database.close()
        raise
    shift = time_shift(database)
    return OpenDatabase(database=database, key=key, clock=lambda: now() + shift)
