"""Group commit: parts share a transaction, and one that fails takes none with it."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError

from hub.errors import TooCostly
from hub.search.registry import ALL_TYPES, Registry
from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.prepared import Prepared
from hub.store.reader import Transaction
from hub.store.repository import Repository
from hub.store.schema import migrate
from hub.store.tables import PROFESSIONAL, about
from hub.store.writer import Writer

ADD = Prepared(insert(about).values(name=bindparam("the_name"), value=bindparam("the_value")))
ALL = Prepared(select(about.c.name).where(about.c.value == "test"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def add(transaction: Transaction, name: str) -> str:
    transaction.run(ADD, {"the_name": name, "the_value": "test"})
    return name


def there(database: Database) -> set[str]:
    with database.snapshot() as reader:
        return {name for (name,) in reader.all(ALL)}


def test_every_part_is_written_and_answered(database: Database) -> None:
    writer = Writer(database)
    answers = [writer.submit(lambda transaction, name=f"n{number}": add(transaction, name)) for number in range(200)]  # type: ignore[misc]
    assert [answer.result(30) for answer in answers] == [f"n{number}" for number in range(200)]
    writer.close()
    assert len(there(database)) == 200


def test_a_part_that_fails_takes_none_with_it(database: Database) -> None:
    writer, hold = Writer(database), threading.Event()

    def broken(transaction: Transaction) -> None:
        add(transaction, "undone")
        raise LookupError("no")

    first = writer.submit(lambda _: hold.wait(30))
    parts: list[Future[Any]] = [
        writer.submit(lambda transaction: add(transaction, "before")),
        writer.submit(broken),
        writer.submit(lambda transaction: add(transaction, "after")),
    ]
    hold.set()
    assert first.result(30)
    assert (parts[0].result(30), parts[2].result(30)) == ("before", "after")
    with pytest.raises(LookupError):
        parts[1].result(30)
    writer.close()
    assert there(database) == {"before", "after"}


def test_who_lost_a_race_sees_what_won(database: Database) -> None:
    """The second of two equal names breaks the constraint once; run again alone it finds the name there."""
    writer, hold, tries = Writer(database), threading.Event(), []

    def unless_there(transaction: Transaction) -> str:
        tries.append(1)
        if len(tries) > 1 and ("n",) in transaction.all(ALL):
            return "was there"
        return add(transaction, "n")

    first = writer.submit(lambda _: hold.wait(30))
    with database.transaction() as other:
        add(other, "n")
    answer = writer.submit(unless_there)
    hold.set()
    assert first.result(30)
    assert answer.result(30) == "was there"
    writer.close()
    assert there(database) == {"n"}


def test_what_follows_a_commit_waits_for_it(database: Database) -> None:
    writer, seen = Writer(database), []

    def part(transaction: Transaction) -> None:
        add(transaction, "n")
        transaction.after_commit(lambda: seen.append(there(database)))

    writer.submit(part).result(30)
    writer.close()
    assert seen == [{"n"}]


@pytest.mark.parametrize("error", [RuntimeError("no"), IntegrityError("no", {}, Exception())])
def test_what_fails_after_a_commit_fails_no_write(database: Database, error: Exception) -> None:
    writer, written = Writer(database), []

    def part(transaction: Transaction) -> str:
        written.append(1)

        def fail() -> None:
            raise error

        transaction.after_commit(fail)
        return add(transaction, "n")

    assert writer.submit(part).result(30) == "n"
    assert writer.submit(lambda transaction: add(transaction, "m")).result(30) == "m"
    writer.close()
    assert (there(database), written) == ({"n", "m"}, [1])


def test_who_goes_away_stops_nobody(database: Database) -> None:
    writer, hold = Writer(database), threading.Event()
    first = writer.submit(lambda _: hold.wait(30))
    gone = writer.submit(lambda transaction: add(transaction, "gone"))
    assert gone.cancel()
    hold.set()
    assert first.result(30)
    assert writer.submit(lambda transaction: add(transaction, "n")).result(30) == "n"
    writer.close()
    assert there(database) == {"n"}


def test_a_search_that_takes_too_long_is_given_up_and_undoes_its_part_alone(database: Database) -> None:
    endless = Prepared(
        text(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) "
            "SELECT count(*) FROM n"
        )
    )
    writer = Writer(database)

    def part(transaction: Transaction) -> None:
        add(transaction, "undone")
        transaction.all(endless)

    began = time.monotonic()
    with pytest.raises(TooCostly):
        writer.submit(part).result(60)
    assert time.monotonic() - began < 10
    assert writer.submit(lambda transaction: add(transaction, "n")).result(30) == "n"
    writer.close()
    assert there(database) == {"n"}


def test_versions_are_committed_in_the_order_of_their_times(database: Database) -> None:
    """Who reads the history since the newest version that it saw must miss none, however long another one takes."""
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer")
    repository = Repository(PROFESSIONAL, Registry(ALL_TYPES))
    slow_has_begun, told = threading.Event(), []

    def write(name: str, wait: float) -> None:
        with database.transaction() as transaction:
            draft = Draft.of({"resourceType": "Basic", "id": name, "code": {"text": name}})
            written = repository.store(transaction, [draft], at=int(time.time() * 1e6))
            slow_has_begun.set()
            time.sleep(wait)
        told.append((written.versions["Basic", name].updated, name))

    slow = threading.Thread(target=write, args=("slow", 0.5))
    slow.start()
    slow_has_begun.wait(10)
    write("fast", 0)
    slow.join()
    assert [name for _, name in told] == ["slow", "fast"]
    assert told == sorted(told)


def test_what_fills_the_disk_takes_nothing_acknowledged_with_it(tmp_path: Path) -> None:
    """SQLite undoes the whole transaction by itself then: what else is in it must be written again."""
    database = Database(f"sqlite:///{tmp_path / 'full.db'}")
    migrate(database)
    writer, hold = Writer(database), threading.Event()
    with database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with database.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 40}")
    first = writer.submit(lambda _: hold.wait(30))
    before = writer.submit(lambda transaction: add(transaction, "before"))
    big = writer.submit(
        lambda transaction: transaction.many(
            ADD, [{"the_name": f"big{number}", "the_value": "x" * 4000} for number in range(500)]
        )
    )
    after = writer.submit(lambda transaction: add(transaction, "after"))
    hold.set()
    assert first.result(30)
    assert (before.result(30), after.result(30)) == ("before", "after")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        big.result(30)
    writer.close()
    assert there(database) == {"before", "after"}
    database.close()


def test_joint_work_that_answers_too_few_is_undone_and_done_for_each(database: Database) -> None:
    writer, hold = Writer(database), threading.Event()
    tries: list[list[str]] = []

    def joint(transaction: Transaction, items: Sequence[str]) -> list[str]:
        tries.append(list(items))
        return [add(transaction, item) for item in items][:1]

    first = writer.submit(lambda _: hold.wait(30))
    answers = [writer.join(joint, name) for name in ("one", "two")]
    hold.set()
    assert first.result(30)
    assert [answer.result(30) for answer in answers] == ["one", "two"]
    writer.close()
    assert there(database) == {"one", "two"}
    assert tries == [["one", "two"], ["one"], ["two"]]


def test_who_fails_at_hearing_of_an_error_stops_nobody(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    writer, heard = Writer(database), []

    def joint(_: Transaction, items: Sequence[str]) -> list[str]:
        raise LookupError(*items)

    def failed(item: str, error: BaseException) -> None:
        heard.append((item, str(error)))
        raise RuntimeError

    with pytest.raises(LookupError):
        writer.join(joint, "n", failed=failed).result(30)
    assert writer.submit(lambda transaction: add(transaction, "m")).result(30) == "m"
    writer.close()
    assert heard == [("n", "n")]
    assert [record.getMessage() for record in caplog.records] == ["RuntimeError while telling of an error"]


def test_those_who_are_answered_together_write_together_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.store.writer._PATIENCE", 30.0)
    groups: list[list[str]] = []

    def joint(_: Transaction, items: Sequence[str]) -> list[str]:
        groups.append(list(items))
        if len(groups) == 1:
            time.sleep(1)  # so that half of it is long enough for an answer
        return list(items)

    writer = Writer(database)
    try:
        first = writer.join(joint, "first")
        while not groups:
            time.sleep(0.001)
        second = writer.join(joint, "second")
        assert first.result() == "first"
        time.sleep(0.1)  # the second waits already, and is written when the first one says more
        again = writer.join(joint, "first again")
        assert (second.result(), again.result()) == ("second", "first again")
        writer.join(joint, "alone").result()
    finally:
        writer.close()
    assert groups == [["first"], ["second", "first again"], ["alone"]]
