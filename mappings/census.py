"""The census of a ward: which of its beds are free, as a function of the set of its events, whatever order they came in
(HL7 v2.5 chapter 3, table 0116: https://terminology.hl7.org/CodeSystem-v2-0116.html).

A visit is where its last standing movement put it. A bed is what was last said of it, by a movement or by A20; said at
one moment, the statement counts that leaves fewer beds free. A bed of which nothing was said is unknown.
A discharge that is expected frees nothing before it comes.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from mappings.census_event import Bed, BedStatus, CensusEvent, Kind, event_of, pseudonymised
from mappings.errors import Issue
from mappings.vacancy import Block, Counts, Offer, State, VacancyReport
from mappings.wards import Ward

__all__ = [
    "Beds",
    "CensusEvent",
    "Purge",
    "event_of",
    "fold",
    "pseudonymised",
    "purgeable",
    "ward_report",
]

_KEPT = timedelta(days=30)
_NEVER = datetime.min.replace(tzinfo=UTC)

_MOVEMENTS = frozenset({Kind.ADMIT, Kind.TRANSFER, Kind.DISCHARGE})

_EVICTING = frozenset({BedStatus.FREE, BedStatus.HOUSEKEEPING, BedStatus.CLOSED})
"""What cannot be said of a bed with somebody in it, so that who was there has left."""

_RANK = {
    BedStatus.FREE: 1,
    BedStatus.HOUSEKEEPING: 2,
    BedStatus.CONTAMINATED: 2,
    BedStatus.ISOLATED: 2,
    BedStatus.CLOSED: 3,
    BedStatus.OCCUPIED: 4,
}
_KIND_RANK = {kind: rank for rank, kind in enumerate(Kind) if kind not in (Kind.DISCHARGE, Kind.BED_STATUS)} | {
    Kind.DISCHARGE: 8,
    Kind.BED_STATUS: 9,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beds:
    """The beds of a ward, by their declared names, and what that comes to."""

    statuses: Mapping[str, BedStatus]
    unplaced: int = 0
    """Visits on the ward without a bed, beyond those that a bed occupied by nobody known, or unknown, can hold."""
    on_leave: int = 0
    """Beds whose visit is away and comes back."""
    expected: tuple[date, ...] = ()
    """The days on which beds are expected to be left, one a bed."""
    valid_at: datetime | None = None
    issues: tuple[Issue, ...] = ()

    @property
    def counts(self) -> Counts:
        """Places by number; beds of unknown status leave unknown what they could change."""
        beds = list(self.statuses.values())
        accepting = max(0, beds.count(BedStatus.FREE) - self.unplaced)
        if BedStatus.UNKNOWN in beds:
            # Free beds are a statement even so; that there is none is not.
            return Counts(licensed=len(beds), accepting=accepting or None)
        return Counts(
            licensed=len(beds),
            operable=len(beds) - beds.count(BedStatus.CLOSED),
            occupied=beds.count(BedStatus.OCCUPIED) + self.unplaced - self.on_leave,
            held=self.on_leave or None,
            accepting=accepting,
        )

    @property
    def state(self) -> State:
        """The ward's state as an offer."""
        accepting = self.counts.accepting
        if accepting is None:
            return State.UNKNOWN
        return State.SOME if accepting else State.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """Events to delete by their keys, and nameless ones to store in their place, which keep the census as it is."""

    keys: frozenset[str]
    residues: tuple[CensusEvent, ...]


def fold(events: Iterable[CensusEvent], ward: Ward) -> Beds:
    """The ward's beds after all its events.

    `events` holds at least those that name the ward, and all others of the same stays.
    """
    known = _of_ward(events, ward.key)
    replay = _Replay(known)
    issues = []
    statuses = {}
    nameless = 0
    for name in ward.beds:
        bed = Bed(ward.key, name)
        occupants = replay.occupants(bed)
        statuses[name] = replay.status(bed)
        nameless += not occupants and statuses[name] in (BedStatus.OCCUPIED, BedStatus.UNKNOWN)
        if occupants > 1:
            issues.append(_double(ward, name))
    named = [Bed(ward.key, name) for name in ward.beds]
    beds = Beds(
        statuses=statuses,
        unplaced=max(0, replay.occupants(Bed(ward.key)) - nameless),
        on_leave=sum(replay.is_held(bed) for bed in named),
        expected=tuple(sorted(day for bed in named if (day := replay.expected(bed)) is not None)),
        valid_at=max((event.said_at for event in known), default=None),
    )
    counts = beds.counts
    taken = (counts.occupied or 0) + (counts.held or 0)
    if counts.operable is not None and taken > counts.operable:
        issues.append(_overfull(ward))
    return replace(beds, issues=tuple(issues))


