"""What is kept of free blocks in memory says what the database says, whoever wrote, and however much."""

import ast
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from inspect import signature
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from hub.hub import Hub
from hub.ingest.vacancy_index import Times, VacancyIndex
from hub.settings import Settings
from hub.store import blocks as blocks_module
from hub.store import changes as changes_module
from hub.store.blocks import Blocks
from hub.store.changes import Changes
from hub.store.clock import micros
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.repository import _SHOWN as FOLLOWED
from hub.store.tables import PUBLIC, VIEWS
from mappings import terminology
from mappings.source_map import Ladder
from mappings.vacancy import Block, State, VacancyReport
from tests.conftest import NOW, Clock
from tests.hub.as_stored import POSTAL_CODES, assert_as_stored, known, told
from tests.hub.region import facility, report, tell

ROOT = Path(__file__).parents[3]
FORMS = ("kurzzeitpflege-solitaer", "dauerpflege", "ambulante-pflege")


def drawn(draw: random.Random) -> VacancyReport:
    """A report of one of a few offers: another state, place, home, care form or area than before, or the same again."""
    key = draw.choice(("moor", "heide", "deich", "geest"))
    start = date(2026, 12, draw.randint(1, 20))
    made = [
        Block(count=draw.randint(1, 2), start=start + timedelta(days=7 * number))
        for number in range(draw.randrange(0, 3))
    ]
    free = draw.choice((None, 0, 2))
    one = report(
        key,
        care_form=draw.choice(FORMS),
        free=free,
        blocks=made if free else None,
        latitude=draw.choice((52.85, 52.85, 52.9, 53.4)),
        longitude=draw.choice((8.05, 8.3)),
    )
    catchment = tuple(str(code) for code in draw.sample(POSTAL_CODES, draw.randrange(0, 3)))
    return replace(one, offer=replace(one.offer, catchment=catchment, languages=draw.choice(((), ("tr",)))))


@pytest.mark.parametrize("seed", range(3))
def test_they_say_what_the_database_says(hub: Hub, clock: Clock, seed: int) -> None:
    draw = random.Random(seed)
    hub.sources._maps = {**hub.sources._maps, "test": replace(hub.sources.named("json"), name="test")}
    assert_as_stored(hub)
    said: list[VacancyReport] = []
    for _ in range(12):
        clock.forward(hours=draw.randint(1, 20))
        match draw.randrange(5):
            case 0 if said:
                hub.pipeline.withdraw("test", draw.choice(said).offer.key)
            case 1:
                hub.pipeline.expire()
            case 2 if said:
                tell(hub, *said[-3:])
            case _:
                new = {one.offer.key: one for one in (drawn(draw) for _ in range(draw.randint(1, 5)))}
                said += new.values()
                tell(hub, *new.values())
        assert_as_stored(hub)


def test_every_kind_together_is_all_kinds_one_by_one(hub: Hub, clock: Clock) -> None:
    """Also where the rectangle ends among them, and after they were written anew; those of an offer side by side."""
    draw = random.Random(1)
    everything = sorted(terminology.codes("care-form")), tuple(State)
    found_by_longitude: defaultdict[tuple[float, float], set[int]] = defaultdict(set)
    for _ in range(3):
        clock.forward(hours=1)
        new = {one.offer.key: one for one in (drawn(draw) for _ in range(12))}
        tell(hub, *new.values())
        with hub.database.snapshot() as reader:
            blocks = reader.blocks[PUBLIC.name]
            there = blocks.follow(reader.all)
            for west, east in ((7, 9), (7, 8.1), (8.1, 9), (8.05, 8.05), (8.06, 8.29)):
                rectangle = (52.8, 53.5, west, east)
                together = blocks.of_any_kind(reader.all, there, *rectangle)
                assert told(blocks, together) == told(blocks, blocks.around(reader.all, there, *everything, *rectangle))
                rids = [rid for rid, _ in groupby(together["rid"].tolist())]
                assert len(rids) == len(set(rids))
                found_by_longitude[west, east] |= set(rids)
    assert found_by_longitude[7, 8.1] and found_by_longitude[8.1, 9] and not found_by_longitude[8.06, 8.29]


TIMES = Times(offer="", valid_at=None, confirmed_at=micros(NOW) + 1, based_on=micros(NOW) + 1, ladder=Ladder())
WRITES: dict[str, Callable[[VacancyIndex, Transaction, int], None]] = {
    "change_members": lambda index, transaction, rid: index.change_members(transaction, [], [(rid, rid)]),
    "clear": lambda index, transaction, rid: index.clear(transaction, rid),
    "end": lambda index, transaction, rid: index.end(transaction, [rid], micros(NOW)),
    "move": lambda index, transaction, rid: index.move(transaction, [rid], facility(latitude=52.9)),
    "put_freshness": lambda index, transaction, rid: index.put_freshness(transaction, {rid: TIMES}),
    "put_members": lambda index, transaction, rid: index.put_members(transaction, {rid: ()}),
    "put_places": lambda index, transaction, rid: index.put_places(transaction, {rid: report(free=0)}),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_way_to_write_to_the_index_is_followed(sqlite_hub: Hub, write: str) -> None:
    """Mostly several come together, and one would do for all of them."""
    tell(sqlite_hub, replace(report("moor", free=1), valid_at=NOW))
    assert_as_stored(sqlite_hub)
    for projection in VIEWS.values():
        with sqlite_hub.database.snapshot() as reader:
            before = known(Blocks(projection), reader, projection)
        with sqlite_hub.database.transaction() as transaction:
            ((rid,),) = transaction.all(Prepared(select(projection.vacancy.c.rid)))
            WRITES[write](VacancyIndex(projection), transaction, rid)
        with sqlite_hub.database.snapshot() as reader:
            assert known(Blocks(projection), reader, projection) != before
    assert_as_stored(sqlite_hub)


def test_no_way_to_write_to_the_index_is_left_out() -> None:
    assert WRITES.keys() == {
        name
        for name, method in vars(VacancyIndex).items()
        if not name.startswith("_") and name != "tell" and "transaction" in signature(method).parameters
    }


def writes_what_is_kept(source: str) -> bool:
    """Whether a module names tables that memory follows, and statements that write."""
    nodes = list(ast.walk(ast.parse(source)))
    tables = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    called = (node.func for node in nodes if isinstance(node, ast.Call))
    # `.update` is mostly a dictionary's, or a digest's.
    calls = {func.attr if isinstance(func, ast.Attribute) else f"{getattr(func, 'id', '')}()" for func in called}
    writing = calls & {"insert()", "update()", "delete()", "insert", "delete"}
    return bool(writing) and bool(tables & {"vacancy", "freshness", "service_area", "member"})


def test_nobody_else_writes_what_is_kept_in_memory() -> None:
    """Who does tells the list of changes, is in a test above or in `test_identity`, and then stands here."""
    modules = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "hub").rglob("*.py")}
    writing = {name for name, source in modules.items() if writes_what_is_kept(source)}
    assert writing == {
        "hub/ingest/fhir_offers.py",  # deletes marks
        "hub/ingest/joined_view.py",
        "hub/ingest/vacancy_index.py",
    }


