"""What a repository keeps: every byte of a version, numbers from 1, counters, and index rows of what is there now."""

import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import orjson
import pytest
from hypothesis import given, settings
from sqlalchemy import bindparam, func, select, update

from hub.errors import Invalid
from hub.store.database import Database
from hub.store.draft import Draft, Found
from hub.store.prepared import Prepared, one_of, packed_pair
from hub.store.reader import Reader
from hub.store.repository import Repository, tree_of
from hub.store.schema import migrate
from hub.store.tables import PROFESSIONAL

AT = 1_795_000_000_000_000


class ByName:
    """Indexes `name` and the id."""

    def rows(self, tree: Mapping[str, Any]) -> Iterable[tuple[str, tuple[object, ...]]]:
        yield "token", (1, tree["id"], "")
        if "name" in tree:
            yield "string", (2, tree["name"], tree["name"])

    def moved(self, before: Mapping[str, Any], now: Mapping[str, Any], elements: Set[str]) -> tuple[Found, Found]:
        assert "name" in elements
        old, new = set(self.rows(before)), set(self.rows(now))
        return old - new, new - old

    def reads(self, resource_type: str, elements: Set[str]) -> bool:
        return "name" in elements

    def tables(self, resource_type: str) -> Iterable[str]:
        return ("token", "string")


@pytest.fixture
def repository() -> Repository:
    return Repository(PROFESSIONAL, ByName())  # type: ignore[arg-type]  # a generator of names is enough here


@pytest.fixture
def database(bare_database_url: str) -> Iterable[Database]:
    """One without the definitions that every hub begins with."""
    opened = Database(bare_database_url)
    migrate(opened)
    yield opened
    opened.close()


def draft(resource_id: str = "a", **elements: object) -> Draft:
    return Draft.of({"resourceType": "Organization", "id": resource_id, **elements})


def names(reader: Reader) -> list[str]:
    table = PROFESSIONAL.indexes["string"]
    return sorted(name for (name,) in reader.all(Prepared(select(table.c.folded).where(table.c.param == 2))))


def counted(reader: Reader, resource_type: str = "Organization") -> int:
    count = PROFESSIONAL.count
    row = reader.first(Prepared(select(count.c.resources).where(count.c.type == resource_type)))
    return row[0] if row else 0


def test_what_was_sent_is_kept_to_the_last_decimal_zero(database: Database, repository: Repository) -> None:
    text = b"""{ "resourceType" : "Location", "id" : "a", "meta": {"versionId": "7", "source": "#x"},
      "position": {"longitude": 8.050, "latitude": 5.20e1}, "name": "Stra\\u00dfe" }"""
    tree = orjson.loads(text)
    with database.transaction() as transaction:
        repository.store(transaction, [Draft.received(tree, text)], at=AT)
    with database.snapshot() as reader:
        stored = repository.read(reader, "Location", "a")
    assert stored is not None and stored.content is not None
    assert b'"position":{"longitude":8.050,"latitude":5.20e1},"name":"Stra\\u00dfe"' in stored.content
    assert orjson.loads(stored.content)["meta"] == {
        "versionId": "1",
        "lastUpdated": "2026-11-18T11:06:40.000Z",
        "source": "#x",
    }


def test_versions_move_with_content_alone(database: Database, repository: Repository) -> None:
    told = []
    for name in ("one", "one", "two", "one"):
        with database.transaction() as transaction:
            written = repository.store(transaction, [draft(name=name)], at=AT)
        version = written.versions["Organization", "a"]
        told.append((version.version, version.change))
    assert told == [(1, "created"), (1, "unchanged"), (2, "updated"), (3, "updated")]


def test_versions_end_before_they_run_into_the_next_row(database: Database, repository: Repository) -> None:
    """The row and the version of what is shown are one number: of 24 bits for the version."""
    with database.transaction() as transaction:
        repository.store(transaction, [draft(name="one")], at=AT)
        for table in (PROFESSIONAL.resource, PROFESSIONAL.history):
            transaction.run(Prepared(update(table).values(version=2**24 - 3)))
        last = repository.store(transaction, [draft(name="last")], at=AT).versions["Organization", "a"]
        with pytest.raises(Invalid, match="16,777,214 versions"):
            repository.store(transaction, [draft(name="more"), draft("b", name="other")], at=AT)
        assert names(transaction) == ["last"]
        gone = repository.store(transaction, [], deletions=[("Organization", "a")], at=AT).versions["Organization", "a"]
        with pytest.raises(Invalid):
            repository.store(transaction, [draft(name="back")], at=AT)
    assert (last.version, gone.version) == (2**24 - 2, 2**24 - 1)
    assert packed_pair(gone.rid, gone.version) < packed_pair(gone.rid + 1, 1) - 1


