"""What a process remembers of the wards of a source, so that a message need not weigh a month of them.

Of the events of a ward it keeps those that its census still needs (`mappings.census.purgeable`, of an hour instead of a
month), as long as nobody else wrote any: a mark in the database, another one with each write, tells that.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mappings.census import purgeable
from mappings.census_event import CensusEvent, Kind

__all__ = ["CensusMemory", "WardMemory"]

_KEPT = timedelta(hours=1)
_FEW = 60
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class WardMemory:
    """The events that a ward's census needs, and what is known of those that it does not need any more."""

    events: dict[str, CensusEvent]
    stays: set[str]
    settled: set[str] = field(default_factory=set)
    """Stays that are over, whose events are not here."""
    horizon: datetime = _NEVER
    """The newest moment that those spoke of."""
    most: int = _FEW
    """So many events are kept before they are looked through for what can be put aside."""

    @classmethod
    def of(cls, events: Iterable[CensusEvent]) -> "WardMemory":
        """All events of a ward's stays."""
        known = {event.key: event for event in events}
        return cls(events=known, stays={event.stay for event in known.values()})

    def knows_enough(self, told: Iterable[CensusEvent]) -> bool:
        """Whether new events can be weighed without what was put aside."""
        return all(event.stay not in self.settled and event.said_at > self.horizon for event in told)

    def strangers(self, ward: str, told: Iterable[CensusEvent]) -> set[str]:
        """The stays that come to the ward with these events: what was said of them before is not here."""
        return {event.stay for event in told if ward in event.wards} - self.stays

    def add(self, told: Iterable[CensusEvent]) -> None:
        """Take events in."""
        for event in told:
            self.events[event.key] = event
            self.stays.add(event.stay)

    def settle(self, now: datetime) -> None:
        """Put aside what the census does not need any more."""
        if len(self.events) < self.most:
            return
        # Each look costs as much as a census: neither at every event nor, for each census goes through all, too seldom.
        self.most = len(self.events) + _FEW
        newest = max(self.events.values(), key=lambda event: event.said_at)
        # An hour of the hospital's clock: what is sent late, or all at once, is as new to the ward as its newest.
        purge = purgeable(self.events.values(), min(now, newest.said_at), kept=_KEPT)
        gone = {key for key in purge.keys if self.events[key].stay != newest.stay}
        if len(gone) < len(purge.keys):
            return  # The moment of the newest is the ward's.
        for key in gone:
            event = self.events.pop(key)
            self.stays.discard(event.stay)
            self.settled.add(event.stay)
            if event.kind is not Kind.BED_STATUS:
                self.horizon = max(self.horizon, event.said_at)
        self.add(purge.residues)
        self.most = len(self.events) + _FEW


@dataclass(slots=True)
class CensusMemory:
    """That of every source of a process."""

    _marks: dict[str, str] = field(default_factory=dict)
    _wards: dict[str, dict[str, WardMemory]] = field(default_factory=dict)

    def take(self, source: str, mark: str | None) -> dict[str, WardMemory]:
        """What is remembered of a source, if its mark is still this; it is forgotten until it is `kept` again."""
        wards = self._wards.pop(source, {})
        return wards if mark is not None and self._marks.pop(source, None) == mark else {}

    def keep(self, source: str, mark: str, wards: Mapping[str, WardMemory], declared: Collection[str]) -> None:
        """Remember a source's wards under a new mark, which is written together with what they now hold."""
        self._marks[source] = mark
        self._wards[source] = {key: ward for key, ward in wards.items() if key in declared}
