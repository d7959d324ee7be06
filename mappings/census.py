"""The census of a ward: which of its beds are free, as a function of the set of its events, whatever order they came in
(HL7 v2.5 chapter 3, table 0116: https://terminology.hl7.org/CodeSystem-v2-0116.html).

A visit is where its last standing movement put it. A bed is what was last said of it, by a movement or by A20; said at
one moment, the statement counts that leaves fewer beds free. A bed of which nothing was said is unknown.
A discharge that is expected frees nothing before it comes.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter

from mappings.census_event import Bed, BedStatus, CensusEvent, Kind, event_of, pseudonymised
from mappings.errors import Issue
from mappings.vacancy import Block, Counts, Offer, State, VacancyReport
from mappings.wards import Ward

__all__ = [
    "Beds",
    "Census",
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
    return Census(_of_ward(events, ward.key)).beds(ward)


def ward_report(
    ward: Ward,
    beds: Beds,
    *,
    sequence: int | None = None,
    today: date | None = None,
    source_kind: str = "hospital-system",
) -> VacancyReport:
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
        source_kind=source_kind,
    )


def purgeable(events: Iterable[CensusEvent], now: datetime, *, kept: timedelta = _KEPT) -> Purge:
    """What no census needs any more: visits off the wards of which nothing was said for 30 days (or as long as said by
    `kept`), superseded statements.

    `events` are all of a source; a visit is off the wards by its discharge, a cancel, or a transfer. What a purged
    visit leaves to be known, that its bed is free, stays as an event that names no visit.
    """
    known = list({event.key: event for event in events}.values())
    present: set[str] = set()
    decisive: set[str] = set()
    left: defaultdict[str, list[tuple[Bed, datetime]]] = defaultdict(list)
    for bed, seen in Census(known).occupancies():
        present.update(stay.visit for stay in seen.present)
        decisive.update(statement.origin for statement in seen.decisive)
        if seen.last is not None and seen.last.rank == 0 and bed.name:
            # Nothing is said of it after it was left.
            left[seen.last.origin].append((bed, seen.last.said_of))
    keys: set[str] = set()
    residues: list[CensusEvent] = []
    for stay in _by_stay(known):
        visit, said = stay[0].visit, {event.key for event in stay}
        needed = visit in present if visit else not decisive.isdisjoint(said)
        if needed or (stay[0].kind is not Kind.BED_STATUS and not _old(stay, now - kept)):
            continue
        keys.update(said)
        residues.extend(
            CensusEvent(kind=Kind.DISCHARGE, occurred_at=left_at, recorded_at=left_at, from_bed=bed).keyed()
            for bed, left_at in left.get(visit, [])
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
    """The events of a stay that hold: of a corrected movement its last version, of a cancelled one none."""

    def __init__(self, events: Iterable[CensusEvent]) -> None:
        self.confirmed = _NEVER
        """When a cancel said that the visit is where it was before."""
        self._slots: dict[tuple[str, ...], CensusEvent] = {}
        ordered = sorted(events, key=_version)
        for event in ordered:
            if not event.cancels:
                self._slots[_slot(event)] = event
        cancels = [event for event in ordered if event.cancels]
        self.never_came = any(cancel.kind is Kind.ADMIT for cancel in cancels)
        """Whether the admission was taken back."""
        for cancel in cancels:
            if cancel.movement:
                self._take(cancel, _slot(cancel))
        for cancel in cancels:
            if cancel.visit and not cancel.movement:
                self._take_back(cancel, [event for event in self._slots.values() if event.kind is cancel.kind])

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
            self._take(cancel, _slot(max(pool, key=_order)))

    def _take(self, cancel: CensusEvent, slot: tuple[str, ...]) -> None:
        if self._slots.pop(slot, None) is not None and cancel.visit and cancel.kind is not Kind.ADMIT:
            self.confirmed = max(self.confirmed, cancel.recorded_at)


@dataclass(frozen=True, slots=True, order=True)
class _Statement:
    """What an event says of a bed; one that it was left has rank 0, and does not say that nobody else is in it."""

    said_of: datetime
    rank: int
    status: BedStatus
    origin: str
    """The visit that left, else the event."""


@dataclass(frozen=True, slots=True)
class _Stay:
    """What the events of one stay come to: where its visit is, and what they say of beds."""

    visit: str
    bed: Bed | None
    since: datetime
    """When it was last said that the visit is in that bed."""
    on_leave: bool
    expected: date | None
    """The day on which the visit is to end."""
    said: dict[Bed, _Statement]
    """The last that is said of each bed."""
    evicted: dict[Bed, _Statement]
    """The last by which nobody is in a bed."""
    status: dict[Bed, _Statement]
    """The last statement of each bed's status."""
    newest: datetime
    """The latest moment that any of the events speaks of."""

    @property
    def beds(self) -> frozenset[Bed]:
        """The beds that it speaks of."""
        return frozenset((*self.said, *self.evicted, *self.status, *((self.bed,) if self.bed is not None else ())))

    def and_nameless(self, other: "_Stay") -> "_Stay":
        """Together with the statement of another nameless event; what is overtaken never counts again."""
        for mine, others in ((self.said, other.said), (self.evicted, other.evicted), (self.status, other.status)):
            for bed, statement in others.items():
                _note(mine, bed, statement)
        return replace(self, newest=max(self.newest, other.newest))