def ward_report(ward: Ward, beds: Beds, *, sequence: int | None = None, today: date | None = None) -> VacancyReport:
    """The ward as an offer; `sequence` grows with what is known, for a late event changes beds but not `valid_at`.

    A bed that is expected to be left after `today` (unless said, the day of `valid_at`) is a block of its own from that
    day on, and the report is marked as estimated; the day once come, nothing is expected any more.
    """
    counts = beds.counts
    if today is None:
        today = beds.valid_at.astimezone(ward.zone).date() if beds.valid_at else date.max
    ahead = Counter(day for day in beds.expected if day > today and counts.accepting is not None)
    return VacancyReport(
        facility=ward.facility,
        offer=Offer(
            key=ward.key,
            care_form=ward.care_form,
            name=ward.offer_name,
            needs=ward.needs,
            care_grades=ward.care_grades,
        ),
        valid_at=beds.valid_at,
        sequence=sequence,
        state=beds.state,
        counts=counts,
        blocks=(
            *((Block(count=counts.accepting),) if counts.accepting else ()),
            *(Block(count=count, start=day) for day, count in sorted(ahead.items())),
        ),
        estimated=bool(ahead),
    )


def purgeable(events: Iterable[CensusEvent], now: datetime, *, kept: timedelta = _KEPT) -> Purge:
    """What no census needs any more: visits off the wards of which nothing was said for 30 days (or as long as said by
    `kept`), superseded statements.

    `events` are all of a source; a visit is off the wards by its discharge, a cancel, or a transfer. What a purged
    visit leaves to be known, that its bed is free, stays as an event that names no visit.
    """
    known = list({event.key: event for event in events}.values())
    replay = _Replay(known)
    left_last_by, decisive = replay.left_last_by(), replay.decisive()
    keys: set[str] = set()
    residues: list[CensusEvent] = []
    for stay in _by_stay(known):
        visit, said = stay[0].visit, {event.key for event in stay}
        needed = visit in replay.present if visit else not decisive.isdisjoint(said)
        if needed or (stay[0].kind is not Kind.BED_STATUS and not _old(stay, now - kept)):
            continue
        keys.update(said)
        residues.extend(
            CensusEvent(kind=Kind.DISCHARGE, occurred_at=left_at, recorded_at=left_at, from_bed=bed).keyed()
            for bed, left_at in left_last_by.get(visit, [])
        )
    return Purge(keys=frozenset(keys), residues=tuple(residues))


def _of_ward(events: Iterable[CensusEvent], key: str) -> list[CensusEvent]:
    unique = list({event.key: event for event in events}.values())
    stays = {event.stay for event in unique if key in event.wards}
    return [event for event in unique if event.stay in stays]


def _by_stay(events: Iterable[CensusEvent]) -> Iterable[list[CensusEvent]]:
    stays: defaultdict[str, list[CensusEvent]] = defaultdict(list)
    for event in events:
        stays[event.stay].append(event)
    return stays.values()


def _old(events: Iterable[CensusEvent], before: datetime) -> bool:
    return max(event.said_at for event in events) < before


def _order(event: CensusEvent) -> tuple[datetime, datetime, int, str]:
    return event.occurred_at, event.recorded_at, _KIND_RANK[event.kind], event.key


def _version(event: CensusEvent) -> tuple[datetime, datetime, str]:
    return event.recorded_at, event.occurred_at, event.key


def _slot(event: CensusEvent) -> tuple[str, ...]:
    """What a later version of the same movement replaces; the kind counts, for some senders number the stay."""
    return (event.visit, event.kind.value, event.movement) if event.movement else (event.key,)


