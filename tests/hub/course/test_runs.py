"""What sources said of their offers is recorded as runs: once something else is said, and not before."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from hub.course import runs as reading
from hub.course.run import Run
from hub.course.runs import runs
from hub.hub import Hub
from hub.ingest import large, recorded_runs
from hub.ingest.reconcile import Reconciler
from hub.store.clock import micros
from hub.store.database import Database
from hub.store.reader import Reader
from hub.store.schema import migrate
from hub.store.tables import course_run, statement
from mappings.identity import resource_id
from mappings.vacancy import Block, BlockStatus, Counts, Facility, Offer, State, VacancyReport
from mappings.view import effective
from tests.conftest import NOW, Clock
from tests.hub.deliveries import csv_long, long_row, send
from tests.hub.region import HOUR, SOURCE, report, tell

T0 = micros(NOW)
H = micros(NOW + HOUR) - T0


def recorded(hub: Hub, **asked: Any) -> list[Run]:
    with hub.database.reading() as connection:
        return list(runs(Reader(connection.connection.driver_connection, hub.database.dialect), **asked))


def told(found: list[Run]) -> list[tuple[State, int | None, int, int, int | None, int]]:
    """Each run with its times in hours."""
    return [
        (
            one.state,
            one.accepting,
            (one.since - T0) // H,
            (one.until - T0) // H,
            None if one.ended is None else (one.ended - T0) // H,
            one.said,
        )
        for one in found
    ]


def test_a_change_ends_a_run_and_a_heartbeat_goes_on_with_it(hub: Hub) -> None:
    for hours, free in ((0, 3), (1, 3), (5, 3), (8, 0), (20, 2)):
        tell(hub, report(free=free, valid_at=NOW + hours * HOUR))
    found = recorded(hub)
    assert told(found) == [
        (State.SOME, 3, 0, 5, 8, 3),
        (State.NONE, 0, 8, 8, 20, 1),
        (State.SOME, 2, 20, 20, None, 1),
    ]
    offer = resource_id(SOURCE, "HealthcareService", "moor/kurzzeitpflege-solitaer")
    assert {(one.source, one.offer, one.care_form) for one in found} == {(SOURCE, offer, "kurzzeitpflege-solitaer")}


def test_without_times_of_their_own_statements_count_from_receipt(hub: Hub, clock: Clock) -> None:
    tell(hub, report(free=1))
    clock.forward(hours=2)
    tell(hub, report(free=1))
    clock.forward(hours=1)
    tell(hub, report(free=None))
    assert told(recorded(hub)) == [(State.SOME, 1, 0, 2, 3, 2), (State.UNKNOWN, None, 3, 3, None, 1)]


def test_what_comes_late_or_confirms_nothing_makes_no_run(hub: Hub, clock: Clock) -> None:
    tell(hub, report(free=3, valid_at=NOW))
    tell(hub, report(free=1, valid_at=NOW + 4 * HOUR))
    tell(hub, report(free=2, valid_at=NOW + 2 * HOUR))
    clock.forward(hours=9)
    tell(hub, report(free=1, valid_at=NOW + 4 * HOUR))
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 0, 4, 1), (State.SOME, 1, 4, 4, None, 1)]


def test_of_statements_that_come_together_the_newest_alone_counts(hub: Hub) -> None:
    tell(hub, report(free=3, valid_at=NOW))
    tell(hub, *(report(free=free, valid_at=NOW + free * HOUR) for free in (5, 4, 7)))
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 0, 7, 1), (State.SOME, 7, 7, 7, None, 1)]


def test_other_words_of_a_facility_or_of_single_places_end_no_run(hub: Hub) -> None:
    tell(hub, report(free=3, valid_at=NOW))
    tell(hub, report(free=3, valid_at=NOW + HOUR, latitude=52.9))
    tell(hub, report(free=3, valid_at=NOW + 2 * HOUR, blocks=(Block(count=1), Block(count=2))))
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 2, None, 3)]


def test_another_care_form_ends_a_run(hub: Hub) -> None:
    before = report(free=3, valid_at=NOW)
    tell(hub, before)
    tell(hub, replace(before, offer=replace(before.offer, care_form="tagespflege"), valid_at=NOW + HOUR))
    assert [(one.care_form, one.accepting, one.said) for one in recorded(hub)] == [
        ("kurzzeitpflege-solitaer", 3, 1),
        ("tagespflege", 3, 1),
    ]


def test_what_expires_or_is_withdrawn_still_stands_until_something_is_said(hub: Hub, clock: Clock) -> None:
    tell(hub, report(free=3, valid_at=NOW))
    offer = recorded(hub)[0].offer
    with hub.database.transaction() as transaction:
        hub.pipeline.withdraw_in(transaction, [offer])
    clock.forward(days=9)
    hub.pipeline.expire()
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 0, None, 1)]
    tell(hub, report(free=3, valid_at=clock()))
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 216, None, 2)]
    clock.forward(hours=1)
    tell(hub, report(free=2, valid_at=clock()))
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 216, 217, 2), (State.SOME, 2, 217, 217, None, 1)]


@pytest.mark.parametrize("some", [1, 2, 5000])
def test_runs_come_by_offer_and_of_one_source_where_asked(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch, some: int
) -> None:
    for free in ("1", "2", "2", "0"):
        clock.forward(hours=1)
        send(hub, "csv-long", csv_long(*(long_row(f"h{number}", free=free, as_of="") for number in range(4))))
        tell(hub, *(report(key, free=int(free), valid_at=clock()) for key in ("moor", "heide")))
    monkeypatch.setattr(reading, "_SOME", some)
    for prepared in ("_NEXT_FINISHED", "_NEXT_STANDING"):
        monkeypatch.setattr(
            reading,
            prepared,
            {key: type(one)(one._statement.limit(some)) for key, one in getattr(reading, prepared).items()},
        )
    found = recorded(hub)
    assert [one.offer for one in found] == sorted(one.offer for one in found)
    assert len(found) == 6 * 3
    by_offer: dict[str, list[Run]] = {}
    for one in found:
        by_offer.setdefault(one.offer, []).append(one)
    for mine in by_offer.values():
        assert [one.accepting for one in mine] == [1, 2, 0]
        assert [one.ended for one in mine] == [mine[1].since, mine[2].since, None]
    assert {one.source for one in recorded(hub, source=SOURCE)} == {SOURCE}
    assert len(recorded(hub, source=SOURCE)) == 6
    assert [one.accepting for one in recorded(hub, source=SOURCE, since=micros(clock()))] == [0, 0]
    assert recorded(hub, source="nobody") == []


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_PART", 5)
    monkeypatch.setattr(large, "LARGE", 12)


def table(free: str) -> bytes:
    return csv_long(*(long_row(f"h{number}", free=free, as_of="") for number in range(23)))


def rows(hub: Hub) -> int:
    with hub.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(course_run)).scalar_one())


@pytest.mark.usefixtures("small_parts")
def test_a_large_delivery_records_its_runs_part_by_part_and_each_once(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(hub, "csv-long", table("2"))
    clock.forward(hours=1)
    real, calls = recorded_runs.end, iter(range(100))

    def end(*arguments: Any) -> None:
        real(*arguments)
        if next(calls) == 2:
            raise RuntimeError  # after the rows of the third part are written, and before it is committed

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(recorded_runs, "end", end)
        send(hub, "csv-long", table("0"))
    assert rows(hub) == 10
    hub.pipeline.resume()
    assert rows(hub) == 23
    hub.pipeline.resume()
    send(hub, "csv-long", table("0"))
    assert rows(hub) == 23


def test_a_delivery_that_fails_leaves_no_half_run(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(hub, report(free=3, valid_at=NOW))
    clock.forward(hours=1)

    def fail(*_arguments: Any, **_named: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(Reconciler, "_rebind", fail)
        tell(hub, report(free=1, valid_at=clock()))
    assert told(recorded(hub)) == [(State.SOME, 3, 0, 0, None, 1)]


def test_runs_are_forgotten_after_four_hundred_days(hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for free in (3, 2, 1):
        tell(hub, report(free=free, valid_at=clock()))
        clock.forward(days=10)
    clock.forward(days=365)
    hub.pipeline.purge()
    assert [one.accepting for one in recorded(hub)] == [3, 2, 1]
    clock.forward(days=16)
    hub.pipeline.purge()
    assert [one.accepting for one in recorded(hub)] == [2, 1]
    clock.forward(days=1000)
    hub.pipeline.purge()
    assert [one.accepting for one in recorded(hub)] == [1]


counts = st.none() | st.integers(-2, 3)


@given(
    state=st.sampled_from(State),
    accepting=counts,
    blocks=st.lists(st.builds(Block, count=st.integers(0, 3), status=st.sampled_from(BlockStatus)), max_size=3),
)
def test_places_are_counted_as_they_are_shown(state: State, accepting: int | None, blocks: list[Block]) -> None:
    one = VacancyReport(
        facility=Facility(key="a", name="a"),
        offer=Offer(key="a", care_form="tagespflege"),
        state=state,
        counts=Counts(accepting=accepting),
        blocks=tuple(blocks),
    )
    shown = effective(one)
    found = recorded_runs.places_said(one)
    free = shown.counts.accepting
    assert found == (shown.state, 0 if shown.state is State.NONE else None if free is None else max(free, 0))


def test_what_stood_before_runs_were_recorded_is_told_by_its_report(bare_database_url: str) -> None:
    database = Database(bare_database_url)
    migrate(database, "0011")
    saying = {
        "some": report(free=2),
        "none": report(free=0),
        "unknown": report(free=None),
        "blocks": report(free=None, state=State.SOME, blocks=(Block(count=2), Block(count=1))),
    }
    columns = [column.name for column in statement.columns][: list(statement.columns.keys()).index("since")]
    with database.writing() as connection:
        for key, one in saying.items():
            row = (key, SOURCE, "moor", "tagespflege", None, T0 + H, 1, b"", b"", b"", T0, T0 + H, T0, T0, False)
            named = dict(zip(columns, (*row, orjson.dumps(one)), strict=True))
            connection.execute(
                text(_INSERT.format(", ".join(columns), ", ".join(f":{name}" for name in columns))), named
            )
    migrate(database)
    with database.reading() as connection:
        found = list(runs(Reader(connection.connection.driver_connection, database.dialect)))
    database.close()
    assert {one.offer: (one.state.value, one.accepting) for one in found} == {
        key: recorded_runs.places_said(one) for key, one in saying.items()
    }
    assert {told([one])[0][2:] for one in found} == {(0, 1, None, 2)}


_INSERT = "INSERT INTO statement ({}) VALUES ({})"