def test_a_deleted_resource_keeps_its_numbers(database: Database, repository: Repository) -> None:
    with database.transaction() as transaction:
        repository.store(transaction, [draft(name="one")], at=AT)
        gone = repository.store(transaction, [], deletions=[("Organization", "a")], at=AT)
        again = repository.store(transaction, [], deletions=[("Organization", "a"), ("Organization", "never")], at=AT)
        assert (names(transaction), counted(transaction)) == ([], 0)
        back = repository.store(transaction, [draft(name="one")], at=AT)
        assert (names(transaction), counted(transaction)) == (["one"], 1)
    assert gone.versions["Organization", "a"].version == 2
    assert again.versions == {}
    assert (back.versions["Organization", "a"].version, back.versions["Organization", "a"].change) == (3, "created")


def test_a_savepoint_undoes_its_part_alone(database: Database, repository: Repository) -> None:
    with database.transaction() as transaction:
        repository.store(transaction, [draft("a", name="kept")], at=AT)
        with pytest.raises(ZeroDivisionError), transaction.savepoint():
            repository.store(transaction, [draft("b", name="undone")], at=AT)
            raise ZeroDivisionError
    with database.snapshot() as reader:
        assert (names(reader), counted(reader)) == (["kept"], 1)
        assert repository.read(reader, "Organization", "b") is None


def test_reindexing_makes_the_same_rows(database: Database, repository: Repository) -> None:
    with database.transaction() as transaction:
        repository.store(transaction, [draft(f"r{number}", name=f"n{number}") for number in range(7)], at=AT)
        repository.store(transaction, [], deletions=[("Organization", "r3")], at=AT)
        before = names(transaction)
        last: int | None = 0
        while last is not None:
            last = repository.reindex(transaction, last, most=2)
        assert names(transaction) == before
        assert repository.left_to_index(transaction, 0) == 7


_STEPS = st.lists(
    st.tuples(st.sampled_from(("a", "b", "c")), st.sampled_from(("one", "two", None))), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy: to make the tables anew for each example would take longer than all else."""
    path = tmp_path_factory.mktemp("empty") / "model.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@settings(max_examples=40)
@given(steps=_STEPS)
def test_a_repository_is_a_map_with_a_memory(
    empty_tables: Path, tmp_path_factory: pytest.TempPathFactory, steps: Any
) -> None:
    database = Database(f"sqlite:///{shutil.copy(empty_tables, tmp_path_factory.mktemp('model'))}")
    repository = Repository(PROFESSIONAL, ByName())  # type: ignore[arg-type]  # see above
    now: dict[str, str] = {}
    versions: dict[str, list[str | None]] = {}
    for resource_id, name in steps:
        with database.transaction() as transaction:
            if name is None:
                repository.store(transaction, [], deletions=[("Organization", resource_id)], at=AT)
            else:
                repository.store(transaction, [draft(resource_id, name=name)], at=AT)
        if name != now.get(resource_id):
            versions.setdefault(resource_id, []).append(name)
        now = {key: value for key, value in {**now, resource_id: name}.items() if value is not None}
    with database.snapshot() as reader:
        assert names(reader) == sorted(now.values())
        assert counted(reader) == len(now)
        for resource_id, told in versions.items():
            for number, name in enumerate(told, 1):
                stored = repository.vread(reader, "Organization", resource_id, number)
                assert stored is not None
                assert (tree_of(stored.content)["name"] if stored.content else None) == name
        total = reader.first(Prepared(select(func.count()).select_from(PROFESSIONAL.history)))
    assert total == (sum(len(told) for told in versions.values()),)
    database.close()


def test_a_list_of_values_is_looked_up_in_the_index(tmp_path: Path) -> None:
    """A condition that SQLAlchemy took for a value would be compared with 1, and find by reading everything."""
    database = Database(f"sqlite:///{tmp_path / 'plan.db'}")
    migrate(database)
    resource = PROFESSIONAL.resource
    statement = select(resource.c.rid).where(resource.c.type == bindparam("type"), one_of(resource.c.id, "ids"))
    text, _ = Prepared(statement).compiled("sqlite")
    with sqlite3.connect(tmp_path / "plan.db") as connection:
        told = connection.execute(f"EXPLAIN QUERY PLAN {text}", {"type": "Slot", "ids": "[]"}).fetchall()
    database.close()
    assert "(type=? AND id=?)" in told[0][3]