class _Standing:
    """The events that hold: of a corrected movement its last version, of a cancelled one none."""

    def __init__(self, events: Iterable[CensusEvent]) -> None:
        self.confirmed: dict[str, datetime] = {}
        """When a cancel said that a visit is where it was before."""
        self.never_came: set[str] = set()
        """Visits whose admission was taken back."""
        self._slots: dict[tuple[str, ...], CensusEvent] = {}
        ordered = sorted(events, key=_version)
        for event in ordered:
            if not event.cancels:
                self._slots[_slot(event)] = event
        cancels = [event for event in ordered if event.cancels]
        self.never_came.update(cancel.visit for cancel in cancels if cancel.kind is Kind.ADMIT)
        for cancel in cancels:
            if cancel.movement:
                self._take(cancel, _slot(cancel))
        stays: defaultdict[tuple[str, Kind], list[CensusEvent]] = defaultdict(list)
        for event in self._slots.values():
            stays[event.visit, event.kind].append(event)
        for cancel in cancels:
            if cancel.visit and not cancel.movement:
                self._take_back(cancel, stays[cancel.visit, cancel.kind])

    def events(self) -> list[CensusEvent]:
        return sorted(self._slots.values(), key=_order)

    def _take_back(self, cancel: CensusEvent, stay: list[CensusEvent]) -> None:
        # EVN-6: "on a cancel event, this field should contain the date/time that the event being cancelled occurred";
        # a sender that does not fill it means the latest.
        same = [event for event in stay if event.occurred_at == cancel.occurred_at]
        pools = (
            [event for event in same if event.recorded_at <= cancel.recorded_at],
            same,
            [event for event in stay if event.said_at <= cancel.recorded_at],
        )
        pool = next((pool for pool in pools if pool), [])
        if pool:
            found = max(pool, key=_order)
            stay.remove(found)
            self._take(cancel, _slot(found))

    def _take(self, cancel: CensusEvent, slot: tuple[str, ...]) -> None:
        if self._slots.pop(slot, None) is not None and cancel.visit and cancel.kind is not Kind.ADMIT:
            self.confirmed[cancel.visit] = max(self.confirmed.get(cancel.visit, _NEVER), cancel.recorded_at)


@dataclass(frozen=True, slots=True, order=True)
class _Statement:
    """What an event says of a bed; one that it was left has rank 0, and does not say that nobody else is in it."""

    said_of: datetime
    rank: int
    status: BedStatus
    origin: str
    """The visit that left, else the event."""


