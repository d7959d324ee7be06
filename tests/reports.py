"""Vacancy reports as hypothesis makes them, and one by hand that says everything."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from hypothesis import strategies as st

from mappings import terminology
from mappings.vacancy import (
    Address,
    Admission,
    Block,
    BlockStatus,
    Contact,
    Counts,
    Facility,
    Hours,
    Offer,
    Operator,
    OwnShare,
    Per,
    Position,
    ReportedBy,
    Room,
    Sex,
    State,
    VacancyReport,
    Weekday,
)

__all__ = ["FULL", "reports"]

FULL = VacancyReport(
    facility=Facility(
        key="12",
        name="Haus am Moor",
        operator=Operator(key="nordlicht", name="Nordlicht Pflege gGmbH"),
        iks=("260326822",),
        telematik_id="9-2.245.0000012",
        address=Address(
            street="Moorweg",
            house_number="3a",
            postal_code="49661",
            city="Cloppenburg",
            precinct="Emstekerfeld",
            ags="03453004",
            state="DE-NI",
        ),
        position=Position(52.8478, 8.0437),
        contacts=(
            Contact(system="phone", value="04471 5550"),
            Contact(system="email", value="belegung@haus.example", internal=True),
            Contact(system="kim", value="aufnahme@moor.kim.telematik"),
        ),
    ),
    offer=Offer(
        key="12/kzp",
        care_form="kurzzeitpflege-eingestreut",
        name="Kurzzeitpflege am Moor",
        needs=("demenz", "rollstuhl"),
        care_grades=(2, 3),
        languages=("de", "pl"),
        catchment=("49661", "49685"),
        contacts=(
            Contact(system="url", value="https://haus.example"),
            Contact(system="phone", value="04471 5559", internal=True),
        ),
        pool="12/dauerpflege",
        hours=(
            Hours(days=tuple(Weekday)[:5], opens=time(8), closes=time(16, 30)),
            Hours(days=(Weekday.SAT,)),
        ),
        admission=Admission(days=(Weekday.MON, Weekday.WED), latest=time(15)),
        own_share=OwnShare(cents=6_230, per=Per.DAY, as_of=date(2026, 10, 1)),
        payers=("pflegekasse", "sozialhilfe"),
        payers_as_of=date(2026, 1, 1),
    ),
    valid_at=datetime(2026, 11, 2, 6, 30, tzinfo=UTC),
    state=State.SOME,
    counts=Counts(licensed=20, operable=18, occupied=13, held=1, accepting=4, waiting=3),
    blocks=(
        Block(count=3, room=Room.DOUBLE, sex=Sex.FEMALE, needs=("demenz",)),
        Block(count=1, start=date(2026, 12, 1), end=date(2026, 12, 31), room=Room.SINGLE),
        Block(count=1, status=BlockStatus.HELD),
        Block(count=1, status=BlockStatus.CLOSED, closing_reason="staff"),
    ),
    estimated=True,
    source_kind="portal",
)
"""A report in which everything is said."""

_text = st.from_regex(r"[A-ZÄÖÜa-zäöüß0-9.&/-]{1,10}( [A-ZÄÖÜa-zäöüß0-9.&/-]{1,10})?", fullmatch=True)
_maybe_text = st.just("") | _text
_postal_code = st.from_regex("[0-9]{5}", fullmatch=True)
_day = st.dates(date(2020, 1, 1), date(2090, 1, 1))
_count = st.integers(0, 500)


def _codes(system_name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(terminology.codes(system_name)))


def _few(element: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(element, max_size=3, unique=True).map(tuple)


def _contacts() -> st.SearchStrategy[tuple[Contact, ...]]:
    systems = st.sampled_from(["phone", "fax", "email", "url", "kim"])
    return st.lists(
        st.builds(Contact, system=systems, value=_text, internal=st.booleans()), max_size=2, unique=True
    ).map(tuple)


_facilities = st.builds(
    Facility,
    key=_text,
    name=_text,
    operator=st.none() | st.builds(Operator, key=_text, name=_text),
    iks=_few(st.sampled_from(["260326822", "101575519", "109519005"])),
    telematik_id=st.sampled_from(["", "9-2.245.0000012"]),
    address=st.builds(
        Address,
        street=_maybe_text,
        house_number=_maybe_text,
        postal_code=st.just("") | _postal_code,
        city=_maybe_text,
        precinct=_maybe_text,
        ags=st.just("") | st.from_regex("[0-9]{8}", fullmatch=True),
        state=st.sampled_from(["", "DE-NI"]),
    ),
    position=st.none()
    | st.builds(
        Position,
        st.floats(47, 55).map(lambda degrees: round(degrees, 7)),
        st.floats(6, 15).map(lambda degrees: round(degrees, 7)),
    ),
    contacts=_contacts(),
)
_days = st.sets(st.sampled_from(Weekday)).map(lambda days: tuple(day for day in Weekday if day in days))
_times = st.times().map(lambda moment: moment.replace(microsecond=0))


@st.composite
def _hours(draw: st.DrawFn) -> Hours:
    days = draw(_days.filter(bool))
    opens, closes = draw(st.lists(_times, min_size=2, max_size=2, unique=True).map(sorted))
    return draw(st.sampled_from([Hours(days=days), Hours(days=days, opens=opens, closes=closes)]))


_offers = st.builds(
    Offer,
    key=_text,
    care_form=_codes("care-form"),
    name=_maybe_text,
    needs=_few(_codes("need")),
    care_grades=st.sets(st.integers(1, 5)).map(lambda grades: tuple(sorted(grades))),
    languages=_few(st.sampled_from(["de", "en", "pl", "ru"])),
    catchment=_few(_postal_code),
    contacts=_contacts(),
    pool=_maybe_text,
    hours=st.lists(_hours(), max_size=3).map(tuple),
    admission=st.none()
    | st.builds(Admission, days=_days, latest=st.none() | _times).filter(
        lambda one: one.days or one.latest is not None
    ),
    own_share=st.none()
    | st.builds(
        OwnShare,
        cents=st.integers(0, 10_000_000),
        per=st.sampled_from(Per),
        as_of=st.none() | st.dates(date(2000, 1, 1)),
    ),
    payers=_few(_codes("payer")),
    payers_as_of=st.none() | st.dates(date(2000, 1, 1)),
).map(lambda offer: offer if offer.payers else replace(offer, payers_as_of=None))
_moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2090, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)


@st.composite
def _blocks(draw: st.DrawFn) -> Block:
    start = draw(st.none() | _day)
    status = draw(st.sampled_from(BlockStatus))
    return Block(
        count=draw(st.integers(1, 60)),
        status=status,
        start=start,
        # A block without a start must not be over already.
        end=draw(st.none() | st.dates(start or date(2091, 1, 1), date(2095, 1, 1))),
        room=draw(st.none() | st.sampled_from(Room)),
        sex=draw(st.none() | st.sampled_from(Sex)),
        needs=draw(_few(_codes("need"))),
        closing_reason=draw(_codes("closing-reason")) if status is BlockStatus.CLOSED else "",
    )


@st.composite
def reports(draw: st.DrawFn) -> VacancyReport:
    """Reports as source maps make them: places counted as free or held are also in a block."""
    blocks = tuple(draw(st.lists(_blocks(), max_size=4)))
    said = {block.status for block in blocks}
    counts = Counts(
        licensed=draw(st.none() | _count),
        operable=draw(st.none() | _count),
        occupied=draw(st.none() | _count),
        held=draw(st.none() | _count) if BlockStatus.HELD in said else None,
        accepting=draw(st.none() | st.integers(-5, 500 if BlockStatus.FREE in said else 0)),
        waiting=draw(st.none() | _count),
    )
    reported_by = draw(st.none() | st.sampled_from(ReportedBy))
    return replace(
        FULL,
        facility=draw(_facilities),
        offer=draw(_offers),
        valid_at=draw(st.none() | _moments),
        state=draw(st.sampled_from(State)),
        counts=counts,
        blocks=blocks,
        estimated=draw(st.booleans()),
        reported_by=reported_by,
        source_kind=reported_by.value if reported_by else draw(_codes("source-kind")),
    )