class _Replay:
    """Where the events of one stay leave its visit, and what they say of every bed."""

    def __init__(self, events: Collection[CensusEvent]) -> None:
        self._place: tuple[Bed, datetime] | None = None
        self._said: dict[Bed, _Statement] = {}
        self._status: dict[Bed, _Statement] = {}
        self._evicted: dict[Bed, _Statement] = {}
        self._moved = _NEVER
        """When the newest of the visit's movements was written down."""
        self._on_leave = False
        self._expected: date | None = None
        standing = _Standing(events)
        self._over = standing.never_came
        for event in standing.events():
            if event.kind is Kind.BED_STATUS:
                self._state(event)
            elif event.kind in _MOVEMENTS:
                self._move(event)
            elif event.visit and not self._over:
                self._tell(event)
        bed, since = self._place or (None, _NEVER)
        self.stay = _Stay(
            visit=next(iter(events)).visit,
            bed=bed,
            since=max(since, standing.confirmed),
            on_leave=self._on_leave,
            expected=self._expected,
            said=self._said,
            evicted=self._evicted,
            status=self._status,
            newest=max(event.said_at for event in events),
        )

    def _state(self, event: CensusEvent) -> None:
        bed = event.to_bed
        if bed is not None:
            statement = _Statement(event.occurred_at, _RANK[event.status], event.status, event.key)
            _note(self._said, bed, statement)
            _note(self._status, bed, statement)
            if event.status in _EVICTING:
                _note(self._evicted, bed, statement)

    def _tell(self, event: CensusEvent) -> None:
        """Take note of what is said of a visit that moves nowhere by it."""
        if event.expected and (event.kind is Kind.EXPECT or self._expected):
            self._expected = event.expected
        if event.kind is Kind.LEAVE:
            self._on_leave = True
        elif event.kind is Kind.RETURN:
            self._on_leave = False
        if event.kind is not Kind.EXPECT:
            self._stay(event)

    def _stay(self, event: CensusEvent) -> None:
        """Where a visit is, unless a movement was written down later, and happened before."""
        here = self._place[0] if self._place else None
        to_bed = event.to_bed
        if event.recorded_at < self._moved:
            return
        if to_bed is None:
            if event.kind is Kind.UPDATE and here and event.from_bed and here.ward == event.from_bed.ward:
                self._place = None
                self._leave(here, event)
        elif here and (event.kind is Kind.LEAVE or (here.ward == to_bed.ward and not to_bed.name)):
            self._place = (here, event.occurred_at)
        else:
            if here and here != to_bed:
                self._leave(here, event)
            self._place = (to_bed, event.occurred_at)

    def _leave(self, bed: Bed, event: CensusEvent) -> None:
        _note(self._said, bed, _Statement(event.occurred_at, 0, BedStatus.FREE, event.visit or event.key))

    def _move(self, event: CensusEvent) -> None:
        here = self._place[0] if self._place else None
        self._place = None
        to_bed = None if event.kind is Kind.DISCHARGE else event.to_bed
        self._note_move(event)
        if here is not None and here != to_bed:
            self._leave(here, event)
        if event.from_bed is not None and event.from_bed not in (here, to_bed):
            self._leave(event.from_bed, event)
        if to_bed is not None and event.visit:
            self._place = (to_bed, event.occurred_at)
        elif to_bed is not None:
            taken = BedStatus.OCCUPIED
            _note(self._said, to_bed, _Statement(event.occurred_at, _RANK[taken], taken, event.key))

    def _note_move(self, event: CensusEvent) -> None:
        self._on_leave = False
        if event.kind is not Kind.TRANSFER:
            self._expected = None
        self._over = event.kind is Kind.DISCHARGE
        self._moved = max(event.recorded_at, self._moved)