class _Replay:
    """Where the events leave every visit, and what they say of every bed."""

    def __init__(self, events: Iterable[CensusEvent]) -> None:
        self._places: dict[str, tuple[Bed, datetime]] = {}
        self._said: defaultdict[Bed, list[_Statement]] = defaultdict(list)
        self._statuses: defaultdict[Bed, list[_Statement]] = defaultdict(list)
        self._moved: dict[str, datetime] = {}
        """When the newest of a visit's movements was written down."""
        self._on_leave: set[str] = set()
        self._expected: dict[str, date] = {}
        standing = _Standing(events)
        self._over = set(standing.never_came)
        for event in standing.events():
            if event.kind is Kind.BED_STATUS:
                self._state(event)
            elif event.kind in _MOVEMENTS:
                self._move(event)
            elif event.visit and event.visit not in self._over:
                self._tell(event)
        self.present = frozenset(
            visit
            for visit, (bed, since) in self._places.items()
            if max(since, standing.confirmed.get(visit, _NEVER)) >= self._evicted_at(bed)
        )
        """The visits that are on a declared ward."""
        self._occupants = Counter(self._places[visit][0] for visit in self.present)
        self._alone = {
            self._places[visit][0]: visit
            for visit in self.present
            if self._places[visit][0].name and self._occupants[self._places[visit][0]] == 1
        }

    def occupants(self, bed: Bed) -> int:
        """How many visits are in a bed, or without one on its ward."""
        return self._occupants[bed]

    def status(self, bed: Bed) -> BedStatus:
        """What a bed is."""
        if self._occupants[bed]:
            return BedStatus.OCCUPIED
        return max(self._said[bed]).status if self._said[bed] else BedStatus.UNKNOWN

    def is_held(self, bed: Bed) -> bool:
        """Whether the one visit in a bed is away and comes back."""
        return self._alone.get(bed) in self._on_leave

    def expected(self, bed: Bed) -> date | None:
        """The day on which the one visit in a bed is to end."""
        return self._expected.get(self._alone.get(bed, ""))

    def left_last_by(self) -> Mapping[str, list[tuple[Bed, datetime]]]:
        """The beds of which nothing is said after they were left, by the visit, or nameless event, that left them."""
        left: defaultdict[str, list[tuple[Bed, datetime]]] = defaultdict(list)
        for bed, statements in self._said.items():
            last = max(statements)
            if last.rank == 0 and bed.name:
                left[last.origin].append((bed, last.said_of))
        return left

    def decisive(self) -> frozenset[str]:
        """The events whose statement is the last of its bed, and of A20 also the last by which a visit left it."""
        found = {max(statements).origin for statements in self._said.values()}
        for statements in self._statuses.values():
            evicting = [statement for statement in statements if statement.status in _EVICTING]
            found.update(max(pool).origin for pool in (statements, evicting) if pool)
        return frozenset(found)

    def _evicted_at(self, bed: Bed) -> datetime:
        statuses = self._statuses[bed]
        return max((each.said_of for each in statuses if each.status in _EVICTING), default=_NEVER)

    def _state(self, event: CensusEvent) -> None:
        if event.to_bed is not None:
            statement = _Statement(event.occurred_at, _RANK[event.status], event.status, event.key)
            self._statuses[event.to_bed].append(statement)
            self._said[event.to_bed].append(statement)

    def _tell(self, event: CensusEvent) -> None:
        """Take note of what is said of a visit that moves nowhere by it."""
        visit = event.visit
        if event.expected and (event.kind is Kind.EXPECT or visit in self._expected):
            self._expected[visit] = event.expected
        if event.kind is Kind.LEAVE:
            self._on_leave.add(visit)
        elif event.kind is Kind.RETURN:
            self._on_leave.discard(visit)
        if event.kind is not Kind.EXPECT:
            self._stay(event)

    def _stay(self, event: CensusEvent) -> None:
        """Where a visit is, unless a movement was written down later, and happened before."""
        here, _ = self._places.get(event.visit, (None, None))
        to_bed = event.to_bed
        if event.recorded_at < self._moved.get(event.visit, _NEVER):
            return
        if to_bed is None:
            if event.kind is Kind.UPDATE and here and event.from_bed and here.ward == event.from_bed.ward:
                del self._places[event.visit]
                self._leave(here, event)
        elif here and (event.kind is Kind.LEAVE or (here.ward == to_bed.ward and not to_bed.name)):
            self._places[event.visit] = (here, event.occurred_at)
        else:
            if here and here != to_bed:
                self._leave(here, event)
            self._places[event.visit] = (to_bed, event.occurred_at)

    def _leave(self, bed: Bed, event: CensusEvent) -> None:
        self._said[bed].append(_Statement(event.occurred_at, 0, BedStatus.FREE, event.visit or event.key))

    def _move(self, event: CensusEvent) -> None:
        here, _ = self._places.pop(event.visit, (None, None))
        to_bed = None if event.kind is Kind.DISCHARGE else event.to_bed
        self._note_move(event)
        for left in {here, event.from_bed} - {None, to_bed}:
            if left is not None:
                self._leave(left, event)
        if to_bed is not None and event.visit:
            self._places[event.visit] = (to_bed, event.occurred_at)
        elif to_bed is not None:
            taken = BedStatus.OCCUPIED
            self._said[to_bed].append(_Statement(event.occurred_at, _RANK[taken], taken, event.key))

    def _note_move(self, event: CensusEvent) -> None:
        visit = event.visit
        self._on_leave.discard(visit)
        if event.kind is not Kind.TRANSFER:
            self._expected.pop(visit, None)
        if event.kind is Kind.DISCHARGE:
            self._over.add(visit)
        else:
            self._over.discard(visit)
        self._moved[visit] = max(event.recorded_at, self._moved.get(visit, _NEVER))


def _double(ward: Ward, bed: str) -> Issue:
    return Issue(
        code="bed-occupied-twice",
        text_de="zwei Fälle liegen in diesem Bett; die Klinik prüft, welche Bewegung fehlt",
        text_en="two visits are in this bed; the hospital checks which movement is missing",
        place=f"{ward.key}, {bed}",
        severity="warning",
        fhir_code="conflict",
    )


def _overfull(ward: Ward) -> Issue:
    return Issue(
        code="ward-over-capacity",
        text_de="auf der Station liegen mehr Fälle, als sie Betten hat; die Klinik prüft, welche Bewegung fehlt",
        text_en="more visits are on the ward than it has beds; the hospital checks which movement is missing",
        place=ward.key,
        severity="warning",
        fhir_code="conflict",
    )