def test_who_would_write_there_is_found() -> None:
    assert writes_what_is_kept("connection.execute(update(PUBLIC.freshness).values(stale_at=0))")
    assert not writes_what_is_kept("connection.execute(select(PUBLIC.freshness))")


def test_all_that_is_shown_with_offers_is_followed(sqlite_hub: Hub) -> None:
    tell(sqlite_hub, report("moor", free=1))
    for projection in VIEWS.values():
        resource, member = projection.resource, projection.member
        with sqlite_hub.database.reading() as connection:
            shown = select(resource.c.type).join(member, member.c.member == resource.c.rid)
            assert {"Location", "Slot"} <= set(connection.execute(shown).scalars()) < FOLLOWED


def test_a_write_that_tells_nobody_would_be_missed(sqlite_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control of the test above."""
    tell(sqlite_hub, report("moor", free=1))
    assert_as_stored(sqlite_hub)
    monkeypatch.setattr(Changes, "add", lambda *_: None)
    tell(sqlite_hub, report("moor", free=0))
    with pytest.raises(AssertionError):
        assert_as_stored(sqlite_hub)


@contextmanager
def another(settings: Settings, clock: Clock) -> Iterator[Hub]:
    """A second process's hub on the same database, as far as memory goes."""
    opened = Hub.open(settings, clock=clock)
    yield opened
    opened.close()


def test_what_another_process_writes_is_followed(hub: Hub, database_url: str, tmp_path: Any, clock: Clock) -> None:
    tell(hub, report("moor", free=1))
    assert_as_stored(hub)
    with another(Settings(database=database_url, folder=tmp_path), clock) as other:
        tell(other, report("moor", free=0), report("heide", free=2))
        assert_as_stored(other)
    assert_as_stored(hub)


@pytest.mark.parametrize("name", ["_CHANGES_MAX", "_OFFERS_MAX"])
def test_who_is_too_far_behind_reads_all_anew(hub: Hub, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    tell(hub, *(report(f"h{number}") for number in range(8)))
    assert_as_stored(hub)
    monkeypatch.setattr(blocks_module, name, 3)
    tell(hub, *(report(f"h{number}", free=0) for number in range(8)))
    assert_as_stored(hub)


def test_what_is_not_listed_any_more_is_not_missed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is shortened: who has not read it by then cannot know what stood there."""
    tell(hub, report("moor", free=1), report("heide", free=1))
    assert_as_stored(hub)
    monkeypatch.setattr(changes_module, "_KEPT", 1)
    monkeypatch.setattr(changes_module, "_BETWEEN", 0)
    tell(hub, report("moor", free=0))
    tell(hub, report("heide", free=0))
    with hub.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(PUBLIC.change)).scalar_one() < 5
    assert_as_stored(hub)


def test_an_older_snapshot_spoils_nothing(hub: Hub) -> None:
    """Where somebody still reads what was there before, what he reads is not kept for others."""
    tell(hub, report("moor", free=1))
    blocks = Blocks(PUBLIC)
    with hub.database.snapshot() as older:
        Blocks(PUBLIC).follow(older.all)  # PostgreSQL takes a snapshot at its first statement
        tell(hub, report("moor", free=0), report("heide", free=1))
        with hub.database.snapshot() as newer:
            blocks.follow(newer.all)
        was_there = known(blocks, older, PUBLIC)
        assert was_there == known(Blocks(PUBLIC), older, PUBLIC)
    with hub.database.snapshot() as reader:
        is_there = known(blocks, reader, PUBLIC)
        assert is_there == known(Blocks(PUBLIC), reader, PUBLIC)
    assert is_there != was_there


def test_what_was_read_of_a_server_that_is_gone_is_not_kept(hub: Hub) -> None:
    """The one that takes its place may not have had its last commits: its list of changes goes on from before."""
    tell(hub, report("moor", free=1))
    with hub.database.snapshot() as reader:
        before = reader.blocks["public"], reader.kept["public"]
    with pytest.raises(psycopg.OperationalError), hub.database.snapshot():
        raise psycopg.OperationalError
    with hub.database.snapshot() as reader:
        after = reader.blocks["public"], reader.kept["public"]
    assert before[0] is not after[0]
    assert before[1] is not after[1]
    assert_as_stored(hub)