def _note(statements: dict[Bed, _Statement], bed: Bed, statement: _Statement) -> None:
    """Keep the last statement of a bed."""
    before = statements.get(bed)
    if before is None or before < statement:
        statements[bed] = statement


class Census:
    """What stays come to, each put whole and anew where more is said of it: only the beds it speaks of are looked at
    again."""

    def __init__(self, events: Iterable[CensusEvent] = ()) -> None:
        """`events` are all of their stays."""
        self.newest: datetime | None = None
        """The latest moment that any event speaks of."""
        self._stays: dict[str, _Stay] = {}
        self._of_bed: defaultdict[Bed, dict[str, _Stay]] = defaultdict(dict)
        self._seen: dict[Bed, _Occupancy] = {}
        for stay in _by_stay(events):
            self.put(stay)

    def put(self, events: Collection[CensusEvent]) -> None:
        """All events of one stay; they take the place of what was put of it before, and are never fewer."""
        key, stay = _stay_key(events), _Replay(events).stay
        before = self._stays.get(key)
        if before is not None and not key:
            stay = before.and_nameless(stay)
        for bed in before.beds - stay.beds if before is not None else ():
            del self._of_bed[bed][key]
            self._seen.pop(bed, None)
        for bed in stay.beds:
            self._of_bed[bed][key] = stay
            self._seen.pop(bed, None)
        self._stays[key] = stay
        self.newest = stay.newest if self.newest is None else max(stay.newest, self.newest)

    def beds(self, ward: Ward) -> Beds:
        """The beds of a ward of which all stays were put, and no others."""
        issues = []
        statuses = {}
        nameless = on_leave = 0
        expected = []
        for name in ward.beds:
            seen = self.occupancy(Bed(ward.key, name))
            statuses[name] = seen.status
            nameless += not seen.present and seen.status in (BedStatus.OCCUPIED, BedStatus.UNKNOWN)
            if len(seen.present) > 1:
                issues.append(_double(ward, name))
            elif seen.present:
                (stay,) = seen.present
                on_leave += stay.on_leave
                if stay.expected is not None:
                    expected.append(stay.expected)
        beds = Beds(
            statuses=statuses,
            unplaced=max(0, len(self.occupancy(Bed(ward.key)).present) - nameless),
            on_leave=on_leave,
            expected=tuple(sorted(expected)),
            valid_at=self.newest,
        )
        counts = beds.counts
        taken = (counts.occupied or 0) + (counts.held or 0)
        if counts.operable is not None and taken > counts.operable:
            issues.append(_overfull(ward))
        return replace(beds, issues=tuple(issues))

    def occupancy(self, bed: Bed) -> "_Occupancy":
        """Who is in a bed, or without one on its ward, and what was said of it last."""
        found = self._seen.get(bed)
        if found is None:
            found = self._seen[bed] = _Occupancy.of(bed, self._of_bed.get(bed, {}).values())
        return found

    def occupancies(self) -> Iterator[tuple[Bed, "_Occupancy"]]:
        """Those of all beds of which anything is said."""
        return ((bed, self.occupancy(bed)) for bed in self._of_bed)


@dataclass(frozen=True, slots=True)
class _Occupancy:
    """A bed as all stays leave it."""

    present: tuple[_Stay, ...]
    last: _Statement | None
    decisive: tuple[_Statement, ...]
    """What is said last of it, of A20 also the last status, and the last by which a visit left it."""

    @classmethod
    def of(cls, bed: Bed, stays: Collection[_Stay]) -> "_Occupancy":
        """What those who speak of a bed say together."""
        last, evicted, status = (
            max((said[bed] for stay in stays if bed in (said := of(stay))), default=None)
            for of in (_SAID, _EVICTED, _STATUS)
        )
        since = evicted.said_of if evicted is not None else _NEVER
        return cls(
            present=tuple(stay for stay in stays if stay.bed == bed and stay.since >= since),
            last=last,
            decisive=tuple(one for one in (last, evicted, status) if one is not None),
        )

    @property
    def status(self) -> BedStatus:
        """What the bed is."""
        if self.present:
            return BedStatus.OCCUPIED
        return self.last.status if self.last is not None else BedStatus.UNKNOWN


_SAID, _EVICTED, _STATUS = attrgetter("said"), attrgetter("evicted"), attrgetter("status")


def _stay_key(events: Iterable[CensusEvent]) -> str:
    """What tells a stay from others; blank for a nameless event, of which nothing else is ever said."""
    first = next(iter(events))
    return first.stay if first.visit or first.movement else ""


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
